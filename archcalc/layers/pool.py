"""Pooling over windows, and over the whole image."""

from typing import TYPE_CHECKING, ClassVar

from archcalc.diagnostics import rule
from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import Cost, Kept, Layer, Windowed, key, rounding_key
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Boolean, Extents, Padding, Paddings
from archcalc.volume import Pair, Rounding, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

POOL_PADDING = rule(
    "AC206",
    "a pool pads by more than its window covers",
    """
    With padding as large as the window, a window of a pool would see nothing but padding, and its result
    would be minus infinity (max) or an average of nothing.  Frameworks refuse it too.
    """,
)


class Pooling(Windowed):
    """A window slides over every channel on its own; the stride is the window's extent unless given."""

    kernel_size: Pair = key(
        Extents(1),
        notation="",
        letter="F",
        foreign=("pool_size", "kernel", "size", "F", "ksize", "kernel_shape"),
        akin=("window",),
        help="extent of the window",
    )
    stride: Pair | None = key(
        Extents(1),
        default=None,
        notation="s",
        letter="S",
        foreign=("strides", "S"),
        akin=("step",),
        help="distance between windows; the extent of the window unless given",
    )
    padding: Padding = key(
        Paddings(),
        default=Padding(),
        notation="p",
        letter="P",
        foreign=("pad", "pads", "P", "border_mode"),
        help="padding around the input, as for conv",
    )

    @property
    def step(self) -> Pair:
        """The stride in force."""
        return self.stride or self.kernel_size

    @property
    def spread(self) -> Pair:
        """The distance between the window's values along each axis."""
        return Pair(1, 1)

    def validate(self) -> None:
        sides = self.padding
        for axis, size, pad in (
            ("width", self.kernel_size.width, max(sides.left, sides.right)),
            ("height", self.kernel_size.height, max(sides.top, sides.bottom)),
        ):
            if pad >= size:
                raise LayerError(
                    POOL_PADDING,
                    f"the {axis}'s padding of {pad} is not smaller than the window of {size}",
                    keys=("padding", "kernel_size"),
                )

    @property
    def label(self) -> str:
        stride = "" if self.step == self.kernel_size else f"s{self.step}"
        return f"{self.type.upper()}{self.kernel_size}{stride}"

    def windows(self, x: Volume) -> tuple[Window, Window]:
        (fw, fh), (sw, sh), (dw, dh), rounding = self.kernel_size, self.step, self.spread, self.rounding
        left, right, top, bottom, mode = self.padding
        if mode == "half":  # of an even window, too: pools of 2 with half pad nothing
            left = right = dw * (fw - 1) // 2
            top = bottom = dh * (fh - 1) // 2
        same = mode == "same"
        return Window(fw, sw, left, right, dw, rounding, same), Window(fh, sh, top, bottom, dh, rounding, same)

    def output(self, x: Volume) -> Volume:
        return Volume(*self.places(x), x.channels)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=y.size * self.kernel_size.area)

    caffe: ClassVar[Rounding] = "ceil"

    def most_padding(self, axis: int) -> int:
        """PyTorch refuses more than half the window."""
        return self.kernel_size[axis] // 2

    def too_wide(self) -> str:
        """What of the padding exceeds half the window, in words; empty if nothing does."""
        sides = (max(self.padding[:2]), max(self.padding[2:4]))
        for axis, size, padding in zip(("width", "height"), self.kernel_size, sides, strict=True):
            if 2 * padding > size:
                return f"a padding of {padding} is more than half of the window's {axis} of {size}"
        return ""

    fill: ClassVar[float] = 0.0  # what padding counts as

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return self.framed(inputs[0], images)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        from archcalc.forward.arrays import bands, windows

        (x,) = inputs
        seen = windows(run, x, self.kernel_size, self.step, self.padding, self.rounding, self.spread, self.fill)
        y = run.new((*seen.shape[:3], seen.shape[-1]))
        for read, out in bands(run, seen, y):
            taps = [read[:, :, i, j] for i in range(read.shape[2]) for j in range(read.shape[3])]
            self.reduce(run, taps, out)
        return y

    def reduce(self, run: "Run", taps: "list[Array]", out: "Array") -> None:
        """Reduce the shifted images, one for every place in the window, to `out`."""
        raise NotImplementedError


