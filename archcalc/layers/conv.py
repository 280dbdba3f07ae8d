"""Convolution."""

from typing import TYPE_CHECKING, Any, ClassVar

from archcalc.diagnostics import rule
from archcalc.forward.tiling import im2col_block, tile_rows
from archcalc.layers.base import Cost, Kept, Layer, Windowed, bias_key, key, rounding_key
from archcalc.layers.misfit import TOO_LARGE_WINDOW, LayerError
from archcalc.reader.values import Extents, Integer, Padding, Paddings
from archcalc.symbolic import plain
from archcalc.volume import Pair, Rounding, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

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
        foreign=("out_channels", "num_output", "num_filters", "features", "n_filters", "K"),
        akin=("channels", "out"),
        help="number of filters, the channels of the output",
    )
    kernel_size: Pair = key(
        Extents(1),
        notation="",
        letter="F",
        foreign=("kernel", "size", "filter_size", "F", "ksize", "kernel_shape"),
        akin=("window",),
        help="extent of the window",
    )
    stride: Pair = key(
        Extents(1),
        default=Pair(1, 1),
        notation="s",
        letter="S",
        foreign=("strides", "S", "subsample"),
        akin=("step",),
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
        foreign=("dilation_rate", "dilations", "atrous_rate"),
        akin=("rate",),
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
        try:
            return Volume(*self.places(x), self.filters)
        except LayerError as error:
            if error.code == TOO_LARGE_WINDOW and (meant := swapped(self)):
                size = self.kernel_size.width
                error.help = (*error.help, f"or `{meant}`: {size} filters of {self.filters}x{self.filters}")
            raise

    def seen(self, run: "Run", x: "Array") -> "Array":
        """The windows of x as a view [N, H', W', Fh, Fw, C]."""
        from archcalc.forward.arrays import windows

        return windows(run, x, self.kernel_size, self.stride, self.padding, self.rounding, self.dilation)


def swapped(layer: Layer) -> str:
    """`CONV3-32` for a `CONV32-3`, whose window is a usual number of filters and the other way round; else empty."""
    if not isinstance(layer, Convolution) or (filters := plain(layer.filters)) not in (1, 3, 5, 7):
        return ""
    width, height = plain(layer.kernel_size)
    return f"CONV{filters}-{width}" if width == height >= 16 and width % 8 == 0 else ""


class Conv(Convolution):
    """Convolution: each of K filters of F x F x C slides over the input."""

    type = "conv"
    example = "INPUT[11x11x3] -> CONV3-8s2p1"
    aka: ClassVar[tuple[str, ...]] = ("conv2d", "convolution", "convolutional", "conv2dlayer", "convolution2d")

    groups: int = key(
        Integer(1),
        default=1,
        notation="g",
        foreign=("group",),
        akin=("cardinality", "num_groups"),
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
        return self.kept_input(inputs[0])._replace(autocast="half")

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = self.kernel_size.area * (x.channels // self.groups) * self.filters
        biases = self.filters if self.bias else 0
        macs = weights * y.width * y.height
        return Cost(weights, biases, 0, macs, 2 * macs + (y.size if self.bias else 0))

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        return f"({width}*{height}*{x.channels // self.groups})*{self.filters}"

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int]:
        return self.kernel_size.area * x.channels // self.groups, y.width * y.height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        (x,) = inputs
        framed = self.framed(x, images)
        if self.groups == x.channels > 1:
            return framed + tile_rows(y.height, y.width * y.channels) * y.width * y.channels
        if self.kernel_size == self.stride == (1, 1):
            return framed
        row = y.width * self.kernel_size.area * x.channels
        taken, rows = im2col_block(images, y.height, row)
        return framed + taken * rows * row

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        seen = self.seen(run, x)
        n, height, width, fh, fw, channels = seen.shape
        part = channels // self.groups
        weights = self.kernel(run, (fh, fw, part, self.filters))
        bias = run.bias((self.filters,), fh * fw * part) if self.bias else None
        y = run.new((n, height, width, self.filters))
        if self.groups == channels > 1:
            depthwise(run, seen, weights, bias, y)
        else:
            self._products(run, seen, weights, bias, y)
        return y

    def kernel(self, run: "Run", shape: tuple[int, int, int, int]) -> "Array":
        """The filters [Fh, Fw, C/g, K]."""
        return run.weight(shape, shape[0] * shape[1] * shape[2])

    def _products(self, run: "Run", seen: "Array", weights: "Array", bias: "Array | None", y: "Array") -> None:
        """im2col and one matrix product a block (for each group): [pixels, Fh*Fw*C/g] @ [Fh*Fw*C/g, K/g].

        A 1x1 convolution of stride 1 reads the image as it lies.
        """
        import numpy as np

        n, height, width, fh, fw, channels = seen.shape
        g = self.groups
        part = channels // g
        images, rows = im2col_block(n, height, width * fh * fw * channels)
        bare = self.kernel_size == self.stride == (1, 1)
        matrix = weights.reshape(fh * fw * part, g, -1).transpose(1, 0, 2)
        block = None if bare else run.new((images, rows, width, g, fh, fw, part))
        pixels = 0
        for image in range(0, n, images):
            for row in range(0, height, rows):
                read = seen[image : image + images, row : row + rows]
                if block is not None:
                    split = read.reshape(*read.shape[:-1], g, part).transpose(0, 1, 2, 5, 3, 4, 6)
                    read = block[: len(read), : read.shape[1]]
                    np.copyto(read, split)
                columns = read.reshape(-1, g, fh * fw * part)
                out = y[image : image + images, row : row + rows].reshape(-1, g, self.filters // g)
                run.matmul(columns.transpose(1, 0, 2), matrix, out.transpose(1, 0, 2))
                if bias is not None:
                    out += bias.reshape(g, -1)
                pixels += len(columns)
        run.columns = (matrix.shape[1], pixels // n)


def depthwise(run: "Run", seen: "Array", weights: "Array", bias: "Array | None", y: "Array") -> None:
    """Every channel on its own: for every place in the window one multiply-add of the shifted image."""
    from archcalc.forward.arrays import bands

    channels = seen.shape[-1]
    spare = run.new((tile_rows(y.shape[1], y.shape[2] * y.shape[3]), y.shape[2], channels, y.shape[3] // channels))
    for read, written in bands(run, seen, y):
        out = written.reshape(*written.shape[:2], channels, -1)
        out[...] = 0 if bias is None else bias.reshape(channels, -1)
        for i in range(read.shape[2]):
            for j in range(read.shape[3]):
                tap = weights[i, j].reshape(channels, -1)
                run.multiply_add(out, read[:, :, i, j, :, None], tap, spare[: len(out)])


def _nearest_multiples(value: int, divisor: int, name: str) -> str:
    below, above = value - value % divisor, value + divisor - value % divisor
    return f"the nearest {name} are " + " and ".join(str(one) for one in (below, above) if one)


SHARED: Any = Convolution.keys  # to the type checker a key is the value it will hold
