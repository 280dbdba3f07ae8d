"""Repeated parts of a series are drawn once, with how often they stand there."""

from collections.abc import Hashable, Iterable, Iterator
from itertools import chain

from archcalc.formats.drawing.boxes import Box
from archcalc.formats.drawing.nesting import Columns, Item, Lanes, Part, Series, flat
from archcalc.formats.folding import runs
from archcalc.records import NamedTuple


class Fold(NamedTuple):
    """A unit that stands `times` times; `hidden` are the boxes of all but the first, as often the boxes of the unit."""

    unit: "Folded"
    times: int
    hidden: tuple[Box, ...]


class Folded(NamedTuple):
    """A series whose repetitions are folds."""

    items: tuple["Shown", ...]


class Beside(NamedTuple):
    """What is drawn between two boxes: columns, behind each other, of parts below each other; lanes are one column."""

    columns: tuple[tuple[Folded, ...], ...]


Shown = Box | Beside | Fold


def folded(part: Part) -> Folded:
    """A part with its repetitions folded, in lanes, too; units begin where the blocks of a spec begin."""
    if isinstance(part, Columns):
        return Folded((_beside(part),))
    items = part.items
    lines, names, weights = [_alike(one) for one in items], [_name(one) for one in items], [*map(_weight, items)]
    found: list[Shown] = []
    for run in runs(lines, names, weights):
        unit = items[run.at : run.at + run.unit]
        if run.times == 1:
            found += map(_shown, unit)
        else:
            again = items[run.at + run.unit : run.at + run.unit * run.times]
            hidden = tuple(box for one in again for box in flat(one))
            found.append(Fold(folded(Series(tuple(unit))), run.times, hidden))
    return Folded(tuple(found))


def shown_by(part: Folded) -> dict[int, Box]:
    """The box that is drawn, for the number of every box; itself or the one of the unit it repeats."""
    found: dict[int, Box] = {}

    def look(item: Shown | Folded) -> None:
        for one in _inner(item):
            look(one)
        if isinstance(item, Box):
            found.setdefault(item.number, item)
        elif isinstance(item, Fold):
            unit = [*unfolded(item.unit)]
            found.update((box.number, found[unit[place % len(unit)].number]) for place, box in enumerate(item.hidden))

    look(part)
    return found


def unfolded(item: Shown | Folded) -> Iterator[Box]:
    """All boxes of a part, as often as they stand there."""
    if isinstance(item, Box):
        yield item
    for one in _inner(item):
        yield from unfolded(one)
    if isinstance(item, Fold):
        yield from item.hidden


def drawn_in(item: Shown | Folded) -> Iterator[Box]:
    """The boxes of a part that are drawn."""
    if isinstance(item, Box):
        yield item
    for one in _inner(item):
        yield from drawn_in(one)


def _inner(item: Shown | Folded) -> Iterable[Shown | Folded]:
    if isinstance(item, Folded):
        return item.items
    if isinstance(item, Beside):
        return chain(*item.columns)
    return (item.unit,) if isinstance(item, Fold) else ()


def _shown(item: Item) -> Shown:
    return item if isinstance(item, Box) else _beside(item)


def _beside(item: Lanes | Columns) -> Beside:
    columns = (item.lanes,) if isinstance(item, Lanes) else item.columns
    return Beside(tuple(tuple(map(folded, column)) for column in columns))


def _alike(item: Part | Item) -> Hashable:
    """Equal for parts that do the same to the same volumes, and read the boxes as far before them."""
    if isinstance(item, Box):
        rows = tuple(
            (row.node.layer.label, row.output, row.cost, row.activations, bool(row.lender)) for row in item.rows
        )
        return rows, item.row.inputs, tuple(item.number - one for one in item.inputs)
    if isinstance(item, Columns):
        return tuple(tuple(map(_alike, column)) for column in item.columns)
    return tuple(map(_alike, item[0]))


def _name(item: Item) -> str:
    return flat(item)[0].row.node.name


def _weight(item: Item) -> int:
    return len(flat(item))
