"""Channels that are not a multiple of 8.

Matrix units compute half precision in blocks of 8 channels; a layer with another number is padded to the next
block and pays for it.  The input and the number of classes are given, and not meant.

Bad:

    INPUT[32x32x3] -> CONV3-20p1 -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-24p1 -> RELU -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, place


@advice("AC618", __doc__, severity="info")
def odd_channels(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        channels = row.output.channels
        idle = -channels % 8
        if idle and channels != network.report.output.channels:
            padded = channels + idle
            yield Remark(
                place(row, "units" if "units" in row.node.places else "filters"),
                f"{channels} channels are computed as {padded}: {units.percent(idle, padded)} of the work is padding",
                help=(f"the nearest multiples of 8: {' and '.join(str(one) for one in (padded - 8, padded) if one)}",),
            )