class MaxPool(Pooling):
    """Max pooling."""

    type = "pool"
    example = "INPUT[9x9x4] -> POOL3s2"
    aka: ClassVar[tuple[str, ...]] = ("maxpool", "maxpool2d", "max_pool", "maxpooling2d", "max_pooling")
    akin: ClassVar[tuple[str, ...]] = ("pooling", "mp")
    fill = float("-inf")

    dilation: Pair = key(
        Extents(1),
        default=Pair(1, 1),
        notation="d",
        foreign=("dilation_rate", "dilations", "rate"),
        help="distance between the window's values; 1 is ordinary",
    )
    rounding: Rounding = rounding_key()

    @property
    def spread(self) -> Pair:
        return self.dilation

    @property
    def label(self) -> str:
        return super().label + ("" if self.dilation == (1, 1) else f"d{self.dilation}")

    def reduce(self, run: "Run", taps: "list[Array]", out: "Array") -> None:
        import numpy as np

        np.copyto(out, taps[0])
        for tap in taps[1:]:
            np.maximum(out, tap, out=out)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return self.kept_input(inputs[0])._replace(indices=y.size)


class AveragePool(Pooling):
    """Average pooling."""

    type = "avgpool"
    example = "INPUT[8x8x4] -> AVGPOOL2"
    aka: ClassVar[tuple[str, ...]] = ("averagepool", "avgpool2d", "avg_pool", "averagepooling2d", "meanpool")
    akin: ClassVar[tuple[str, ...]] = ("ap",)

    count_padding: bool = key(
        Boolean(),
        default=True,
        foreign=("count_include_pad",),
        help="whether zeros of the padding count in the divisor",
    )
    rounding: Rounding = rounding_key()

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """The sum of a window over the number of its values; those beyond the padding (`ceil`) never count."""
        from archcalc.forward.arrays import counted

        y = super().forward(run, *inputs)
        (x,) = inputs
        (fw, fh), (sw, sh), p = self.kernel_size, self.step, self.padding
        padding = self.count_padding
        rows = counted(x.shape[1], fh, sh, p.top, p.bottom, self.rounding, p.mode, padding=padding)
        columns = counted(x.shape[2], fw, sw, p.left, p.right, self.rounding, p.mode, padding=padding)
        y /= rows.astype(y.dtype)[:, None, None]
        y /= columns.astype(y.dtype)[:, None]
        return y

    def reduce(self, run: "Run", taps: "list[Array]", out: "Array") -> None:
        import numpy as np

        np.copyto(out, taps[0])
        for tap in taps[1:]:
            out += tap

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return self.kept_input(inputs[0])


class L2Pool(Pooling):
    """L2 pooling: the root of the sum of squares."""

    type = "l2pool"
    example = "INPUT[8x8x4] -> L2POOL2"
    aka = ("l2_pool",)
    akin = ("lppool", "lppool2d", "lp_pool")  # of any power

    rounding: Rounding = rounding_key()

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        row = y.width * y.channels
        return self.framed(inputs[0], images) + tile_rows(y.height, row) * row

    def reduce(self, run: "Run", taps: "list[Array]", out: "Array") -> None:
        import numpy as np

        square = run.new(out.shape)
        np.multiply(taps[0], taps[0], out=out)
        for tap in taps[1:]:
            out += np.multiply(tap, tap, out=square)
        np.sqrt(out, out=out)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept | None:
        """The input, its squares, and four maps of the root's arithmetic (lp_pool2d; it does not pad)."""
        if self.padding != Padding():
            return None
        return Kept(input=True, values=inputs[0].size + 4 * y.size, backward=3 * y.size, autocast="single")


class GlobalAveragePool(Layer):
    """Global average pooling: one value per channel."""

    type = "gap"
    example = "INPUT[7x7x512] -> GAP"
    aka: ClassVar[tuple[str, ...]] = (
        "globalavgpool",
        "globalaveragepooling2d",
        "global_avg_pool",
        "global_average_pool",
    )
    akin: ClassVar[tuple[str, ...]] = ("globalpool",)
    keeps = Kept()

    def output(self, x: Volume) -> Volume:
        return Volume(1, 1, x.channels)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=x.size)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return Window(x.width), Window(x.height)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        y = run.new((x.shape[0], 1, 1, x.shape[-1]))
        return x.mean(axis=(1, 2), keepdims=True, out=y)
