"""Instance normalization."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, key
from archcalc.layers.further._groups import GroupStatistics
from archcalc.layers.norm import eps_key, scale_key, shift_key
from archcalc.reader.values import Boolean
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class InstanceNorm(GroupStatistics):
    """Normalization of each image's channels (arXiv:1607.08022); without scale and shift unless `affine` is true."""

    type = "instance_norm"
    aka = ("instancenorm2d",)
    akin = ("instancenorm", "instancenormalization", "contrast_norm")

    affine: bool = key(Boolean(), default=False, help="train a scale and a shift per channel")
    scale: bool = scale_key()
    shift: bool = shift_key()
    eps: float = eps_key()
    statistics: bool = key(
        Boolean(), default=False, foreign=("track_running_stats",), help="keep running statistics, for inference"
    )

    def cost(self, x: Volume, y: Volume) -> Cost:
        return super().cost(x, y)._replace(buffers=2 * x.channels if self.statistics else 0)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, and per channel of every image mean, deviation, and copies of running statistics and of the scale.

        PyTorch computes it as one image of all channels (torch.instance_norm), for which those are repeated, and so are
        their gradients; the result is a view of that image.
        """
        scaled, shifted = self.trained(1)
        values = (2 + 2 * self.statistics + scaled) * y.channels
        return Kept(input=True, values=values, backward=(scaled + shifted) * y.channels, viewed=True, singles=values)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        if not self.statistics:
            return self.normalized(run, x, x.shape[-1])
        gamma, beta = self.draw(run, x.shape[-1])
        mean = run.draw("buffers", x.shape[-1:], 0.0, 0.1)
        variance = run.draw("buffers", x.shape[-1:], 1.0, 0.25)
        y = np.subtract(x, mean, out=run.new(x.shape))
        y /= np.sqrt(variance + self.eps)
        if gamma is not None:
            y *= gamma
        if beta is not None:
            y += beta
        return y
