"""The first branch minus the others."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept
from archcalc.layers.merge import Elementwise

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Subtract(Elementwise):
    """The first branch minus the others, element by element."""

    type = "subtract"
    aka = (
        "sub",
        "minus",
        "difference",
    )
    keeps = Kept()
    verb = "subtract works element by element: width, height and channels must agree"

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.subtract(y, x, out=y)
