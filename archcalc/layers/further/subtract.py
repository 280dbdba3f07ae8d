"""The first branch minus the others."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept
from archcalc.layers.merge import Elementwise
from archcalc.volume import Volume

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
    verb = "subtract works element by element: width, height and channels must agree"

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; of more than two branches the difference before is there for a moment."""
        return Kept(running=y.size if len(inputs) > 2 else 0)

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.subtract(y, x, out=y)
