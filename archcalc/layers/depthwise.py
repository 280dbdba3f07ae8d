"""Depthwise convolution."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, bias_key, key, rounding_key
from archcalc.layers.conv import SHARED, Conv
from archcalc.reader.values import Integer, Padding
from archcalc.volume import Pair, Rounding, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class PerChannel(Layer):
    """A layer that is a grouped convolution of its own for every number of input channels."""

    def grouped(self, channels: int) -> Conv:
        """The same layer as a grouped conv, for an input of so many channels."""
        raise NotImplementedError

    def validate(self) -> None:
        self.grouped(1)

    def output(self, x: Volume) -> Volume:
        return self.grouped(x.channels).output(x)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return self.grouped(x.channels).cost(x, y)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return self.grouped(x.channels).weights_formula(x, y)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return self.grouped(x.channels).windows(x)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return self.grouped(inputs[0].channels).kept(inputs, y)

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int]:
        return self.grouped(x.channels).im2col(x, y)

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return self.grouped(inputs[0].channels).workspace(inputs, y, images)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return self.grouped(inputs[0].shape[-1]).forward(run, *inputs)


class DepthwiseConv(PerChannel):
    """Depthwise convolution: every input channel has filters of its own.

    A conv with as many groups as input channels, and `multiplier` times as many filters (Howard et al.,
    arXiv:1704.04861); both follow from the input, so neither is written.
    """

    type = "dwconv"
    example = "INPUT[8x8x4] -> DWCONV3p1m2"
    aka = ("depthwise", "depthwiseconv2d", "depthwise_conv2d", "depthwise_conv", "depthwiseconv", "conv_dw", "dw")

    kernel_size: Pair = SHARED["kernel_size"]
    stride: Pair = SHARED["stride"]
    padding: Padding = SHARED["padding"]
    dilation: Pair = SHARED["dilation"]
    multiplier: int = key(
        Integer(1), default=1, notation="m", foreign=("depth_multiplier",), help="filters for every input channel"
    )
    bias: bool = bias_key("add one bias per filter")
    rounding: Rounding = rounding_key()

    def grouped(self, channels: int) -> Conv:
        values = self.values()
        return Conv(filters=values.pop("multiplier") * channels, groups=channels, **values)

    @property
    def label(self) -> str:
        stride = "" if self.stride == (1, 1) else f"s{self.stride}"
        dilation = "" if self.dilation == (1, 1) else f"d{self.dilation}"
        multiplier = f"m{self.multiplier}" if self.multiplier > 1 else ""
        return f"DWCONV{self.kernel_size}{stride}{dilation}{multiplier}"
