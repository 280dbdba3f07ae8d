"""Pooling to a given size, whatever the input's."""

from math import gcd
from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.reader.values import Extents
from archcalc.volume import Pair, Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class AdaptivePooling(Layer):
    """Pooling to a given size: output o of n sees positions floor(oW/n) up to ceil((o + 1)W/n), as in PyTorch.

    A side of 0 is as long as the input's, where PyTorch has None: `0x1` is a row, as text recognition reads it.
    """

    size: Pair = key(
        Extents(0),
        notation="",
        foreign=("output_size",),
        akin=("out", "kernel_size"),
        help="width and height of the output; 0 is the input's",
    )

    def wanted(self, x: tuple[int, ...]) -> Pair:
        """Width and height of the output for an input that begins with its own."""
        return Pair(self.size.width or x[0], self.size.height or x[1])

    @property
    def label(self) -> str:
        return f"{self.type.upper()}{self.size}"

    def output(self, x: Volume) -> Volume:
        return Volume(*self.wanted(x), x.channels)

    def idle(self, x: Volume) -> bool:
        """Every window is one pixel where the size is there already."""
        return self.wanted(x) == x[:2]

    def cost(self, x: Volume, y: Volume) -> Cost:
        """One operation for every value of every window; windows that share a position count it twice."""
        width, height = (_seen(extent, size) for extent, size in zip(x[:2], self.wanted(x), strict=True))
        return Cost(flops=width * height * x.channels)

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        width, height = (_adaptive(extent, size) for extent, size in zip(x[:2], self.wanted(x), strict=True))
        return width, height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return images * inputs[0].width * y.height * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """Rows first, then columns: a mean of means of equal numbers of values is their mean."""
        (x,) = inputs
        n, height, width, channels = x.shape
        columns, rows = self.wanted((width, height))
        strips = run.new((n, rows, width, channels))
        for row in range(rows):
            self.reduce(x[:, row * height // rows : -(-(row + 1) * height // rows)], 1, strips[:, row])
        y = run.new((n, rows, columns, channels))
        for column in range(columns):
            part = strips[:, :, column * width // columns : -(-(column + 1) * width // columns)]
            self.reduce(part, 2, y[:, :, column])
        return y

    def reduce(self, x: "Array", axis: int, out: "Array") -> None:
        """Reduce a window along an axis to `out`."""
        raise NotImplementedError


class AdaptiveAveragePool(AdaptivePooling):
    """Average pooling to a given size."""

    type = "adaptive_avgpool"
    example = "INPUT[13x13x4] -> ADAPTIVE_AVGPOOL3"
    aka = ("adaptiveavgpool", "adaptiveavgpool2d", "adaptive_avg_pool", "adaptive_average_pool", "adaptive_avg_pool2d")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; to one value per channel it is computed as a mean, which keeps nothing."""
        return Kept(input=(y.width, y.height) != (1, 1))

    def reduce(self, x: "Array", axis: int, out: "Array") -> None:
        x.mean(axis=axis, out=out)


class AdaptiveMaxPool(AdaptivePooling):
    """Max pooling to a given size."""

    type = "adaptive_pool"
    example = "INPUT[13x13x4] -> ADAPTIVE_POOL3"
    aka = ("adaptivemaxpool", "adaptivemaxpool2d", "adaptive_max_pool", "adaptive_maxpool")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return Kept(input=True, indices=y.size)

    def reduce(self, x: "Array", axis: int, out: "Array") -> None:
        x.max(axis=axis, out=out)


def _seen(extent: int, size: int) -> int:
    """Positions that all windows see together: neighbours share one unless n divides (o + 1)W."""
    return extent + size - _common(extent, size)


def _common(extent: int, size: int) -> int:
    """The greatest common divisor, which is mostly the size."""
    return gcd(extent, size) if extent % size else size


def _adaptive(extent: int, size: int) -> Reach:
    common = _common(extent, size)
    return Reach.of(size // common, extent // common, lambda o: (o * extent // size, -(-(o + 1) * extent // size)))
