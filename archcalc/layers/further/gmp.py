"""Global max pooling."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept
from archcalc.layers.pool import GlobalAveragePool
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class GlobalMaxPool(GlobalAveragePool):
    """Global max pooling: the largest value of every channel."""

    type = "gmp"
    example = "INPUT[7x7x512] -> GMP"
    aka = ("globalmaxpool", "globalmaxpooling2d", "global_max_pool", "global_max_pooling")
    akin = ()

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return Kept(input=True, indices=y.size)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        return x.max(axis=(1, 2), keepdims=True, out=run.new((x.shape[0], 1, 1, x.shape[-1])))
