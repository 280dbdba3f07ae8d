"""Normalization to length 1."""

from typing import TYPE_CHECKING

from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.reader.values import Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class L2Norm(Layer):
    """The channels at every position over their length (ParseNet, arXiv:1506.04579; SSD's conv4_3, with a `scale` behind)."""

    type = "l2_norm"
    aka = ("l2norm", "l2normalize", "unitnormalization")
    akin = ("normalize", "lpnormalization", "unit_norm")

    eps: float = key(Number(0), default=1e-12, foreign=("epsilon",), help="least length that is divided by")

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=3 * y.size)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, and at every position the length, before and after it is held above `eps`; backward the quotient's derivatives."""
        values = 2 * y.width * y.height
        return Kept(input=True, values=values, singles=values, backward=3 * y.size, autocast="beside")

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return tile_rows(images * y.width * y.height, y.channels) * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        y = run.new(x.shape)
        for a, b, square in tiles(run, x, y, 1):
            np.multiply(a, a, out=square)
            np.divide(a, np.maximum(np.sqrt(square.sum(axis=1, keepdims=True)), self.eps), out=b)
        return y
