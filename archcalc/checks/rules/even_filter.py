"""A filter of even size.

An even filter has no centre: no padding that is equal on both sides keeps the size at stride 1, and with an
unequal one every value moves by half a pixel, which adds up over layers and blurs where things are.  Filters
as large as their stride (patches), those of an even stride, whose windows have an even step to be centred on (4x4 with
stride 2), those that look one way only (causal) and those that cover their whole input are not meant.

Bad:

    INPUT[32x32x3] -> CONV4-64 -> RELU -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> CONV3-64p1 -> RELU -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc.analysis.analyze import Row
from archcalc.checks.advice import Network, Remark, advice, covers, place
from archcalc.layers.conv import Convolution


def _meant(row: Row, layer: Convolution, axis: str) -> bool:
    """Whether the step is even, too, or the window looks one way only."""
    at = ("width", "height").index(axis)
    window = layer.windows(row.inputs[0])[at]
    causal = abs(window.before - window.after) == window.span - 1 or window.dilation > 1
    return window.stride % 2 == 0 or causal or (window.size == 2 and layer.kernel_size[1 - at] == 1)


@advice("AC603", __doc__)
def even_filter(network: Network) -> Iterator[Remark]:
    for row in network.linear:
        layer = row.node.layer
        if not isinstance(layer, Convolution) or layer.kernel_size == layer.stride or covers(row):
            continue
        for axis, size in zip(("width", "height"), layer.kernel_size, strict=True):
            if size % 2 == 0 and not _meant(row, layer, axis):
                yield Remark(
                    place(row, "kernel_size"),
                    f"a filter of even {axis} {size} has no centre: (F - 1)/2 = {(size - 1) // 2}.5",
                    help=(f"{size - 1} or {size + 1} with `padding: half` keeps the size at stride 1",),
                )
                break
