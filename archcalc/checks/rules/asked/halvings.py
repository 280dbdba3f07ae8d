"""The input cannot be halved as often as its pools halve it.

A 2x2 pool with stride 2 needs an even size to read everything.  Sizes that are divisible by 2 many times (32,
64, 96, 224, 384, 512) pass all pools of a network without a remainder; others lose rows and columns, or need
a rounding, on the way.

Bad:

    input: 28x28x1
    rounding: floor
    layers: ["[CONV3-8p1 -> RELU -> POOL2]*3", FC-10]

Good:

    input: 32x32x1
    layers: ["[CONV3-8p1 -> RELU -> POOL2]*3", FC-10]
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice, times
from archcalc.layers.pool import Pooling


@advice("AC601", __doc__, severity="info")
def halvings(network: Network) -> Iterator[Remark]:
    pools: list[int] = []  # 2x2 pools of stride 2 between the input and each layer
    uneven = [False, False]
    for row in network.rows:
        layer = row.node.layer
        halves = isinstance(layer, Pooling) and layer.kernel_size == layer.step == (2, 2)
        pools.append(max((pools[one] for one in row.node.inputs), default=0) + halves)
        if halves:
            uneven = [found or extent % 2 > 0 for found, extent in zip(uneven, row.inputs[0], strict=False)]
    most = min(max(pools), 30)
    for name, odd, size in zip(("width", "height"), uneven, network.report.input, strict=False):
        even = (size & -size).bit_length() - 1
        if odd and even < most:
            below = size >> most << most
            near = " and ".join(str(one) for one in (below, below + (1 << most)) if one)
            yield Remark(
                network.rows[0].node.span,
                f"the input's {name} of {size} is divisible by 2 {times(even)}, and 2x2 pools halve it {times(most)}",
                help=(f"the nearest multiples of 2^{most} = {1 << most:,}: {near}",),
            )
            return
