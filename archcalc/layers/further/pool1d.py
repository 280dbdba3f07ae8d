"""Max pooling over sequences."""

from archcalc.layers.base import key
from archcalc.layers.further._sequence import LengthPadding, length_key, refuse_image
from archcalc.layers.pool import MaxPool
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume


class MaxPool1d(MaxPool):
    """Max pooling over a sequence, a volume of height 1."""

    type = "pool1d"
    example = "INPUT[12x1x4] -> POOL1D3"
    akin = ()
    aka = (
        "maxpool1d",
        "maxpooling1d",
        "max_pool1d",
    )

    kernel_size: Pair = length_key(
        1, ..., "", "F", ("pool_size", "kernel", "size", "F", "ksize", "window"), "extent of the window"
    )
    stride: Pair | None = length_key(
        1, None, "s", "S", ("strides", "S", "step"), "distance between windows; the extent of the window unless given"
    )
    padding: Padding = key(
        LengthPadding(),
        default=Padding(),
        notation="p",
        letter="P",
        foreign=("pad", "pads", "P", "border_mode"),
        help="padding before and after the sequence, as for conv1d",
    )
    dilation: Pair = length_key(
        1, Pair(1, 1), "d", "", ("dilation_rate", "rate"), "distance between the window's values; 1 is ordinary"
    )

    def output(self, x: Volume) -> Volume:
        refuse_image(x, self.type)
        return super().output(x)
