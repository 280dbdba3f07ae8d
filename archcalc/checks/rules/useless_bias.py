"""A bias before batch norm.

Batch norm subtracts the mean of each channel, and with it the bias; its own shift takes the bias's place.  The
values are trained, stored and sent around for nothing.

Bad:

    INPUT[32x32x3] -> CONV3-16p1 -> BN -> RELU -> GAP -> FC-10

Good:

    input: 32x32x3
    defaults: {conv: {bias: false}}
    layers: [CONV3-16p1 -> BN -> RELU -> GAP -> FC-10]
"""

from collections.abc import Iterator

from archcalc.analysis.analyze import Row
from archcalc.checks.advice import LINEAR, Network, Remark, advice, place
from archcalc.diagnostics import Span
from archcalc.layers.norm import BatchNorm

MANY = 8  # places that are named one by one


@advice("AC613", __doc__)
def useless_bias(network: Network) -> Iterator[Remark]:
    found: dict[Span, list[Row]] = {}
    for row in network.rows:
        if row.cost.biases and (isinstance(row.node.layer, LINEAR) or row.node.layer.type == "deconv"):
            readers = network.readers[row.position]
            if readers and all(isinstance(one.node.layer, BatchNorm) for one in readers):
                found.setdefault(place(row, "bias"), []).append(row)
    if len(found) > MANY:  # an import has a layer for every one, and one line says it
        found = {next(iter(found)): [row for rows in found.values() for row in rows]}
    for span, rows in found.items():
        biases = sum(row.cost.biases for row in rows)
        more = f" and {len(rows) - 1:,} more like it" if len(rows) > 1 else ""
        yield Remark(
            span,
            f"{rows[0].node.name}{more}: {biases:,} biases that the batch norm behind takes away",
            help=("write `bias: false`, for this layer or in `defaults`",),
        )
