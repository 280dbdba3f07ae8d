"""Mutation testing of the arithmetic core: `python tests/mutation.py [MODULE ...]`, by hand, minutes a module.

Every number, operator and comparison of a module is changed, one at a time, and the module's tests must notice
(without PyTorch: a formula is tested by more than one oracle).  Survivors are printed with their line; each is
equivalent, or a test is missing.  `--sample N` tries N of a module's mutants, chosen by `--seed`.

The tests are collected once and run once, which tells which of them come by which line, and how long they take.
A mutant is then a fork in which the code of the changed function is replaced and only those tests run, the quickest
first.  What is changed outside of functions is asked in a process that imports the mutant, with all the tests.  A mutant
is killed where a test fails, or takes long beyond its time.
"""

import argparse
import contextlib
import gc
import importlib.abc
import importlib.machinery
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper, partial
from importlib.util import spec_from_loader
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

from mutants import Mutant, mutants

ROOT = Path(__file__).parents[1]
SECONDS = 120  # of a process's own time: machines are shared
MEMORY = 6 << 30  # bytes of address space, of which a test without end would take any number

# The core, and the tests that know it.
_LAYERS = "tests/test_window.py tests/layers tests/analysis/test_receptive.py tests/forward"
_FIELDS = "tests/test_window.py tests/analysis/test_receptive_cases.py tests/analysis/test_receptive.py"
_MEMORY = "tests/memory tests/checks/test_expect.py"
CORE = {
    "volume": _FIELDS,
    "analysis/receptive": _FIELDS,
    **{f"layers/{one}": _LAYERS for one in ("base", "conv", "deconv", "dense", "depthwise", "local", "merge", "misfit")},
    **{f"layers/{one}": _LAYERS for one in ("norm", "pool", "adaptive", "reshape", "upsampling")},
    **{f"memory/{one}": _MEMORY for one in ("autograd", "plan", "fitting", "step", "storages", "operations", "gradients")},
    **{f"memory/{one}": _MEMORY for one in ("held", "inference", "liveness", "moments", "ordering", "arena", "blocks")},
    **{f"memory/{one}": _MEMORY for one in ("checkpointing", "doubled", "results", "settings")},
    "reader/expression": "tests/reader/test_expression.py",
    "language/pattern": "tests/language/test_specs.py tests/language/test_suggest.py tests/language/test_blocks.py tests/language/test_words.py tests/language/test_pattern.py",
}  # fmt: skip


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from another text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


class Session:
    """Runs in pytest in place of its loop: notes what each test comes by, then tries the mutants of some modules."""

    def __init__(self, tried: dict[Path, list[Mutant]]) -> None:
        self.tried = tried
        self.left: dict[Path, list[Mutant]] = {path: [] for path in tried}  # to be asked in a process that imports them
        self.alive: dict[Path, list[Mutant]] = {path: [] for path in tried}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        found: list[tuple[float, int, set[tuple[str, int]]]] = in_a_child(lambda: self.noted(session.items))
        found.sort()
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        caches = [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]
        gc.freeze()
        for path, those in self.tried.items():
            own = [one for one in functions if one.__code__.co_filename == str(path)]
            live = {one.__code__ for one in own}
            original = compile(path.read_text(encoding="utf-8"), str(path), "exec")
            for one in those:
                swapped = dict(_changes(original, compile(one.source, str(path), "exec")))
                lines = {(str(path), line) for line in range(one.line, one.end + 1)}
                chosen = [(took, session.items[at]) for took, at, seen in found if lines & seen]
                if not chosen or not swapped.keys() <= live:
                    self.left[path].append(one)
                elif in_a_child(partial(survives, chosen, own, swapped, caches), failed=False):
                    self.alive[path].append(one)
                    told(path, one)
        return True

    def noted(self, items: list[pytest.Item]) -> list[tuple[float, int, set[tuple[str, int]]]]:
        """Seconds, place in the list and lines of each test; a test that fails ends everything."""
        found = []
        for at, item in enumerate(items):
            lines: set[tuple[str, int]] = set()
            began = time.process_time()
            with traced({str(path) for path in self.tried}, lines):
                passed = run(item)
            if not passed:
                raise SystemExit(f"{item.nodeid} fails without a mutant")
            if lines:
                found.append((time.process_time() - began, at, lines))
        return found


def survives(
    chosen: list[tuple[float, pytest.Item]],
    functions: list[FunctionType],
    swapped: dict[CodeType, CodeType],
    caches: list[Any],
) -> bool:
    for one in functions:
        one.__code__ = swapped.get(one.__code__, one.__code__)
    for cache in caches:
        cache.cache_clear()
    for took, item in chosen:
        signal.setitimer(signal.ITIMER_PROF, 5 + 20 * took)
        if not run(item):
            return False
    return True


