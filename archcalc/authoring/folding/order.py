"""The same network in another order of its nodes, in which more of it can be written as nested branches."""

from archcalc.graph import Graph
from archcalc.layers.merge import Concat

MOST_INPUTS = 200  # of a concat that is looked at


def regrown(graph: Graph) -> Graph:
    """The graph with every concat that begins with all inputs of an earlier one reading that one instead."""
    nodes = list(graph.nodes)
    whole: dict[tuple[int, ...], int] = {}
    for position, node in enumerate(nodes):
        if not isinstance(node.layer, Concat):
            continue
        inputs = node.inputs
        lengths = range(len(inputs) - 1, 1, -1) if len(inputs) < MOST_INPUTS else ()
        longest = next((n for n in lengths if inputs[:n] in whole), 0)
        whole.setdefault(inputs, position)
        if longest:
            nodes[position] = node._replace(inputs=(whole[inputs[:longest]], *inputs[longest:]))
    return graph._replace(nodes=tuple(nodes))


def branch_by_branch(graph: Graph) -> Graph:
    """The nodes in the order in which branches are written: each of them whole, behind what all of them read.

    Files have them in the order in which somebody called them, often all first layers, then all second ones.
    """
    nodes = graph.nodes
    order: list[int] = []
    placed = [False] * len(nodes)
    stack = [(one, False) for one in reversed(graph.results())]
    while stack:
        position, done = stack.pop()
        if placed[position]:
            continue
        if done:
            placed[position] = True
            order.append(position)
        else:
            stack.append((position, True))
            stack += [(one, False) for one in reversed(nodes[position].inputs) if not placed[one]]
    if len(order) < len(nodes) or any(node.like is not None for node in nodes):  # some that nobody reads
        return graph
    number = {position: at for at, position in enumerate(order)}
    moved = []
    for node in (nodes[one] for one in order):
        shares = None if node.shares is None else number[node.shares]
        moved.append(node._replace(inputs=tuple(number[source] for source in node.inputs), shares=shares))
    return graph._replace(nodes=tuple(moved), outputs=tuple(number[one] for one in graph.outputs))
