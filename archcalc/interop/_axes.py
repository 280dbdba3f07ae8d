"""Which dimension of a tensor holds what of a volume: reshapes and transpositions that move no values.

A tensor of another tool has dimensions in some order; a volume has width, height and channels.  A View says what each
dimension is made of: of `atoms`, which are whole axes of the volume or parts of one.  Reshaping splits and joins atoms and
transposing moves them, so that what a network does between two layers is known when the next one reads it: nothing, a
flattening, a channel shuffle, a pixel shuffle.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from archcalc.records import NamedTuple
from archcalc.volume import Volume


class Atom(NamedTuple):
    """A part of an axis: n for the batch, c, h or w; `place` orders the parts of one axis, outer ones first."""

    axis: str
    size: int
    place: tuple[int, ...] = ()


Dimension = tuple[Atom, ...]


class View(NamedTuple):
    """A node's output under another shape."""

    node: int
    dims: tuple[Dimension, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(prod(atom.size for atom in dim) for dim in self.dims)

    @property
    def axes(self) -> str:
        """A letter for each dimension that is one whole axis in its order, `1` for none, `?` for others: `nchw`."""
        return "".join(self._letter(dim) for dim in self.dims)

    @property
    def flat(self) -> bool:
        """Whether every image is one dimension, in whatever order."""
        return len(self.dims) == 2 and all(atom.axis == "n" for atom in self.dims[0])

    def of(self, axis: str) -> int:
        """The size of an axis of the volume."""
        return prod(atom.size for dim in self.dims for atom in dim if atom.axis == axis)

    def _letter(self, dim: Dimension) -> str:
        if not dim:
            return "1"
        axis, places = dim[0].axis, [atom.place for atom in dim]
        whole = prod(atom.size for atom in dim) == self.of(axis)
        return axis if whole and all(atom.axis == axis for atom in dim) and places == sorted(places) else "?"


def view(node: int, volume: Volume, batch: int, axes: str) -> View:
    """A node's output with an axis for each dimension: `nchw`, `nhwc`, `ncw`, `nc`."""
    sizes = {"n": batch, "c": volume.channels, "h": volume.height, "w": volume.width}
    return View(node, tuple((Atom(axis, sizes[axis]),) if sizes[axis] > 1 else () for axis in axes))


def is_image(one: View) -> bool:
    """Whether it has the order n, c, h, w, where an axis of one value may be anywhere; also `ncw` and `nc`."""
    found = one.axes
    return len(found) in (2, 3, 4) and all(
        a in (b, "1") for a, b in zip(found, {4: "nchw", 3: "ncw", 2: "nc"}[len(found)], strict=True)
    ) and (len(found) == 4 or one.of("h") == 1)  # fmt: skip


def reshaped(one: View, target: Sequence[int]) -> View | None:
    """The view with these dimensions, of which one may be -1; None where they cut through what belongs together."""
    size = prod(one.shape)
    known = prod(t for t in target if t != -1)
    if list(target).count(-1) > 1 or known < 1 or size % known or (-1 not in target and known != size):
        return None
    wanted = [size // known if t == -1 else t for t in target]
    rest = [atom for dim in one.dims for atom in dim]
    dims: list[Dimension] = []
    for want in wanted:
        taken: list[Atom] = []
        while want > 1:
            if not rest:
                return None
            atom = rest.pop(0)
            if want % atom.size == 0:
                taken.append(atom)
                want //= atom.size
            elif atom.size % want == 0 and atom.axis != "n":
                taken.append(Atom(atom.axis, want, (*atom.place, 0)))
                rest.insert(0, Atom(atom.axis, atom.size // want, (*atom.place, 1)))
                want = 1
            else:
                return None
        dims.append(tuple(taken))
    return View(one.node, tuple(dims))


def transposed(one: View, order: Sequence[int]) -> View | None:
    if sorted(order) != list(range(len(one.dims))):
        return None
    return View(one.node, tuple(one.dims[number] for number in order))


def rearranged(one: View) -> tuple[str, int] | None:
    """What layer gives this image from the node's own: ("shuffle", groups), ("depth_to_space", r), ("space_to_depth", r)."""
    if len(one.dims) != 4 or any(atom.axis != "n" for atom in one.dims[0]):
        return None
    _, c, h, w = one.dims
    if "".join(atom.axis for dim in (c, h, w) for atom in dim) == "cchw" and len(c) == 2 and c[0].place > c[1].place:
        return "shuffle", c[1].size
    letters = ["".join(atom.axis for atom in dim) for dim in (c, h, w)]
    if letters[1:] == ["hc", "wc"] and h[1].size == w[1].size:
        r, depth = h[1].size, [*c, h[1], w[1]]
        inner = all(a.place < b.place for a, b in pairwise(depth))  # CRD, PyTorch's
        return ("pixel_shuffle", r) if inner and letters[0] in ("c", "") else None
    if letters[1:] == ["h", "w"] and letters[0] in ("chw", "hw") and h[0].place < c[-2].place:
        return ("pixel_unshuffle", c[-1].size) if c[-1].size == c[-2].size else None
    return None


def same_arrangement(views: Sequence[View]) -> bool:
    """Whether tensors have their values in one order, so that working element by element needs no moving."""
    return len({_normal(one) for one in views}) == 1


def _normal(one: View) -> tuple[tuple[tuple[str, int, int], ...], ...]:
    """The dimensions with atoms that lie side by side joined, and numbered."""
    order: dict[str, list[Atom]] = {}
    for dim in one.dims:
        for atom in dim:
            order.setdefault(atom.axis, []).append(atom)
    rank = {atom: n for atoms in order.values() for n, atom in enumerate(sorted(atoms, key=lambda a: a.place))}
    dims = []
    for dim in one.dims:
        joined: list[tuple[str, int, int, int]] = []  # axis, first, last, size
        for atom in dim:
            if joined and joined[-1][0] == atom.axis and joined[-1][2] + 1 == rank[atom]:
                axis, first, _, size = joined.pop()
                joined.append((axis, first, rank[atom], size * atom.size))
            else:
                joined.append((atom.axis, rank[atom], rank[atom], atom.size))
        dims.append(tuple((axis, first, size) for axis, first, _, size in joined))
    return tuple(dims)
