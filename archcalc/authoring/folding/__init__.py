"""Graph -> a spec as a person would write it: blocks with variables, repeats, and no names but of what others refer to.

Found on the graph, not on its text.  Stretches of layers and joins that have one shape and differ only in numbers become a
block; calls in a row that are equal become a repeat.  A concat that grows by what was computed last (DenseNet's) is read as
one of two: the same values in the same order.  Whatever is written is read back, and must be the same graph but for names.
"""

from collections.abc import Mapping
from typing import Any

from archcalc.authoring.folding.order import branch_by_branch, regrown
from archcalc.authoring.folding.spec import text_of
from archcalc.authoring.write import inputs_first, renamed, write
from archcalc.graph import Graph
from archcalc.language.program import read_document
from archcalc.layers.reshape import Input


def fold(graph: Graph, *, head: Mapping[str, str | int] = {}, comment: str = "") -> str:
    """The spec of a complete graph, folded where that can be written, else as `write` has it."""
    grown = _image_called_input(regrown(inputs_first(graph)))
    if len(grown.nodes) > 1:
        moved = branch_by_branch(grown)
        orders = [grown] if moved == grown else [grown, moved]
        texts = [(text_of(one, head, comment), one) for one in map(renamed, orders)]
        for text, one in sorted(texts, key=lambda found: found[0].count("\n")):
            if same_network(read_document(text).graph, one):
                return text
    return write(graph, head=head, comment=comment)


def _image_called_input(graph: Graph) -> Graph:
    """The image is called as a spec calls its only one, whatever the file does."""
    others = graph.nodes[1:]
    if not graph.nodes or any(node.name == "input" or isinstance(node.layer, Input) for node in others):
        return graph
    return graph._replace(nodes=(graph.nodes[0]._replace(name="input"), *graph.nodes[1:]))


def same_network(one: Graph, other: Graph) -> bool:
    """Whether two graphs are one network but for names and places in a text."""
    return _bare(one) == _bare(other)


def _bare(graph: Graph) -> tuple[Any, ...]:
    nodes = [(node.layer, node.inputs, node.shares, node.trainable, node.inplace, node.like) for node in graph.nodes]
    return nodes, graph.results()
