"""The first branch divided by the others."""

from typing import TYPE_CHECKING

from archcalc.layers.merge import Factors

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Divide(Factors):
    """The first branch divided by the others, element by element."""

    type = "divide"
    aka = (
        "div",
        "quotient",
    )
    verb = "divide works element by element: width, height and channels must agree"

    def gradients(self, left: int, right: int, result: int) -> int:
        """Two quotients of the operands and the negative gradient, beside the result's and the dividend's."""
        return 5 * result

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.divide(y, x, out=y)
