"""Laying buffers out in one arena, so that memory is reused.

Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, as in
TensorFlow Lite): the largest buffer first, each at the lowest offset where it meets no buffer that is alive at
the same time.  The result is not always the smallest possible, which is at least the peak of what is alive;
the baseline is the trivial planner, which gives every buffer a place of its own.
"""

from collections.abc import Sequence

from archcalc.memory.liveness import Buffer
from archcalc.records import NamedTuple

MAX_LIFETIMES = 2_000_000  # steps, over all buffers; beyond that only the trivial plan is made


class Arena(NamedTuple):
    """Offsets in bytes, one a buffer, and what the arena takes; `trivial` is the size without reuse."""

    offsets: tuple[int, ...]
    bytes: int
    trivial: int


def arrange(buffers: Sequence[Buffer]) -> Arena:
    """Greedy by size; ties in order of birth.  Work is in the order of the sum of all lifetimes."""
    sequential = side_by_side(buffers)
    if sum(one.last - one.first + 1 for one in buffers) > MAX_LIFETIMES:
        return sequential
    steps = 1 + max((one.last for one in buffers), default=0)
    alive: list[list[int]] = [[] for _ in range(steps)]  # by step, buffers placed already
    born: list[list[int]] = [[] for _ in range(steps)]
    offsets = [0] * len(buffers)
    end = 0
    for number in sorted(range(len(buffers)), key=lambda one: (-buffers[one].size, buffers[one].first)):
        size, first, last = buffers[number]
        meets = list(alive[first])
        for step in range(first + 1, last + 1):
            meets += born[step]
        offset = 0
        for other in sorted(meets, key=offsets.__getitem__):
            if offset + size <= offsets[other]:
                break
            offset = max(offset, offsets[other] + buffers[other].size)
        offsets[number] = offset
        end = max(end, offset + size)
        born[first].append(number)
        for step in range(first, last + 1):
            alive[step].append(number)
    return Arena(tuple(offsets), end, sequential.bytes)


def side_by_side(buffers: Sequence[Buffer]) -> Arena:
    """The trivial planner: nothing is reused."""
    offsets = []
    end = 0
    for one in buffers:
        offsets.append(end)
        end += one.size
    return Arena(tuple(offsets), end, end)
