"""Sub-pixel upsampling."""

from typing import TYPE_CHECKING

from archcalc.layers.further._blocks import ToPixels, factor_key

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class PixelShuffle(ToPixels):
    """Sub-pixel upsampling: channel c*r*r + i*r + j becomes pixel (i, j) of channel c (Shi et al., arXiv:1609.05158)."""

    type = "pixel_shuffle"
    example = "INPUT[4x4x16] -> PIXEL_SHUFFLE2"
    aka = ("pixelshuffle",)
    akin = ("subpixel", "sub_pixel", "subpixel_conv")

    factor: int = factor_key("r: how many times as wide and high the output is")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,), r = inputs, self.factor
        n, height, width, _ = x.shape
        moved = x.reshape(n, height, width, -1, r, r).transpose(0, 1, 4, 2, 5, 3)
        return run.copied(moved).reshape(n, height * r, width * r, -1)
