"""A softmax in an odd place.

Softmax turns scores into probabilities at the very end, or into weights for a `multiply`.  In the middle of a
network it squeezes every channel's value below 1 and lets them compete; over a single channel its result is
always 1.

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> SOFTMAX -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> GAP -> FC-10 -> SOFTMAX
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.activation import Softmax
from archcalc.layers.merge import Multiply


@advice("AC614", __doc__)
def odd_softmax(network: Network) -> Iterator[Remark]:
    for row in network.sites:
        if not isinstance(row.node.layer, Softmax):
            continue
        if row.output.channels == 1:
            yield Remark(row.node.span, "a softmax over 1 channel is 1 whatever its input", help=("SIGMOID is meant",))
            continue
        for reader in network.readers[row.position]:
            if not isinstance(reader.node.layer, Multiply):
                mean = f"1/{row.output.channels:,}"
                yield Remark(
                    row.node.span,
                    f"a softmax inside the network: its {row.output.channels:,} channels share a sum of 1,"
                    f" so {reader.node.name} reads values of {mean} on average",
                )
                break
