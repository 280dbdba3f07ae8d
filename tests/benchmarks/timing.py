"""Timing as ratios taken in one run, so that a slow machine or a noisy minute moves both sides."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

Thunk = Callable[[], object]


def process(*command: str) -> Thunk:
    """A whole process, its output thrown away, bytecode on as for a user."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    return run


def python(code: str) -> Thunk:
    return process(sys.executable, "-c", code)


def seconds(run: Thunk) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def median(run: Thunk, times: int) -> float:
    """Median seconds of `run`, after one call that does not count."""
    run()
    return statistics.median(seconds(run) for _ in range(times))


def ratio(run: Thunk, against: Thunk, times: int) -> tuple[float, float, float]:
    """Median seconds of both, run in turn, and the median of their ratios pair by pair."""
    run(), against()
    pairs = [(seconds(run), seconds(against)) for _ in range(times)]
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(theirs), statistics.median(a / b for a, b in pairs)


def line(*cells: object, widths: Sequence[int] = (46, 14, 14, 30)) -> None:
    print("".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip(), flush=True)
