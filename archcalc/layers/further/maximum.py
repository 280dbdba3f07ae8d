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

    def gradients(self, left: int, right: int, result: int) -> int:
        """Halves where both are the same, and masks of a byte for each value."""
        return 5 * result + (result + 1) // 2

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.maximum(y, x, out=y)
