"""Graph -> the text of a spec, for people to read: `read(write(graph))` gives the graph again.

Layers in a row become patterns, repetitions `[..]*n`, branches that are nested lists of branches; what is not
nested reads back by `from` and `inputs`.  Layers in a row whose names have one beginning (`stage2.block1.conv1`)
become a block, equal ones the same block.  A name is written where the reader would give another one, and for layers
that others refer to.  A name that cannot be written is left to the reader; where others refer to it, the layer gets
one as near to it as can be.  Inputs are written first, wherever they stand.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archcalc.authoring.joins import Join, nested
from archcalc.authoring.notation import Item, flow, joined, listed, quoted, scalar, step_text
from archcalc.graph import Graph, Node
from archcalc.language.names import NAME
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input

DEEPEST_JOIN = 8  # joins nested in joins; what is deeper is written by names


def write(graph: Graph, *, head: Mapping[str, str | int] = {}, comment: str = "") -> str:
    """The spec of a complete graph; `head` are further top-level values, `comment` is put above."""
    return _Writer(graph).text(head, comment)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        graph = renamed(inputs_first(graph))
        self.nodes, self.name, self.outputs = graph.nodes, graph.name, graph.outputs
        self.first = sum(isinstance(node.layer, Input) for node in graph.nodes)  # layer that is no input
        self.defaults = common_defaults(graph.nodes)
        self.beginning: dict[int, list[Join]] = {}  # joins by where their branches begin, the widest first
        for join in nested(graph.nodes):
            self.beginning.setdefault(join.start, []).insert(0, join)
        self.references = dict(self._references(self.first, len(self.nodes), 0, 0))
        self.taken = {node.name for node in self.nodes}  # names of layers, and of blocks as they are found
        self.blocks: dict[int, tuple[int, str]] = {}  # first node of a block -> its last, and its name
        self.within: dict[int, str] = {}  # node -> the block it is in
        self._find_blocks(self.first, len(self.nodes), 0, 0)
        self.named = self._named()
        self.definitions: dict[tuple[str, ...], str] = {}  # a block's lines -> what it is called

    def text(self, head: Mapping[str, str | int], comment: str) -> str:
        out = [f"# {line}".rstrip() for line in comment.splitlines()]
        out.append("archcalc: 1")
        for key, value in {"name": self.name, **head}.items():
            if value:
                out.append(f"{key}: {value if isinstance(value, int) else quoted(value)}")
        images = {node.name: node.layer.volume for node in self.nodes if isinstance(node.layer, Input)}
        out.append(f"input: {scalar(images['input'])}" if [*images] == ["input"] else f"inputs: {flow(images)}")
        if self.defaults:
            out.append("defaults:")
            out += [f"  {type}: {flow(values)}" for type, values in self.defaults.items()]
        items = self._items(self.first, len(self.nodes), 0, 0)
        if self.definitions:
            out.append("blocks:")
        for lines, name in self.definitions.items():
            out += [f"  {name}:", *(f"    {line}" for line in lines)]
        out.append("layers:" if items else "layers: []")
        out += [f"  {line}" for line in listed(items)]
        if self.outputs:
            out.append(f"outputs: {scalar([self.nodes[one].name for one in self.outputs])}")
        return "\n".join(out) + "\n"

    # -- names -------------------------------------------------------------------------------------

    def _references(self, begin: int, end: int, current: int, depth: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Who names whom in `from` and `inputs`."""
        for start, join in self._walk(begin, end, current, depth):
            if join is not None:
                for first, last in join.branches:
                    yield from self._references(first, last + 1, join.fork, depth + 1)
                current = join.position
                continue
            node = self.nodes[start]
            named = node.inputs if isinstance(node.layer, Merge) or node.inputs != (current,) else ()
            named = (*named, *(one for one in (node.shares, node.like) if one is not None))
            if named:
                yield start, named
            current = start

    def _find_blocks(self, begin: int, end: int, current: int, depth: int) -> None:
        """Layers in a row with one beginning of their names, as long as nothing in them refers to the outside."""
        units = list(self._walk(begin, end, current, depth))
        at = 0
        while at < len(units):
            begins, start = at, units[at][0]
            prefix = self.nodes[start].name.rpartition(".")[0]
            while at < len(units) and self._share(prefix, *units[at]):
                at += 1
            last = _last(units[at - 1]) if at > begins else start
            if at > begins and last > start and self._block(prefix, start, last):
                self.blocks[start] = last, prefix
                self.taken.add(prefix)
                self.within.update(dict.fromkeys(range(start, last + 1), prefix))
                continue
            at = max(at, begins + 1)
            for _, join in units[begins:at]:
                for first, final in join.branches if join else ():
                    self._find_blocks(first, final + 1, join.fork if join else current, depth + 1)

    def _share(self, prefix: str, start: int, join: Join | None) -> bool:
        unit = range(start, _last((start, join)) + 1)
        return bool(prefix) and all(self.nodes[one].name.rpartition(".")[0] == prefix for one in unit)

    def _block(self, prefix: str, start: int, last: int) -> bool:
        """Whether these nodes can be a block: the name is free, and what they name is among them."""
        inside = range(start, last + 1)
        return (
            NAME.fullmatch(prefix) is not None
            and prefix not in self.taken
            and all(NAME.fullmatch(self.nodes[one].name.rpartition(".")[2]) for one in inside)
            and all(source in inside for one in inside for source in self.references.get(one, ()))
        )

    def _named(self) -> set[int]:
        """Nodes whose name is written: the reader counts `conv1`, `conv2`, ... past the names that are taken."""
        counters: dict[tuple[str, str], int] = {}
        referred = {source for sources in self.references.values() for source in sources} | {*self.outputs}
        taken, found = {node.name for node in self.nodes[: self.first]}, set[int]()
        for position, node in enumerate(self.nodes[self.first :], self.first):
            prefix = f"{self.within[position]}." if position in self.within else ""
            type = node.layer.type
            number = counters.get((prefix, type), 0) + 1
            while f"{prefix}{type}{number}" in taken:
                number += 1
            writable = NAME.fullmatch(node.name.removeprefix(prefix)) is not None
            if writable and (node.name != f"{prefix}{type}{number}" or position in referred):
                found.add(position)
                taken.add(node.name)
            else:
                counters[prefix, type] = number
                taken.add(f"{prefix}{type}{number}")
        return found

    def _called(self, position: int, reader: int) -> str:
        """A node's name as `reader` writes it: short within their block."""
        name, block = self.nodes[position].name, self.within.get(position)
        return name.removeprefix(f"{block}.") if block and block == self.within.get(reader) else name

    # -- lists of layers -----------------------------------------------------------------------------

    def _walk(self, begin: int, end: int, current: int, depth: int) -> Iterator[tuple[int, Join | None]]:
        """The nodes of a list in order; joins that are nested stand for everything in their branches."""
        at = begin
        while at < end:
            found = None
            if depth < DEEPEST_JOIN:
                for join in self.beginning.get(at, ()):
                    if join.position < end and join.fork == current:
                        found = join
                        break
            yield at, found
            current = at if found is None else found.position
            at = current + 1

    def _items(self, begin: int, end: int, current: int, depth: int, block: str = "") -> list[Item]:
        items = []
        done = begin - 1
        for start, join in self._walk(begin, end, current, depth):
            if start <= done:  # in the block before
                continue
            last, name = self.blocks.get(start, (-1, ""))
            if name != block and _last((start, join)) <= last:  # else the block is inside this join
                done = last
                body = self._items(start, done + 1, current, depth, name)
                items.append(Item(lines=(f"{self._defined(body, name)}: {{name: {name}}}",)))
                current = done
            elif join is None:
                items.append(self._layer(start, current))
                current = start
            else:
                branches = [self._items(first, last + 1, current, depth + 1, block) for first, last in join.branches]
                name = self._called(join.position, join.position) if join.position in self.named else ""
                items.append(Item(lines=tuple(joined(self.nodes[join.position].layer.type, branches, name))))
                current = join.position
        return items

    def _defined(self, body: list[Item], name: str) -> str:
        """The block with this body: `bottleneck` for the first that is called `stage2.bottleneck1`."""
        lines = tuple(listed(body))
        if lines not in self.definitions:
            base = re.sub(r"[^A-Za-z_]", "", name.rpartition(".")[2].rstrip("0123456789")) or "block"
            if base.lower() in TYPES or base in ("repeat", "name", "from", "inputs"):
                base += "_block"
            names, number = set(self.definitions.values()), 1
            while (free := base if number == 1 else f"{base}_{number}") in names:
                number += 1
            self.definitions[lines] = free
        return self.definitions[lines]

    def _layer(self, position: int, current: int) -> Item:
        node = self.nodes[position]
        values = self._values(node.layer)
        if node.like is not None:
            values = {name: value for name, value in values.items() if name not in node.layer.sized}
        common: dict[str, Any] = {"name": self._called(position, position)} if position in self.named else {}
        if isinstance(node.layer, Merge) or (len(node.inputs) != 1 and node.layer.several):
            common["inputs"] = [self._called(one, position) for one in node.inputs]
        elif node.inputs != (current,):
            common["from"] = self._called(node.inputs[0], position)
        if node.shares is not None:
            common["share"] = self._called(node.shares, position)
        if node.like is not None:
            common["like"] = self._called(node.like, position)
        if node.inplace != self.defaults.get(node.layer.type, {}).get("inplace"):
            common["inplace"] = node.inplace
        if not node.trainable:
            common["trainable"] = False
        if not common and (step := step_text(node.layer, values)):
            return Item(step)
        return Item(lines=(f"{node.layer.type}: {flow({**common, **values})}",))

    def _values(self, layer: Layer) -> dict[str, Any]:
        """The keys that must be written: those that differ from the defaults in force."""
        defaults = self.defaults.get(layer.type, {})
        return {
            name: value
            for name, value in layer.values().items()
            if value is not None
            and (layer.keys[name].required or differ(value, defaults.get(name, layer.keys[name].default)))
        }


