"""No activation between two convolutions or fully connected layers.

Without a nonlinearity between them two linear layers compute one linear function: the second costs parameters
and operations, and the network is no deeper for it.  Batch norm, dropout, average pools and flatten do not
help, they are linear too.  What is deliberately linear is not meant: a layer with fewer channels than both
its neighbours (the bottleneck of MobileNetV2), a depthwise convolution and its 1x1, a 1xN behind an Nx1, and a
value that others read, too (squeeze-excitation, a feature pyramid, pre-activation).

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> CONV3-16p1 -> RELU -> POOL2 -> FC-10

Good:

    INPUT[32x32x3] -> [CONV3-16p1 -> RELU]*2 -> POOL2 -> FC-10
"""

from collections.abc import Iterator

from archcalc.analysis.analyze import Row
from archcalc.checks.advice import LINEAR, Network, Remark, advice
from archcalc.diagnostics import Label
from archcalc.layers.conv import Conv, Convolution
from archcalc.layers.norm import BatchNorm, Dropout
from archcalc.layers.pool import AveragePool, GlobalAveragePool
from archcalc.layers.reshape import Flatten

STILL_LINEAR = (BatchNorm, Dropout, AveragePool, GlobalAveragePool, Flatten)


@advice("AC611", __doc__)
def missing_activation(network: Network) -> Iterator[Remark]:
    latest = network.latest(LINEAR, STILL_LINEAR)
    for row in network.linear:
        first = latest[row.node.inputs[0]]
        if first is None or _deliberate(first, row) or not network.alone(first, row):
            continue
        yield Remark(
            row.node.span,
            f"no activation between {first.node.name} and {row.node.name}: together they compute no more than"
            f" one {_together(network, first, row)}",
            notes=(f"{row.node.name} costs {row.cost.params:,} parameters and {row.cost.macs:,} MACs",),
            labels=(Label(first.node.span, f"{first.node.name}, also linear"),)
            if first.node.span != row.node.span
            else (),
        )


def _deliberate(first: Row, second: Row) -> bool:
    if first.output.channels < min(first.inputs[0].channels, second.output.channels):
        return True
    kernels = []
    for row in (first, second):
        layer = row.node.layer
        if isinstance(layer, Conv) and layer.groups == row.inputs[0].channels > 1:
            return True
        kernels.append(layer.kernel_size if isinstance(layer, Convolution) else (0, 0))
    (a, b), (c, d) = kernels
    return (a == d == 1 and min(b, c) > 1) or (b == c == 1 and min(a, d) > 1)


def _together(network: Network, first: Row, second: Row) -> str:
    """The one layer that two could be, in pattern notation."""
    one, two = first.node.layer, second.node.layer
    direct = second.node.inputs[0] == first.position or isinstance(network.before(second).node.layer, BatchNorm)
    if not isinstance(two, Convolution):
        return f"FC-{second.output.channels}"
    if not isinstance(one, Conv) or not isinstance(two, Conv) or not direct:
        return "linear layer"
    spans = [
        a.span + (b.span - 1) * a.stride
        for a, b in zip(one.windows(first.inputs[0]), two.windows(second.inputs[0]), strict=True)
    ]
    return f"CONV{spans[0]}-{two.filters}" if spans[0] == spans[1] else f"CONV{spans[0]}x{spans[1]}-{two.filters}"
