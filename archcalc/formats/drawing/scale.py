"""From volumes to lengths: what a box measures in the picture, in pixels.

An oblique box: its front is as high as the volume and as wide as its channels, and it reaches back, to the upper right,
as far as the volume is wide.  Width and height share one scale over the whole picture, both axes of the image linear; the
thickness goes with the root of the channels, as 4,096 of them would be sixty times as thick as 64 otherwise.
"""

from collections.abc import Iterable
from math import sqrt

from archcalc.records import NamedTuple
from archcalc.volume import Volume

TALLEST = 132  # the largest width or height
THICKEST = 160
THICKNESS = 1.0  # of a single channel, where none is thicker than THICKEST
BACK = (0.32, 0.24)  # to the right and up, for each pixel of width


class Solid(NamedTuple):
    """Lengths of a box: across its channels, its height, and how far its back is to the right and up."""

    thick: float
    high: float
    right: float
    up: float


class Scale(NamedTuple):
    side: float  # of a pixel of the image
    channel: float

    @classmethod
    def of(cls, volumes: Iterable[Volume]) -> "Scale":
        """The scale at which the largest of these volumes has its place."""
        found = [*volumes]
        side = max(max(one.width, one.height) for one in found)
        channels = max(one.channels for one in found)
        return cls(TALLEST / side, min(THICKNESS, THICKEST / sqrt(channels)))

    def solid(self, volume: Volume) -> Solid:
        back = self.side * volume.width
        return Solid(self.channel * sqrt(volume.channels), self.side * volume.height, BACK[0] * back, BACK[1] * back)
