"""Pixels to channels."""

from typing import TYPE_CHECKING

from archcalc.layers.further._blocks import ToChannels, factor_key

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class SpaceToDepth(ToChannels):
    """Pixels to channels in TensorFlow's order: pixel (i, j) of channel c becomes channel (i*r + j)*C + c."""

    type = "space_to_depth"
    example = "INPUT[8x8x4] -> SPACE_TO_DEPTH2"
    aka = ("spacetodepth",)
    akin = ("reorg", "focus")

    factor: int = factor_key("r: blocks of r x r pixels become one")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,), r = inputs, self.factor
        n, height, width, channels = x.shape
        moved = x.reshape(n, height // r, r, width // r, r, channels).transpose(0, 1, 3, 2, 4, 5)
        return run.copied(moved).reshape(n, height // r, width // r, -1)
