"""When memory is needed: every buffer from the step that writes it to the last step that reads it.

Steps are the positions of Graph.nodes, executed in that order.  A layer type that may work in place
(`Layer.inplace`) takes over its input's buffer where nobody reads that input later; every other node has a
buffer of its own.  The network's outputs are kept to the end, whoever else reads them: a caller gets them all.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from archcalc.graph import Graph
from archcalc.records import NamedTuple
from archcalc.symbolic import largest


class Buffer(NamedTuple):
    """`size` in the caller's unit, needed during steps `first` to `last`, both included."""

    size: int
    first: int
    last: int


class Peak(NamedTuple):
    """The most that is needed at once, and the first step that needs it."""

    size: int
    step: int


def last_readers(graph: Graph) -> list[int]:
    """For every node the last node that reads it; itself where nobody does; the step behind the last for an output."""
    last = [read[-1] if read else step for step, read in enumerate(graph.readers())]
    for output in graph.results():
        last[output] = len(graph.nodes)
    return last


def overwrites(graph: Graph, *, inplace: bool = True) -> list[bool]:
    """For every node whether it works in its input's memory; without `inplace` only what changes nothing there."""
    last = last_readers(graph)
    return [
        (node.layer.inplace if node.overwrites(inplace) else node.layer.view) and last[node.inputs[0]] == step
        for step, node in enumerate(graph.nodes)
    ]


def lifetimes(graph: Graph, sizes: Sequence[int], *, inplace: bool = True) -> list[Buffer]:
    """The buffers of a network whose node i has an output of `sizes[i]`, in the order they are first needed."""
    end = len(graph.nodes) - 1
    last, shared = last_readers(graph), overwrites(graph, inplace=inplace)
    buffers: list[Buffer] = []
    home: list[int] = []  # node -> its buffer
    for step, node in enumerate(graph.nodes):
        if shared[step]:
            home.append(home[node.inputs[0]])
            buffers[home[step]] = buffers[home[step]]._replace(last=min(last[step], end))
        else:
            home.append(len(buffers))
            buffers.append(Buffer(sizes[step], step, min(last[step], end)))
    return buffers


def live(buffers: Iterable[Buffer], steps: int) -> list[int]:
    """What is needed during each of `steps` steps."""
    change = [0] * (steps + 1)
    for size, first, last in buffers:
        change[first] += size
        change[last + 1] -= size
    return list(accumulate(change[:-1]))


def highest(needed: Sequence[int]) -> Peak:
    """The most of what is needed at each step, and the first step that needs it."""
    most = largest(needed)
    return Peak(most, needed.index(most) if needed else 0)


def peak(buffers: Sequence[Buffer], extra: Sequence[int]) -> Peak:
    """The peak of the buffers' sizes plus what step i needs for itself alone, `extra[i]`."""
    return highest([own + more for own, more in zip(live(buffers, len(extra)), extra, strict=True)])
