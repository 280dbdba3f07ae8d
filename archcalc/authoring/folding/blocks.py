"""Blocks: stretches of parts that have one shape and differ only in numbers.

Numbers that change together are one variable, a multiple of another is written as one.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, TypeAlias

from archcalc.authoring.folding.parts import Branches, Call, Number, Optional, Part, Step, numbers_of, shape_of
from archcalc.records import NamedTuple

LONGEST_UNIT = 24  # parts of a block
MOST_PARTS = 20_000  # in a list that is searched for blocks
MOST_BLOCKS = 12
MOST_VARIABLES = 12  # of a block; more are no shorter to read than what they stand for


Path: TypeAlias = tuple[int, ...]  # to a list of parts: which part, which of its branches, and so on
Place: TypeAlias = tuple[Path, int]
Lists: TypeAlias = dict[Path, tuple[Part, ...]]


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
    `inside`: whether branches are looked into, too.
    """

    def __init__(
        self,
        lines: float,
        reserved: Callable[[str], bool] = lambda name: False,
        most: int = MOST_VARIABLES,
        *,
        inside: bool = True,
    ) -> None:
        self.found: list[Block] = []
        self.step_lines, self.reserved, self.most, self.inside = lines, reserved, most, inside

    def fold(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The list with calls of blocks in it."""
        while len(self.found) < MOST_BLOCKS and (shorter := self._folded(parts)) is not None:
            parts = shorter
        return parts

    def _folded(self, parts: tuple[Part, ...]) -> tuple[Part, ...] | None:
        """The list with a new block in place of the stretches that save most, in branches, too; None where none pays."""
        lists: Lists = dict(_lists(parts, ())) if self.inside else {(): parts}
        if sum(map(len, lists.values())) > MOST_PARTS:
            return None
        numbering: dict[Any, int] = {}
        shapes = {
            path: [numbering.setdefault(shape_of(one), len(numbering)) for one in parts]
            for path, parts in lists.items()
        }
        best: tuple[Place, int] = ((), 0), 0
        saved = 0.0
        for length in range(1, LONGEST_UNIT + 1):
            for unit, places in _repeated(shapes, length).items():
                if _periodic(unit):  # the shorter one repeats
                    continue
                path, first = places[0]
                stretch = lists[path][first : first + length]
                weight = sum(map(self.lines, stretch))
                gain = (len(places) - 1) * weight - len(places) - 4
                if isinstance(stretch[0], Branches) and isinstance(stretch[-1], Step):
                    gain += 2  # people begin a block with its join, and end it with what follows
                if weight >= 2 and gain > saved and self._pays(lists, places, length):
                    best, saved = (places[0], length), gain
        (path, first), length = best
        if not length:
            return None
        wanted = tuple(shapes[path][first : first + length])
        return self._called(parts, lists, _repeated(shapes, length)[wanted], length)

    def _pays(self, lists: Lists, places: list[Place], length: int) -> bool:
        """Whether a block would have few variables, and is more than calls of others, or than a row of different ones."""
        (path, first), *_ = places
        unit = lists[path][first : first + length]
        if all(isinstance(one, Call) for one in unit):
            return False
        if any(
            isinstance(a, Call) and isinstance(b, Call) and a.block == b.block and a != b for a, b in pairwise(unit)
        ):
            return False
        columns = _filled([_numbers(lists, place, length) for place in places])
        return len({column for column in columns if len(set(column)) > 1}) <= self.most

    def _called(self, parts: tuple[Part, ...], lists: Lists, places: list[Place], length: int) -> tuple[Part, ...]:
        (path, first), *_ = places
        unit = lists[path][first : first + length]
        names, texts, columns = variables([_numbers(lists, place, length) for place in places])
        block = Block(self._named(unit), names, unit, texts)
        self.found.append(block)
        calls = {
            place: Call(block.name, names, tuple(column[row] for column in columns)) for row, place in enumerate(places)
        }

        def replaced(parts: tuple[Part, ...], path: Path) -> tuple[Part, ...]:
            out: list[Part] = []
            at = 0
            while at < len(parts):
                part = parts[at]
                call = calls.get((path, at))
                if call is None and isinstance(part, Branches):
                    branches = (replaced(one, (*path, at, number)) for number, one in enumerate(part.branches))
                    part = part._replace(branches=tuple(branches))
                out.append(part if call is None else call)
                at += 1 if call is None else length
            return tuple(out)

        return replaced(parts, ())

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
        if isinstance(part, Optional):
            return sum(self.lines(one) for one in part.parts)
        alone = part.alone if isinstance(part, Step) else len(part.variables) > 1
        return 1 if alone else self.step_lines


def variables(rows: list[list[Number]]) -> tuple[tuple[str, ...], tuple[Text, ...], list[tuple[int, ...]]]:
    """Names of variables, what is written for every number, and the values of each variable by row."""
    columns = _filled(rows)
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


def _filled(rows: list[list[Number]]) -> list[tuple[int, ...]]:
    """The columns of numbers; those of what is not there are as another column has them, or a multiple of it has."""
    columns = [tuple(row[at][1] for row in rows) for at in range(len(rows[0]))]
    whole = [one for one in map(_without_gaps, dict.fromkeys(columns)) if one]
    found: list[tuple[int, ...]] = []
    for column in columns:
        if same := _without_gaps(column):
            found.append(same)
            continue
        known = [one for one in column if one is not None]
        alike = (filled for one in whole if (filled := _as(column, one)))
        usual = known[0] if known else 0
        constant = tuple(usual if one is None else one for one in column)
        found.append(constant if len(set(known)) <= 1 else next(alike, constant))
    return found


def _without_gaps(column: tuple[int | None, ...]) -> tuple[int, ...]:
    """The column if it has no gaps, else nothing."""
    known = tuple(one for one in column if one is not None)
    return known if len(known) == len(column) else ()


def _as(column: tuple[int | None, ...], base: tuple[int, ...]) -> tuple[int, ...] | None:
    """A column with the gaps filled that make it another, or a multiple of it; None where it is not."""
    pairs = [(one, other) for one, other in zip(column, base, strict=True) if one is not None]
    if not pairs or not pairs[0][1] or pairs[0][0] % pairs[0][1]:
        return None
    times = pairs[0][0] // pairs[0][1]
    return tuple(times * one for one in base) if all(one == times * other for one, other in pairs) else None


def _lists(parts: tuple[Part, ...], path: Path) -> Iterator[tuple[Path, tuple[Part, ...]]]:
    """A list and those of its branches, with the way to each."""
    yield path, parts
    for at, part in enumerate(parts):
        if isinstance(part, Branches):
            for number, branch in enumerate(part.branches):
                yield from _lists(branch, (*path, at, number))


def _repeated(shapes: dict[Path, list[int]], length: int) -> dict[tuple[int, ...], list[Place]]:
    """The stretches of a length that occur several times: where they stand, from the left and without overlaps."""
    found: dict[tuple[int, ...], list[Place]] = {}
    for path, row in shapes.items():
        for at in range(len(row) - length + 1):
            places = found.setdefault(tuple(row[at : at + length]), [])
            if not places or places[-1][0] != path or at >= places[-1][1] + length:
                places.append((path, at))
    return {unit: places for unit, places in found.items() if len(places) > 1}


def _numbers(lists: Lists, place: Place, length: int) -> list[Number]:
    path, at = place
    return [number for part in lists[path][at : at + length] for number in numbers_of(part)]


def _periodic(unit: tuple[int, ...]) -> bool:
    """Whether a stretch is a shorter one twice or more, the last time perhaps not to its end."""
    return any(unit[part:] == unit[:-part] for part in range(1, len(unit) // 2 + 1))


def _times(column: tuple[int, ...], base: tuple[int, ...]) -> int:
    """By which whole number, 2 or more, one column is another's multiple; 0 where it is not."""
    if not base[0] or column[0] % base[0] or column[0] // base[0] < 2:
        return 0
    times = column[0] // base[0]
    return times if all(one == times * other for one, other in zip(column, base, strict=True)) else 0
