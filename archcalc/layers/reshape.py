"""Layers that only move values: the input itself, flatten, padding and cropping, channel split and shuffle."""

from typing import TYPE_CHECKING

from archcalc.diagnostics import rule
from archcalc.layers.base import UNEVEN_SPLIT, Kept, Layer, key
from archcalc.layers.misfit import NOTHING_LEFT, LayerError
from archcalc.reader.integers import BAD_VALUE
from archcalc.reader.values import Choice, Extents, Integer, Padding, Paddings
from archcalc.volume import Pair, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

UNEVEN_BLOCKS = rule(
    "AC214",
    "the image cannot be cut into blocks",
    """
    `space_to_depth` and `pixel_unshuffle` make every block of r x r pixels one pixel's channels, so r must divide the
    width and the height.
    """,
)
MIRRORED = rule(
    "AC216",
    "more is mirrored than there is",
    "`mode: reflect` mirrors the image at its edge, which is not repeated: at most its extent less one.",
)
UNREACHED = rule(
    "AC218",
    "a size that cannot be had",
    """
    `crop` with `size` or `like` takes away and `pad` adds, the same on both sides and an odd column or row on the right and
    bottom: the image must be as large to be cropped, and no larger to be padded.
    """,
)
NO_WINDOW = rule(
    "AC213",
    "a padding that needs a window",
    "`same` and `half` are sizes that follow from a window; `pad` and `crop` have none and take numbers.",
)


class Input(Layer):
    """The image the network reads."""

    type = "input"
    aka = ("inputlayer",)
    akin = ("data", "placeholder")
    keeps = Kept()

    width: int = key(Integer(1), foreign=("W", "w"), help="columns")
    height: int = key(Integer(1), foreign=("H", "h"), help="rows")
    channels: int = key(Integer(1), foreign=("C", "c", "depth", "D"), help="colours")

    @property
    def volume(self) -> Volume:
        return Volume(self.width, self.height, self.channels)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return run.images(self.height, self.width, self.channels)


def channels_stand_first(x: Volume) -> bool:
    """Whether an input is most likely channels x height x width: 1 or 3 columns of an image of as many rows as channels."""
    square = x.height == x.channels >= 16
    return (x.width in (1, 3) and square) or (x.width == 3 and min(x.height, x.channels) >= 32)


class Flatten(Layer):
    """All values as one column of channels; fc does it implicitly."""

    type = "flatten"
    example = "INPUT[7x7x512] -> FLATTEN"
    inplace = True
    view = True
    keeps = Kept(storage="view", gradient="same", viewed=True)

    def output(self, x: Volume) -> Volume:
        return Volume(1, 1, x.size)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return Window(x.width), Window(x.height)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """Values in the order height, width, channels."""
        return run.passed(inputs[0]).reshape(len(inputs[0]), 1, 1, -1)


