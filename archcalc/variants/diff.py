"""What differs between two networks, layer by layer.

Layers belong together by a name that was given to one in either network, else by what they are: first equal
layers, then, between those, layers of one type.  Names themselves make no difference, since most are counted.
"""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal

from archcalc.analysis.analyze import Report, Row
from archcalc.graph import Graph, Node
from archcalc.layers import Layer
from archcalc.records import NamedTuple
from archcalc.variants.align import Pairs, common, longest_increase

if TYPE_CHECKING:
    from archcalc.architecture import Architecture

Status = Literal["added", "removed", "changed", "affected"]


class Setting(NamedTuple):
    """A hyperparameter that differs; `type` and `inputs` stand for the layer's type and what it reads.

    `share`, `trainable`, `inplace` and `output` are a layer's place in the network: whose weights it uses, whether
    they get a gradient, whether it overwrites its input, and whether the network gives its result.
    """

    key: str
    old: object
    new: object


class Change(NamedTuple):
    """A layer that is not as it was.

    `affected`: the same hyperparameters, and yet another volume, cost or receptive field, from the layers before.
    """

    status: Status
    a: Row | None
    b: Row | None
    settings: tuple[Setting, ...] = ()

    @property
    def row(self) -> Row:
        """The layer in the second network, or in the first where it is removed."""
        found = self.b or self.a
        assert found is not None
        return found

    @property
    def params(self) -> int:
        return (self.b.cost.params if self.b else 0) - (self.a.cost.params if self.a else 0)

    @property
    def macs(self) -> int:
        return (self.b.cost.macs if self.b else 0) - (self.a.cost.macs if self.a else 0)

    @property
    def activations(self) -> int:
        return (self.b.activations if self.b else 0) - (self.a.activations if self.a else 0)


class Comparison(NamedTuple):
    """Two complete reports, and what changed from `a` to `b`, in the order of the layers."""

    a: Report
    b: Report
    changes: tuple[Change, ...]
    unchanged: int  # layers that are the same in every respect

    @property
    def equal(self) -> bool:
        return not self.changes

    def count(self, status: Status) -> int:
        return sum(change.status == status for change in self.changes)


def compare(a: "Report | Architecture", b: "Report | Architecture") -> Comparison:
    """Compare two networks, or two complete reports of one convention; the time is about linear in the number of layers.

    >>> import archcalc
    >>> a, b = (archcalc.load(f"INPUT[8x8x3] -> CONV3-{k} -> RELU -> FC-10").report for k in (4, 8))
    >>> found = archcalc.compare(a, b)
    >>> for change in found.changes:
    ...     print(change.status, change.row.node.name, *change.settings, change.params)
    changed conv1 Setting(key='filters', old=4, new=8) 112
    affected relu1 0
    affected fc1 1440
    """
    a, b = (one if isinstance(one, Report) else one.report for one in (a, b))
    pairs = _align(a.graph.nodes, b.graph.nodes)
    wiring = _Wiring(a.graph, b.graph, pairs)
    changes: list[Change] = []
    next_a = next_b = same = 0
    for i, j in [*pairs, (len(a.rows), len(b.rows))]:
        changes += (Change("removed", row, None) for row in a.rows[next_a:i])
        changes += (Change("added", None, row) for row in b.rows[next_b:j])
        next_a, next_b = i + 1, j + 1
        if i == len(a.rows):
            break
        old, new = a.rows[i], b.rows[j]
        settings = (*_settings(old.node.layer, new.node.layer), *wiring.rewired(i, j), *wiring.replaced(i, j))
        if settings:
            changes.append(Change("changed", old, new, settings))
        elif old[3:8] != new[3:8]:  # output, cost, activations, receptive field, unread
            changes.append(Change("affected", old, new))
        else:
            same += 1
    return Comparison(a, b, tuple(changes), same)


def _values(layer: Layer) -> dict[str, object]:
    """A layer's keys; a pool's stride that is not given is its window's extent."""
    values = layer.values()
    if values.get("stride", 1) is None:
        values["stride"] = values["kernel_size"]
    return values


def _settings(old: Layer, new: Layer) -> Iterator[Setting]:
    if old is new:
        return
    if old.type != new.type:
        yield Setting("type", old.type, new.type)
        return
    after = _values(new)
    for key, value in _values(old).items():
        if value != after[key]:
            yield Setting(key, value, after[key])


# -- which layers belong together -------------------------------------------------------------------


