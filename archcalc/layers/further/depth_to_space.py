"""Channels to pixels."""

from typing import TYPE_CHECKING

from archcalc.layers.further._blocks import ToPixels, factor_key

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class DepthToSpace(ToPixels):
    """Channels to pixels in TensorFlow's order: channel (i*r + j)*C + c becomes pixel (i, j) of channel c."""

    type = "depth_to_space"
    example = "INPUT[4x4x16] -> DEPTH_TO_SPACE2"
    aka = ("depthtospace",)

    factor: int = factor_key("r: how many times as wide and high the output is")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,), r = inputs, self.factor
        n, height, width, _ = x.shape
        moved = x.reshape(n, height, width, r, r, -1).transpose(0, 1, 3, 2, 4, 5)
        return run.copied(moved).reshape(n, height * r, width * r, -1)
