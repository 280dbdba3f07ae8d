"""Layouts against NumPy: labelled values are really reshaped and permuted."""

import random
from typing import Any

import numpy as np
import pytest

from archcalc.interop.torch.layout import (
    Atom,
    Layout,
    broadcast,
    column,
    image,
    joined,
    kinds,
    reshaped,
    shape,
    shuffled,
)
from archcalc.volume import Volume

IMAGES, VOLUME = 2, Volume(4, 6, 12)


def values(layout: Layout, volume: Volume = VOLUME) -> Any:
    """What a tensor with this layout holds, of an image numbered in the order n, c, h, w; computed from the atoms."""
    steps = {"n": volume.size, "c": volume.width * volume.height, "h": volume.width, "w": 1}
    found = np.zeros((), np.int64)
    for one in layout:
        for atom in one:
            found = found[..., None] + np.arange(atom.size) * atom.stride * steps[atom.kind]
    return found.reshape(shape(layout))


def numbered(volume: Volume = VOLUME) -> Any:
    return np.arange(IMAGES * volume.size).reshape(IMAGES, volume.channels, volume.height, volume.width)


def test_an_image_and_a_column() -> None:
    assert (values(image(VOLUME, IMAGES)) == numbered()).all()
    assert (values(column(VOLUME, IMAGES)) == numbered().reshape(IMAGES, -1)).all()


def factors(size: int, rng: random.Random) -> list[int]:
    found = []
    while size > 1:
        factor = rng.choice([one for one in range(2, size + 1) if size % one == 0])
        found.append(factor)
        size //= factor
    return found or [1]


@pytest.mark.parametrize("seed", range(200))
def test_any_views_and_permutations(seed: int) -> None:
    rng = random.Random(seed)
    layout, array = image(VOLUME, IMAGES), numbered()
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.5:
            order = rng.sample(range(array.ndim), array.ndim)
            layout, array = tuple(layout[one] for one in order), array.transpose(order)
        else:  # a view that cuts axes or puts neighbours together
            sizes = [part for size in array.shape for part in (factors(size, rng) if rng.random() < 0.5 else [size])]
            while len(sizes) > 1 and rng.random() < 0.6:
                at = rng.randrange(len(sizes) - 1)
                sizes[at : at + 2] = [sizes[at] * sizes[at + 1]]
            found = reshaped(layout, sizes)
            if found is None:  # it would cut an atom unevenly
                continue
            layout, array = found, np.ascontiguousarray(array).reshape(sizes)
        assert shape(layout) == array.shape
        assert (values(layout) == array).all()


def test_a_view_that_cuts_unevenly_is_none() -> None:
    assert reshaped(image(VOLUME, IMAGES), (2, 8, 9, 4)) is None
    assert reshaped(image(VOLUME, IMAGES), (2, 12, 24)) == (
        (Atom("n", 1, 2),),
        (Atom("c", 1, 12),),
        (Atom("h", 1, 6), Atom("w", 1, 4)),
    )


def test_neighbours_in_memory_are_one() -> None:
    assert joined((Atom("c", 4, 3), Atom("c", 1, 4), Atom("h", 1, 1), Atom("w", 1, 4))) == (
        Atom("c", 1, 12),
        Atom("w", 1, 4),
    )
    assert joined((Atom("c", 1, 4), Atom("c", 4, 3))) == (Atom("c", 1, 4), Atom("c", 4, 3))


@pytest.mark.parametrize("groups", [2, 3, 4, 6])
def test_a_channel_shuffle_is_told_with_its_groups(groups: int) -> None:
    layout = reshaped(image(VOLUME, IMAGES), (2, groups, 12 // groups, 6, 4))
    assert layout is not None
    n, outer, inner, h, w = layout
    dealt = reshaped((n, inner, outer, h, w), (2, 12, 6, 4))
    assert dealt is not None
    assert shuffled(dealt, VOLUME, IMAGES) == groups
    array = numbered().reshape(2, groups, 12 // groups, 6, 4).swapaxes(1, 2).reshape(2, 12, 6, 4)
    assert (values(dealt) == array).all()
    assert shuffled(image(VOLUME, IMAGES), VOLUME, IMAGES) == 0


def test_broadcasting_joins_like_positions_only() -> None:
    whole, gate = image(VOLUME, IMAGES), image(Volume(1, 1, 12), IMAGES)
    assert broadcast(whole, gate) == broadcast(gate, whole) == whole
    stretched = (*gate[:2], (Atom("*", 1, 6),), (Atom("*", 1, 4),))
    assert broadcast(whole, stretched) == whole
    n, c, h, w = whole
    assert broadcast(whole, (n, c, w, h)) is None
    assert kinds((n, (*h, *w), c)) == "n(hw)c"
