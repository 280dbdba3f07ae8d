"""The network as plain data: layers, and who reads whom."""

from collections.abc import Mapping

from archcalc.diagnostics import NOWHERE, Span
from archcalc.layers import Layer
from archcalc.records import NamedTuple


class Node(NamedTuple):
    """A layer in its place.

    `inputs` are positions in Graph.nodes, each before this one, so the order of the nodes is a
    topological order.  `path` names the repeats and blocks around it; `places` says where the
    layer's keys stand in the text, for messages.  `shares` is the position of the node whose weights it uses,
    which has weights of its own: they count there, once, and this node's work and output as anybody's.
    `trainable` off: its weights get no gradient (where weights are shared, those of the node that has them).
    `like`: its layer's `size` is the width and height of that node's output, whatever the layer says; nothing else is read.
    `inplace` says whether it overwrites its input, if its layer can; None: as the convention in force has it.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    span: Span = NOWHERE
    places: Mapping[str, Span] = {}
    path: tuple[str, ...] = ()
    shares: int | None = None
    trainable: bool = True
    inplace: bool | None = None
    like: int | None = None

    def overwrites(self, convention: bool) -> bool:
        """Whether it is to work in its input's memory, where nobody else needs that, by itself or by the convention."""
        return convention if self.inplace is None else self.inplace


class Graph(NamedTuple):
    """A network.  Inputs are the nodes whose layer is an Input; `outputs` are positions, none of them: the last node."""

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...] = ()

    def results(self) -> tuple[int, ...]:
        """The positions of what the network gives: its outputs, or else the last node."""
        return self.outputs or tuple(range(len(self.nodes))[-1:])

    def readers(self) -> list[list[int]]:
        """For every node the positions of those that read its output, in order, as often as they read it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for one in node.inputs:
                found[one].append(position)
        return found


class Unknown(Layer):
    """Stands where a layer could not be read, so that what does not depend on it can still be checked."""

    def __reduce__(self) -> str:
        return "UNKNOWN"  # copies and pickles are the one there is


UNKNOWN = Unknown()
