"""Normalization with every image's own statistics, over groups of channels."""

from typing import TYPE_CHECKING

from archcalc.layers.norm import Normalization

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class GroupStatistics(Normalization):
    """What normalizations over groups of channels and the whole image have in common."""

    eps: float

    def normalized(self, run: "Run", x: "Array", groups: int) -> "Array":
        """Every image's groups, of mean 0 and variance 1, then scaled and shifted."""
        import numpy as np

        _, height, width, channels = x.shape
        gamma, beta = self.draw(run, channels)
        y = run.new(x.shape)
        for source, target in zip(x, y, strict=True):
            run.tick()
            values, out = (one.reshape(height * width, groups, -1) for one in (source, target))
            np.subtract(values, values.mean(axis=(0, 2))[:, None], out=out)
            variance = np.einsum("igk,igk->g", out, out) / (out.size // groups)
            out /= np.sqrt(variance + self.eps)[:, None]
            if gamma is not None:
                target *= gamma
            if beta is not None:
                target += beta
        return y
