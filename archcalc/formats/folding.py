"""Repetitions in a table: which lines only repeat the ones just above them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

LONGEST_UNIT = 64
LEAST_SAVED = 4


class Run(NamedTuple):
    """`unit` lines from `at` on, which stand there `times` times."""

    at: int
    unit: int
    times: int


def runs(lines: Sequence[object]) -> Iterator[Run]:
    """Cut lines, equal where nothing tells them apart, into runs; a fold is only made where it saves lines."""
    known: dict[object, int] = {}
    keys = [known.setdefault(line, len(known)) for line in lines]
    at = 0
    while at < len(keys):
        best, times = 1, 1
        for unit in range(1, min(LONGEST_UNIT, (len(keys) - at) // 2) + 1):
            if keys[at] != keys[at + unit] or keys[at : at + unit] != keys[at + unit : at + 2 * unit]:
                continue
            repeats = 2
            while keys[at : at + unit] == keys[at + repeats * unit : at + (repeats + 1) * unit]:
                repeats += 1
            if unit * (repeats - 1) > best * (times - 1):
                best, times = unit, repeats
        if best * (times - 1) < LEAST_SAVED:
            best, times = 1, 1
        yield Run(at, best, times)
        at += best * times


def named(run: Run, last: str) -> str:
    """What stands instead of the repetitions: `3 x the 2 lines above, to conv9`."""
    what = "the line above" if run.unit == 1 else f"the {run.unit} lines above"
    return f"{run.times - 1:,} x {what}, to {last}"
