"""The larger value of the branches."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept
from archcalc.layers.merge import Factors
from archcalc.volume import Volume

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
        """Halves where both are the same."""
        return 5 * result

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The branches; backward masks, too, of where which is chosen."""
        return super().kept(inputs, y)._replace(masks=2 * y.size)

    def combine(self, y: "Array", x: "Array") -> None:
        import numpy as np

        np.maximum(y, x, out=y)