def _align(a: tuple[Node, ...], b: tuple[Node, ...]) -> Pairs:
    known: dict[object, int] = {}
    exact_a, exact_b = _tokens(a, known), _tokens(b, known)
    types_a, types_b = [node.layer.type for node in a], [node.layer.type for node in b]
    pairs: Pairs = []
    x = y = 0
    for i, j in [*_anchors(a, b), (len(a), len(b))]:
        found = _between(exact_a[x:i], exact_b[y:j], types_a[x:i], types_b[y:j])
        pairs += ((x + one, y + other) for one, other in found)
        if i < len(a):
            pairs.append((i, j))
        x, y = i + 1, j + 1
    return pairs


def _tokens(nodes: tuple[Node, ...], known: dict[object, int]) -> list[int]:
    """One number for layers that are equal and read equally many inputs."""
    by_id: dict[tuple[int, int], int] = {}
    tokens = []
    for node in nodes:
        key = id(node.layer), len(node.inputs)
        if key not in by_id:
            values = (node.layer.type, len(node.inputs), *_values(node.layer).values())
            by_id[key] = known.setdefault(values, len(known))
        tokens.append(by_id[key])
    return tokens


def _anchors(a: tuple[Node, ...], b: tuple[Node, ...]) -> Pairs:
    """The inputs, and layers of one name that at least one network gave; as many as stand in the same order."""
    places = {node.name: place for place, node in enumerate(b)}
    named = [
        (place, places[node.name])
        for place, node in enumerate(a)
        if node.name in places and (_given(node) or _given(b[places[node.name]]))
    ]
    return [named[index] for index in longest_increase([place for _, place in named])]


def _given(node: Node) -> bool:
    """Whether a name was given, not counted like `conv3`."""
    own = node.name.rpartition(".")[2]
    return not re.fullmatch(rf"{node.layer.type}\d+", own)


def _between(exact_a: list[int], exact_b: list[int], types_a: list[str], types_b: list[str]) -> Pairs:
    """Pairs between two anchors: equal layers and, in the gaps they leave, layers of one type."""
    found = common(exact_a, exact_b, give_up=True)
    if found is None:  # too different: nearly every layer is changed, so the types alone say more
        return common(types_a, types_b) or []
    pairs: Pairs = []
    x = y = 0
    for i, j in [*found, (len(exact_a), len(exact_b))]:
        gap = common(types_a[x:i], types_b[y:j]) or []
        pairs += ((x + one, y + other) for one, other in gap)
        pairs.append((i, j))
        x, y = i + 1, j + 1
    return pairs[:-1]


class _Wiring:
    """Whether a layer reads what its counterpart reads, past layers that one network does not have."""

    def __init__(self, a: Graph, b: Graph, pairs: Pairs) -> None:
        self.a, self.b = a.nodes, b.nodes
        self.declared = bool(a.outputs or b.outputs)
        self.results_a, self.results_b = frozenset(a.results()), frozenset(b.results())
        self.partner = dict(pairs)
        self.origins_a = _origins(self.a, self.partner.keys())
        self.origins_b = _origins(self.b, set(self.partner.values()))

    def replaced(self, i: int, j: int) -> Iterator[Setting]:
        """What else is said of a layer in its network."""
        old, new = self.a[i], self.b[j]
        if (None if old.shares is None else self.partner.get(old.shares, -1)) != new.shares:
            yield Setting("share", _name(self.a, old.shares), _name(self.b, new.shares))
        if old.trainable != new.trainable:
            yield Setting("trainable", old.trainable, new.trainable)
        if old.inplace != new.inplace:
            yield Setting("inplace", old.inplace, new.inplace)
        if self.declared and (i in self.results_a) != (j in self.results_b):
            yield Setting("output", i in self.results_a, j in self.results_b)

    def rewired(self, i: int, j: int) -> Iterator[Setting]:
        old, new = self.a[i].inputs, self.b[j].inputs
        if len(old) == len(new) and all(self._same(one, other) for one, other in zip(old, new, strict=True)):
            return
        yield Setting("inputs", [self.a[one].name for one in old], [self.b[one].name for one in new])

    def _same(self, one: int, other: int) -> bool:
        return not {self.partner[place] for place in self.origins_a[one]}.isdisjoint(self.origins_b[other])


def _name(nodes: tuple[Node, ...], position: int | None) -> str | None:
    return None if position is None else nodes[position].name


def _origins(nodes: tuple[Node, ...], paired: Collection[int]) -> list[tuple[int, ...]]:
    """For every node itself if it has a counterpart, else where its first and its last input come from."""
    found: list[tuple[int, ...]] = []
    for place, node in enumerate(nodes):
        if place in paired or not node.inputs:
            found.append((place,))
        else:
            found.append((found[node.inputs[0]][0], found[node.inputs[-1]][-1]))
    return found