def _changes(was: CodeType, now: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The functions to replace, the outermost that differ; the module or a class where it differs itself."""
    inner = [
        (one, other) for one, other in zip(was.co_consts, now.co_consts, strict=False) if isinstance(one, CodeType)
    ]
    if _own(was) != _own(now):
        yield was, now
    elif was.co_flags & 0x2:  # a function whose inner ones differ is replaced as a whole
        if any(True for one, other in inner for _ in _changes(one, other)):
            yield was, now
    else:
        for one, other in inner:
            yield from _changes(one, other)


def _own(code: CodeType) -> tuple[object, ...]:
    """A code without the functions that it makes, and without its lines."""
    consts = [CodeType if isinstance(one, CodeType) else (type(one), one) for one in code.co_consts]
    return code.co_code, code.co_names, consts


@contextlib.contextmanager
def traced(paths: set[str], lines: set[tuple[str, int]]) -> Iterator[None]:
    """Collects the lines of some files that are come by."""

    def within(frame: FrameType, event: str, arg: object) -> Any:
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return within

    def begin(frame: FrameType, event: str, arg: object) -> Any:
        return within(frame, event, arg) if frame.f_code.co_filename in paths else None

    sys.settrace(begin)
    try:
        yield
    finally:
        sys.settrace(None)


def run(item: pytest.Item) -> bool:
    """Whether a test passes, or is skipped."""
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def in_a_child(question: Callable[[], Any], failed: Any = None) -> Any:
    """The answer of a forked process; `failed` where it comes to an end without one."""
    with tempfile.TemporaryFile() as answer:
        child = os.fork()
        if not child:
            os.setpgrp()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if failed is not None:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)
                os.dup2(null, 2)
            try:
                pickle.dump(question(), answer)
                answer.flush()
            except BaseException as error:  # noqa: BLE001  whatever it is, this process ends here
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status and failed is None:
            raise SystemExit("the tests fail without a mutant")
        if status:
            return failed
        answer.seek(0)
        return pickle.load(answer)


def pytest_run(tests: list[str], *plugins: object) -> int:
    options = ["-x", "-q", "-s", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not torch"]
    return int(pytest.main([*options, *tests], plugins=[*plugins]))


def killed(name: str, path: Path, source: str, tests: list[str]) -> bool:
    """Whether the tests notice, in a process that imports the mutant."""

    def outcome() -> int:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        sys.meta_path.insert(0, _Instead(name, path, source))  # with plain asserts pytest puts no finder before it
        return pytest_run(tests)

    return bool(in_a_child(outcome, failed=1) != 0)


def told(path: Path, one: Mutant) -> None:
    print(f"  {path.relative_to(ROOT)}:{one.line}: {one.was}  ->  {one.now}", flush=True)


def try_all(modules: list[str], tests: list[str], sample: int, seed: int) -> tuple[int, int]:
    """Mutants of modules with the same tests that were tried, and those that were killed; survivors are printed."""
    paths = {ROOT / "archcalc" / f"{module}.py": module for module in modules}
    known = {path: [*mutants(path.read_text(encoding="utf-8"))] for path in paths}
    chance = random.Random(seed)
    tried = {path: sorted(chance.sample(those, min(sample or len(those), len(those)))) for path, those in known.items()}

    def quickly() -> Session:
        session = Session(tried)
        pytest_run(tests, session)
        return session

    done: tuple[dict[Path, list[Mutant]], dict[Path, list[Mutant]]] = in_a_child(
        lambda: ((session := quickly()).left, session.alive)
    )
    total = noticed = 0
    for path, module in paths.items():
        name = "archcalc." + module.replace("/", ".")
        left = [one for one in done[0][path] if not killed(name, path, one.source, tests)]
        for one in left:
            told(path, one)
        alive = done[1][path] + left
        count, more = len(tried[path]), "" if tried[path] == known[path] else f", of {len(known[path])} there are"
        print(f"{module}: {count - len(alive)} of {count} killed{more}", flush=True)
        total, noticed = total + count, noticed + count - len(alive)
    return total, noticed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/mutation.py", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help=", ".join(CORE), metavar="MODULE")
    parser.add_argument("--sample", type=int, default=0, help="mutants of a module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    sys.path.insert(0, str(ROOT))
    import click.testing
    import numpy as np
    import rich.table
    import yaml

    del click, np, rich, yaml
    total = noticed = 0
    for tests, modules in groupby(options.modules or CORE, key=CORE.__getitem__):
        tried, dead = try_all([*modules], tests.split(), options.sample, options.seed)
        total, noticed = total + tried, noticed + dead
        sys.stdout.flush()
    print(f"in all: {noticed} of {total} killed ({100 * noticed / max(1, total):.1f}%)")


if __name__ == "__main__":
    main()
