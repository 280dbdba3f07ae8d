"""Mutants: a module with one number, operator or comparison of its arithmetic changed."""

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
    end: int  # the last line of what is changed
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
        yield Mutant(node.lineno, node.end_lineno or node.lineno, was, ast.unparse(node), ast.unparse(tree))


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
