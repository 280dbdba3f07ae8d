"""A large filter behind the first convolution.

Filters beyond 5x5 are for the first convolution, which looks at pixels.  Further in, a stack of 3x3 filters
has the same receptive field, more nonlinearities and fewer parameters: three 3x3 for one 7x7 take 27 C^2
weights instead of 49 C^2.  Depthwise filters, filters that are long along one axis only (7x1), those that cover
their whole input, the last layer of a network that gives an image, and a classifier turned into a convolution
(unpadded, with 1x1 filters behind it) are not meant.

Bad:

    INPUT[32x32x3] -> CONV3-64p1 -> RELU -> CONV7-64p3 -> RELU -> POOL2 -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-64p1 -> RELU -> [CONV3-64p1 -> RELU]*3 -> POOL2 -> FC-10
"""

from collections.abc import Iterator

from archcalc.analysis.analyze import Row
from archcalc.checks.advice import LINEAR, Network, Remark, advice, covers, place
from archcalc.layers.conv import Conv


def _last(network: Network, row: Row, layer: Conv) -> bool:
    """Whether nothing but 1x1 convolutions reads on, and the filter is unpadded or nothing reads on at all."""
    behind = [one.node.layer for one in network.rows[row.position + 1 :] if isinstance(one.node.layer, LINEAR)]
    if not behind:
        return True
    unpadded = all(not window.before and not window.after for window in layer.windows(row.inputs[0]))
    return unpadded and all(isinstance(one, Conv) and one.kernel_size == (1, 1) for one in behind)


@advice("AC602", __doc__)
def large_filter(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        layer = row.node.layer
        if not isinstance(layer, Conv) or min(layer.kernel_size) <= 5 or covers(row) or network.first(row):
            continue
        channels = row.inputs[0].channels
        if layer.groups == channels or _last(network, row, layer):
            continue
        layers = (max(layer.kernel_size) - 1) // 2
        stack = 9 * layer.filters * (channels + (layers - 1) * layer.filters) // layer.groups
        yield Remark(
            place(row, "kernel_size"),
            f"a {layer.kernel_size.width}x{layer.kernel_size.height} filter on {channels} channels"
            f" takes {row.cost.weights:,} weights",
            notes=(f"{layers} 3x3 filters see as much with {stack:,}",) if stack < row.cost.weights else (),
        )
