"""How boxes nest: a series, in which lanes run beside each other between a fork and where they meet again.

Nothing is said of it in a graph, so it is found in it: every path from a box leads through the first box that all of
them share (its immediate post-dominator), and what lies between falls into parts that do not touch, the lanes.
One part and an edge past it is no lane but a skip.  What begins at several places and never meets is columns of series.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from archcalc.formats.drawing.boxes import Box
from archcalc.records import NamedTuple

DEEPEST = 40  # lanes in lanes; what nests deeper is drawn in columns


class Series(NamedTuple):
    """One after the other."""

    items: tuple["Item", ...]


class Lanes(NamedTuple):
    """Beside each other, between the item before and the item after."""

    lanes: tuple["Part", ...]


class Columns(NamedTuple):
    """Series that branch and meet without nesting: each stands in the column behind the last of those it reads."""

    columns: tuple[tuple[Series, ...], ...]


Part = Series | Columns
Item = Box | Lanes | Columns


def nest(boxes: Sequence[Box]) -> Series:
    """All boxes, each once."""
    part = _part(boxes, _meets(boxes), range(len(boxes)), len(boxes), 0)
    return part if isinstance(part, Series) else Series((part,))


def flat(part: Part | Item) -> list[Box]:
    """The boxes of a part, in the order in which it is drawn."""
    if isinstance(part, Box):
        return [part]
    inner: Iterable[Part | Item] = chain(*part.columns) if isinstance(part, Columns) else part[0]
    return [box for one in inner for box in flat(one)]


def _meets(boxes: Sequence[Box]) -> list[int]:
    """For each box the first that all paths from it share; past the last box where they end apart, or with it."""
    meets = [len(boxes)] * len(boxes)
    for box in reversed(boxes):
        meets[box.number] = _shared(box.readers, meets)
    return meets


def _shared(starts: Sequence[int], meets: Sequence[int]) -> int:
    """The first box, of these and of those after them, that all paths from these share."""
    found = starts[0] if starts else len(meets)
    for other in starts[1:]:
        while found != other:  # the earlier of two goes on, until both are the same
            if found < other:
                found = meets[found]
            else:
                other = meets[other]
    return found


def _part(boxes: Sequence[Box], meets: Sequence[int], inside: Collection[int], end: int, depth: int) -> Part:
    """Boxes that touch, all of whose paths lead to `end`."""
    roots = [one for one in sorted(inside) if not any(read in inside for read in boxes[one].inputs)]
    meet = _shared(roots, meets)
    if depth > DEEPEST or (meet == end and len(roots) > 1 and len(_apart(boxes, inside)) == 1):
        return _columns(boxes, meets, inside, end, depth)
    if len(roots) == 1:
        return Series(tuple(_walk(boxes, meets, meet, end, depth)))
    before = _reached(boxes, roots, meet)
    return Series((*_between(boxes, meets, before, meet, depth), *_walk(boxes, meets, meet, end, depth)))


def _walk(boxes: Sequence[Box], meets: Sequence[int], first: int, end: int, depth: int) -> list[Item]:
    """From a box to the one where everything meets, which is not among them."""
    items: list[Item] = []
    at = first
    while at != end:
        items.append(boxes[at])
        meet = meets[at]
        if boxes[at].readers not in ((), (meet,)):
            items += _between(boxes, meets, _reached(boxes, boxes[at].readers, meet), meet, depth)
        at = meet
    return items


def _reached(boxes: Sequence[Box], starts: Iterable[int], end: int) -> frozenset[int]:
    """Boxes, and all that are on the paths from them to the end, which is not among them."""
    todo = [one for one in starts if one != end]
    found = set(todo)
    while todo:
        for one in boxes[todo.pop()].readers:
            if one != end and one not in found:
                found.add(one)
                todo.append(one)
    return frozenset(found)


def _between(boxes: Sequence[Box], meets: Sequence[int], inside: frozenset[int], end: int, depth: int) -> list[Item]:
    """What lies between a fork and its meeting point: one part goes on in the series, several are lanes."""
    parts = [_part(boxes, meets, one, end, depth + 1) for one in _apart(boxes, inside)]
    if len(parts) > 1:
        return [Lanes(tuple(parts))]
    return list(parts[0].items) if isinstance(parts[0], Series) else [parts[0]]


def _apart(boxes: Sequence[Box], inside: Collection[int]) -> list[set[int]]:
    """Boxes that touch belong together; parts in the order of their first boxes."""
    left = dict.fromkeys(sorted(inside))
    found: list[set[int]] = []
    while left:
        start = next(iter(left))
        del left[start]
        part, todo = {start}, [start]
        while todo:
            box = boxes[todo.pop()]
            for one in (*box.inputs, *box.readers):
                if one in left:
                    del left[one]
                    part.add(one)
                    todo.append(one)
        found.append(part)
    return found


def _columns(boxes: Sequence[Box], meets: Sequence[int], inside: Collection[int], end: int, depth: int) -> Columns:
    """Each series goes on as long as nothing but itself is read by it."""
    column: dict[int, int] = {}
    columns: list[list[Series]] = []
    for number in sorted(inside):
        if number in column:
            continue
        own = max((column[one] + 1 for one in boxes[number].inputs if one in column), default=0)
        items: list[Item] = []
        at = number
        while True:
            column[at] = own
            items.append(boxes[at])
            meet = meets[at]
            if meet == end or meet not in inside:
                break
            between = _reached(boxes, boxes[at].readers, meet)
            reads = {read for one in (*between, meet) for read in boxes[one].inputs}
            if not reads <= between | {at} or (between and depth > DEEPEST):
                break
            column.update(dict.fromkeys(between, own))
            if between:
                items += _between(boxes, meets, between, meet, depth)
            at = meet
        if own == len(columns):
            columns.append([])
        columns[own].append(Series(tuple(items)))
    return Columns(tuple(map(tuple, columns)))
