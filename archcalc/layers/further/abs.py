"""Absolute value."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Activation
from archcalc.layers.base import Kept
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Abs(Activation):
    """|x|, as between the two sides of a Siamese network."""

    type = "abs"
    aka = ("absval", "absolute")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; backward its signs."""
        return Kept(input=True, storage="cloned", backward=y.size)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.abs(x, out=y)
