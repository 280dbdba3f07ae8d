"""Maximum over the channels."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class ChannelMax(Layer):
    """The largest of the channels at every position (spatial attention, CBAM, arXiv:1807.06521)."""

    type = "channel_max"
    akin = ("channelmax", "channel_maxpool", "max_channels")

    def output(self, x: Volume) -> Volume:
        return Volume(x.width, x.height, 1)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=x.size)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Which channel it was (torch.max); backward zeros, and then a copy of them with the gradient."""
        return Kept(indices=y.size, backward=inputs[0].size)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        return x.max(axis=3, keepdims=True, out=run.new((*x.shape[:3], 1)))
