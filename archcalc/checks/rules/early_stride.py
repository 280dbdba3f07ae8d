"""The first convolution strides although memory does not ask for it.

A stride right after the input discards detail before anything was learned from it.  On large images it is the
usual compromise, since the first volumes are the largest of the network; on small ones they cost little, and
the stride is better left to later layers.  Patches (filters as large as their stride) are not meant.

Bad:

    INPUT[33x33x3] -> CONV3-16s2p1 -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> POOL2 -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, place
from archcalc.layers.conv import Convolution

CHEAP = 1 << 20  # values that need no saving: 4 MiB an image in single precision
FILTERS = 64  # of a stem without a stride, if it has not more: a narrow stem on a large image saves operations


@advice("AC608", __doc__)
def early_stride(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        layer = row.node.layer
        if not isinstance(layer, Convolution) or not network.first(row) or layer.kernel_size == layer.stride:
            continue
        x = row.inputs[0]
        full = x.width * x.height * layer.filters
        if layer.stride != (1, 1) and x.width * x.height * max(layer.filters, FILTERS) <= CHEAP:
            yield Remark(
                place(row, "stride"),
                f"stride {layer.stride} right after the input: all {x.width}x{x.height} positions would be"
                f" {full:,} values, {units.size(4 * full)} an image in float32",
            )
