"""What is written below the boxes, and the least rectangle that holds everything that is drawn."""

from collections.abc import Iterable, Mapping, Sequence

from archcalc.formats.drawing.boxes import Box
from archcalc.formats.drawing.edges import MARGIN, Edge, Point
from archcalc.formats.drawing.layout import SLANT, TIMES, Layout
from archcalc.records import NamedTuple

LETTER = 6.1  # the width of a letter, on average of capitals and digits
EDGE = 10  # around everything
LEAST = 640.0  # wide, so that there is room for what stands below


class Written(NamedTuple):
    """`POOL2`, and `112x112x64` where its width or height is not that of what it reads."""

    name: str
    size: str

    @property
    def whole(self) -> str:
        return f"{self.name} {self.size}" if self.size else self.name


def written(box: Box, boxes: Sequence[Box]) -> Written:
    volume = box.volume
    same = box.inputs and (volume.width, volume.height) == boxes[box.inputs[0]].volume[:2]
    return Written(box.label, "" if same else str(volume).strip("[]"))


def bounds(layout: Layout, lines: Iterable[Edge], labels: Mapping[int, Written]) -> tuple[float, float, float, float]:
    """x, y, width and height; what is written has the length it has on average."""
    points: list[Point] = [(-MARGIN, 0.0)]
    for edge in lines:
        points += (edge.start, *(point for curve in edge.curves for point in curve))
    for frame in layout.frames:
        points += ((frame.x, frame.y - TIMES), (frame.x + frame.width, frame.y + frame.height))
    for number, spot in layout.spots.items():
        (thick, high, right, up), (x, y) = spot.solid, spot.below
        long = (LETTER * len(labels[number].whole) + 8) * SLANT
        points += ((spot.x - 3, spot.y - up - 7), (spot.x + thick + right + 3, spot.y + high + 7), (x + long, y + long))
    xs, ys = zip(*points, strict=True)
    left, top = min(xs) - EDGE, min(ys) - EDGE
    return left, top, max(*xs, LEAST) + EDGE - left, max(ys) + EDGE - top
