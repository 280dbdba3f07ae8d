"""A range of channels."""

from typing import TYPE_CHECKING

from archcalc.layers.base import UNEVEN_SPLIT, Kept, Layer, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Integer
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Slice(Layer):
    """Some channels that lie side by side; several make an uneven split (Res2Net, VoVNet, CSP stages)."""

    type = "slice"
    example = "INPUT[8x8x64] -> SLICE-16o32"
    aka = ("channel_slice", "narrow", "strided_slice")
    keeps = Kept(storage="view", viewed=True)

    channels: int = key(
        Integer(1), notation="-", foreign=("length",), akin=("size", "filters"), help="how many channels"
    )
    offset: int = key(
        Integer(0), default=0, notation="o", foreign=("start", "begin", "first"), help="channels left out before them"
    )

    @property
    def label(self) -> str:
        return f"SLICE-{self.channels}" + (f"o{self.offset}" if self.offset else "")

    def output(self, x: Volume) -> Volume:
        end = self.offset + self.channels
        if end > x.channels:
            raise LayerError(
                UNEVEN_SPLIT,
                f"does not fit: the input has {x.channels} channels, not {end}",
                keys=("channels", "offset"),
                notes=(f"offset + channels = {self.offset} + {self.channels} = {end}",),
            )
        return Volume(x.width, x.height, self.channels)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        y = inputs[0][..., self.offset :][..., : self.channels]
        return run.copied(y)
