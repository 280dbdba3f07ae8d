"""Hard hyperbolic tangent."""

from archcalc.layers.base import Kept, key
from archcalc.layers.further.clamp import ANY, Clamp
from archcalc.volume import Volume


class HardTanh(Clamp):
    """Values held between -1 and 1, or other bounds."""

    type = "hardtanh"
    aka = ("hard_tanh", "htanh")

    low: float | None = key(ANY, default=-1.0, foreign=("min_val", "min_value", "min"), help="the least value")
    high: float | None = key(ANY, default=1.0, foreign=("max_val", "max_value", "max"), help="the largest value")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; its backward pass is one operation."""
        return Kept(input=True)
