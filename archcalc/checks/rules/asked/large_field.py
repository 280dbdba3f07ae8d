"""The receptive field is larger than the image.

Part of what the last convolutions or pools see is then always padding, so that depth there widens nothing; the
effective field is smaller than the theoretical one, though, and deep networks are built like this on purpose.
Larger images would make use of it.

Bad:

    INPUT[32x32x3] -> [[CONV3-64p1 -> RELU]*3 -> POOL2]*3 -> GAP -> FC-10

Good:

    INPUT[64x64x3] -> [[CONV3-64p1 -> RELU]*3 -> POOL2]*3 -> GAP -> FC-10
"""

from collections.abc import Iterator

from archcalc import units
from archcalc.checks.advice import Network, Remark, advice, image


@advice("AC617", __doc__, severity="info")
def large_field(network: Network) -> Iterator[Remark]:
    last = next((row for row in reversed(network.rows) if image(row)), None)
    if last is None:
        return
    width, height = last.receptive_field
    x = network.report.input
    if width and height and (width.size > x.width or height.size > x.height):
        field = width.size * height.size
        seen = min(width.size, x.width) * min(height.size, x.height)
        yield Remark(
            last.node.span,
            f"{last.node.name} sees {width.size}x{height.size} pixels, the image has {x.width}x{x.height}:"
            f" at least {units.percent(field - seen, field)} is padding",
        )
