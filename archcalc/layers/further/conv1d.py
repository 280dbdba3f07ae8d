"""Convolution over sequences."""

from archcalc.layers.base import key
from archcalc.layers.conv import SHARED, Conv
from archcalc.layers.further._sequence import LengthPadding, length_key, refuse_image
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume


class Conv1d(Conv):
    """Convolution over a sequence, a volume of height 1: a window of F places slides along it."""

    type = "conv1d"
    example = "INPUT[16x1x4] -> CONV1D5-8s1p2"
    aka = ("convolution1d", "temporal_conv", "temporalconvolution")

    kernel_size: Pair = length_key(
        1, ..., "", "F", ("kernel", "size", "filter_size", "F", "ksize", "window"), "extent of the window"
    )
    stride: Pair = length_key(
        1, Pair(1, 1), "s", "S", ("strides", "S", "subsample", "step"), "distance between windows"
    )
    padding: Padding = key(
        LengthPadding(),
        default=Padding(),
        notation="p",
        letter="P",
        foreign=("pad", "pads", "P", "border_mode"),
        help="zeros before and after the sequence: a number, {left, right}, valid, same or half",
    )
    dilation: Pair = length_key(
        1, Pair(1, 1), "d", "", SHARED["dilation"].foreign, "distance between the window's values; 1 is ordinary"
    )

    def output(self, x: Volume) -> Volume:
        refuse_image(x, self.type)
        return super().output(x)
