"""Graph -> a spec as a person would write it: blocks with variables, repeats, no names.

Found on the graph, not on its text.  Stretches of layers and joins that have one shape and differ only in numbers become a
block; calls in a row that are equal become a repeat.  A concat that grows by what was computed last (DenseNet's) is read as
one of two: the same values in the same order.  Whatever is written is read back, and must be the same graph but for names.
"""

from collections.abc import Mapping
from typing import Any

from archcalc.authoring.folding.order import branch_by_branch, regrown
from archcalc.authoring.folding.parts import NotNested
from archcalc.authoring.folding.spec import text_of
from archcalc.authoring.write import write
from archcalc.graph import Graph
from archcalc.language.program import read_document
from archcalc.layers.reshape import Input


def fold(graph: Graph, *, head: Mapping[str, str | int] = {}, comment: str = "") -> str:
    """The spec of a complete graph, folded where that can be written, else as `write` has it."""
    grown = regrown(graph)
    if _foldable(grown):
        for one in (grown, branch_by_branch(grown)):
            try:
                text = text_of(one, head, comment)
            except NotNested:
                continue
            if same_network(read_document(text).graph, one):
                return text
    return write(graph, head=head, comment=comment)


def same_network(one: Graph, other: Graph) -> bool:
    """Whether two graphs are one network but for names and places in a text."""
    return _bare(one) == _bare(other)


def _bare(graph: Graph) -> tuple[Any, ...]:
    nodes = [(node.layer, node.inputs, node.shares, node.trainable, node.inplace, node.like) for node in graph.nodes]
    return nodes, graph.results()


def _foldable(graph: Graph) -> bool:
    """Whether nothing of the graph needs a name: one input, one result, no weights of another layer."""
    nodes = graph.nodes
    plain = all(
        (node.shares, node.trainable, node.inplace, node.like) == (None, True, None, None)
        and not isinstance(node.layer, Input)
        for node in nodes[1:]
    )
    return plain and len(nodes) > 1 and isinstance(nodes[0].layer, Input) and graph.results() == (len(nodes) - 1,)
