"""A network as parts: steps in a row, joins with their branches, calls of blocks, and what is there or not.

What a step is, its writer says: a layer as a spec has it, a call as Python has it.  A step's numbers are what variables can
stand for; its shape is all the rest, equal for two steps that one block can have.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias

from archcalc.authoring.joins import Join, nested
from archcalc.graph import Graph, Node
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.records import NamedTuple

DEEPEST_JOIN = 8  # joins nested in joins; what is deeper is written by names

Number: TypeAlias = tuple[str, int | None]  # what it is called, and its value; None: of what is not there, so any


class Step(NamedTuple):
    """A layer, as its writer sees it (`what`); `alone`: it stands on a line of its own."""

    type: str
    what: Any
    shape: Hashable
    numbers: tuple[Number, ...]
    alone: bool = False


class Branches(NamedTuple):
    """A join with its branches; its name where others refer to it."""

    type: str
    branches: "tuple[tuple[Part, ...], ...]"
    name: str = ""


class Call(NamedTuple):
    """A block with its numbers."""

    block: str
    variables: tuple[str, ...]
    values: tuple[int, ...]


class Optional(NamedTuple):
    """Parts that are there or not; `branch`: with them the branch that they are."""

    parts: "tuple[Part, ...]"
    there: bool
    branch: bool = False


Part: TypeAlias = "Step | Branches | Call | Optional"


class NotNested(Exception):
    """A layer that reads what does not stand right before it."""


class Reference(NamedTuple):
    """How a layer stands apart from what is before it: its name where others refer to it, and whom it calls by name.

    Those are what it reads, whose weights it uses, and as large as which it is.
    """

    name: str = ""
    reads: tuple[str, ...] = ()
    share: str = ""
    like: str = ""


class Nesting:
    """A graph, whose inputs come first, as parts; `steps` gives what stands for a layer.

    `ending` gives what a branch needs behind its last layer to be joined.  `named` gives what stands for a layer with
    names; without it, a graph that needs names is NotNested.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Callable[[int], Sequence[Step]],
        ending: Callable[[int, int], Sequence[Step]] = lambda node, join: (),
        named: Callable[[int, Reference], Step] | None = None,
    ) -> None:
        self.nodes: Sequence[Node] = graph.nodes
        self.first = sum(isinstance(node.layer, Input) for node in graph.nodes)  # layer that is no input
        self.steps, self.ending, self.named = steps, ending, named
        self.beginning: dict[int, list[Join]] = {}
        for join in nested(graph.nodes):
            if not graph.nodes[join.position].layer.keys:
                self.beginning.setdefault(join.start, []).insert(0, join)
        results = graph.results()
        self.referred = set(results) if results != (len(graph.nodes) - 1,) else set[int]()

    def parts(self) -> tuple[Part, ...]:
        """NotNested where a layer reads something else than what stands before it, and there are no names."""
        if self.named is not None:
            self._refer(self.first, len(self.nodes), 0, 0)
        return self._parts(self.first, len(self.nodes), 0, 0)

    def _refer(self, begin: int, end: int, current: int, depth: int) -> None:
        """Note whom others have to call by name."""
        at = begin
        while at < end:
            join = self._join(at, end, current, depth)
            if join is not None:
                for first, last in join.branches:
                    self._refer(first, last + 1, join.fork, depth + 1)
                at = join.position
            else:
                self.referred.update(self._calls(at, current))
            current = at
            at += 1

    def _elsewhere(self, at: int, current: int) -> bool:
        """Whether a layer reads by name."""
        return isinstance(self.nodes[at].layer, Merge) or self.nodes[at].inputs != (current,)

    def _calls(self, at: int, current: int) -> Iterator[int]:
        """Whom a layer calls by name; weights and sizes of others only where there are names."""
        node = self.nodes[at]
        yield from node.inputs if self._elsewhere(at, current) else ()
        if self.named is not None:
            yield from (one for one in (node.shares, node.like) if one is not None)

    def _parts(self, begin: int, end: int, current: int, depth: int) -> tuple[Part, ...]:
        found: list[Part] = []
        at = begin
        while at < end:
            join = self._join(at, end, current, depth)
            if join is not None:
                branches = tuple(
                    (*self._parts(first, last + 1, join.fork, depth + 1), *self.ending(source, join.position))
                    for (first, last), source in zip(join.branches, self.nodes[join.position].inputs, strict=True)
                )
                at = join.position
                found.append(Branches(self.nodes[at].layer.type, branches, self._name(at)))
            elif at in self.referred or any(True for _ in self._calls(at, current)):
                if self.named is None:
                    raise NotNested
                found.append(self.named(at, self._reference(at, current)))
            else:
                found += self.steps(at)
            current = at
            at += 1
        return tuple(found)

    def _name(self, at: int) -> str:
        return self.nodes[at].name if at in self.referred else ""

    def _reference(self, at: int, current: int) -> Reference:
        node = self.nodes[at]
        reads = tuple(self.nodes[one].name for one in node.inputs) if self._elsewhere(at, current) else ()
        share, like = ("" if one is None else self.nodes[one].name for one in (node.shares, node.like))
        return Reference(self._name(at), reads, share, like)

    def _join(self, at: int, end: int, current: int, depth: int) -> Join | None:
        """The widest join whose branches begin here."""
        if depth >= DEEPEST_JOIN:
            return None
        return next((one for one in self.beginning.get(at, ()) if one.position < end and one.fork == current), None)


def shape_of(part: Part) -> Hashable:
    """What is left of a part without its numbers."""
    if isinstance(part, Branches):
        return part.type, part.name, tuple(tuple(shape_of(one) for one in branch) for branch in part.branches)
    if isinstance(part, Call):
        return "call", part.block
    if isinstance(part, Optional):
        return "optional", part.branch, tuple(shape_of(one) for one in part.parts)
    return part.type, part.shape


def numbers_of(part: Part) -> list[Number]:
    """The numbers of a part in the order in which they are written."""
    if isinstance(part, Branches):
        return [number for branch in part.branches for one in branch for number in numbers_of(one)]
    if isinstance(part, Call):
        return list(zip(part.variables, part.values, strict=True))
    if isinstance(part, Optional):
        inner = [number for one in part.parts for number in numbers_of(one)]
        flag = ("skip" if part.branch else "project", int(part.there))
        return [flag, *(inner if part.there else ((name, None) for name, _ in inner))]
    return list(part.numbers)
