"""How long values live: which layers share a buffer, when it is first written and last read, and the peak.

Layers run in the order of the graph, one a step.  A buffer is alive during every step from the one that
writes it to the last that reads it, so that in a chain a layer's input and output are alive together.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from archcalc.graph import Graph


class Buffer(NamedTuple):
    """A stretch of memory: bytes, and the first and the last step during which it is alive."""

    size: int
    first: int
    last: int


class Peak(NamedTuple):
    """The most that is alive at once, in bytes, and the first step at which it is."""

    bytes: int
    step: int


def owners(graph: Graph, *, inplace: bool = True) -> list[int]:
    """For every node the node whose buffer holds its output at inference: itself, unless it is in place.

    A layer overwrites its input only where nobody else reads it, and never the network's input.  A view
    (flatten) shares its input's buffer in any case.
    """
    found: list[int] = []
    shared: list[bool] = []  # by owner: someone else reads it, too
    readers = graph.readers()
    for position, node in enumerate(graph.nodes):
        owner = found[node.inputs[0]] if node.inputs else position
        layer = node.layer
        if not (layer.view or (inplace and layer.inplace and owner > 0 and not shared[owner])):
            owner = position
        found.append(owner)
        shared.append(False)
        shared[owner] |= readers[position] > 1
    return found


def buffers(graph: Graph, sizes: Sequence[int], owners: Sequence[int]) -> list[Buffer]:
    """The buffers of a forward pass, in the order in which they are written.

    `sizes` are bytes of every node's output.  The network's output stays to the end; what nobody reads is
    dropped after the step that wrote it.
    """
    last = list(range(len(graph.nodes)))
    for position, node in enumerate(graph.nodes):
        for one in (*node.inputs, position):
            last[owners[one]] = position
    if last:
        last[owners[-1]] = len(last) - 1
    return [Buffer(sizes[one], one, last[one]) for one, owner in enumerate(owners) if owner == one]


def live(found: Iterable[Buffer], steps: int) -> list[int]:
    """Bytes alive during each of `steps` steps."""
    changes = [0] * (steps + 1)
    for size, first, last in found:
        changes[first] += size
        changes[last + 1] -= size
    return list(accumulate(changes))[:steps]


def peak(alive: Sequence[int]) -> Peak:
    """The largest of what is alive, and where it is first reached."""
    most = max(alive, default=0)
    return Peak(most, alive.index(most) if alive else 0)
