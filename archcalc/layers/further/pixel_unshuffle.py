"""The inverse of pixel_shuffle."""

from typing import TYPE_CHECKING

from archcalc.layers.further._blocks import ToChannels, factor_key

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class PixelUnshuffle(ToChannels):
    """The inverse of pixel_shuffle: pixel (i, j) of channel c becomes channel c*r*r + i*r + j."""

    type = "pixel_unshuffle"
    example = "INPUT[8x8x4] -> PIXEL_UNSHUFFLE2"
    aka = ("pixelunshuffle",)

    factor: int = factor_key("r: blocks of r x r pixels become one")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,), r = inputs, self.factor
        n, height, width, channels = x.shape
        moved = x.reshape(n, height // r, r, width // r, r, channels).transpose(0, 1, 3, 5, 2, 4)
        return run.copied(moved).reshape(n, height // r, width // r, -1)
