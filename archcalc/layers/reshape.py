"""Layers that only move values: the input itself, flatten, padding and cropping, channel split and shuffle."""

from typing import TYPE_CHECKING

from archcalc.diagnostics import rule
from archcalc.layers.base import UNEVEN_SPLIT, Kept, Layer, key
from archcalc.layers.misfit import NOTHING_LEFT, LayerError
from archcalc.reader.values import Choice, Integer, Padding, Paddings
from archcalc.volume import Volume, Window

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

    `lowest` is minus infinity, which no max pool behind it ever picks.
    """

    type = "pad"
    aka = ("zero_pad", "zeropad2d", "zero_padding", "zeropadding2d", "zeropad")
    akin = ("constantpad2d", "reflectionpad2d", "reflection_pad", "replicationpad2d")

    padding: Padding = key(
        Paddings(),
        notation="",
        letter="P",
        foreign=("pad", "P"),
        akin=("pads", "size"),
        help="columns and rows on each side",
    )
    mode: str = key(
        Choice("zeros", "reflect", "replicate", "lowest"),
        default="zeros",
        help="what stands there: zeros, the mirrored image, its edge, or minus infinity",
    )

    def validate(self) -> None:
        _refuse_mode(self, self.padding, "padding")

    @property
    def label(self) -> str:
        return f"PAD{self.padding}"

    @property
    def infinite(self) -> bool:
        return self.mode == "lowest"

    def output(self, x: Volume) -> Volume:
        p = self.padding
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
        p = self.padding
        return Window(1, 1, p.left, p.right), Window(1, 1, p.top, p.bottom)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Where the image's values are repeated, the input."""
        return Kept(input=self.mode in ("reflect", "replicate"))

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        (n, height, width, channels), p = x.shape, self.padding
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
    """The image without columns and rows at its sides."""

    type = "crop"
    aka = ("cropping2d",)
    akin = ("cropping",)

    cropping: Padding = key(
        Paddings(), notation="", akin=("crop", "padding"), help="columns and rows taken from each side"
    )

    def validate(self) -> None:
        _refuse_mode(self, self.cropping, "cropping")

    @property
    def label(self) -> str:
        return f"CROP{self.cropping}"

    def output(self, x: Volume) -> Volume:
        c = self.cropping
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
        c = self.cropping
        return Window(1, 1, -c.left, -c.right), Window(1, 1, -c.top, -c.bottom)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; backward the width grows before the height does."""
        (x,) = inputs
        between = y.height * x.width * x.channels
        return Kept(storage="view", backward=between - y.size if between < x.size else 0, viewed=True)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        c = self.cropping
        _, height, width, _ = inputs[0].shape
        return run.copied(inputs[0][:, c.top : height - c.bottom, c.left : width - c.right])


class Split(Layer):
    """One of the equal parts into which the channels are cut, in their order."""

    type = "split"
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


def _refuse_mode(layer: Layer, sides: Padding, name: str) -> None:
    if sides.mode:
        raise LayerError(
            NO_WINDOW, f"`{sides.mode}` depends on a window, and {layer.type} has none; give numbers", keys=(name,)
        )


def uneven(x: Volume, parts: int, name: str) -> LayerError:
    fitting = [str(one) for one in range(2, min(x.channels, 64) + 1) if x.channels % one == 0]
    return LayerError(
        UNEVEN_SPLIT,
        f"cannot split the input's {x.channels} channels into {parts} {name}",
        keys=(name,),
        notes=(f"{x.channels} = {x.channels // parts}*{parts} + {x.channels % parts}",),
        help=(f"{name} that divide {x.channels} channels: {', '.join(fitting[:8])}",) if fitting else (),
    )
