"""Addition of stored values or of a constant."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost
from archcalc.layers.further._affine import Affine
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Shift(Affine):
    """Add one trained value per channel (Caffe's Bias), one for the layer, or a constant."""

    type = "shift"
    aka = ("add_constant", "addconstant")
    akin = ("bias",)

    def cost(self, x: Volume, y: Volume) -> Cost:
        trained, kept = self.stored(x.channels)
        return Cost(0, trained, kept, 0, y.size)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        return np.add(x, self.operand(run, x, "biases", 0.0), out=run.new(x.shape))
