"""What moving values between channels and pixels has in common."""

from archcalc.layers.base import UNEVEN_SPLIT, Kept, Layer, key
from archcalc.layers.misfit import LayerError
from archcalc.layers.reshape import UNEVEN_BLOCKS
from archcalc.reader.values import Integer
from archcalc.volume import Reach, Volume, Window


def factor_key(help: str) -> int:
    made: int = key(
        Integer(2),
        notation="",
        foreign=("upscale_factor", "downscale_factor", "block_size", "blocksize"),
        akin=("block", "scale", "stride", "r"),
        help=help,
    )
    return made


class Blocks(Layer):
    """Channels to pixels or back, in blocks of `factor` x `factor` pixels."""

    keeps = Kept()
    factor: int

    @property
    def label(self) -> str:
        return f"{self.type.upper()}{self.factor}"


class ToPixels(Blocks):
    """Every pixel's channels become a block of pixels."""

    def output(self, x: Volume) -> Volume:
        area = self.factor**2
        if x.channels % area:
            raise LayerError(
                UNEVEN_SPLIT,
                f"cannot make blocks of {self.factor}x{self.factor} pixels of the input's {x.channels} channels",
                keys=("factor",),
                notes=(f"{x.channels} = {x.channels // area}*{area} + {x.channels % area}",),
            )
        return Volume(x.width * self.factor, x.height * self.factor, x.channels // area)

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        reach = Reach.of(self.factor, 1, lambda o: (o // self.factor, o // self.factor + 1))
        return reach, reach


class ToChannels(Blocks):
    """Every block of pixels becomes one pixel's channels."""

    def output(self, x: Volume) -> Volume:
        for axis, extent in zip(("width", "height"), x, strict=False):
            if extent % self.factor:
                below = extent - extent % self.factor
                near = [str(one) for one in (below, below + self.factor) if one]
                raise LayerError(
                    UNEVEN_BLOCKS,
                    f"cannot cut the {axis} of {extent} into blocks of {self.factor}",
                    keys=("factor",),
                    notes=(f"{extent} = {extent // self.factor}*{self.factor} + {extent % self.factor}",),
                    help=(f"the nearest that can be cut: {' and '.join(near)}",),
                )
        return Volume(x.width // self.factor, x.height // self.factor, x.channels * self.factor**2)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        window = Window(self.factor, self.factor)
        return window, window
