"""The input's channels stand first.

A volume is width x height x channels; tensors of frameworks are often channels x height x width.  `3x224x224` is an
image of 3 columns, 224 rows and 224 channels, which fits together with many networks and is hardly ever meant.

Bad:

    INPUT[3x224x224] -> CONV3-64p1 -> RELU -> GAP -> FC-10

Good:

    INPUT[224x224x3] -> CONV3-64p1 -> RELU -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.reshape import channels_stand_first


@advice("AC620", __doc__, early=True)
def channels_first(network: Network) -> Iterator[Remark]:
    width, height, channels = network.report.input
    if channels_stand_first(network.report.input):
        yield Remark(
            network.rows[0].node.span,
            f"the input is {width} wide, {height} high and {channels:,} channels deep",
            help=(f"`{channels}x{height}x{width}` is an image of {width} channel{'s' if width > 1 else ''}",),
        )
