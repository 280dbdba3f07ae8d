"""Joins that can be written as nested branches: each branch a stretch of nodes, one behind the other."""

from collections.abc import Iterator, Sequence

from archcalc.graph import Node
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.records import NamedTuple

LONGEST_JOIN = 2_000  # layers in the branches of one join


class Join(NamedTuple):
    """A join that can be nested: the node that joins, where its branches start and what they read.

    `branches` are the first and the last node of each; the last is before the first where a branch is empty.
    """

    position: int
    start: int
    fork: int
    branches: tuple[tuple[int, int], ...]


def nested(nodes: Sequence[Node]) -> Iterator[Join]:
    """Joins whose branches lie one behind the other between the fork and the join itself."""
    layers = next((at for at, node in enumerate(nodes) if not isinstance(node.layer, Input)), 0)
    for position, node in enumerate(nodes):
        if isinstance(node.layer, Merge) and (join := _join(nodes, position, layers)):
            yield join


def _join(nodes: Sequence[Node], position: int, layers: int) -> Join | None:
    """`layers`: where they begin, behind the inputs."""
    inputs = nodes[position].inputs
    fork = _fork(nodes, inputs, layers)
    ends = [one for one in inputs if one != fork]
    if fork < 0 or ends != sorted(set(ends)) or (ends and ends[-1] != position - 1):
        return None
    starts: list[int] = []
    for number in reversed(range(len(ends))):
        floor = ends[number - 1] + 1 if number else max(fork + 1, layers, position - LONGEST_JOIN)
        start = _start(nodes, floor, ends[number], fork, exact=number > 0)
        if start is None:
            return None
        starts.append(start)
    starts.reverse()
    begin = starts[0] if starts else position
    pieces = iter(zip(starts, ends, strict=True))
    return Join(position, begin, fork, tuple((0, -1) if one == fork else next(pieces) for one in inputs))


def _fork(nodes: Sequence[Node], inputs: tuple[int, ...], layers: int) -> int:
    """What the branches read: the first input, where a branch begins behind it, or else what that branch reads."""
    low = min(inputs)
    first = nodes[max(low + 1, layers)].inputs
    return low if low in first else min(first, default=-1)


def _start(nodes: Sequence[Node], floor: int, end: int, fork: int, *, exact: bool) -> int | None:
    """Where a branch that ends at `end` and reads nothing but `fork` starts; exactly at the floor, if asked."""
    start, need = end + 1, end
    while start > need or (exact and start > floor):
        start -= 1
        if start < floor:
            return None
        need = min([need, *(one for one in nodes[start].inputs if one != fork)])
    return start if need >= floor else None
