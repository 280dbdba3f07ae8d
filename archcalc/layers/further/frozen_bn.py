"""Batch normalization that nothing trains."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer
from archcalc.layers.norm import eps_key
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class FrozenBatchNorm(Layer):
    """Batch normalization of which all is stored and nothing is trained, as detectors have it (torchvision's FrozenBatchNorm2d).

    Scale, shift, mean and variance are buffers; every pass makes of them a factor and a term for each channel.
    """

    type = "frozen_bn"
    aka = ("frozenbatchnorm", "frozenbatchnorm2d", "frozen_batch_norm")

    eps: float = eps_key()

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(buffers=4 * x.channels, flops=2 * y.size)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The factors, however many images; the product is gone once the term is added."""
        return Kept(statistics=y.channels, running=y.size, autocast="promoted")

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return 2 * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        shape = x.shape[-1:]
        scale, shift = run.draw("buffers", shape, 0.75, 0.25), run.draw("buffers", shape, 0.0, 0.25)
        mean, variance = run.draw("buffers", shape, 0.0, 0.1), run.draw("buffers", shape, 1.0, 0.25)
        factor, term = run.new(shape), run.new(shape)
        np.add(variance, self.eps, out=factor)
        np.power(factor, -0.5, out=factor)
        factor *= scale
        np.multiply(mean, factor, out=term)
        np.subtract(shift, term, out=term)
        y = run.new(x.shape)
        np.multiply(x, factor, out=y)
        y += term
        return y
