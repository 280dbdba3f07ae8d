"""The first fully connected layer holds most of the parameters.

It multiplies every position of the last volume by every unit.  Averaging over the positions first (`GAP`) takes
that factor away, as GoogLeNet and ResNet have shown, at little loss, and lets the network read images of any
size.  Networks where it amounts to less than a million parameters are not meant.

Bad:

    INPUT[56x56x64] -> POOL2 -> FC-4096 -> RELU -> FC-1000

Good:

    INPUT[56x56x64] -> POOL2 -> GAP -> FC-4096 -> RELU -> FC-1000
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.dense import FullyConnected
from archcalc.layers.reshape import Flatten

WORTHWHILE = 1_000_000


@advice("AC610", __doc__, severity="info")
def heavy_head(network: Network) -> Iterator[Remark]:
    first = next((row for row in network.linear if isinstance(row.node.layer, FullyConnected)), None)
    if first is None:
        return
    x, y = first.inputs[0], first.output
    before = network.before(first)
    if isinstance(before.node.layer, Flatten):
        x = before.inputs[0]
    held, all = first.cost.params, network.report.totals.params
    saved = (x.width * x.height - 1) * x.channels * y.channels
    if held >= WORTHWHILE and 2 * held > all and 2 * saved > held:
        yield Remark(
            first.node.span,
            f"{first.node.name} holds {held:,} of {all:,} parameters ({units.percent(held, all)})",
            notes=(f"it reads all {x.product} values; behind a GAP it would hold {held - saved:,}",),
        )
