"""Mutation testing of the arithmetic core: `python tests/mutation.py [MODULE ...]`, by hand, minutes a module.

Every number, operator and comparison of a module is changed, one at a time, and the module's tests must notice
(without PyTorch: a formula is tested by more than one oracle).  A mutant is killed where a test fails or nothing
ends within two minutes of its own time.  Survivors are printed with their line; each is equivalent, or a test is missing.
"""

import ast
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SECONDS = 120

# The core, and the tests that know it, the most telling ones first.
CORE = {
    "volume": "tests/test_window.py tests/layers/test_layers.py tests/analysis/test_receptive.py tests/zoo/test_facts.py tests/forward",
    "layers/misfit": "tests/test_window.py tests/layers/test_misfit.py tests/layers/test_layers.py tests/language/test_specs.py",
    "layers/conv": "tests/layers/test_layers.py tests/zoo/test_facts.py tests/forward",
    "layers/deconv": "tests/layers/test_layers.py tests/forward tests/analysis/test_receptive.py",
    "layers/pool": "tests/layers/test_layers.py tests/zoo/test_facts.py tests/forward",
    "layers/norm": "tests/layers/test_layers.py tests/zoo/test_facts.py tests/forward",
    "layers/merge": "tests/layers/test_layers.py tests/forward tests/language/test_branches.py",
    "layers/local": "tests/layers/test_layers.py tests/zoo/test_facts.py tests/forward",
    "layers/dense": "tests/layers/test_layers.py tests/zoo/test_facts.py tests/forward",
    "analysis/receptive": "tests/analysis/test_receptive_cases.py tests/analysis/test_receptive.py tests/zoo/test_facts.py",
    "memory/autograd": "tests/memory tests/zoo/test_zoo.py",
    "memory/plan": "tests/memory tests/checks/test_expect.py",
    "memory/fitting": "tests/memory",
    "memory/liveness": "tests/memory",
    "reader/expression": "tests/language/test_blocks.py tests/language/test_specs.py tests/reader/test_source.py",
    "language/pattern": "tests/language tests/authoring/test_write.py",
}

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    line: int
    was: str
    now: str
    source: str


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a module, one change each."""
    for number in range(sum(1 for _ in _places(ast.parse(text)))):
        tree = ast.parse(text)
        node, change = next(place for at, place in enumerate(_places(tree)) if at == number)
        was = ast.unparse(node)
        change()
        yield Mutant(node.lineno, was, ast.unparse(node), ast.unparse(tree))


def _places(tree: ast.Module) -> Iterator[tuple[ast.expr, "Change"]]:
    skipped = {id(one) for node in ast.walk(tree) for one in _not_arithmetic(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not _is_text(node):
            yield node, Change(node, "op", _OPERATORS[type(node.op)]())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
            yield node, Change(node, "ops", [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield node, Change(node, "value", node.value + 1)
        elif isinstance(node, ast.BoolOp):
            yield node, Change(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        elif isinstance(node, ast.IfExp):
            yield node, Change(node, "test", ast.UnaryOp(ast.Not(), node.test))
        elif isinstance(node, ast.Name) and node.id in _NAMES:
            yield node, Change(node, "id", _NAMES[node.id])


class Change(NamedTuple):
    """A field of a node that is to hold something else."""

    node: ast.expr
    field: str
    value: object

    def __call__(self) -> None:
        setattr(self.node, self.field, self.value)
        ast.fix_missing_locations(self.node)


def _not_arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """What stands below annotations, texts for people and the declarations of keys and rules."""
    below: Sequence[ast.AST] = []
    if isinstance(node, ast.AnnAssign):
        below = [node.annotation]
    elif isinstance(node, ast.FunctionDef):
        below = [one.annotation for one in node.args.args if one.annotation] + ([node.returns] if node.returns else [])
    elif isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("key", "rule", "Literal")
    ):
        below = [node]
    for one in below:
        yield from ast.walk(one)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in ast.walk(node)
    )


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from another text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def killed(name: str, path: Path, source: str, tests: list[str]) -> bool:
    """Whether the tests notice; in a process of its own, forked from one that has imported what is large."""
    child = os.fork()
    if not child:
        os.setpgrp()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of its own time: machines are shared
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.meta_path.insert(0, _Instead(name, path, source))  # with plain asserts pytest puts no finder before it
        import pytest

        os._exit(int(pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-m", "not torch", *tests])))
    _, status = os.waitpid(child, 0)
    return status != 0


def main(wanted: list[str]) -> None:
    os.chdir(ROOT)
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    sys.path.insert(0, str(ROOT))
    import click.testing
    import numpy as np
    import pytest
    import rich.table
    import yaml

    del click, np, pytest, rich, yaml
    total = noticed = 0
    for module in wanted or CORE:
        path = ROOT / "archcalc" / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        name = "archcalc." + module.replace("/", ".")
        tests = CORE[module].split()
        assert not killed(name, path, text, tests), f"{module}: the tests fail without a mutant"
        assert killed(name, path, "raise ImportError", tests), f"{module}: the tests run without it"
        count = alive = 0
        for one in mutants(text):
            count += 1
            if not killed(name, path, one.source, tests):
                alive += 1
                print(f"  {path.relative_to(ROOT)}:{one.line}: {one.was}  ->  {one.now}", flush=True)
        print(f"{module}: {count - alive} of {count} killed", flush=True)
        total, noticed = total + count, noticed + count - alive
    print(f"in all: {noticed} of {total} killed ({100 * noticed / max(1, total):.1f}%)")


if __name__ == "__main__":
    main(sys.argv[1:])
