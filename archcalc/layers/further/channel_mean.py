"""Mean over the channels."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class ChannelMean(Layer):
    """The mean of the channels at every position (spatial attention, CBAM, arXiv:1807.06521)."""

    type = "channel_mean"
    akin = ("channelmean", "channel_avgpool", "mean_channels")
    keeps = Kept()

    def output(self, x: Volume) -> Volume:
        return Volume(x.width, x.height, 1)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=x.size)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        (x,) = inputs
        return x.mean(axis=3, keepdims=True, out=run.new((*x.shape[:3], 1)))
