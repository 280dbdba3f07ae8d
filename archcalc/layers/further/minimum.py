"""The smaller value of the branches."""

from typing import TYPE_CHECKING

from archcalc.layers.merge import Factors

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Minimum(Factors):
    """The smaller value of the branches, element by element."""

    type = "minimum"
    aka = (
        "min",
        "eltwise_min",
    )
    verb = "minimum works element by element: width, height and channels must agree"

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.minimum(y, x, out=y)
