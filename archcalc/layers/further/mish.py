"""Mish."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Activation
from archcalc.layers.base import Kept

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Mish(Activation):
    """x * tanh(softplus(x)) (Misra, arXiv:1908.08681; YOLOv4)."""

    type = "mish"
    keeps = Kept(input=True, storage="cloned")
    spare = 1

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.logaddexp(x, 0, out=spare[0])
        np.tanh(spare[0], out=spare[0])
        np.multiply(x, spare[0], out=y)
