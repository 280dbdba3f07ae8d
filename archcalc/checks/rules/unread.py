"""Windows never read the last rows or columns.

Under `rounding: floor` what lies behind the last whole window is dropped.  Whatever the layers before have
computed there is wasted, and an object at that border is not seen.  Windows that skip values anyway, since
their stride is larger than they are, are not meant.

Bad:

    rounding: floor
    input: 7x7x16
    layers: [CONV3-16p1 -> RELU -> POOL2 -> FC-10]

Good:

    input: 8x8x16
    layers: [CONV3-16p1 -> RELU -> POOL2 -> FC-10]
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, place
from archcalc.volume import Window


@advice("AC609", __doc__)
def unread(network: Network) -> Iterator[Remark]:
    for row in network.sites:
        columns, rows = row.unread
        if not columns and not rows:
            continue
        x = row.inputs[0]
        windows = row.node.layer.windows(x)
        if windows is None or any(isinstance(one, Window) and one.stride > one.span for one in windows):
            continue
        all = x.width * x.height
        lost = all - (x.width - columns) * (x.height - rows)
        what = [f"{n} {name}s" if n > 1 else name for n, name in ((columns, "column"), (rows, "row")) if n]
        yield Remark(
            place(row, "kernel_size"),
            f"the last {' and '.join(what)} of {x} {'is' if columns + rows == 1 else 'are'} never read:"
            f" {units.percent(lost, all)} of the positions",
        )
