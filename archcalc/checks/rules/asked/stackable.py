"""A stack of 3x3 filters would see as much with fewer parameters.

Two 3x3 convolutions see 5x5, three see 7x7.  At C channels throughout they take 18 C^2 weights for 25 C^2, and
27 C^2 for 49 C^2, with a nonlinearity more for every layer.  Memory grows: each layer of the stack keeps its output.

Bad:

    INPUT[32x32x3] -> CONV3-64p1 -> RELU -> CONV5-64p2 -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> [CONV3-64p1 -> RELU]*3 -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, covers, place
from archcalc.layers.conv import Conv


@advice("AC607", __doc__, severity="info")
def stackable(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        layer = row.node.layer
        if not isinstance(layer, Conv) or layer.kernel_size not in ((5, 5), (7, 7)) or covers(row):
            continue
        if layer.stride != (1, 1) or layer.dilation != (1, 1) or layer.groups > 1:
            continue
        layers = layer.kernel_size.width // 2
        stack = 9 * layer.filters * (row.inputs[0].channels + (layers - 1) * layer.filters)
        saved = row.cost.weights - stack
        if saved > 0:
            yield Remark(
                place(row, "kernel_size"),
                f"{layers} CONV3-{layer.filters} see the same {layers * 2 + 1}x{layers * 2 + 1} with {stack:,}"
                f" weights instead of {row.cost.weights:,} ({units.percent(saved, row.cost.weights)} less)",
                notes=(f"each layer of the stack keeps {row.output.size:,} activations",),
            )
