"""Another order of independent branches that needs less memory at inference.

Of several branches the one goes first whose peak is furthest above what it leaves behind (Liu, "An application of
generalized tree pebbling to sparse matrix factorization", 1987).  That is the best order of whole branches
where they do not share layers inside; in any case the order is planned anew, and only of interest where it
beats the given one.
"""

from collections.abc import Sequence

from archcalc.graph import Graph
from archcalc.memory.liveness import highest, lifetimes, live, overwrites
from archcalc.records import NamedTuple


class Order(NamedTuple):
    """Positions in Graph.nodes in the order to run them, and the peak."""

    nodes: tuple[int, ...]
    peak: int


def better_order(graph: Graph, sizes: Sequence[int], *, inplace: bool = True) -> Order | None:
    """An order whose peak is below that of the graph's own; None where there is none to be found."""
    if all(len(node.inputs) < 2 for node in graph.nodes):
        return None
    order = _schedule(graph, sizes, inplace)
    if order == sorted(order):
        return None
    found = _peak(reordered(graph, order), [sizes[one] for one in order], inplace)
    return Order(tuple(order), found) if found < _peak(graph, sizes, inplace) else None


def reordered(graph: Graph, order: Sequence[int]) -> Graph:
    """The same network with its nodes in another order, in which inputs still come first."""
    place = {old: new for new, old in enumerate(order)}
    nodes = tuple(
        one._replace(
            inputs=tuple(place[two] for two in one.inputs),
            shares=None if one.shares is None else place[one.shares],
            like=None,  # its layer has the size already
        )
        for one in (graph.nodes[old] for old in order)
    )
    return graph._replace(nodes=nodes, outputs=tuple(place[one] for one in graph.results()))


def _peak(graph: Graph, sizes: Sequence[int], inplace: bool) -> int:
    return highest(live(lifetimes(graph, sizes, inplace=inplace), len(sizes))).size


def _schedule(graph: Graph, sizes: Sequence[int], inplace: bool) -> list[int]:
    """Positions in the order to run them: each layer after its branches, these from the most transient on."""
    nodes, free = graph.nodes, overwrites(graph, inplace=inplace)
    readers = graph.readers()
    branches: list[list[int]] = []
    needs: list[int] = []  # to compute a node, where what several branches read is there already
    for position, node in enumerate(nodes):
        own = sorted({one for one in node.inputs if len(readers[one]) == 1}, key=lambda one: sizes[one] - needs[one])
        branches.append([*sorted(one for one in set(node.inputs) if len(readers[one]) > 1), *own])
        held = most = 0
        for one in own:
            most = max(most, held + needs[one])
            held += sizes[one]
        needs.append(max(most, held + (0 if free[position] else sizes[position])))
    order: list[int] = []
    seen = [False] * len(nodes)
    # what nobody reads is run, too, but the outputs come last
    results = graph.results()
    given = frozenset(results)
    for root in (*(one for one in range(len(nodes)) if not readers[one] and one not in given), *results):
        if seen[root]:
            continue
        waiting = [(root, iter(branches[root]))]
        while waiting:
            position, rest = waiting[-1]
            missing = next((one for one in rest if not seen[one]), None)
            if missing is None:
                waiting.pop()
                seen[position] = True
                order.append(position)
            else:
                waiting.append((missing, iter(branches[missing])))
    return order