class Pad(Layer):
    """Zeros around the image, or its own values: mirrored (`reflect`) or those of its edge (`replicate`).

    `lowest` is minus infinity, which no max pool behind it ever picks.  `size` (or `like: NAME`) instead says how large
    the result is: the image stands in its middle, an odd column or row on the right and bottom.
    """

    type = "pad"
    example = "INPUT[8x8x4] -> PAD2"
    aka = ("zero_pad", "zeropad2d", "zero_padding", "zeropadding2d", "zeropad")
    akin = ("constantpad2d", "reflectionpad2d", "reflection_pad", "replicationpad2d")
    sized = ("padding", "size")

    padding: Padding | None = key(
        Paddings(),
        default=None,
        notation="",
        letter="P",
        foreign=("pad", "P"),
        akin=("pads",),
        help="columns and rows on each side",
    )
    size: Pair | None = key(Extents(1), default=None, help="width and height of the output, instead")
    mode: str = key(
        Choice("zeros", "reflect", "replicate", "lowest"),
        default="zeros",
        help="what stands there: zeros, the mirrored image, its edge, or minus infinity",
    )

    def validate(self) -> None:
        _one_of(self, self.padding, self.size, "padding")

    @property
    def label(self) -> str:
        return f"PAD{self.padding}" if self.size is None else f"PAD to {self.size}"

    def sides(self, x: Volume) -> Padding:
        """Columns and rows on each side of this image."""
        if self.padding is not None:
            return self.padding
        assert self.size is not None
        return _middle(self.size.width - x.width, self.size.height - x.height, x, self.size, "pad")

    @property
    def infinite(self) -> bool:
        return self.mode == "lowest"

    def output(self, x: Volume) -> Volume:
        p = self.sides(x)
        for axis, extent, side in (("width", x.width, max(p[:2])), ("height", x.height, max(p[2:4]))):
            if self.mode == "reflect" and side >= extent:
                raise LayerError(
                    MIRRORED,
                    f"cannot mirror {side} positions of a {axis} of {extent}",
                    keys=("padding", "mode"),
                    notes=("the edge itself is not repeated, so that at most the extent less one can be mirrored",),
                )
        return Volume(x.width + p.left + p.right, x.height + p.top + p.bottom, x.channels)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        p = self.sides(x)
        return Window(1, 1, p.left, p.right), Window(1, 1, p.top, p.bottom)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Where the image's values are repeated, the input."""
        return Kept(input=self.mode in ("reflect", "replicate"))

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        n, height, width, channels = x.shape
        p = self.sides(Volume(width, height, channels))
        y = run.new((n, p.top + height + p.bottom, p.left + width + p.right, channels))
        y[...] = float("-inf") if self.mode == "lowest" else 0
        y[:, p.top : p.top + height, p.left : p.left + width] = x
        if self.mode in ("reflect", "replicate"):
            step = 1 if self.mode == "reflect" else 0
            rows, columns = y.swapaxes(0, 1), y.swapaxes(0, 2)
            for side, before, extent, after in ((rows, p.top, height, p.bottom), (columns, p.left, width, p.right)):
                end = before + extent
                for i in range(1, before + 1):
                    side[before - i] = side[before + step * i]
                for i in range(after):
                    side[end + i] = side[end - 1 - step * (i + 1)]
        return y


class Crop(Layer):
    """The image without columns and rows at its sides, or its middle of a `size`, or `like` another layer's output."""

    type = "crop"
    example = "INPUT[8x8x4] -> CROP2"
    aka = ("cropping2d",)
    akin = ("cropping", "center_crop", "centercrop")
    sized = ("cropping", "size")

    cropping: Padding | None = key(
        Paddings(),
        default=None,
        notation="",
        akin=("crop", "padding"),
        help="columns and rows taken from each side",
    )
    size: Pair | None = key(Extents(1), default=None, help="width and height of the output, instead")

    def validate(self) -> None:
        _one_of(self, self.cropping, self.size, "cropping")

    @property
    def label(self) -> str:
        return f"CROP{self.cropping}" if self.size is None else f"CROP to {self.size}"

    def sides(self, x: Volume) -> Padding:
        """Columns and rows that are taken from each side of this image."""
        if self.cropping is not None:
            return self.cropping
        assert self.size is not None
        return _middle(x.width - self.size.width, x.height - self.size.height, x, self.size, "crop")

    def output(self, x: Volume) -> Volume:
        c = self.sides(x)
        y = Volume(x.width - c.left - c.right, x.height - c.top - c.bottom, x.channels)
        for axis, extent, out in zip(("width", "height"), x, y, strict=False):
            if out < 1:
                raise LayerError(
                    NOTHING_LEFT,
                    f"does not fit: {extent - out} of the {axis}'s {extent} are taken away",
                    keys=("cropping",),
                )
        return y

    def windows(self, x: Volume) -> tuple[Window, Window]:
        c = self.sides(x)
        return Window(1, 1, -c.left, -c.right), Window(1, 1, -c.top, -c.bottom)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; backward the width grows before the height does."""
        (x,) = inputs
        between = y.height * x.width * x.channels
        return Kept(storage="view", backward=between - y.size if between < x.size else 0, viewed=True)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        _, height, width, channels = inputs[0].shape
        c = self.sides(Volume(width, height, channels))
        return run.copied(inputs[0][:, c.top : height - c.bottom, c.left : width - c.right])


class Split(Layer):
    """One of the equal parts into which the channels are cut, in their order."""

    type = "split"
    example = "INPUT[8x8x64] -> SPLIT2-1"
    aka = ("channel_split", "channelsplit")
    akin = ("chunk",)

    parts: int = key(
        Integer(2), default=2, notation="", foreign=("chunks",), akin=("groups", "num_split"), help="number of parts"
    )
    part: int = key(Integer(1), notation="-", akin=("index", "number"), help="which of them, from 1")

    def validate(self) -> None:
        if self.part > self.parts:
            raise LayerError(UNEVEN_SPLIT, f"there is no part {self.part} of {self.parts}", keys=("part",))

    @property
    def label(self) -> str:
        return f"SPLIT{self.parts}-{self.part}"

    def output(self, x: Volume) -> Volume:
        if x.channels % self.parts:
            raise uneven(x, self.parts, "parts")
        return Volume(x.width, x.height, x.channels // self.parts)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; backward there are zeros for the other parts before they are joined."""
        return Kept(storage="view", backward=inputs[0].size - y.size, viewed=True)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        return run.copied(np.split(inputs[0], self.parts, axis=3)[self.part - 1])


