"""Two activations in a row.

The second does little: a ReLU of a ReLU is the ReLU, and a sigmoid or softmax of what a ReLU has left sees no
negative score any more, so that no output falls below 0.5, or no class can be voted down.

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice
from archcalc.diagnostics import Label
from archcalc.layers.activation import Activation
from archcalc.layers.norm import Dropout
from archcalc.layers.reshape import Flatten


@advice("AC612", __doc__)
def double_activation(network: Network) -> Iterator[Remark]:
    latest = network.latest((Activation,), (Dropout, Flatten))
    for row in network.sites:
        first = latest[row.node.inputs[0]] if isinstance(row.node.layer, Activation) else None
        if first is not None:
            yield Remark(
                row.node.span,
                f"{row.node.layer.label} follows {first.node.layer.label} with no layer between:"
                f" {row.cost.flops:,} operations for little or nothing",
                labels=(Label(first.node.span, "the first"),) if first.node.span != row.node.span else (),
            )
