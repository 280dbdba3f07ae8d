"""Global response normalization."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer
from archcalc.layers.norm import eps_key
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class GlobalResponseNorm(Layer):
    """Channels by their length over the image, relative to the mean length (ConvNeXt V2, arXiv:2301.00808)."""

    type = "grn"
    aka = ("globalresponsenorm", "global_response_norm")

    eps: float = eps_key(1e-6)

    def cost(self, x: Volume, y: Volume) -> Cost:
        """Operations: the squares and their sum, two products, two sums."""
        return Cost(weights=x.channels, biases=x.channels, flops=6 * y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, its product with the relative lengths, the lengths, the relative ones, and their mean."""
        values = y.size + 2 * y.channels + 1
        return Kept(
            input=True,
            values=values,
            singles=values,
            running=y.size,
            backward=y.size + y.channels,
            autocast="beside",
        )

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        gamma = run.draw("weights", x.shape[-1:], 0.0, 0.25)
        beta = run.draw("biases", x.shape[-1:], 0.0, 0.1)
        y = run.new(x.shape)
        for source, target in zip(x, y, strict=True):
            run.tick()
            lengths = np.sqrt(np.einsum("rck,rck->k", source, source))
            np.multiply(source, gamma * lengths / (lengths.mean() + self.eps), out=target)
            target += beta
            target += source
        return y
