"""Where everything is: boxes along axes, lanes below each other, long series in several rows.

x goes to the right, y down, in pixels; a box stands with its middle on its axis.  Nothing here knows of SVG.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise

from archcalc.formats.drawing.boxes import Box
from archcalc.formats.drawing.repeats import Beside, Fold, Folded, Shown, drawn_in
from archcalc.formats.drawing.scale import Scale, Solid
from archcalc.records import NamedTuple

GAP = 11  # between boxes
LEAST = 17  # from a box to the next, so that their labels do not touch
FORK = 30  # before and after lanes
BETWEEN = 8  # lanes
ARC = 13  # how much a skip is higher than what it leads over
FRAME = 7  # of a repeated part
TIMES = 13  # above a frame, for how often
LONGEST = 1230  # a row, where it can be broken
SLANT = 0.70710678  # labels go down at 45 degrees: its sine


class Spot(NamedTuple):
    """A box in its place; x and y are the upper left corner of its front."""

    box: Box
    solid: Solid
    x: float
    y: float
    row: int

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + (self.solid.thick + self.solid.right) / 2, self.y + (self.solid.high - self.solid.up) / 2

    @property
    def left(self) -> tuple[float, float]:
        """The middle of the face where what it reads comes in."""
        return self.x + self.solid.right / 2, self.middle[1]

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.solid.thick + self.solid.right / 2, self.middle[1]

    @property
    def top(self) -> tuple[float, float]:
        return self.middle[0], self.y - self.solid.up / 2

    @property
    def below(self) -> tuple[float, float]:
        """Where its label begins."""
        return self.x + self.solid.thick / 2, self.y + self.solid.high + 9


class Frame(NamedTuple):
    """Around a part that stands there several times."""

    x: float
    y: float
    width: float
    height: float
    times: int


class Size(NamedTuple):
    """What a part needs: along the axis, and above and below it."""

    width: float
    above: float
    below: float


class Layout(NamedTuple):
    """`arcs` are the skips of a series, from box to box, with the height of their tops."""

    spots: Mapping[int, Spot]  # by the box's number
    frames: tuple[Frame, ...]
    arcs: Mapping[tuple[int, int], float]
    rows: tuple[float, ...]  # where the last box of each ends


class _Plan:
    """Measures parts, then places them."""

    def __init__(self, scale: Scale, shown: Mapping[int, Box], letters: Callable[[Box], float]) -> None:
        self.scale, self.shown, self.letters = scale, shown, letters
        self.sizes: dict[int, Size] = {}  # by the identity of a part, which lives as long as the plan
        self.spots: dict[int, Spot] = {}
        self.frames: list[Frame] = []
        self.arcs: dict[tuple[int, int], float] = {}
        self.row = 0

    # -- measuring ---------------------------------------------------------------------------------

    def size(self, item: Shown | Folded) -> Size:
        if id(item) not in self.sizes:
            self.sizes[id(item)] = self._measure(item)
        return self.sizes[id(item)]

    def _measure(self, item: Shown | Folded) -> Size:
        if isinstance(item, Box):
            solid = self.scale.solid(item.volume)
            half = (solid.high + solid.up) / 2
            return Size(
                max(LEAST, solid.thick + GAP + solid.right / 6), half + 3, half + 6 + self.letters(item) * SLANT
            )
        if isinstance(item, Folded):
            sizes = [self.size(one) for one in item.items]
            above = max([one.above for one in sizes] + [top for _, _, top in self.skips(item)])
            return Size(sum(one.width for one in sizes), above, max(one.below for one in sizes))
        if isinstance(item, Beside):
            wide = sum(max(self.size(one).width for one in column) + FORK for column in item.columns) + FORK - GAP
            halves = [self._apart(column) / 2 for column in item.columns]
            above = max(half + self.size(column[0]).above for half, column in zip(halves, item.columns, strict=True))
            below = max(half + self.size(column[-1]).below for half, column in zip(halves, item.columns, strict=True))
            return Size(wide, above, below)
        inner = self.size(item.unit)
        return Size(inner.width + 2 * FRAME + self._lean(item), inner.above + FRAME + TIMES, inner.below + FRAME)

    def _lean(self, fold: Fold) -> float:
        """How far the boxes of a unit lean out of it, on both sides together."""
        return max(self.scale.solid(box.volume).right for box in drawn_in(fold.unit))

    def _apart(self, column: Iterable[Folded]) -> float:
        """From the axis of the first lane to that of the last."""
        sizes = [self.size(one) for one in column]
        return sum(one.below + BETWEEN + other.above for one, other in pairwise(sizes))

    def skips(self, part: Folded) -> list[tuple[int, int, float]]:
        """From which box to which one an edge leads over others of this series, and how high; inner ones lower."""
        place = {box: number for number, item in enumerate(part.items) for box in ends(item)}
        first_item = part.items[0]
        if isinstance(first_item, Box):  # of a unit: what it reads stands before it
            place.update(
                (self.shown[one].number, -1) for one in first_item.inputs if self.shown[one].number not in place
            )
        found: list[tuple[int, int, int, int]] = []
        for number, item in enumerate(part.items):
            if isinstance(item, Box):
                for one in item.inputs:
                    source = self.shown[one].number
                    if source in place and number - place[source] > 1:
                        found.append((place[source], number, source, item.number))
        found.sort(key=lambda one: (one[1] - one[0], one))
        tops: list[tuple[int, int, float]] = []  # by places in the series
        out = []
        for first, last, source, target in found:
            over = [self.size(one).above for one in part.items[max(first, 0) : last + 1]]
            over += [top for a, b, top in tops if first <= a and b <= last]
            tops.append((first, last, max(over) + ARC))
            out.append((source, target, max(over) + ARC))
        return out

    # -- placing -----------------------------------------------------------------------------------

    def place(self, item: Shown | Folded, x: float, axis: float, *, open: bool = False) -> None:
        """Put an item with its beginning at x; lanes in the middle, or where they do not meet again side by side."""
        size = self.size(item)
        if isinstance(item, Box):
            solid = self.scale.solid(item.volume)
            left = x + (max(0.0, LEAST - GAP - solid.thick) / 2 if size.width == LEAST else 0.0)
            y = axis - (solid.high - solid.up) / 2
            self.spots[item.number] = Spot(item, solid, left - solid.right / 2, y, self.row)
        elif isinstance(item, Folded):
            self.arcs.update(((source, target), axis - top) for source, target, top in self.skips(item))
            for one in item.items:
                self.place(one, x, axis, open=one is item.items[-1])
                x += self.size(one).width
        elif isinstance(item, Beside):
            x += FORK - GAP
            for column in item.columns:
                wide = max(self.size(one).width for one in column)
                y = axis - self._apart(column) / 2 - self.size(column[0]).above
                for lane in column:
                    own = self.size(lane)
                    self.place(lane, x + (0 if open else (wide - own.width) / 2), y + own.above)
                    y += own.above + own.below + BETWEEN
                x += wide + FORK
        else:
            self.place(item.unit, x + FRAME + self._lean(item) / 2, axis)
            high = size.above + size.below - TIMES
            self.frames.append(Frame(x, axis - size.above + TIMES, size.width - GAP, high, item.times))


def ends(item: Shown) -> Iterator[int]:
    """The boxes of an item that stand on its own axis, whichever of them others read."""
    if isinstance(item, Box):
        yield item.number
    elif not isinstance(item, Beside):
        for one in item.unit.items:
            yield from ends(one)


def lay_out(part: Folded, scale: Scale, shown: Mapping[int, Box], letters: Callable[[Box], float]) -> Layout:
    """Rows of boxes from the top; `shown` says which box stands for each, `letters` how long its label is."""
    plan = _Plan(scale, shown, letters)
    rows = [Folded(items) for items in _rows(part, plan)]
    top = 0.0
    for row in rows:
        size = plan.size(row)
        plan.place(row, 0.0, top + size.above)
        top += size.above + size.below + 2 * BETWEEN
        plan.row += 1
    return Layout(plan.spots, tuple(plan.frames), plan.arcs, tuple(plan.size(row).width - GAP for row in rows))


def _rows(part: Folded, plan: _Plan) -> Iterator[tuple[Shown, ...]]:
    """Break a series that is too long, where all that leads on comes from the box before."""
    past = _past(part, plan.shown)
    row: list[Shown] = []
    wide, last = 0.0, 0
    for number, item in enumerate(part.items):
        own = plan.size(item).width
        if not past[number] and not (row and isinstance(row[-1], Beside)):
            last = len(row)  # a break is possible before this item
        if row and last and wide + own > LONGEST:
            yield tuple(row[:last])
            row = row[last:]
            wide, last = sum(plan.size(one).width for one in row), 0
        row.append(item)
        wide += own
    yield tuple(row)


def _past(part: Folded, shown: Mapping[int, Box]) -> list[int]:
    """How many edges lead to each item, or past it, from further than the item before."""
    place = {box.number: number for number, item in enumerate(part.items) for box in drawn_in(item)}
    steps = [0] * (len(part.items) + 1)
    for number, item in enumerate(part.items):
        for box in drawn_in(item):
            for one in box.inputs:
                source = place.get(shown[one].number, number)
                if number - source > 1:
                    steps[source + 2] += 1
                    steps[number + 1] -= 1
    return [*accumulate(steps)]
