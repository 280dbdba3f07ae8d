"""A network as parts: steps in a row, joins with their branches, and calls of blocks.

What a step is, its writer says: a layer as a spec has it, a call as Python has it.  A step's numbers are what variables can
stand for; its shape is all the rest, equal for two steps that one block can have.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias

from archcalc.authoring.joins import Join, nested
from archcalc.graph import Graph, Node
from archcalc.layers.merge import Merge

DEEPEST_JOIN = 8  # joins nested in joins; what is deeper is written by names

Number: TypeAlias = tuple[str, int]  # what it is called, and its value


class Step(NamedTuple):
    """A layer, as its writer sees it (`what`)."""

    type: str
    what: Any
    shape: Hashable
    numbers: tuple[Number, ...]


class Branches(NamedTuple):
    """A join with its branches."""

    type: str
    branches: "tuple[tuple[Part, ...], ...]"


class Call(NamedTuple):
    """A block with its numbers."""

    block: str
    variables: tuple[str, ...]
    values: tuple[int, ...]


Part: TypeAlias = "Step | Branches | Call"


class NotNested(Exception):
    """A layer that reads what does not stand right before it."""


class Nesting:
    """A graph with one input and one result as parts; `steps` gives what stands for a layer.

    `ending` gives what a branch needs behind its last layer to be joined.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Callable[[int], Sequence[Step]],
        ending: Callable[[int, int], Sequence[Step]] = lambda node, join: (),
    ) -> None:
        self.nodes: Sequence[Node] = graph.nodes
        self.steps, self.ending = steps, ending
        self.beginning: dict[int, list[Join]] = {}
        for join in nested(graph.nodes):
            self.beginning.setdefault(join.start, []).insert(0, join)

    def parts(self) -> tuple[Part, ...]:
        """NotNested where a layer reads something else than what stands before it."""
        return self._parts(1, len(self.nodes), 0, 0)

    def _parts(self, begin: int, end: int, current: int, depth: int) -> tuple[Part, ...]:
        found: list[Part] = []
        at = begin
        while at < end:
            join = self._join(at, end, current, depth)
            if join is not None:
                if self.nodes[join.position].layer.keys:
                    raise NotNested
                branches = tuple(
                    (*self._parts(first, last + 1, join.fork, depth + 1), *self.ending(source, join.position))
                    for (first, last), source in zip(join.branches, self.nodes[join.position].inputs, strict=True)
                )
                found.append(Branches(self.nodes[join.position].layer.type, branches))
                at = join.position
            elif isinstance(self.nodes[at].layer, Merge) or self.nodes[at].inputs != (current,):
                raise NotNested
            else:
                found += self.steps(at)
            current = at
            at += 1
        return tuple(found)

    def _join(self, at: int, end: int, current: int, depth: int) -> Join | None:
        """The widest join whose branches begin here."""
        if depth >= DEEPEST_JOIN:
            return None
        return next((one for one in self.beginning.get(at, ()) if one.position < end and one.fork == current), None)


def shape_of(part: Part) -> Hashable:
    """What is left of a part without its numbers."""
    if isinstance(part, Branches):
        return part.type, tuple(tuple(shape_of(one) for one in branch) for branch in part.branches)
    if isinstance(part, Call):
        return "call", part.block
    return part.type, part.shape


def numbers_of(part: Part) -> list[Number]:
    """The numbers of a part in the order in which they are written."""
    if isinstance(part, Branches):
        return [number for branch in part.branches for one in branch for number in numbers_of(one)]
    if isinstance(part, Call):
        return list(zip(part.variables, part.values, strict=True))
    return list(part.numbers)
