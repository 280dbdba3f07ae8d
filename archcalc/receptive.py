"""Receptive fields: what part of the image one output value sees, along each axis.

For a window of extent F, stride S and P zeros before: size += (F - 1) jump; start += ((F - 1)/2 - P) jump;
jump *= S (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
2019).  `start` is the centre of the first output's field in pixels, the image beginning at 0, so the
input's own pixels have start 0.5.  Where branches meet, the field is the union.
"""

from typing import NamedTuple

from archcalc.volume import Window


class Field(NamedTuple):
    """Along one axis: size in pixels, jump between neighbours, and twice the start (always whole).

    `jump` is None where branches with different jumps meet: neighbours are not evenly spaced.
    """

    size: int = 1
    jump: int | None = 1
    twice_start: int = 1

    @property
    def start(self) -> float:
        return self.twice_start / 2

    def through(self, window: Window, extent: int) -> "Field | None":
        """The field of a window over outputs that have this field; None if it is not regular."""
        if self.jump is None:
            return None
        span = window.span
        return Field(
            self.size + (span - 1) * self.jump,
            self.jump * window.stride,
            self.twice_start + (span - 1 - 2 * window.fit(extent).before) * self.jump,
        )


class ReceptiveField(NamedTuple):
    width: Field | None
    height: Field | None


PIXEL = ReceptiveField(Field(), Field())


def through(seen: ReceptiveField, windows: tuple[Window, Window], extents: tuple[int, int]) -> ReceptiveField:
    """Look at `seen` through a layer's windows."""
    width = seen.width.through(windows[0], extents[0]) if seen.width else None
    height = seen.height.through(windows[1], extents[1]) if seen.height else None
    return ReceptiveField(width, height)


def union(seen: list[ReceptiveField]) -> ReceptiveField:
    """What several branches see together."""
    first = seen[0]
    if all(one == first for one in seen):
        return first
    return ReceptiveField(_union([one.width for one in seen]), _union([one.height for one in seen]))


def _union(fields: list[Field | None]) -> Field | None:
    known = [one for one in fields if one is not None]
    if len(known) < len(fields):
        return None
    first = min(one.twice_start - one.size for one in known)
    last = max(one.twice_start + one.size for one in known)
    jumps = {one.jump for one in known}
    return Field((last - first) // 2, jumps.pop() if len(jumps) == 1 else None, (first + last) // 2)
