"""Blocks: stretches of parts that have one shape and differ only in numbers.

Numbers that change together are one variable, a multiple of another is written as one.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from archcalc.authoring.folding.parts import Branches, Call, Number, Part, Step, numbers_of, shape_of

LONGEST_UNIT = 24  # parts of a block
MOST_PARTS = 20_000  # in a list that is searched for blocks
MOST_BLOCKS = 12
MOST_VARIABLES = 12  # of a block; more are no shorter to read than what they stand for


class Text(NamedTuple):
    """What is written for a number: itself, or so many times a variable."""

    value: int
    variable: str = ""


class Block(NamedTuple):
    name: str
    variables: tuple[str, ...]
    parts: tuple[Part, ...]
    texts: tuple[Text, ...]  # what stands for every number of the parts


class Blocks:
    """The blocks of a list of parts, each found in the list with those before it.

    `lines`: about how many lines a step takes.  `reserved`: names that no block can have.  `most`: variables of a block.
    """

    def __init__(
        self, lines: float, reserved: Callable[[str], bool] = lambda name: False, most: int = MOST_VARIABLES
    ) -> None:
        self.found: list[Block] = []
        self.step_lines, self.reserved, self.most = lines, reserved, most

    def fold(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The list with calls of blocks in it."""
        while len(self.found) < MOST_BLOCKS and (shorter := self._folded(parts)) is not None:
            parts = shorter
        return parts

    def _folded(self, parts: tuple[Part, ...]) -> tuple[Part, ...] | None:
        """The list with a new block in place of the stretches that save most; None where none pays."""
        if len(parts) > MOST_PARTS:
            return None
        numbering: dict[Any, int] = {}
        shapes = [numbering.setdefault(shape_of(one), len(numbering)) for one in parts]
        weights = [self.lines(one) for one in parts]
        best, saved = (0, 0), 0.0
        for length in range(1, min(LONGEST_UNIT, len(parts) // 2) + 1):
            starts: dict[tuple[int, ...], list[int]] = {}
            for at in range(len(parts) - length + 1):
                places = starts.setdefault(tuple(shapes[at : at + length]), [])
                if not places or at >= places[-1] + length:
                    places.append(at)
            for unit, places in starts.items():
                if _periodic(unit):  # the shorter one repeats
                    continue
                first = places[0]
                weight = sum(weights[first : first + length])
                gain = (len(places) - 1) * weight - len(places) - 4
                if isinstance(parts[first], Branches) and isinstance(parts[first + length - 1], Step):
                    gain += 2  # people begin a block with its join, and end it with what follows
                if len(places) > 1 and weight >= 2 and gain > saved and self._pays(parts, places, length):
                    best, saved = (first, length), gain
        first, length = best
        return self._called(parts, _places(shapes, shapes[first : first + length]), length) if length else None

    def _pays(self, parts: tuple[Part, ...], places: list[int], length: int) -> bool:
        """Whether a block would have few variables, and is more than calls of others, or than a row of different ones."""
        unit = parts[places[0] : places[0] + length]
        if all(isinstance(one, Call) for one in unit):
            return False
        if any(
            isinstance(a, Call) and isinstance(b, Call) and a.block == b.block and a != b for a, b in pairwise(unit)
        ):
            return False
        rows = [[value for one in parts[at : at + length] for _, value in numbers_of(one)] for at in places]
        return len({column for column in zip(*rows, strict=True) if len(set(column)) > 1}) <= self.most

    def _called(self, parts: tuple[Part, ...], places: list[int], length: int) -> tuple[Part, ...]:
        unit = parts[places[0] : places[0] + length]
        names, texts, columns = variables(
            [[one for part in parts[at : at + length] for one in numbers_of(part)] for at in places]
        )
        block = Block(self._named(unit), names, unit, texts)
        self.found.append(block)
        calls = {at: Call(block.name, names, tuple(column[row] for column in columns)) for row, at in enumerate(places)}
        out: list[Part] = []
        at = 0
        while at < len(parts):
            out.append(calls.get(at, parts[at]))
            at += length if at in calls else 1
        return tuple(out)

    def _named(self, unit: tuple[Part, ...]) -> str:
        """What a block is: a residual or dense block, an inception module, or a block."""
        joins = [one for one in unit if isinstance(one, Branches)]
        base = "block"
        if joins and joins[0].type == "add":
            base = "residual"
        elif joins and joins[0].type == "concat":
            base = "dense" if len(joins[0].branches) == 2 and () in joins[0].branches else "inception"
        elif any(isinstance(one, Step) and one.type == "dwconv" for one in unit):
            base = "separable"
        taken = {one.name for one in self.found}
        names = (base if number == 1 else f"{base}{number}" for number in range(1, 10 * MOST_BLOCKS))
        return next(name for name in names if name not in taken and not self.reserved(name))

    def lines(self, part: Part) -> float:
        """About how many lines a part takes."""
        if isinstance(part, Branches):
            return 1 + sum(max(1.0, sum(self.lines(one) for one in branch)) for branch in part.branches)
        return 1 if isinstance(part, Call) and len(part.variables) > 1 else self.step_lines


def variables(rows: list[list[Number]]) -> tuple[tuple[str, ...], tuple[Text, ...], list[tuple[int, ...]]]:
    """Names of variables, what is written for every number, and the values of each variable by row."""
    columns = [tuple(row[at][1] for row in rows) for at in range(len(rows[0]))]
    keys = [name for name, _ in rows[0]]
    changing = sorted({one for one in columns if len(set(one)) > 1}, key=lambda one: (sum(one), columns.index(one)))
    bases: list[tuple[int, ...]] = []
    for column in changing:  # small ones first, of which others may be multiples
        if not any(_times(column, base) for base in bases):
            bases.append(column)
    named: dict[str, tuple[int, ...]] = {}
    for base in sorted(bases, key=columns.index):
        key = keys[columns.index(base)].rstrip("0123456789")
        named[next(word for n in range(1, 1_000) if (word := key if n == 1 else f"{key}{n}") not in named)] = base
    written = {}
    for column in changing:
        name, times = next(
            (name, _times(column, base)) for name, base in named.items() if column == base or _times(column, base)
        )
        written[column] = Text(times or 1, name)
    return tuple(named), tuple(written.get(one, Text(one[0])) for one in columns), list(named.values())


def _places(shapes: list[int], wanted: list[int]) -> list[int]:
    """Where a stretch stands, from the left and without overlaps."""
    places, at = [], 0
    while at <= len(shapes) - len(wanted):
        if shapes[at : at + len(wanted)] == wanted:
            places.append(at)
            at += len(wanted)
        else:
            at += 1
    return places


def _periodic(unit: tuple[int, ...]) -> bool:
    """Whether a stretch is a shorter one twice or more, the last time perhaps not to its end."""
    return any(unit[part:] == unit[:-part] for part in range(1, len(unit) // 2 + 1))


def _times(column: tuple[int, ...], base: tuple[int, ...]) -> int:
    """By which whole number, 2 or more, one column is another's multiple; 0 where it is not."""
    if not base[0] or column[0] % base[0] or column[0] // base[0] < 2:
        return 0
    times = column[0] // base[0]
    return times if all(one == times * other for one, other in zip(column, base, strict=True)) else 0
