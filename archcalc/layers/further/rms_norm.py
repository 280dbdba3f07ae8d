"""Normalization by the root of the mean square."""

from typing import TYPE_CHECKING

from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.layers.norm import eps_key
from archcalc.reader.values import Boolean
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class RMSNorm(Layer):
    """The channels at every position over their root mean square, with a trained scale (arXiv:1910.07467)."""

    type = "rms_norm"
    aka = ("rmsnorm2d",)
    akin = ("rmsnorm", "rmsnormalization")

    affine: bool = key(
        Boolean(), default=True, foreign=("elementwise_affine", "scale"), help="train a scale per channel"
    )
    eps: float = eps_key(1e-6)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(weights=x.channels if self.affine else 0, flops=(4 if self.affine else 3) * y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels) if self.affine else ""

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, the inverse root at every position, and what the scale multiplies.

        Measured on the CPU, where it is made of simple operations, with a copy in the memory's order and derivatives of the
        root; a map fewer where nobody else holds the gradient.
        """
        area = y.width * y.height
        return Kept(
            input=True,
            values=area + (y.size if self.affine else 0),
            running=y.size,
            backward=(3 if self.affine else 4) * y.size - area,
            autocast="single",
        )

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return tile_rows(images * y.width * y.height, y.channels) * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        gamma = run.draw("weights", x.shape[-1:], 0.75, 0.25) if self.affine else None
        y = run.new(x.shape)
        for a, b, square in tiles(run, x, y, 1):
            np.multiply(a, a, out=square)
            np.divide(a, np.sqrt(square.mean(axis=1, keepdims=True) + self.eps), out=b)
            if gamma is not None:
                b *= gamma
        return y
