"""The larger value of the branches."""

from typing import TYPE_CHECKING

from archcalc.layers.merge import Factors

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Maximum(Factors):
    """The larger value of the branches, element by element."""

    type = "maximum"
    aka = (
        "max",
        "eltwise_max",
    )
    verb = "maximum works element by element: width, height and channels must agree"

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.maximum(y, x, out=y)
