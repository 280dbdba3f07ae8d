"""Stochastic depth."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept, Layer, key
from archcalc.reader.values import Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class DropPath(Layer):
    """Stochastic depth (arXiv:1603.09382): at training a share of the images loses this branch; else it does nothing."""

    type = "drop_path"
    example = "INPUT[8x8x4] -> DROP_PATH0.1"
    aka = ("droppath", "stochastic_depth", "stochasticdepth")
    akin = ("dropconnect", "drop_connect")
    inplace = True
    view = True

    rate: float = key(
        Number(0, 1, open_high=True),
        notation="",
        foreign=("p", "drop_prob"),
        akin=("prob", "survival_prob", "probability"),
        help="share of images whose branch is dropped",
    )

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """One factor for each image.  A rate of 0 does nothing."""
        return Kept(values=1) if self.rate else Kept(storage="view")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return inputs[0]
