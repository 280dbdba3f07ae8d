"""The network as plain data: layers, and who reads whom."""

from collections.abc import Mapping
from typing import NamedTuple

from archcalc.diagnostics import Span
from archcalc.layers import Layer


class Node(NamedTuple):
    """A layer in its place.

    `inputs` are positions in Graph.nodes, each before this one, so the order of the nodes is a
    topological order.  `path` names the repeats and blocks around it; `places` says where the
    layer's keys stand in the text, for messages.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    span: Span
    places: Mapping[str, Span] = {}
    path: tuple[str, ...] = ()


class Graph(NamedTuple):
    """A network.  The first node is the input, the last one the output."""

    name: str
    nodes: tuple[Node, ...]

    def readers(self) -> list[int]:
        """For every node, how many nodes read its output."""
        found = [0] * len(self.nodes)
        for node in self.nodes:
            for one in node.inputs:
                found[one] += 1
        return found


class Unknown(Layer):
    """Stands where a layer could not be read, so that what does not depend on it can still be checked."""

    def __reduce__(self) -> str:
        return "UNKNOWN"  # copies and pickles are the one there is


UNKNOWN = Unknown()
