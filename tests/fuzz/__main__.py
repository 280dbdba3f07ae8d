"""`python tests/fuzz`: run texts against what must hold of any text, until a number of executions or for good.

    python tests/fuzz --executions 1_000_000                    # random specs of the grammar, all targets in turn
    python tests/fuzz --target onnx --executions 1_000_000      # model files, broken at random: a target a reader
    python tests/fuzz --engine atheris --target write           # guided by coverage; needs the extra `fuzz`

What fails is kept in tests/fuzz/seeds, where the tests run it from then on, and the exit code is 1.
"""

import argparse
import gc
import hashlib
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from fuzz.files import FILES, made, read
from fuzz.grammar import Bytes, Choices, pattern, spec
from fuzz.targets import TARGETS
from fuzz.yamls import yaml

SEEDS = Path(__file__).parent / "seeds"
HANGS = 20  # seconds of one execution
MEMORY = 4 << 30  # bytes of this process


class Random:
    """Decisions by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, limit: int) -> int:
        return int(self.random() * limit)


def text_for(target: str, choices: Choices) -> str | bytes:
    """What a target is run on: a text, or the bytes of a model file."""
    if target in FILES:
        return made(target, choices)
    if target == "reader" and choices.below(32):  # and now and then a spec, which takes it twenty times as long
        return yaml(choices)
    return (pattern if target == "pattern" else spec)(choices)


def run(target: str, text: str | bytes) -> object:
    return read(target, text) if isinstance(text, bytes) else TARGETS[target](text)


def keep(target: str, text: str | bytes, error: BaseException) -> Path:
    """Write what fails to the seeds."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    path = SEEDS / f"{target}-{hashlib.sha256(data).hexdigest()[:10]}.{'bin' if target in FILES else 'txt'}"
    path.write_bytes(data)
    print(f"{path}: {type(error).__name__}: {error}"[:500], flush=True)
    traceback.print_exception(error, limit=-3)
    return path


def hung(*_: object) -> None:
    raise TimeoutError(f"more than {HANGS} s")


def by_chance(targets: list[str], executions: int, seed: int) -> int:
    """Run the targets in turn; print figures every minute; the number of findings."""
    choices = Random(seed)
    signal.signal(signal.SIGPROF, hung)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    gc.disable()
    began = said = time.monotonic()
    counts, slowest, kinds = dict.fromkeys(targets, 0), 0.0, set[str]()
    done = 0
    while executions <= 0 or done < executions:
        target = targets[done % len(targets)]
        text = text_for(target, choices)
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANGS)  # of its own time: machines are shared
        try:
            run(target, text)
        except Exception as error:
            signal.setitimer(signal.ITIMER_PROF, 0)
            kind = f"{target} {type(error).__name__} {_where(error)}"
            if kind not in kinds:
                keep(target, text, error)
            kinds.add(kind)
        signal.setitimer(signal.ITIMER_PROF, 0)
        took = time.process_time() - started
        slowest = max(slowest, took)
        counts[target] += 1
        done += 1
        if not done % 2000:
            gc.collect()
        if time.monotonic() > said + 60 or done == executions:
            said = time.monotonic()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{done:,} executions in {said - began:,.0f} s, {len(kinds)} findings, slowest {slowest:.2f} s,"
                  f" {memory:,} MiB; {counts}", flush=True)  # fmt: skip
    return len(kinds)


def _where(error: BaseException) -> str:
    """The last line of our own code on the way to an error, so that one fault is kept once."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if "archcalc" in one.filename or "fuzz" in one.filename]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def guided(target: str, executions: int, seed: int) -> None:
    """Atheris chooses the bytes; it ends the process at the first finding."""
    from importlib import import_module

    atheris = import_module("atheris")

    def once(data: bytes) -> None:
        text: str | bytes
        if data[:1] < b"\xc0":
            text = text_for(target, Bytes(data[1:]))
        else:
            text = data[1:] if target in FILES else data[1:].decode("utf-8", "replace")
        try:
            run(target, text)
        except Exception as error:
            keep(target, text, error)
            raise

    atheris.instrument_all()
    folder = SEEDS.parent / "corpus"  # not kept in the repository
    folder.mkdir(exist_ok=True)
    arguments = [sys.argv[0], str(folder), f"-seed={seed}", "-max_len=600", f"-timeout={HANGS}", "-print_final_stats=1"]
    atheris.Setup(arguments + ([f"-runs={executions}"] if executions > 0 else []), once)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python tests/fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--engine", choices=["random", "atheris"], default="random")
    parser.add_argument("--target", choices=["all", *TARGETS, *FILES], default="all", help="all: those of specs")
    parser.add_argument("--executions", type=int, default=0, help="0: until interrupted")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.engine == "atheris":
        guided("write" if options.target == "all" else options.target, options.executions, options.seed)
        return 0
    targets = list(TARGETS) if options.target == "all" else [options.target]
    return int(by_chance(targets, options.executions, options.seed) > 0)


if __name__ == "__main__":
    sys.exit(main())
