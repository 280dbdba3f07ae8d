"""Where a network forks and joins, in the order its layers are listed: what a table draws as tree lines.

A join closes a region that begins behind its fork, the last layer that every way to the join passes (the join's
immediate dominator; Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", 2001, on a graph without circles).
"""

from collections.abc import Iterator

from archcalc.graph import Graph
from archcalc.records import NamedTuple

LONGEST = 256  # layers of a region that is drawn: a way that long is no branch to the eye
DEEPEST = 6  # regions inside each other


class Region(NamedTuple):
    """The layers behind `fork` up to and with `join`, by their positions in Graph.nodes; both are of one network."""

    fork: int
    join: int


class Place(NamedTuple):
    """A layer in a region: whether a branch begins with it, and whether it is the join."""

    region: Region
    begins: bool

    def joins(self, position: int) -> bool:
        return position == self.region.join


def regions(graph: Graph) -> list[Region]:
    """The forks with their joins, outer ones first; never two that cross, and none with a layer that came another way."""
    nodes = graph.nodes
    above = _dominators(graph)
    found = []
    for join, node in enumerate(nodes):
        fork = above[join]
        if len(set(node.inputs)) > 1 and fork >= 0 and join - fork <= LONGEST and _closed(above, fork, join):
            found.append(Region(fork, join))
    return list(_nested(sorted(found, key=lambda one: (one.fork, -one.join))))


def places(graph: Graph) -> list[tuple[Place, ...]]:
    """For every node the regions that it stands in, outer ones first."""
    found: list[list[Place]] = [[] for _ in graph.nodes]
    for region in regions(graph):
        for position in range(region.fork + 1, region.join + 1):
            found[position].append(Place(region, region.fork in graph.nodes[position].inputs))
    for position, (node, around) in enumerate(zip(graph.nodes, found, strict=True)):
        # a fork within a branch that joins with it: `a` is read by `b` and `c`, all three are stacked
        if around and position - 1 not in node.inputs and not around[-1].joins(position):
            around[-1] = around[-1]._replace(begins=True)
    return [tuple(around) for around in found]


def _dominators(graph: Graph) -> list[int]:
    """For every node the last one that all ways to it pass; -1: none does, or it is too far away to be looked for."""
    above: list[int] = []
    for node in graph.nodes:
        inputs = iter(node.inputs)
        common = next(inputs, -1)
        for one in inputs:
            steps = 0
            while common != one and steps < LONGEST:
                steps += 1
                if common > one:
                    common = above[common]
                else:
                    one = above[one]
            common = common if common == one else -1
        above.append(common)
    return above


def _closed(above: list[int], fork: int, join: int) -> bool:
    """Whether everything listed between a fork and its join comes from the fork."""
    return all(above[one] >= fork for one in range(fork + 1, join))


def _nested(found: list[Region]) -> Iterator[Region]:
    """Regions that lie in one another or apart; one that would cross another is left out."""
    around: list[Region] = []
    for region in found:
        while around and around[-1].join <= region.fork:
            around.pop()
        if len(around) < DEEPEST and (not around or region.join < around[-1].join):
            around.append(region)
            yield region
