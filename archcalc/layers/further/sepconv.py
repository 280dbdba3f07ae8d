"""Depthwise separable convolution."""

from typing import TYPE_CHECKING

from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import Cost, Kept, bias_key, key, rounding_key
from archcalc.layers.conv import Conv, Convolution, depthwise
from archcalc.reader.values import Integer
from archcalc.volume import Pair, Rounding, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class SeparableConv(Convolution):
    """Depthwise, then 1x1 convolution with nothing in between, as one layer (Xception, arXiv:1610.02357)."""

    type = "sepconv"
    example = "INPUT[8x8x4] -> SEPCONV3-16p1"
    aka = ("separable_conv", "separableconv", "separableconv2d", "separable_conv2d", "separable")

    multiplier: int = key(
        Integer(1), default=1, notation="m", foreign=("depth_multiplier",), help="depthwise filters for every channel"
    )
    bias: bool = bias_key("add one bias per filter, behind the 1x1 convolution")
    rounding: Rounding = rounding_key()

    def between(self, x: Volume, y: Volume) -> Volume:
        """The volume of the depthwise part."""
        return Volume(y.width, y.height, x.channels * self.multiplier)

    def pointwise(self) -> Conv:
        """The second part."""
        return Conv(filters=self.filters, kernel_size=Pair(1, 1), bias=self.bias)

    def cost(self, x: Volume, y: Volume) -> Cost:
        middle, second = self.between(x, y), self.pointwise()
        weights = self.kernel_size.area * middle.channels
        macs = weights * y.width * y.height
        after = second.cost(middle, y)
        return Cost(weights + after.weights, after.biases, 0, macs + after.macs, 2 * macs + after.flops)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        channels = self.between(x, y).channels
        return f"({width}*{height})*{channels} + {channels}*{self.filters}"

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input of either part; the second's is there while the layer runs, kept or not, and its gradient before the first's."""
        first, middle = self.kept_input(inputs[0]), self.between(inputs[0], y).size
        forward = max(middle, middle + first.forward - y.size)
        return first._replace(
            values=first.values + middle,
            autocast="half",
            forward=forward,
            backward=max(first.values, middle) - inputs[0].size,
        )

    def tensors(self, inputs: tuple[Volume, ...], y: Volume, cost: Cost) -> tuple[int, ...]:
        """The weights of either part."""
        each = min(cost.weights, self.kernel_size.area * self.between(inputs[0], y).channels)
        return each, cost.weights - each, cost.biases

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int]:
        """That of the 1x1 convolution."""
        return self.between(x, y).channels, y.width * y.height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        middle = self.between(inputs[0], y)
        row = y.width * middle.channels
        first = self.framed(inputs[0], images) + tile_rows(y.height, row) * row
        return images * middle.size + max(first, self.pointwise().workspace((middle,), y, images))

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        channels = x.shape[-1] * self.multiplier
        (fw, fh), area = self.kernel_size, self.kernel_size.area
        each = run.weight((fh, fw, x.shape[-1], self.multiplier), area)
        across = run.weight((channels, self.filters), channels)
        bias = run.bias((self.filters,), channels) if self.bias else None
        seen = self.seen(run, x)
        n, height, width = seen.shape[:3]
        middle, y = run.new((n, height, width, channels)), run.new((n, height, width, self.filters))
        depthwise(run, seen, each, None, middle)
        del seen
        run.matmul(middle.reshape(-1, channels), across, y.reshape(-1, self.filters))
        if bias is not None:
            y += bias
        run.columns = (channels, height * width)
        return y
