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

    def gradients(self, left: int, right: int, result: int) -> int:
        """Halves where both are the same, and masks of a byte for each value."""
        return 5 * result + (result + 1) // 2

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.minimum(y, x, out=y)
