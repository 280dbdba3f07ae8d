"""A convolution of stride 1 shrinks its volume.

Padding of (F - 1)/2 keeps the size, so that convolutions need not care about geometry and only pools (or
strides) reduce it.  Without, the values at the border are washed away layer by layer.  Where that is meant, as
in LeNet or the original U-Net, there is nothing to do.

Bad:

    INPUT[32x32x3] -> CONV5-16 -> RELU -> POOL2 -> FC-10

Good:

    INPUT[32x32x3] -> CONV5-16p2 -> RELU -> POOL2 -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, covers, place
from archcalc.layers.conv import Convolution


@advice("AC604", __doc__)
def shrinking(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        layer, x, y = row.node.layer, row.inputs[0], row.output
        if not isinstance(layer, Convolution) or layer.stride != (1, 1) or covers(row):
            continue
        if y.width >= x.width and y.height >= x.height:
            continue
        kept, all = y.width * y.height, x.width * x.height
        odd = layer.kernel_size.width % 2 and layer.kernel_size.height % 2
        yield Remark(
            place(row, "padding"),
            f"{x.width}x{x.height} shrinks to {y.width}x{y.height}: {units.percent(all - kept, all)} of the positions go",
            help=(f"`padding: {'half' if odd else 'same'}` keeps {x.width}x{x.height}",),
        )
