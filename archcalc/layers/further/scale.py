"""Multiplication by stored values or by a constant."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept
from archcalc.layers.further._affine import Affine
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Scale(Affine):
    """Multiply by one trained value per channel (Caffe's Scale), by one for the layer, or by a constant."""

    type = "scale"
    aka = ("rescale", "rescaling", "mul_constant", "mulconstant")

    def cost(self, x: Volume, y: Volume) -> Cost:
        trained, kept = self.stored(x.channels)
        return Cost(trained, 0, kept, 0, y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(self.stored(x.channels)[0] or "")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, where factors are trained, whose gradient is a map before it is summed."""
        trained = self.stored(1)[0] > 0
        return Kept(
            input=trained, backward=y.size if trained else 0, autocast="keep" if self.by is not None else "promoted"
        )

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        return np.multiply(x, self.operand(run, x, "weights", 0.75), out=run.new(x.shape))
