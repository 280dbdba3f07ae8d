"""Which points of a space are computed, in chunks that any process can make by their number: all, or a sample."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from archcalc.records import NamedTuple
from archcalc.variants.sweeping.evaluate import Array

Sampling = Literal["grid", "random", "lhs"]

CHUNK = 1 << 15  # points whose arrays stay in a core's cache
MAX_GRID = 1 << 62
MAX_LATIN = 20_000_000  # its permutations are in memory


class Points(NamedTuple):
    """`sizes` of the axes; `networks` points, of which chunk c has those from c*chunk on."""

    sizes: tuple[int, ...]
    networks: int
    sampling: Sampling = "grid"
    seed: int = 0
    chunk: int = CHUNK

    @property
    def chunks(self) -> int:
        return -(-self.networks // self.chunk)

    def indices(self, number: int) -> list[Array]:
        """The indices of a chunk's points, an array for each axis."""
        start = number * self.chunk
        stop = min(self.networks, start + self.chunk)
        if self.sampling == "grid":
            return _grid(self.sizes, start, stop)
        if self.sampling == "random":
            random = np.random.default_rng([self.seed, number])
            return [random.integers(0, size, stop - start) for size in self.sizes]
        return [one[start:stop] for one in _latin(self.sizes, self.networks, self.seed)]


def _grid(sizes: Sequence[int], start: int, stop: int) -> list[Array]:
    """Consecutive points: the last axis changes fastest."""
    found: list[Array] = []
    rest: Any = np.arange(start, stop, dtype=np.int64)
    for size in reversed(sizes):
        if size == 1:
            found.append(np.zeros(stop - start, dtype=np.int64))
            continue
        above = rest // size
        found.append(rest - above * size)
        rest = above
    return found[::-1]


@lru_cache(1)
def _latin(sizes: tuple[int, ...], count: int, seed: int) -> list[Array]:
    """A Latin hypercube: each axis in `count` equal strata, from each of which one value is taken."""
    random = np.random.default_rng(seed)
    found = []
    for size in sizes:
        strata = random.permutation(count) + random.random(count)
        found.append(np.minimum((strata * (size / count)).astype(np.int64), size - 1))
    return found
