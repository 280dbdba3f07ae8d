"""Continuously differentiable exponential linear unit."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Activation
from archcalc.layers.base import Kept, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.integers import BAD_VALUE
from archcalc.reader.values import Number

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class CELU(Activation):
    """max(0, x) + min(0, alpha * (exp(x/alpha) - 1)) (Barron, arXiv:1704.07483)."""

    type = "celu"
    keeps = Kept(input=True, storage="inplace")
    spare = 1

    alpha: float = key(Number(0), default=1.0, help="limit for large negative values, not 0")

    def validate(self) -> None:
        if not self.alpha:
            raise LayerError(BAD_VALUE, "x is divided by `alpha`, which cannot be 0", keys=("alpha",))

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        (below,) = spare
        np.minimum(x, 0, out=below)
        below /= self.alpha
        np.expm1(below, out=below)
        below *= self.alpha
        np.maximum(x, 0, out=y)
        y += below