def inputs_first(graph: Graph) -> Graph:
    """The same network with its inputs at the beginning, where a spec has them."""
    images = [at for at, node in enumerate(graph.nodes) if isinstance(node.layer, Input)]
    if images == [*range(len(images))]:
        return graph
    order = [*images, *(at for at, node in enumerate(graph.nodes) if not isinstance(node.layer, Input))]
    place = {old: new for new, old in enumerate(order)}
    nodes = []
    for old in order:
        node = graph.nodes[old]
        shares, like = (None if one is None else place[one] for one in (node.shares, node.like))
        nodes.append(node._replace(inputs=tuple(place[one] for one in node.inputs), shares=shares, like=like))
    return graph._replace(nodes=tuple(nodes), outputs=tuple(place[one] for one in graph.outputs))


def renamed(graph: Graph) -> Graph:
    """The network with writable names for the layers that others may have to name: inputs, outputs, what several read."""
    readers = graph.readers()
    wanted = {
        one for node in graph.nodes if isinstance(node.layer, Merge) or len(node.inputs) != 1 for one in node.inputs
    }
    wanted |= {one for node in graph.nodes for one in (node.shares, node.like) if one is not None} | {*graph.outputs}
    wanted |= {at for at, node in enumerate(graph.nodes) if isinstance(node.layer, Input) or len(readers[at]) != 1}
    wanted |= {one for at, node in enumerate(graph.nodes) for one in node.inputs if one != at - 1}
    unwritable = [at for at in sorted(wanted) if not NAME.fullmatch(graph.nodes[at].name)]
    if not unwritable:
        return graph
    nodes, taken = list(graph.nodes), {node.name for node in graph.nodes}
    for at in unwritable:
        base = re.sub(r"[^A-Za-z0-9_./-]", "_", nodes[at].name, flags=re.ASCII)[:120] or "layer"
        base = base if NAME.fullmatch(base) else f"_{base}"
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        nodes[at] = nodes[at]._replace(name=name)
    return graph._replace(nodes=tuple(nodes))


