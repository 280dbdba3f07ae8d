"""The space of networks: its axes, and what a point of it sets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archcalc.diagnostics import Span
from archcalc.language.definitions import Setting
from archcalc.reader.expression import evaluate
from archcalc.records import NamedTuple
from archcalc.variants.sweeping.numbers import Trace

INPUT = "input"
SIDES = ("width", "height", "channels")


class Axis(NamedTuple):
    """Names that get their values together: `values` has a sequence for each of them, all of one length."""

    names: tuple[str, ...]
    values: tuple[Sequence[Setting], ...]

    @property
    def size(self) -> int:
        return len(self.values[0])


class Derived(NamedTuple):
    """A name whose value is an expression of others."""

    name: str
    text: str
    span: Span


class Space(NamedTuple):
    """Every combination of the axes' values is a point, given by an index for each axis; the last one changes fastest.

    `known` are the names that the spec has; others are only for expressions.
    """

    axes: tuple[Axis, ...]
    derived: tuple[Derived, ...] = ()
    known: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        total = 1
        for axis in self.axes:
            total *= axis.size
        return total

    def names(self) -> list[str]:
        """All that a point sets, in order."""
        return [*(name for axis in self.axes for name in axis.names), *(one.name for one in self.derived)]

    def place(self, number: int) -> tuple[int, ...]:
        """The point with this number in the whole grid."""
        found = []
        for axis in reversed(self.axes):
            number, at = divmod(number, axis.size)
            found.append(at)
        return tuple(reversed(found))

    def point(self, index: Sequence[int]) -> dict[str, Setting]:
        """What a point sets: plain values."""
        return self._derive(
            {
                name: values[at]
                for axis, at in zip(self.axes, index, strict=True)
                for name, values in zip(axis.names, axis.values, strict=True)
            }
        )

    def numbers(self, trace: Trace, index: Sequence[int]) -> dict[str, Setting]:
        """What all points set, as numbers of a trace whose sample is the point `index`."""
        found: dict[str, Setting] = {}
        column = len(self.axes)
        for number, (axis, at) in enumerate(zip(self.axes, index, strict=True)):
            place = trace.axis(number, axis.size - 1, at)
            for name, values in zip(axis.names, axis.values, strict=True):
                if isinstance(values[0], tuple):
                    if len({len(one) for one in values}) > 1:  # type: ignore[arg-type] # lists are all of the values
                        found[name] = values[place.__index__()]
                        continue
                    parts = [tuple(one) for one in zip(*values, strict=True)]
                    found[name] = tuple(_number(trace, place, column + i, one, at) for i, one in enumerate(parts))
                    column += len(parts)
                else:
                    found[name] = _number(trace, place, column, values, at)  # type: ignore[arg-type]
                    column += 1
        return self._derive(found)

    def columns(self) -> list[Sequence[int] | None]:
        """The tables of the columns that `numbers` uses, behind the axes' own indices; None where one is not needed."""
        found: list[Sequence[int] | None] = []
        for axis in self.axes:
            for values in axis.values:
                if not isinstance(values[0], tuple):
                    found.append(None if steps(values) else values)  # type: ignore[arg-type]
                elif len({len(one) for one in values}) == 1:  # type: ignore[arg-type]
                    found += [None if steps(one) else one for one in zip(*values, strict=True)]
        return found

    def _derive(self, found: dict[str, Setting]) -> dict[str, Setting]:
        for one in self.derived:
            numbers = {name: value for name, value in found.items() if not isinstance(value, tuple)}
            found[one.name] = evaluate(one.text, numbers, one.span)
        return found


def steps(values: Sequence[int]) -> tuple[int, int] | None:
    """The first value and the step of an arithmetic progression."""
    if isinstance(values, range):
        return values.start, values.step
    step = values[1] - values[0] if len(values) > 1 else 0
    regular = all(one == values[0] + step * at for at, one in enumerate(values))
    return (values[0], step) if regular else None


def _number(trace: Trace, place: int, column: int, values: Sequence[int], at: int) -> int:
    if found := steps(values):
        return found[0] + found[1] * place
    least = min(values)
    return least + trace.axis(column, max(values) - least, values[at] - least)


def settings(found: Mapping[str, Setting], known: frozenset[str]) -> dict[str, Setting]:
    """What of a point is the spec's own variables."""
    return {name: value for name, value in found.items() if name in known}


def input_of(found: Mapping[str, Setting], known: frozenset[str], base: Callable[[], Any]) -> Any:
    """The input's volume of a point; None where it is the spec's."""
    names = [name for name in found if name not in known and name.partition(".")[0] == INPUT]
    if not names:
        return None
    volume = base()
    for name in names:
        value: Any = found[name]
        side = name.partition(".")[2]
        if side:
            volume = volume._replace(**{side: value})
        elif isinstance(value, tuple):
            volume = volume._replace(**dict(zip(SIDES, value, strict=True)))
        else:
            volume = volume._replace(width=value, height=value)
    return volume
