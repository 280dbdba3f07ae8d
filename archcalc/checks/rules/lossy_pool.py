"""A pool that throws away most of its input.

Pools are 2x2 or 3x3 with stride 2.  A larger window or stride is too lossy: with stride 3 one of nine
values is left.  Pools over the whole image, those that only smooth (stride 1), and those along one axis that keep one
value in four, as the usual 2x2, are not meant.

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> POOL4 -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> POOL2 -> CONV3-16p1 -> RELU -> POOL2 -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, covers, place
from archcalc.layers.pool import Pooling


@advice("AC605", __doc__)
def lossy_pool(network: Network) -> Iterator[Remark]:
    for row in network.sites:
        layer = row.node.layer
        if not isinstance(layer, Pooling) or max(layer.step) == 1 or covers(row):
            continue
        if min(layer.step) == 1 == min(layer.kernel_size) and layer.step.area <= 4:
            continue
        if max(layer.kernel_size) > 3 or max(layer.step) > 2:
            (width, height), kept = layer.step, layer.step.area
            yield Remark(
                place(row, "kernel_size"),
                f"a {layer.kernel_size.width}x{layer.kernel_size.height} pool with stride {layer.step} keeps"
                f" one value in {kept:,} ({units.percent(1, kept)})",
                notes=(f"{width}*{height} = {kept:,}; the usual 2x2 with stride 2 keeps one in 4",),
            )
