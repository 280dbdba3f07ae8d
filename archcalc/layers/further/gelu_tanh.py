"""GELU by tanh."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Activation
from archcalc.layers.base import Kept

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class GELUTanh(Activation):
    """GELU by tanh for erf: x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x**3)))/2 (Hendrycks and Gimpel, arXiv:1606.08415)."""

    type = "gelu_tanh"
    aka = ("gelutanh", "gelu_pytorch_tanh", "gelu_new")
    keeps = Kept(input=True)
    spare = 1

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        (inner,) = spare
        np.multiply(x, x, out=inner)
        inner *= 0.044715
        inner += 1
        inner *= x
        inner *= 0.7978845608028654  # sqrt(2/pi)
        np.tanh(inner, out=inner)
        inner += 1
        inner *= 0.5
        np.multiply(x, inner, out=y)
