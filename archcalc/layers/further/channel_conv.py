"""Convolution over the channels."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.layers.further._sequence import NO_SEQUENCE
from archcalc.layers.misfit import LayerError
from archcalc.reader.integers import BAD_VALUE
from archcalc.reader.values import Integer
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class ChannelConv(Layer):
    """One filter that slides over the channels of a 1x1 volume, padded to keep them (ECA, arXiv:1910.03151)."""

    type = "channel_conv"
    example = "INPUT[8x8x16] -> GAP -> CHANNEL_CONV3"
    aka = ("eca", "channelconv", "conv_over_channels")
    keeps = Kept(input=True, autocast="half")

    kernel_size: int = key(
        Integer(1), default=3, notation="", letter="F", foreign=("kernel", "k_size", "size"), help="channels it covers"
    )

    def validate(self) -> None:
        if self.kernel_size % 2 == 0:
            raise LayerError(
                BAD_VALUE,
                f"the filter keeps the channels only if it is odd, not {self.kernel_size}",
                keys=("kernel_size",),
            )

    @property
    def label(self) -> str:
        return f"CHANNEL_CONV{self.kernel_size}"

    def output(self, x: Volume) -> Volume:
        if x[:2] != (1, 1):
            raise LayerError(NO_SEQUENCE, f"does not fit: {self.type} reads one value a channel, and its input is {x}")
        return x

    def cost(self, x: Volume, y: Volume) -> Cost:
        macs = self.kernel_size * x.channels
        return Cost(weights=self.kernel_size, macs=macs, flops=2 * macs)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(self.kernel_size)

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return images * (y.channels + self.kernel_size - 1)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """A matrix product of every channel's neighbours with the filter."""
        from numpy.lib.stride_tricks import sliding_window_view

        (x,) = inputs
        n, _, _, channels = x.shape
        weights = run.weight((self.kernel_size,), self.kernel_size)
        side = self.kernel_size // 2
        padded = run.new((n, channels + 2 * side))
        padded[...] = 0
        padded[:, side : side + channels] = x[:, 0, 0]
        y = run.new((n, 1, 1, channels))
        run.matmul(sliding_window_view(padded, self.kernel_size, axis=1), weights[:, None], y[:, 0, 0, :, None])
        return y