def _last(unit: tuple[int, Join | None]) -> int:
    """The last node of a layer or of a join with its branches."""
    return unit[0] if unit[1] is None else unit[1].position


def differ(one: object, other: object) -> bool:
    return type(one) is not type(other) or one != other


def common_defaults(nodes: Sequence[Node]) -> dict[str, dict[str, Any]]:
    """Values for `defaults`: what most layers of a type have in keys that no pattern can write, and whether they work in place."""
    counts: dict[tuple[str, str], Counter[Any]] = {}
    for node in nodes:
        for name, key in node.layer.keys.items():
            if key.notation is None and not key.required:
                counts.setdefault((node.layer.type, name), Counter())[getattr(node.layer, name)] += 1
    found: dict[str, dict[str, Any]] = {}
    for (type, name), values in counts.items():
        value, times = values.most_common(1)[0]
        if times > 1 and None not in values and differ(value, TYPES[type].keys[name].default):
            found.setdefault(type, {})[name] = value
    for type, values in _in_place(nodes).items():
        value, times = values.most_common(1)[0]
        if times > 1 and None not in values:
            found.setdefault(type, {})["inplace"] = value
    return found


def _in_place(nodes: Sequence[Node]) -> dict[str, Counter[bool | None]]:
    """How often the layers of a type say that they work in place, that they do not, and nothing."""
    counts: dict[str, Counter[bool | None]] = {}
    for node in nodes:
        if node.layer.inplace:
            counts.setdefault(node.layer.type, Counter())[node.inplace] += 1
    return counts
