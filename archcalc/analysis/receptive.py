"""Receptive fields: what part of the image one output value sees, along each axis.

For a window of extent F, stride S and P zeros before: size += (F - 1) jump; start += ((F - 1)/2 - P) jump;
jump *= S (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
2019).  `start` is the centre of the first output's field in pixels, the image beginning at 0, so the
input's own pixels have start 0.5.  Where branches meet, the field is the union.

After upsampling neighbours see differently much: the fields then repeat after a period of outputs, and every
one of them is kept, in whole pixels; behind a transposed convolution whose stride exceeds its window some of them see
nothing, and end where they begin.  Zeros of the padding count as pixels, as they do in the published figures; beyond
the image and its padding there is nothing to see, and outputs that a layer does not have see nothing.
"""

from math import gcd, lcm
from typing import TYPE_CHECKING

from archcalc.records import NamedTuple
from archcalc.volume import MAX_PERIOD, Reach, Volume, Window

if TYPE_CHECKING:
    from fractions import Fraction

MAX_JUMP = 1 << 63  # far beyond any image; without a limit, numbers of a million digits in a deep network


class Field(NamedTuple):
    """Along one axis: for each output of a period the first pixel and the one behind the last.

    The next period sees the same `advance` pixels on: for an ordinary network the period is one output and
    `advance` its jump.  `advance` is None where branches that advance differently meet, and 0 where
    every output sees the same.  There are `outputs` of them, and pixels from `low` up to `high` with the padding; None is
    the image's own pixels, as many as there are.
    """

    ends: tuple[tuple[int, int], ...] = ((0, 1),)
    advance: int | None = 1
    outputs: int | None = None
    low: int = 0
    high: int | None = None

    @property
    def size(self) -> int:
        """Pixels that an output sees: the most, where neighbours see differently many."""
        if self.outputs is None or self.high is None:
            return max(last - first for first, last in self.ends)
        return max(0, *(self._most(place) for place in range(min(self.outputs, len(self.ends)))))

    def _most(self, place: int) -> int:
        """The most pixels that outputs at this place of their periods see."""
        assert self.outputs is not None
        assert self.high is not None
        (first, last), advance = self.ends[place], self.advance or 0
        rounds = (self.outputs - 1 - place) // len(self.ends)
        inside = -((first - self.low) // advance) if advance else 0  # from this round on nothing is cut off before
        at = advance * min(rounds, max(0, inside))
        before = at - advance if at else 0
        return max(min(last + one, self.high) - max(first + one, self.low) for one in (before, at))

    @property
    def jump(self) -> "int | Fraction | None":
        """Pixels between neighbours' fields, on average over a period; None where that differs from place to place."""
        if self.advance is None or len(self.ends) == 1:
            return self.advance
        from fractions import Fraction  # half a millisecond that only networks with upsampling take

        jump = Fraction(self.advance, len(self.ends))
        return jump.numerator if jump.denominator == 1 else jump

    @property
    def start(self) -> float:
        """The centre of the first output's field."""
        first, last = self.ends[0]
        return (first + last) / 2

    def at(self, output: int) -> tuple[int, int]:
        """What output number `output` sees."""
        assert self.advance is not None
        period, place = divmod(output, len(self.ends))
        first, last = self.ends[place]
        return first + period * self.advance, last + period * self.advance

    def over(self, begin: int, end: int) -> tuple[int, int]:
        """What the outputs from `begin` up to `end` see together."""
        if begin == end:
            return (at := self.at(begin)[0]), at
        period = len(self.ends)
        if period == 1 and self.ends[0][0] < self.ends[0][1]:
            return self.at(begin)[0], self.at(end - 1)[1]
        first, last = range(begin, min(end, begin + period)), range(max(begin, end - period), end)
        return _together([*map(self.at, first), *map(self.at, last)])

    def through(self, window: Window | Reach, extent: int, outputs: int) -> "Field | None":
        """The field of `outputs` windows over `extent` outputs that have this field; None where it is not known."""
        jump = self.advance
        if jump is None or jump > MAX_JUMP:
            return None
        low, high = self.low, extent if self.high is None else self.high
        if isinstance(window, Window):
            fit = window.fit(extent)
            if fit.before or fit.after:  # the padding is seen, too; what a crop takes away is not
                first, last = self.over(-fit.before, extent + fit.after)
                low = min(low, first) if fit.before > 0 else max(low, first)
                high = max(high, last) if fit.after > 0 else min(high, last)
            end = (outputs - 1) * window.stride + window.span - fit.before
            high = min(high, self.over(end - len(self.ends), end)[1])  # nothing is seen of what no window reads
            ((first, last), *others) = self.ends
            if not others and first < last:
                seen = first - fit.before * jump, last + (window.span - 1 - fit.before) * jump
                return Field((seen,), jump * window.stride, outputs, low, high)
        reach = window.reach(extent) if isinstance(window, Window) else window
        rounds = len(self.ends) // gcd(reach.advance, len(self.ends))  # of the reach until both periods end
        if not reach.ends or rounds * len(reach.ends) > MAX_PERIOD:
            return None
        if not reach.dense and any(first == last for first, last in self.ends):
            return None  # which of the outputs that see nothing it reads is another question
        places = [
            (first + number * reach.advance, last + number * reach.advance)
            for number in range(rounds)
            for first, last in reach.ends
        ]
        return Field(
            tuple(self.over(first, last) for first, last in places),
            rounds * reach.advance * jump // len(self.ends),
            outputs,
            low,
            high,
        )


class ReceptiveField(NamedTuple):
    width: Field | None
    height: Field | None


_ITSELF = Field()
PIXEL = ReceptiveField(_ITSELF, _ITSELF)
UNSEEN = ReceptiveField(None, None)  # nobody knows


def through(
    seen: ReceptiveField, windows: tuple[Window | Reach, Window | Reach], x: Volume, y: Volume
) -> ReceptiveField:
    """Look at `seen` through the windows of a layer that makes y of x."""
    if seen is UNSEEN:
        return seen
    width = seen.width.through(windows[0], x.width, y.width) if seen.width else None
    if seen.height is seen.width and windows[0] == windows[1] and x.width == x.height and y.width == y.height:
        return ReceptiveField(width, width)  # the same along both axes
    height = seen.height.through(windows[1], x.height, y.height) if seen.height else None
    return ReceptiveField(width, height)


def union(seen: list[ReceptiveField], volumes: tuple[Volume, ...]) -> ReceptiveField:
    """What several branches see together; a branch of one pixel beside larger ones stretches over the image."""
    first = seen[0]
    if all(one is first for one in seen):
        return first
    axes = []
    for axis in (0, 1):
        largest = max(volume[axis] for volume in volumes)
        axes.append(
            _union(
                [
                    one[axis] if volume[axis] == largest else _everywhere(one[axis])
                    for one, volume in zip(seen, volumes, strict=True)
                ],
                largest,
            )
        )
    return ReceptiveField(axes[0], axes[1])


def _everywhere(field: Field | None) -> Field | None:
    """The field of a single output that is read at every position."""
    return field and field._replace(ends=field.ends[:1], advance=0)


def _union(fields: list[Field | None], extent: int) -> Field | None:
    known = [one for one in fields if one is not None]
    if len(known) < len(fields):
        return None
    count, low = extent, min(one.low for one in known)
    high = max(extent if one.high is None else one.high for one in known)
    whole = next((one for one in known if one.advance == 0 and _covers(one, known, extent)), None)
    if whole:
        return whole._replace(outputs=count, low=low, high=high)
    period = lcm(*(len(one.ends) for one in known))
    paces = {one.advance and one.advance * (period // len(one.ends)) for one in known}  # pixels in a common period
    if len(paces) > 1 or None in paces or period > MAX_PERIOD:
        return Field((_together([one.ends[0] for one in known]),), None, count, low, high)
    ends = (_together([one.at(output) for one in known]) for output in range(period))
    return Field(tuple(ends), paces.pop(), count, low, high)


def _together(seen: list[tuple[int, int]]) -> tuple[int, int]:
    """From the first pixel to the last of all those that see any."""
    some = [one for one in seen if one[0] < one[1]] or seen[:1]
    return min(first for first, _ in some), max(last for _, last in some)


def _covers(whole: Field, fields: list[Field], extent: int) -> bool:
    """Whether a field that is the same everywhere holds all that the others see, over an axis of outputs."""
    first, last = whole.ends[0]
    return all(
        one.advance is not None and first <= one.at(0)[0] and one.at(extent - 1)[1] <= last
        for one in fields
        if one is not whole
    )
