"""More convolutions or hidden layers in a row than the general pattern has.

Networks of the form INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC usually have N <= 3 and K < 3.
Longer runs at one resolution train badly without normalization or residual connections.  Networks with
branches, 1x1 and grouped convolutions are not meant.

Bad:

    INPUT[32x32x3] -> [CONV3-16p1 -> RELU]*4 -> POOL2 -> FC-10

Good:

    INPUT[32x32x3] -> [[CONV3-16p1 -> RELU]*2 -> POOL2]*2 -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.pool import Pooling


@advice("AC606", __doc__, severity="info")
def deep_stage(network: Network) -> Iterator[Remark]:
    if any(len(row.node.inputs) > 1 for row in network.rows):
        return
    stage = weights = 0
    dense = []
    for row in network.rows:
        layer = row.node.layer
        if isinstance(layer, Conv) and layer.groups == 1 and max(layer.kernel_size) > 1:
            stage, weights = (
                (stage + 1, weights + row.cost.weights) if layer.stride == (1, 1) else (1, row.cost.weights)
            )
            if stage == 4:
                yield Remark(
                    row.node.span,
                    f"a fourth convolution before a pool: N > 3, {units.count(weights)} weights at"
                    f" {row.output.width}x{row.output.height}",
                )
        elif isinstance(layer, Pooling):
            stage = weights = 0
        elif isinstance(layer, FullyConnected):
            dense.append(row)
    if len(dense) > 3:
        held, all = sum(row.cost.params for row in dense), network.report.totals.params
        yield Remark(
            dense[2].node.span,
            f"{len(dense) - 1} hidden fully connected layers: K >= 3;"
            f" they and the last hold {units.percent(held, all)} of the parameters",
        )
