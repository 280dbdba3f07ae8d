"""How a tensor's axes are made of a node's volume: permute, view and flatten as bookkeeping.

A volume has the kinds of axis n (images), c (channels), h, w.  An atom is a part of one: of the kind's positions
every `stride`-th, `size` of them.  A tensor's axis is atoms side by side, the outermost first, so that a view
cuts atoms and puts them together, a permutation moves them, and a channel shuffle is two channel atoms that
have changed places.  No arithmetic is done and no tensor is looked at.
"""

from collections.abc import Iterable, Sequence
from math import prod

from archcalc.records import NamedTuple
from archcalc.volume import Volume


class Atom(NamedTuple):
    """Part of a kind of axis: n, c, h, w, or `*` for an axis of any size that repeats one value."""

    kind: str
    stride: int
    size: int


Axis = tuple[Atom, ...]
Layout = tuple[Axis, ...]


def axis(kind: str, size: int) -> Axis:
    """A whole kind as one axis; nothing where it has one position."""
    return (Atom(kind, 1, size),) if size > 1 else ()


def image(volume: Volume, images: int) -> Layout:
    """N, C, H, W."""
    return (
        axis("n", images),
        axis("c", volume.channels),
        axis("h", volume.height),
        axis("w", volume.width),
    )


def line(volume: Volume, images: int) -> Layout:
    """N, C, L: an image of height 1, as 1D networks have it."""
    return axis("n", images), axis("c", volume.channels), axis("w", volume.width)


def column(volume: Volume, images: int) -> Layout:
    """N, C: all values of an image side by side, channels outermost."""
    n, c, h, w = image(volume, images)
    return n, joined((*c, *h, *w))


def shape(layout: Layout) -> tuple[int, ...]:
    return tuple(extent(one) for one in layout)


def extent(one: Axis) -> int:
    return prod(atom.size for atom in one)


def joined(atoms: Iterable[Atom]) -> Axis:
    """Neighbours that lie in memory as one become one; those of one position go."""
    found: list[Atom] = []
    for atom in atoms:
        if atom.size == 1:
            continue
        if found and found[-1].kind == atom.kind and found[-1].stride == atom.stride * atom.size:
            atom = Atom(atom.kind, atom.stride, found.pop().size * atom.size)
        found.append(atom)
    return tuple(found)


def reshaped(layout: Layout, sizes: Sequence[int]) -> Layout | None:
    """The layout of a view with these sizes; None where a boundary would cut an atom unevenly."""
    rest = [atom for one in layout for atom in one]
    rest.reverse()
    found: list[Axis] = []
    for size in sizes:
        taken: list[Atom] = []
        wanted = size
        while wanted > 1:
            if not rest:
                return None
            atom = rest.pop()
            if wanted % atom.size == 0:
                taken.append(atom)
                wanted //= atom.size
            elif atom.size % wanted == 0:
                inner = atom.size // wanted
                taken.append(Atom(atom.kind, atom.stride * inner, wanted))
                rest.append(Atom(atom.kind, atom.stride, inner))
                wanted = 1
            else:
                return None
        found.append(joined(taken))
    return None if rest else tuple(found)


def broadcast(a: Layout, b: Layout) -> Layout | None:
    """What an element by element operation of two tensors gives; None where it would join unlike positions."""
    width = max(len(a), len(b))
    a, b = ((),) * (width - len(a)) + a, ((),) * (width - len(b)) + b
    found = []
    for one, other in zip(a, b, strict=True):
        if one == other or not fixed(other):
            found.append(one)
        elif not fixed(one):
            found.append(other)
        else:
            return None
    return tuple(found)


def fixed(one: Axis) -> bool:
    """Whether positions along the axis differ: it is more than one value repeated."""
    return any(atom.kind != "*" for atom in one)


def kinds(layout: Layout) -> str:
    """The kinds of a layout's atoms in their order, for a glance: `nchw`, `n(hw)c`."""
    return "".join(one[0].kind if len(one) == 1 else f"({''.join(a.kind for a in one)})" for one in layout)


def has(one: Axis, kind: str, size: int) -> bool:
    """Whether an axis is a whole kind and nothing else."""
    return one == axis(kind, size)


def shuffled(layout: Layout, volume: Volume, images: int) -> int:
    """Of how many groups the channels were dealt out in turn, in an image N, C, H, W; 0: of none."""
    if len(layout) == 4 and len(layout[1]) == 2:
        inner, outer = layout[1]
        whole = image(volume, images)
        if inner == ("c", 1, outer.stride) and (layout[0], *layout[2:]) == (whole[0], *whole[2:]):
            return outer.size
    return 0


def rearranged(layout: Layout, volume: Volume, images: int) -> tuple[str, int] | None:
    """By which layer, and in blocks of which side, pixels became channels or channels pixels, in an image N, C, H, W."""
    if len(layout) != 4:
        return None
    _, channels, height, _ = shape(layout)
    inwards = channels > volume.channels
    r = volume.height // height if inwards else height // volume.height
    if r < 2:
        return None
    c, h, w = (Atom(kind, 1, size) for kind, size in zip("chw", (channels, height, shape(layout)[3]), strict=True))
    ways: dict[str, tuple[tuple[Atom, ...], ...]]
    if inwards:
        c = Atom("c", 1, volume.channels)
        dy, dx = Atom("h", 1, r), Atom("w", 1, r)
        h, w = Atom("h", r, h.size), Atom("w", r, w.size)
        ways = {"space_to_depth": ((dy, dx, c), (h,), (w,)), "pixel_unshuffle": ((c, dy, dx), (h,), (w,))}
    else:
        h, w = Atom("h", 1, volume.height), Atom("w", 1, volume.width)
        outer, inner = Atom("c", r * r, channels), Atom("c", 1, channels)
        ways = {
            "pixel_shuffle": ((outer,), (h, Atom("c", r, r)), (w, Atom("c", 1, r))),
            "depth_to_space": ((inner,), (h, Atom("c", channels * r, r)), (w, Atom("c", channels, r))),
        }
    images_axis = axis("n", images)
    for type, axes in ways.items():
        if layout == (images_axis, *map(joined, axes)):
            return type, r
    return None


def side_by_side(layout: Layout, volume: Volume, images: int) -> bool:
    """Whether values lie in memory as a node's own do, under another shape: images come first and are whole."""
    whole = joined(atom for one in column(volume, images)[1:] for atom in one)
    return layout[:1] == (axis("n", images),) and joined(atom for one in layout[1:] for atom in one) == whole
