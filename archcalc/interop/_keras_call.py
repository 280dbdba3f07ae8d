"""A layer's call in Python, with the arguments that matter."""

import ast
from collections.abc import Callable
from math import isfinite
from typing import Any

from archcalc.diagnostics import Refusal, Span
from archcalc.interop.reading import BAD_SETTING, INEXPRESSIBLE
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

Literal = bool | int | float | str | tuple[Any, ...] | None


class Call(NamedTuple):
    """A layer's call with the arguments that matter, all of them by name."""

    kind: str
    values: dict[str, Literal]
    places: dict[str, Span]
    span: Span

    def get(self, *names: str, default: Literal = None) -> Literal:
        """An argument under the first of its names that is given."""
        return next((self.values[name] for name in names if self.values.get(name) is not None), default)

    def place(self, *names: str) -> Span:
        return next((self.places[name] for name in names if name in self.places), self.span)

    def integer(self, *names: str, default: int | None = None) -> int:
        value = self.get(*names, default=default)
        if not isinstance(value, int) or isinstance(value, bool):
            what = "is missing" if value is None else "is no whole number"
            raise Refusal(BAD_SETTING, f"{self.kind}: {names[0]} {what}", self.place(*names))
        return value

    def number(self, *names: str, default: float) -> float:
        value = self.get(*names, default=default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
            raise Refusal(BAD_SETTING, f"{self.kind}: {names[0]} is no number", self.place(*names))
        return float(value)

    def boolean(self, *names: str, default: bool) -> bool:
        value = self.get(*names, default=default)
        if not isinstance(value, bool):
            raise Refusal(BAD_SETTING, f"{self.kind}: {names[0]} is not True or False", self.place(*names))
        return value

    def pair(self, *names: str, default: int | None = None) -> Pair:
        """A number, or two with the height first."""
        value = self.get(*names, default=default)
        if isinstance(value, tuple) and len(value) == 2 and all(type(one) is int for one in value):
            return Pair(value[1], value[0])
        size = self.integer(*names, default=default)
        return Pair(size, size)

    def word(self, *names: str, default: str = "") -> str:
        value = self.get(*names, default=default)
        if not isinstance(value, str):
            raise Refusal(BAD_SETTING, f"{self.kind}: {names[0]} is no word", self.place(*names))
        return value

    def refuse(self, message: str, *names: str) -> Refusal:
        return Refusal(INEXPRESSIBLE, f"{self.kind}: {message}", self.place(*names))


def number(operator: ast.operator, a: Literal, b: Literal) -> int | float | None:
    """The result of an arithmetic that stays small; None for anything else."""
    if not isinstance(a, int | float) or not isinstance(b, int | float) or max(abs(a), abs(b)) >= 10**18:
        return None
    if isinstance(operator, ast.Div | ast.FloorDiv) and not b:
        return None
    whole = isinstance(a, int) and isinstance(b, int)
    results: dict[type[ast.operator], Callable[[], int | float]] = {
        ast.Add: lambda: a + b,
        ast.Sub: lambda: a - b,
        ast.Mult: lambda: a * b,
        ast.Div: lambda: a / b,
    }
    if whole:
        results[ast.FloorDiv] = lambda: a // b
    found = results.get(type(operator))
    return found() if found else None


def shape_of(value: Literal) -> Volume | None:
    """A shape height, width, channels, or one of values alone."""
    if not isinstance(value, tuple) or not all(type(one) is int for one in value):
        return None
    if len(value) == 1:
        return Volume(1, 1, value[0])
    return Volume(value[1], value[0], value[2]) if len(value) == 3 else None
