"""Values held between two bounds."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Activation
from archcalc.layers.base import Kept, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.integers import BAD_VALUE
from archcalc.reader.values import Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array

INFINITY = float("inf")
ANY = Number(-INFINITY)


class Clamp(Activation):
    """Values below `low` become `low`, values above `high` become `high`."""

    type = "clamp"
    example = "input: 8x8x4\nlayers: [clamp: {low: 0, high: 6}]\n"
    aka = ("clip", "clip_by_value")

    low: float | None = key(ANY, default=None, foreign=("min", "min_value", "min_val"), help="the least value")
    high: float | None = key(ANY, default=None, foreign=("max", "max_value", "max_val"), help="the largest value")

    def validate(self) -> None:
        if self.low is None and self.high is None:
            raise LayerError(BAD_VALUE, "without `low` or `high` nothing is clamped")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise LayerError(BAD_VALUE, f"`low` {self.low:g} is above `high` {self.high:g}", keys=("low", "high"))

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; backward a mask of bytes for each bound."""
        bounds = (self.low is not None) + (self.high is not None)
        return Kept(input=True, masks=bounds * y.size)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.clip(x, self.low, self.high, out=y)
