"""Convolution, with shared weights and without."""

from typing import Any

from archcalc.diagnostics import rule
from archcalc.layers.base import Cost, Kept, Layer, Windowed, bias_key, key, rounding_key
from archcalc.misfit import LayerError
from archcalc.values import Extents, Integer, Padding, Paddings
from archcalc.volume import Pair, Rounding, Volume, Window

BAD_GROUPS = rule(
    "AC203",
    "groups do not divide the channels",
    """
    A grouped convolution splits its input channels and its filters into `groups` equal parts, so groups must
    divide both.  A depthwise convolution has as many groups as input channels.
    """,
)
EVEN_HALF = rule(
    "AC205",
    "`padding: half` needs an odd window",
    """
    `half` pads (F - 1)/2 on each side so that a stride of 1 keeps the size; with an even F that is not whole.
    Use an odd filter, `same`, or write the four sides.
    """,
)


class Convolution(Windowed):
    """What convolutions have in common: their keys and their windows."""

    filters: int = key(
        Integer(1),
        notation="-",
        letter="K",
        foreign=("out_channels", "num_output", "num_filters", "features", "n_filters", "K", "channels", "out"),
        help="number of filters, the channels of the output",
    )
    kernel_size: Pair = key(
        Extents(1),
        notation="",
        letter="F",
        foreign=("kernel", "size", "filter_size", "F", "ksize", "kernel_shape", "window"),
        help="extent of the window",
    )
    stride: Pair = key(
        Extents(1),
        default=Pair(1, 1),
        notation="s",
        letter="S",
        foreign=("strides", "S", "subsample", "step"),
        help="distance between windows",
    )
    padding: Padding = key(
        Paddings(),
        default=Padding(),
        notation="p",
        letter="P",
        foreign=("pad", "pads", "P", "border_mode", "zero_padding"),
        help="zeros around the input: a number, a pair, four sides, valid, same or half",
    )
    dilation: Pair = key(
        Extents(1),
        default=Pair(1, 1),
        notation="d",
        foreign=("dilation_rate", "dilations", "atrous_rate", "rate"),
        help="distance between the window's values; 1 is ordinary",
    )

    def validate(self) -> None:
        if self.padding.mode == "half":
            for axis, size, dilation in zip(("width", "height"), self.kernel_size, self.dilation, strict=True):
                if dilation * (size - 1) % 2:
                    raise LayerError(
                        EVEN_HALF,
                        f"`padding: half` is not whole: F = {size} in {axis}",
                        keys=("padding", "kernel_size"),
                        notes=(f"P = (F - 1)/2 = ({dilation * (size - 1) + 1} - 1)/2",),
                    )

    @property
    def label(self) -> str:
        stride = "" if self.stride == (1, 1) else f"s{self.stride}"
        dilation = "" if self.dilation == (1, 1) else f"d{self.dilation}"
        return f"{self.type.upper()}{self.kernel_size}-{self.filters}{stride}{dilation}"

    def windows(self, x: Volume) -> tuple[Window, Window]:
        (fw, fh), (sw, sh), (dw, dh), rounding = self.kernel_size, self.stride, self.dilation, self.rounding
        left, right, top, bottom, mode = self.padding
        if mode == "half":
            left = right = dw * (fw - 1) // 2
            top = bottom = dh * (fh - 1) // 2
        same = mode == "same"
        return Window(fw, sw, left, right, dw, rounding, same), Window(fh, sh, top, bottom, dh, rounding, same)

    def output(self, x: Volume) -> Volume:
        return Volume(*self.places(x), self.filters)


class Conv(Convolution):
    """Convolution: each of K filters of F x F x C slides over the input."""

    type = "conv"
    aka = ("conv2d", "convolution", "convolutional", "conv2dlayer", "convolution2d")

    groups: int = key(
        Integer(1),
        default=1,
        notation="g",
        foreign=("group", "cardinality", "num_groups"),
        help="parts into which input channels and filters are split",
    )
    bias: bool = bias_key("add one bias per filter")
    rounding: Rounding = rounding_key()

    def validate(self) -> None:
        super().validate()
        if self.filters % self.groups:
            raise LayerError(
                BAD_GROUPS,
                f"{self.filters} filters cannot be split into {self.groups} groups",
                keys=("groups", "filters"),
                help=(_nearest_multiples(self.filters, self.groups, "filters"),),
            )

    @property
    def label(self) -> str:
        return super().label + (f"g{self.groups}" if self.groups > 1 else "")

    def output(self, x: Volume) -> Volume:
        if x.channels % self.groups:
            fitting = [str(g) for g in range(1, min(x.channels, 64) + 1) if x.channels % g == 0 == self.filters % g]
            raise LayerError(
                BAD_GROUPS,
                f"cannot split the input's {x.channels} channels into {self.groups} groups",
                keys=("groups",),
                notes=(f"{x.channels} = {x.channels // self.groups}*{self.groups} + {x.channels % self.groups}",),
                help=(
                    f"groups that divide {x.channels} channels and {self.filters} filters: {', '.join(fitting[:8])}",
                ),
            )
        return super().output(x)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return self.kept_input(inputs[0])

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = self.kernel_size.area * (x.channels // self.groups) * self.filters
        biases = self.filters if self.bias else 0
        macs = weights * y.width * y.height
        return Cost(weights, biases, 0, macs, 2 * macs + (y.size if self.bias else 0))

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        return f"({width}*{height}*{x.channels // self.groups})*{self.filters}"


class Local(Convolution):
    """Locally connected: a convolution whose filters are not shared between positions."""

    type = "local"
    aka = ("locallyconnected", "locallyconnected2d", "locally_connected")

    bias: bool = bias_key("add one bias per output value")
    rounding: Rounding = rounding_key()

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = y.size * self.kernel_size.area * x.channels
        biases = y.size if self.bias else 0
        return Cost(weights, biases, 0, weights, 2 * weights + biases)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        return f"({y.product})*({width}*{height}*{x.channels})"


SHARED: Any = Convolution.keys  # to the type checker a key is the value it will hold


class DepthwiseConv(Layer):
    """Depthwise convolution: every input channel has filters of its own.

    A conv with as many groups as input channels, and `multiplier` times as many filters (Howard et al.,
    arXiv:1704.04861); both follow from the input, so neither is written.
    """

    type = "dwconv"
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
        """The same layer as a grouped conv, for an input of so many channels."""
        values = self.values()
        return Conv(filters=values.pop("multiplier") * channels, groups=channels, **values)

    def validate(self) -> None:
        self.grouped(1)

    @property
    def label(self) -> str:
        stride = "" if self.stride == (1, 1) else f"s{self.stride}"
        dilation = "" if self.dilation == (1, 1) else f"d{self.dilation}"
        multiplier = f"m{self.multiplier}" if self.multiplier > 1 else ""
        return f"DWCONV{self.kernel_size}{stride}{dilation}{multiplier}"

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


def _nearest_multiples(value: int, divisor: int, name: str) -> str:
    below, above = value - value % divisor, value + divisor - value % divisor
    return f"the nearest {name} are " + " and ".join(str(one) for one in (below, above) if one)
