"""A pool pads by more than half its window.

PyTorch refuses it ("pad should be at most half of effective kernel size"), and so do the tools that follow it; Caffe and
others build it.  The outermost windows see more padding than image.

Bad:

    INPUT[33x33x3] -> CONV3-16p1 -> RELU -> POOL5s2p3 -> FC-10

Good:

    INPUT[33x33x3] -> CONV3-16p1 -> RELU -> POOL5s2p2 -> FC-10
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice, place
from archcalc.layers.pool import Pooling


@advice("AC623", __doc__)
def wide_padding(network: Network) -> Iterator[Remark]:
    for row in network.sites:
        layer = row.node.layer
        if isinstance(layer, Pooling) and (wide := layer.too_wide()):
            yield Remark(place(row, "padding"), f"{wide}: PyTorch refuses it")
