"""Volumes, windows, and the one home of (W - F + 2P)/S + 1."""

from collections.abc import Callable
from typing import Literal

from archcalc.records import NamedTuple

Rounding = Literal["exact", "floor", "ceil"]

MAX_DIMENSION = 2**31 - 1
MAX_PERIOD = 32  # outputs after which a reach repeats


class Pair(NamedTuple):
    """Something per axis, width first as in a volume."""

    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return str(self.width) if self.width == self.height else f"{self.width}x{self.height}"


class Volume(NamedTuple):
    """Width x height x channels of one image's values at one place in the network."""

    width: int
    height: int
    channels: int

    @property
    def size(self) -> int:
        """Number of values."""
        return self.width * self.height * self.channels

    @property
    def product(self) -> str:
        """`7*7*512`, or `4096` where there is only one pixel."""
        if self.width == self.height == 1:
            return str(self.channels)
        return f"{self.width}*{self.height}*{self.channels}"

    def __str__(self) -> str:
        return f"[{self.width}x{self.height}x{self.channels}]"


class Fit(NamedTuple):
    """How windows lie on one axis: how many, and what is left over.

    `leftover` counts positions of the padded axis behind the last whole window (negative: the last
    window of `ceil` hangs over by that many); `numerator` is W - F + 2P before the division by S.
    `extent` positions of the axis are the input's own, behind `before` and followed by `after` of padding.
    """

    size: int
    leftover: int
    numerator: int
    before: int
    after: int
    extent: int

    @property
    def unread(self) -> int:
        """Rows or columns of the input itself, not of its padding, behind the last window.

        What a crop (negative padding) takes away is asked for, and not counted.
        """
        return min(max(self.leftover - max(self.after, 0), 0), self.extent)


class Reach(NamedTuple):
    """Which positions of one axis each output sees: the first and the one behind the last.

    `ends` says so for the first outputs, `len(ends)` of them; each further round of as many outputs sees the
    same `advance` positions on.  A window of stride S is one pair and advances S; twofold upsampling
    is `((0, 1), (0, 1))` and advances 1.  Both ends never fall from one output to the next.  `dense` is whether
    an output sees all the positions between its ends: a dilated window does not.
    """

    ends: tuple[tuple[int, int], ...]
    advance: int
    dense: bool = True

    @classmethod
    def of(cls, period: int, advance: int, ends: Callable[[int], tuple[int, int]]) -> "Reach":
        """The reach with these ends of output o; without any, which is unknown, where the period is too long."""
        return cls(tuple(map(ends, range(period))) if period <= MAX_PERIOD else (), advance)


class Window(NamedTuple):
    """A sliding window along one axis."""

    size: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    rounding: Rounding = "exact"
    same: bool = False

    @property
    def span(self) -> int:
        """The extent the window covers: F, or d(F - 1) + 1 when dilated."""
        return self.dilation * (self.size - 1) + 1

    def fit(self, extent: int) -> Fit:
        """Place the window on an axis of `extent` positions.

        out = (W - F + 2P)/S + 1, rounded down (`floor`, PyTorch) or up (`ceil`, Caffe and PyTorch's
        ceil_mode, where a last window that would start past the image and its left padding is
        dropped); `same` is TensorFlow's: out = ceil(W/S), the odd pixel on the right and bottom.
        A size below 1 says that the window is larger than the padded axis.  Under `exact` the
        caller must refuse a leftover other than 0.
        """
        before, after = self.before, self.after
        if self.same:
            size = -(-extent // self.stride)
            total = max(0, (size - 1) * self.stride + self.span - extent)
            before = total // 2
            after = total - before
            leftover = extent + total - (size - 1) * self.stride - self.span
            return Fit(size, leftover, extent - self.span + total, before, after, extent)
        numerator = extent - self.span + before + after
        if numerator < 0:
            return Fit(0, 0, numerator, before, after, extent)
        steps, leftover = divmod(numerator, self.stride)
        if self.rounding == "ceil" and leftover and (steps + 1) * self.stride < extent + before:
            steps += 1
            leftover -= self.stride
        return Fit(steps + 1, leftover, numerator, before, after, extent)

    def reach(self, extent: int) -> Reach:
        """What each place of the window sees."""
        before = self.fit(extent).before
        return Reach(((-before, self.span - before),), self.stride, self.span == self.size)
