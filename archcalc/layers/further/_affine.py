"""What scale and shift have in common: one value of the text, or values that are stored."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept, Layer, key
from archcalc.reader.values import Boolean, Choice, Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Affine(Layer):
    """One operation per value, with stored values or with a constant.

    Stored is one value for every channel, or one for the layer: weights, or with `trained: false` buffers (as a
    normalization by the data's mean and deviation has them).  A constant, `by`, is stored nowhere.
    """

    per: str = key(Choice("channel", "layer"), default="channel", help="one value for each channel, or for the layer")
    trained: bool = key(Boolean(), default=True, foreign=("trainable",), help="whether the values are trained")
    by: float | None = key(
        Number(float("-inf")),
        default=None,
        akin=("value", "scalar", "constant", "factor", "offset"),
        help="a constant instead of stored values",
    )

    @property
    def label(self) -> str:
        return self.type.upper() + ("" if self.by is None else f" {self.by:g}")

    def stored(self, channels: int) -> tuple[int, int]:
        """How many values are stored for an input of so many channels: trained, and not trained."""
        number = 0 if self.by is not None else 1 if self.per == "layer" else channels
        return (number, 0) if self.trained else (0, number)

    def operand(self, run: "Run", x: "Array", kind: str, centre: float) -> "Array | float":
        """What every value is combined with; `kind` is what the stored values are if they are trained."""
        if self.by is not None:
            return self.by
        shape = x.shape[-1:] if self.per == "channel" else (1,)
        return run.draw(kind if self.trained else "buffers", shape, centre, 0.25)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return Kept(gradient="same", autocast="keep" if self.by is not None else "promoted")
