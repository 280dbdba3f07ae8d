"""Lines between boxes: straight to the next, bent into lanes and out of them, over what a skip leads past."""

from collections.abc import Iterator, Mapping, Sequence

from archcalc.formats.drawing.boxes import Box
from archcalc.formats.drawing.layout import ARC, FORK, Layout, Spot
from archcalc.records import NamedTuple

MARGIN = 14  # how far a line leads out of a row that goes on below

Point = tuple[float, float]


class Edge(NamedTuple):
    """A path: where it begins, and its curves, each of two points that it is drawn to and one where it ends.

    Three times the same point is a straight line.  `broken`: it goes on in the next row.
    """

    start: Point
    curves: tuple[tuple[Point, Point, Point], ...]
    broken: bool = False


def edges(layout: Layout, shown: Mapping[int, Box]) -> Iterator[Edge]:
    """The lines of a layout, those into a box after those into the boxes before it."""
    spots = layout.spots
    rows: dict[int, list[Spot]] = {}
    for spot in spots.values():
        rows.setdefault(spot.row, []).append(spot)
    for number, spot in spots.items():
        for one in dict.fromkeys(shown[read].number for read in spot.box.inputs):
            source = spots[one]
            if source.row != spot.row:
                top = layout.arcs.get((one, number))
                if top is None and not _first(rows[spot.row], spot):
                    top = _over(rows[spot.row], None, spot)
                yield from _broken(source, spot, layout.rows[source.row] + MARGIN, top)
            elif (one, number) in layout.arcs:
                yield _arc(source, spot, layout.arcs[one, number])
            elif _clear(rows[spot.row], source, spot):
                yield _bent(source, spot)
            else:
                yield _arc(source, spot, _over(rows[spot.row], source, spot))


def _straight(end: Point) -> tuple[Point, Point, Point]:
    return end, end, end


def _bent(source: Spot, target: Spot) -> Edge:
    """Along the lane, and from axis to axis within the space before or behind lanes."""
    (x, y), (end, axis) = source.right, target.left
    if abs(y - axis) < 0.05:
        return Edge((x, y), (_straight((end, axis)),))
    bend = min(FORK, end - x)
    first = x if len(source.box.readers) > 1 else max(x, target.x - bend)
    last = min(end, first + bend)
    half = (first + last) / 2
    curve = ((half, y), (half, axis), (last, axis))
    lines = [_straight((first, y))] if first > x else []
    return Edge((x, y), (*lines, curve, *([_straight((end, axis))] if last < end else [])))


def _arc(source: Spot, target: Spot, top: float) -> Edge:
    """Up, over, and down onto the target."""
    (x, y), (end, low) = source.top, target.top
    reach = min(16.0, (end - x) / 2)
    return Edge(
        (x, y),
        (
            ((x, top), (x, top), (x + reach, top)),
            _straight((end - reach, top)),
            ((end, top), (end, top), (end, low)),
        ),
    )


def _broken(source: Spot, target: Spot, end: float, top: float | None) -> Iterator[Edge]:
    """Out of a row, and into the next; over what stands there where `top` says so."""
    if top is None:
        yield Edge(source.right, (_straight((end, source.right[1])),), broken=True)
        yield Edge((-MARGIN, target.left[1]), (_straight(target.left),), broken=True)
        return
    (x, y), (last, low) = source.top, target.top
    over = source.y - source.solid.up - ARC
    reach = min(16.0, end - x)
    yield Edge((x, y), (((x, over), (x, over), (x + reach, over)), _straight((end, over))), broken=True)
    yield Edge((-MARGIN, top), (_straight((last - 16, top)), ((last, top), (last, top), (last, low))), broken=True)


def _clear(row: Sequence[Spot], source: Spot, target: Spot) -> bool:
    """Whether no box stands in the way of a line along the axis of one of them."""
    left, right = source.x + source.solid.thick, target.x
    axis = (target if len(source.box.readers) > 1 else source).middle[1]
    return left < right and not any(
        left < other.x < right and other.y - other.solid.up < axis < other.y + other.solid.high
        for other in row
        if other is not source and other is not target
    )


def _first(row: Sequence[Spot], target: Spot) -> bool:
    """Whether no box of the row stands before one on its axis."""
    return not any(
        other.x < target.x and other.y - other.solid.up < target.middle[1] < other.y + other.solid.high for other in row
    )


def _over(row: Sequence[Spot], source: Spot | None, target: Spot) -> float:
    """A height above all boxes between two, or before one."""
    left = source.x if source else min(other.x for other in row)
    return min(other.y - other.solid.up for other in row if left <= other.x <= target.x) - ARC