class Shuffle(Layer):
    """Channel shuffle: the channels of `groups` equal groups are dealt out in turn (arXiv:1707.01083)."""

    type = "shuffle"
    example = "INPUT[8x8x12] -> SHUFFLE3"
    aka = ("channel_shuffle", "channelshuffle")
    keeps = Kept(viewed=True)

    groups: int = key(
        Integer(1), default=2, notation="", foreign=("group", "g"), help="number of groups whose channels are mixed"
    )

    @property
    def label(self) -> str:
        return f"SHUFFLE{self.groups}"

    def output(self, x: Volume) -> Volume:
        if x.channels % self.groups:
            raise uneven(x, self.groups, "groups")
        return x

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        n, height, width, _ = x.shape
        dealt = x.reshape(n, height, width, self.groups, -1).swapaxes(3, 4)
        return run.copied(dealt).reshape(n, height, width, -1)


def _one_of(layer: Layer, sides: Padding | None, size: Pair | None, name: str) -> None:
    """Refuse a layer whose sides are given by nothing, twice, or by a word that needs a window."""
    if sides is None and size is None:
        raise LayerError(BAD_VALUE, f"`{name}` or `size` is needed, or `like`, the layer that is as large")
    if sides is not None and size is not None:
        raise LayerError(BAD_VALUE, f"the size is given twice, by `{name}` and by `size`", keys=("size",))
    if sides is not None and sides.mode:
        raise LayerError(
            NO_WINDOW, f"`{sides.mode}` depends on a window, and {layer.type} has none; give numbers", keys=(name,)
        )


def _middle(columns: int, rows: int, x: Volume, size: Pair, verb: str) -> Padding:
    """The sides around the middle, the odd column and row on the right and bottom."""
    for axis, differ, extent, wanted in (
        ("width", columns, x.width, size.width),
        ("height", rows, x.height, size.height),
    ):
        if differ < 0:
            raise LayerError(UNREACHED, f"cannot {verb} a {axis} of {extent} to {wanted}", keys=("like", "size"))
    return Padding(columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)


def uneven(x: Volume, parts: int, name: str) -> LayerError:
    fitting = [str(one) for one in range(2, min(x.channels, 64) + 1) if x.channels % one == 0]
    return LayerError(
        UNEVEN_SPLIT,
        f"cannot split the input's {x.channels} channels into {parts} {name}",
        keys=(name,),
        notes=(f"{x.channels} = {x.channels // parts}*{parts} + {x.channels % parts}",),
        help=(f"{name} that divide {x.channels} channels: {', '.join(fitting[:8])}",) if fitting else (),
    )
