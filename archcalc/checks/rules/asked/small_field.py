"""The receptive field is far smaller than the image.

What the last convolutions or pools see is then a small patch; whatever is larger can only be recognized by what
follows, and a global average merely counts patches.  More layers, pools or dilation widen it.

Bad:

    INPUT[224x224x3] -> [CONV3-64p1 -> RELU]*3 -> GAP -> FC-10

Good:

    INPUT[32x32x3] -> [[CONV3-64p1 -> RELU]*2 -> POOL2]*3 -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, image


@advice("AC616", __doc__, severity="info")
def small_field(network: Network) -> Iterator[Remark]:
    last = next((row for row in reversed(network.rows) if image(row)), None)
    if last is None:
        return
    width, height = last.receptive_field
    x = network.report.input
    if width and height and (2 * width.size < x.width or 2 * height.size < x.height):
        seen = min(width.size, x.width) * min(height.size, x.height)
        yield Remark(
            last.node.span,
            f"{last.node.name} sees {width.size}x{height.size} of {x.width}x{x.height} pixels"
            f" ({units.percent(seen, x.width * x.height)} of the image)",
        )
