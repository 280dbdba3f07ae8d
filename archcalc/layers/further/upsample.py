"""Up- and downsampling by copying or by interpolation, by a factor or to a size."""

from functools import partial
from math import gcd
from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.layers.misfit import NOTHING_LEFT, LayerError
from archcalc.reader.integers import BAD_VALUE
from archcalc.reader.values import Boolean, Choice, Extents, Fractions, Scaling
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Upsample(Layer):
    """Upsampling by a factor, or to a size: each pixel is repeated, or values are interpolated (`bilinear`).

    A factor may be a fraction, `1/2` or `1.5`; what is left over is dropped.  `like: NAME` takes the width and height of
    another layer's output.  Positions are PyTorch's: pixel centres lie on each other, or with `align_corners` the centres of
    the corners do.
    """

    type = "upsample"
    example = "INPUT[4x4x8] -> UPSAMPLE2"
    sized = ("factor", "size")
    aka = (
        "upsampling",
        "upsampling2d",
        "upsamplingnearest2d",
    )
    akin = ("upsamplingbilinear2d", "interpolate", "resize", "downsample")
    keeps = Kept(autocast="single")

    factor: Pair | Scaling | None = key(
        Fractions(),
        default=None,
        notation="",
        foreign=("scale_factor",),
        akin=("scale", "stride", "kernel_size"),
        help="how many times as wide and high the output is, also 1/2",
    )
    size: Pair | None = key(
        Extents(1), default=None, akin=("output_size", "out_size"), help="width and height of the output, instead"
    )
    mode: str = key(
        Choice("nearest", "bilinear"),
        default="nearest",
        foreign=("interpolation",),
        akin=("method",),
        help="repeat each pixel, or interpolate between pixel centres",
    )
    align_corners: bool = key(
        Boolean(), default=False, help="whether the centres of the corner pixels stay where they are (bilinear)"
    )

    def validate(self) -> None:
        if self.factor is None and self.size is None:
            raise LayerError(BAD_VALUE, "`factor` or `size` is needed, or `like`, the layer that is as large")
        if self.factor is not None and self.size is not None:
            raise LayerError(BAD_VALUE, "the size is given twice, by `factor` and by `size`", keys=("size",))
        if self.align_corners and self.mode != "bilinear":
            raise LayerError(BAD_VALUE, "`align_corners` is for `mode: bilinear`", keys=("align_corners",))

    @property
    def label(self) -> str:
        return f"UPSAMPLE{self.factor}" if self.factor is not None else f"UPSAMPLE to {self.size}"

    def output(self, x: Volume) -> Volume:
        if self.size is not None:
            return Volume(*self.size, x.channels)
        assert self.factor is not None
        up, down = self.factor, _below(self.factor)
        y = Volume(x.width * up.width // down.width, x.height * up.height // down.height, x.channels)
        for axis, extent, out in zip(("width", "height"), x, y, strict=False):
            if out < 1:
                raise LayerError(
                    NOTHING_LEFT,
                    f"does not fit: of a {axis} of {extent}, {self.factor} is less than 1",
                    keys=("factor",),
                )
        return y

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=7 * y.size if self.mode == "bilinear" else 0)

    def _steps(self, x: tuple[int, int], y: tuple[int, int]) -> tuple["_Step", "_Step"]:
        """How far one goes on the input for one pixel of the output, along width and height."""
        if self.align_corners:
            width, height = (_Step.of(n - 1, max(1, m - 1), True) for n, m in zip(x, y, strict=True))
        elif self.factor is None:
            width, height = (_Step.of(n, m, False) for n, m in zip(x, y, strict=True))
        else:
            ratios = zip(_below(self.factor), self.factor[:2], strict=True)
            width, height = (_Step.of(n, m, False) for n, m in ratios)
        return width, height

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        """Nearest: the pixel at o*step.  Bilinear: the pixels on both sides of (o + 1/2)*step - 1/2, or of o*step."""
        y = self.output(x)
        width, height = (
            Reach(((0, 1),), 0) if extent == 1 else step.reach(self.mode)
            for step, extent in zip(self._steps(x[:2], y[:2]), x, strict=False)
        )
        return width, height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        """The rows alone, and beside them and beside the result what they are mixed with."""
        rows = inputs[0].width * y.height * y.channels
        if self.mode == "bilinear":
            return images * max(rows + y.size, 2 * rows - y.size)
        return 0 if self.size is None and isinstance(self.factor, Pair) else images * rows

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        n, height, width, channels = x.shape
        if self.size is None and isinstance(self.factor, Pair) and self.mode == "nearest":
            across, down = self.factor
            y = run.new((n, height, down, width, across, channels))
            y[...] = x[:, :, None, :, None]
            return y.reshape(n, height * down, width * across, channels)
        columns, rows = self.size if self.size is not None else self._scaled(width, height)
        steps = self._steps((width, height), (columns, rows))
        pick = _between if self.mode == "bilinear" else _picked
        return pick(run, pick(run, x, steps[1], rows, 1), steps[0], columns, 2)

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        assert self.factor is not None
        below = _below(self.factor)
        return width * self.factor.width // below.width, height * self.factor.height // below.height


class _Step(NamedTuple):
    """A fraction of an input's pixel; `corners`: output 0 lies on pixel 0, else half a step lies before it."""

    above: int
    below: int
    corners: bool

    @classmethod
    def of(cls, above: int, below: int, corners: bool) -> "_Step":
        common = gcd(above, below)
        return cls(above // common, below // common, corners)

    def reach(self, mode: str) -> Reach:
        """What each output of a period sees; the period begins anew after `below` outputs."""
        return Reach.of(self.below, self.above, partial(_beside if mode == "bilinear" else _nearest, self))


def _beside(step: _Step, o: int) -> tuple[int, int]:
    if step.corners:
        return o * step.above // step.below, -(-o * step.above // step.below) + 1
    twice = (2 * o + 1) * step.above - step.below
    return twice // (2 * step.below), -(-twice // (2 * step.below)) + 1


def _nearest(step: _Step, o: int) -> tuple[int, int]:
    return o * step.above // step.below, o * step.above // step.below + 1


def _picked(run: "Run", x: "Array", step: _Step, count: int, axis: int) -> "Array":
    """The nearest pixels along an axis; their places are PyTorch's, which multiplies in float32."""
    import numpy as np

    at = (np.arange(count, dtype=np.float32) * np.float32(step.above / step.below)).astype(np.int64)
    return run.adopt(np.take(x, np.minimum(at, x.shape[axis] - 1), axis=axis))


def _between(run: "Run", x: "Array", step: _Step, count: int, axis: int) -> "Array":
    """Interpolate between pixel centres along an axis; beyond the first and last centre values stay."""
    import numpy as np

    extent, distance = x.shape[axis], step.above / step.below
    at = np.arange(count) * distance if step.corners else (np.arange(count) + 0.5) * distance - 0.5
    at = np.clip(at, 0, extent - 1)
    below = at.astype(np.int64)
    share = (at - below).astype(x.dtype).reshape(-1, *[1] * (3 - axis))
    y = run.adopt(np.take(x, below, axis=axis))
    other = run.adopt(np.take(x, np.minimum(below + 1, extent - 1), axis=axis))
    other -= y
    other *= share
    y += other
    return y


def _below(factor: Pair | Scaling) -> Pair:
    return factor.below if isinstance(factor, Scaling) else Pair(1, 1)
