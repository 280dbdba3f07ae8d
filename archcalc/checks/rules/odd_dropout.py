"""A dropout in an odd place.

Dropout right before batch norm makes the variance at training 1/(1 - p) times that at inference, which the running
statistics then get wrong (Li, Chen, Hu and Yang, "Understanding the Disharmony between Dropout and Batch
Normalization by Variance Shift", CVPR 2019).  As the last layer it zeroes the scores themselves; behind
another dropout the rates add up unseen; a rate of 0 does nothing.

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> DROPOUT -> BN -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-16p1 -> RELU -> GAP -> DROPOUT -> FC-10
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice, place
from archcalc.layers.norm import BatchNorm, Dropout


@advice("AC615", __doc__)
def odd_dropout(network: Network) -> Iterator[Remark]:
    for row in network.sites:
        layer, readers = row.node.layer, network.readers[row.position]
        if not isinstance(layer, Dropout):
            continue
        kept, before = 1 - layer.rate, network.before(row).node.layer
        if layer.rate == 0:
            message = "a dropout of rate 0 does nothing"
        elif not readers:
            message = f"a dropout as the last layer sets {layer.rate:.0%} of the {row.output.size:,} outputs to 0"
        elif any(isinstance(one.node.layer, BatchNorm) for one in readers):
            message = f"a dropout right before batch norm: the variance at training is {1 / kept:.3g} times that later"
        elif isinstance(before, Dropout) and before.rate > 0:
            share = 1 - (1 - before.rate) * kept
            message = f"a dropout behind a dropout: {before.rate:g} and {layer.rate:g} together drop {share:.3g}"
        else:
            continue
        yield Remark(place(row, "rate"), message)
