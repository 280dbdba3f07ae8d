"""What is kept of all networks: the Pareto front, or the best by one figure.  Both can be merged in any order.

Of networks with the same figures the one with the smallest number stays.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archcalc.records import NamedTuple
from archcalc.variants.sweeping.conditions import Objective
from archcalc.variants.sweeping.evaluate import Array
from archcalc.variants.sweeping.quantities import Wanted

SOME = 64  # rows of a front that others are held against at first


class Rows(NamedTuple):
    """Networks: their numbers, their places along each axis, and their figures (None: nobody knows)."""

    numbers: Array
    places: tuple[Array, ...]
    figures: Mapping[Wanted, Array]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, which: Any) -> "Rows":
        return Rows(
            self.numbers[which],
            tuple(one[which] for one in self.places),
            {name: one[which] for name, one in self.figures.items()},
        )

    def joined(self, other: "Rows") -> "Rows":
        return Rows(
            np.concatenate([self.numbers, other.numbers]),
            tuple(np.concatenate(pair) for pair in zip(self.places, other.places, strict=True)),
            {name: np.concatenate([one, other.figures[name]]) for name, one in self.figures.items()},
        )


class Keep(NamedTuple):
    """The front of several objectives, of which `most` are to be shown; or, `front` off, the `most` best by one after the other."""

    objectives: tuple[Objective, ...]
    front: bool
    most: int | None = None

    def of(self, rows: Rows) -> Rows:
        """What is kept of these rows, the best by the first objective first."""
        known = np.ones(len(rows), dtype=bool)
        for one in self.objectives:
            values = rows.figures[one.figure]
            if values.dtype == object:
                known &= np.array([value is not None for value in values], dtype=bool)
        if not known.all():
            rows = rows.take(known)
        costs = [_costs(rows.figures[one.figure], most=one.most) for one in self.objectives]
        if self.front:
            return rows.take(front(costs, rows.numbers))
        if costs and self.most is not None and len(rows) > 4 * self.most and costs[0].dtype != object:
            edge = np.partition(costs[0], self.most - 1)[self.most - 1]
            rows = rows.take(costs[0] <= edge)
            costs = [_costs(rows.figures[one.figure], most=one.most) for one in self.objectives]
        order = np.lexsort([rows.numbers, *reversed(costs)])
        return rows.take(order[: self.most])

    def merged(self, one: Rows | None, other: Rows) -> Rows:
        """What is kept of what was kept before and of further rows."""
        if one is None or not len(one):
            return self.of(other)
        if self.front and len(other) > SOME:
            other = other.take(~self._beaten(one, other))
        return self.of(one.joined(other))

    def _beaten(self, one: Rows, other: Rows) -> Array:
        """Rows that some of the front's are better than: a quick look, so that few are left to compare with all."""
        pairs = [
            (_costs(one.figures[each.figure], most=each.most), _costs(other.figures[each.figure], most=each.most))
            for each in self.objectives
        ]
        beaten = np.zeros(len(other), dtype=bool)
        if any(theirs.dtype == object for _, theirs in pairs):  # numbers of more than 63 bits, or unknown
            return beaten
        for at in np.unique(np.linspace(0, len(one) - 1, SOME).astype(np.int64)):
            worse, different = np.ones(len(other), dtype=bool), np.zeros(len(other), dtype=bool)
            for ours, theirs in pairs:
                worse &= theirs >= ours[at]
                different |= theirs > ours[at]
            beaten |= worse & different
        return beaten


def _costs(values: Array, *, most: bool) -> Array:
    """Less is better; object arrays where numbers have more than 63 bits."""
    return -values if most else values


def front(costs: Sequence[Array], numbers: Array) -> Array:
    """The positions of what nothing else is as good as in everything and better in something; sorted by the costs."""
    order = np.lexsort([numbers, *reversed(costs)])
    columns = [one[order] for one in costs]
    if len(columns) == 2 and columns[1].dtype != object:
        least = np.minimum.accumulate(columns[1])
        return order[np.concatenate([[True], columns[1][1:] < least[:-1]])] if len(order) else order
    if len(columns) == 3:
        return order[_staircase(columns[1].tolist(), columns[2].tolist())]
    kept: list[int] = []
    while len(order):
        # the first of those left is dominated by none of them: it has the least first cost, then the least second ...
        kept.append(int(order[0]))
        left = columns[0] < columns[0][0]
        for one in columns[1:]:
            left |= one < one[0]
        order = order[left]
        columns = [one[left] for one in columns]
    return np.array(kept, dtype=np.int64)


def _staircase(second: list[int], third: list[int]) -> list[int]:
    """Of three costs, sorted by all of them: what is not behind the stairs of those before, whose first cost is no larger."""
    kept: list[int] = []
    across: list[int] = []  # the stairs: second costs, ascending, ...
    down: list[int] = []  # ... and third costs, descending
    for at, (one, other) in enumerate(zip(second, third, strict=True)):
        place = bisect_right(across, one)
        if place and down[place - 1] <= other:
            continue
        kept.append(at)
        last = place
        while last < len(down) and down[last] >= other:
            last += 1
        first = place - 1 if place and across[place - 1] == one else place
        across[first:last], down[first:last] = [one], [other]
    return kept


def some(one: Rows | None, other: Rows, most: int) -> Rows | None:
    """Of both at most so many, the same ones in whatever order they come: those whose numbers have the smallest hashes."""
    if not most:
        return None
    found = other if one is None else one.joined(other)
    hashes = (found.numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
    return found.take(np.argsort(hashes, kind="stable")[:most]) if len(found) > most else found
