"""The filter's extent and the number of filters look swapped.

A pattern writes `CONV<F>-<K>`: the window first, then the number of filters, as published tables do.  `CONV32-3` is 3 filters
of 32x32, which fits together with an image of 32x32 and is hardly ever meant; 32 filters of 3x3 are `CONV3-32`.

Bad:

    INPUT[32x32x3] -> CONV32-3 -> RELU -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-32 -> RELU -> FC-10
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.conv import swapped


@advice("AC622", __doc__)
def swapped_numbers(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        if meant := swapped(row.node.layer):
            size, filters = row.node.layer.values()["kernel_size"], row.output.channels
            yield Remark(
                row.node.span,
                f"{filters} filter{'s' * (filters > 1)} of {size.width}x{size.height}: the window stands first",
                help=(f"`{meant}` has {size.width} filters of {filters}x{filters}",),
            )
