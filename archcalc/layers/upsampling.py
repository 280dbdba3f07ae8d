"""Upsampling by copying or by interpolation."""

from functools import partial
from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.reader.values import Choice, Extents
from archcalc.volume import Pair, Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Upsample(Layer):
    """Upsampling: each pixel is repeated, or values are interpolated between pixel centres (`bilinear`)."""

    type = "upsample"
    aka = (
        "upsampling",
        "upsampling2d",
        "upsamplingnearest2d",
    )
    akin = ("upsamplingbilinear2d", "interpolate", "resize")
    keeps = Kept()

    factor: Pair = key(
        Extents(1),
        notation="",
        foreign=("scale_factor",),
        akin=("scale", "stride", "kernel_size"),  # `size` is the factor to Keras and the output to PyTorch
        help="how many times as wide and high the output is",
    )
    mode: str = key(
        Choice("nearest", "bilinear"),
        default="nearest",
        foreign=("interpolation",),
        akin=("method",),
        help="repeat each pixel, or interpolate between pixel centres (corners are not aligned)",
    )

    @property
    def label(self) -> str:
        return f"UPSAMPLE{self.factor}"

    def output(self, x: Volume) -> Volume:
        return Volume(x.width * self.factor.width, x.height * self.factor.height, x.channels)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=7 * y.size if self.mode == "bilinear" else 0)

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        """Nearest: pixel o // f.  Bilinear: the pixels on both sides of (o + 1/2)/f - 1/2."""
        ends = _beside if self.mode == "bilinear" else _nearest
        width, height = (Reach.of(factor, 1, partial(ends, factor)) for factor in self.factor)
        return width, height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        (x,) = inputs
        return images * (x.width * y.height * y.channels + y.size) if self.mode == "bilinear" else 0

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        n, height, width, channels = x.shape
        across, down = self.factor
        if self.mode == "bilinear":
            return _stretched(run, _stretched(run, x, down, 1), across, 2)
        y = run.new((n, height, down, width, across, channels))
        y[...] = x[:, :, None, :, None]
        return y.reshape(n, height * down, width * across, channels)


def _stretched(run: "Run", x: "Array", factor: int, axis: int) -> "Array":
    """Interpolate between the pixels' centres along an axis; beyond the first and last centre values stay."""
    import numpy as np

    extent = x.shape[axis]
    at = np.clip((np.arange(extent * factor) + 0.5) / factor - 0.5, 0, extent - 1)
    below = at.astype(np.int64)
    share = (at - below).astype(x.dtype).reshape(-1, *[1] * (3 - axis))
    y = run.adopt(np.take(x, below, axis=axis))
    other = run.adopt(np.take(x, np.minimum(below + 1, extent - 1), axis=axis))
    other -= y
    other *= share
    y += other
    return y


def _nearest(factor: int, o: int) -> tuple[int, int]:
    return o // factor, o // factor + 1


def _beside(factor: int, o: int) -> tuple[int, int]:
    twice = 2 * o + 1 - factor
    return twice // (2 * factor), -(-twice // (2 * factor)) + 1
