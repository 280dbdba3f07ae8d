"""Transposed convolution."""

from functools import partial
from typing import TYPE_CHECKING

from archcalc.diagnostics import rule
from archcalc.forward.tiling import im2col_block
from archcalc.layers.base import Cost, Kept, Layer, bias_key, key
from archcalc.layers.conv import BAD_GROUPS, EVEN_HALF, SHARED
from archcalc.layers.misfit import NOTHING_LEFT, LayerError
from archcalc.reader.values import Extents, Integer, Padding, Paddings
from archcalc.volume import Pair, Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

OUTPUT_PADDING = rule(
    "AC210",
    "the output padding is not smaller than the stride",
    """
    A convolution of stride S takes S different widths to one; `output_padding`, from 0 to S - 1, says which of
    them its transpose gives back.  More would be columns and rows that no input reaches.
    """,
)
_AXES = ("width", "height")


class TransposedConv(Layer):
    """Transposed convolution: every input value adds a window of F x F x K values, S apart, to the output.

    out = (W - 1)S - 2P + d(F - 1) + 1 + output padding (Dumoulin and Visin, arXiv:1603.07285, relationship 14, and
    PyTorch's output_padding); `same` is TensorFlow's, out = W*S.  A multiply-accumulate is counted for every
    value added, also where the padding crops it.
    """

    type = "deconv"
    example = "INPUT[4x4x8] -> DECONV4-4s2p1"
    aka = (
        *("conv_transpose", "convtranspose", "convtranspose2d", "conv2dtranspose", "conv2d_transpose"),
        *("transposed_conv", "transposedconv", "transpose_conv", "deconvolution", "deconv2d", "conv_transposed"),
    )
    akin = ("upconv",)

    filters: int = SHARED["filters"]
    kernel_size: Pair = SHARED["kernel_size"]
    stride: Pair = key(
        Extents(1),
        default=Pair(1, 1),
        notation="s",
        letter="S",
        foreign=("strides", "S"),
        akin=("upsample", "factor"),
        help="distance between windows in the output",
    )
    padding: Padding = key(
        Paddings(),
        default=Padding(),
        notation="p",
        letter="P",
        foreign=("pad", "pads", "P", "border_mode"),
        akin=("cropping",),
        help="columns and rows taken away from the output: a number, a pair, four sides, valid, same or half",
    )
    output_padding: Pair = key(
        Extents(0),
        default=Pair(0, 0),
        notation="o",
        foreign=("adj",),
        akin=("target_output_padding", "out_pad"),
        help="columns and rows added on the right and bottom, fewer than the stride",
    )
    dilation: Pair = SHARED["dilation"]
    groups: int = key(
        Integer(1),
        default=1,
        notation="g",
        foreign=("group",),
        akin=("num_groups",),
        help="parts into which input channels and filters are split",
    )
    bias: bool = bias_key("add one bias per filter")

    @property
    def span(self) -> Pair:
        """What a window covers: F, or d(F - 1) + 1 when dilated."""
        width, height = (d * (size - 1) + 1 for size, d in zip(self.kernel_size, self.dilation, strict=True))
        return Pair(width, height)

    def validate(self) -> None:
        for axis, size, stride, added in zip(_AXES, self.span, self.stride, self.output_padding, strict=True):
            if added >= stride:
                raise LayerError(
                    OUTPUT_PADDING,
                    f"the {axis}'s output padding of {added} is not smaller than the stride of {stride}",
                    keys=("output_padding", "stride"),
                )
            if self.padding.mode == "half" and size % 2 == 0:
                raise LayerError(
                    EVEN_HALF,
                    f"`padding: half` is not whole: F = {size} in {axis}",
                    keys=("padding", "kernel_size"),
                    notes=(f"P = (F - 1)/2 = ({size} - 1)/2",),
                )
        if self.padding.mode == "same" and any(self.output_padding):
            raise LayerError(
                OUTPUT_PADDING,
                "`padding: same` gives W*S and takes no output padding",
                keys=("output_padding",),
            )
        if self.filters % self.groups:
            raise LayerError(
                BAD_GROUPS,
                f"{self.filters} filters cannot be split into {self.groups} groups",
                keys=("groups", "filters"),
            )

    @property
    def label(self) -> str:
        stride = "" if self.stride == (1, 1) else f"s{self.stride}"
        dilation = "" if self.dilation == (1, 1) else f"d{self.dilation}"
        groups = f"g{self.groups}" if self.groups > 1 else ""
        return f"DECONV{self.kernel_size}-{self.filters}{stride}{dilation}{groups}"

    def cropped(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is taken away from the full output, before and after, in width and height; after may be below 0."""
        p = self.padding
        if p.mode == "same":
            totals = [size - stride for size, stride in zip(self.span, self.stride, strict=True)]
            width, height = ((max(0, one) // 2, one - max(0, one) // 2) for one in totals)
            return width, height
        if p.mode == "half":
            width, height = (((size - 1) // 2, (size - 1) // 2) for size in self.span)
        else:
            width, height = (p.left, p.right), (p.top, p.bottom)
        added = self.output_padding
        return (width[0], width[1] - added.width), (height[0], height[1] - added.height)

    def output(self, x: Volume) -> Volume:
        if x.channels % self.groups:
            raise LayerError(
                BAD_GROUPS,
                f"cannot split the input's {x.channels} channels into {self.groups} groups",
                keys=("groups",),
                notes=(f"{x.channels} = {x.channels // self.groups}*{self.groups} + {x.channels % self.groups}",),
            )
        sizes = []
        for axis, extent, size, stride, (before, after) in zip(
            _AXES, x[:2], self.span, self.stride, self.cropped(), strict=True
        ):
            out = (extent - 1) * stride + size - before - after
            if out < 1:
                raise LayerError(
                    NOTHING_LEFT,
                    f"does not fit: output {axis} would be {out}",
                    keys=("padding", "kernel_size"),
                    notes=(f"(W - 1)S + F - crop = ({extent} - 1)*{stride} + {size} - {before + after} = {out}",),
                )
            sizes.append(out)
        return Volume(sizes[0], sizes[1], self.filters)

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = self.kernel_size.area * x.channels * (self.filters // self.groups)
        biases = self.filters if self.bias else 0
        macs = weights * x.width * x.height
        return Cost(weights, biases, 0, macs, 2 * macs + (y.size if self.bias else 0))

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        return f"({width}*{height}*{x.channels // self.groups})*{self.filters}"

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept | None:
        """The input.  PyTorch crops only equal sides itself; how the others are cropped is not known."""
        added = self.output_padding
        equal = all(one == two + more for (one, two), more in zip(self.cropped(), added, strict=True))
        return Kept(input=True, autocast="half") if equal else None

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        """Output o sees the inputs i with 0 <= o + P - iS < F; not known where a dilated window leaves some of them out."""
        width, height = (
            Reach((), 1)
            if dilation > 1 and stride > 1
            else Reach.of(stride, 1, partial(_reached, span, stride, before))._replace(dense=dilation == 1)
            for span, stride, dilation, (before, _) in zip(
                self.span, self.stride, self.dilation, self.cropped(), strict=True
            )
        )
        return width, height

    def canvas(self, width: int, height: int) -> tuple[int, int]:
        """Columns and rows that all windows touch together, and those that are added behind them."""
        touched = [
            (extent - 1) * stride + size + added
            for extent, size, stride, added in zip(
                (width, height), self.span, self.stride, self.output_padding, strict=True
            )
        ]
        if self.padding.mode == "same":  # windows smaller than their distance leave gaps, behind the last one too
            touched = [max(one, s * e) for one, s, e in zip(touched, self.stride, (width, height), strict=True)]
        return touched[0], touched[1]

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        (x,) = inputs
        width, height = self.canvas(x.width, x.height)
        row = x.width * self.kernel_size.area * self.filters
        taken, rows = im2col_block(images, x.height, row)
        return images * width * height * self.filters + taken * rows * row

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """One matrix product a block and group, [pixels, C/g] @ [C/g, Fh*Fw*K/g], added up where windows overlap."""
        import numpy as np

        (x,) = inputs
        n, height, width, channels = x.shape
        (fw, fh), (sw, sh), (dw, dh), g = self.kernel_size, self.stride, self.dilation, self.groups
        part = self.filters // g
        fan_in = max(1, fw * fh * channels // g // (sw * sh))  # of an output value, away from the border
        weights = run.weight((channels, fh, fw, part), fan_in)
        bias = run.bias((self.filters,), fan_in) if self.bias else None
        wide, tall = self.canvas(width, height)
        canvas = run.new((n, tall, wide, g, part))
        canvas[...] = 0
        images, rows = im2col_block(n, height, width * fh * fw * self.filters)
        columns = run.new((g, images * rows * width, fh * fw * part))
        matrix = weights.reshape(g, -1, fh * fw * part)
        for image in range(0, n, images):
            for row in range(0, height, rows):
                read = x[image : image + images, row : row + rows]
                pixels = read.reshape(-1, g, channels // g).transpose(1, 0, 2)
                out = columns[:, : pixels.shape[1]]
                run.matmul(pixels, matrix, out)
                windows = out.reshape(g, len(read), -1, width, fh, fw, part).transpose(4, 5, 1, 2, 3, 0, 6)
                for i in range(fh):
                    for j in range(fw):
                        target = canvas[image : image + images, row * sh + i * dh :: sh, j * dw :: sw]
                        target[:, : read.shape[1], :width] += windows[i, j]
        y = run.copied(self._cropped(canvas.reshape(n, tall, wide, -1), width, height))
        if bias is not None:
            np.add(y, bias, out=y)
        return y

    def _cropped(self, canvas: "Array", width: int, height: int) -> "Array":
        """What the padding leaves: `same` the middle S times as wide and high as the input, else all but the sides."""
        (fw, fh), (sw, sh), p = self.span, self.stride, self.padding
        if p.mode == "same":
            left, top = max(0, fw - sw) // 2, max(0, fh - sh) // 2
            return canvas[:, top : top + sh * height, left : left + sw * width]
        left, right, top, bottom = p[:4] if not p.mode else (fw // 2, fw // 2, fh // 2, fh // 2)
        return canvas[:, top : canvas.shape[1] - bottom, left : canvas.shape[2] - right]


def _reached(size: int, stride: int, before: int, o: int) -> tuple[int, int]:
    return -((size - 1 - before - o) // stride), (o + before) // stride + 1
