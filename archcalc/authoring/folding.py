"""Graph -> a spec as a person would write it: blocks with variables, repeats, no names.

Found on the graph, not on its text.  Stretches of layers and joins that have one shape and differ only in numbers become a
block; numbers that change together are one variable, a multiple of another is `4*$filters`; calls in a row that are equal
become a repeat.  A concat that grows by what was computed last (DenseNet's) is read as one of two: the same values in the
same order.  Whatever is written is read back, and must be the same graph but for names.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from archcalc.authoring.joins import Join, nested
from archcalc.authoring.notation import Item, flow, item_text, listed, patterns, quoted
from archcalc.authoring.write import DEEPEST_JOIN, _defaults, _differ, write
from archcalc.graph import Graph, Node
from archcalc.language.program import read_document
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Concat, Merge
from archcalc.layers.reshape import Input
from archcalc.reader.values import Padding
from archcalc.volume import Pair

LONGEST_UNIT = 24  # parts of a block
MOST_PARTS = 20_000  # in a list that is searched for blocks
MOST_BLOCKS = 12
MOST_VARIABLES = 12  # of a block; more are no shorter to read than what they stand for


class Step(NamedTuple):
    """A layer."""

    layer: Layer


class Branches(NamedTuple):
    """A join with its branches."""

    type: str
    branches: "tuple[tuple[Part, ...], ...]"


class Call(NamedTuple):
    """A block with its numbers."""

    block: str
    variables: tuple[str, ...]
    numbers: tuple[int, ...]


Part: TypeAlias = "Step | Branches | Call"
Number = tuple[str, int]  # a key's name and its value


class Block(NamedTuple):
    name: str
    variables: tuple[str, ...]
    parts: tuple[Part, ...]
    texts: tuple[str, ...]  # what stands for every number of the parts


def fold(graph: Graph, *, head: Mapping[str, str | int] = {}, comment: str = "") -> str:
    """The spec of a complete graph, folded where that can be written, else as `write` has it."""
    grown = regrown(graph)
    if _foldable(grown):
        for one in (grown, branch_by_branch(grown)):
            text = _Folder(one, head, comment).text()
            if text is not None and same_network(read_document(text).graph, one):
                return text
    return write(graph, head=head, comment=comment)


def same_network(one: Graph, other: Graph) -> bool:
    """Whether two graphs are one network but for names and places in a text."""
    return _bare(one) == _bare(other)


def _bare(graph: Graph) -> tuple[Any, ...]:
    nodes = [(node.layer, node.inputs, node.shares, node.trainable, node.inplace, node.like) for node in graph.nodes]
    return nodes, graph.results()


def regrown(graph: Graph) -> Graph:
    """The graph with every concat that begins with all inputs of an earlier one reading that one instead."""
    nodes = list(graph.nodes)
    whole: dict[tuple[int, ...], int] = {}
    for position, node in enumerate(nodes):
        if not isinstance(node.layer, Concat):
            continue
        inputs = node.inputs
        longest = next((n for n in range(len(inputs) - 1, 1, -1) if inputs[:n] in whole), 0) if len(inputs) < 200 else 0
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
    moved = tuple(nodes[one]._replace(inputs=tuple(number[source] for source in nodes[one].inputs)) for one in order)
    return graph._replace(nodes=moved, outputs=tuple(number[one] for one in graph.outputs))


def _foldable(graph: Graph) -> bool:
    """Whether nothing of the graph needs a name: one input, one result, no weights of another layer."""
    nodes = graph.nodes
    plain = all(
        (node.shares, node.trainable, node.inplace, node.like) == (None, True, None, None)
        and not isinstance(node.layer, Input)
        for node in nodes[1:]
    )
    return plain and len(nodes) > 1 and isinstance(nodes[0].layer, Input) and graph.results() == (len(nodes) - 1,)


class _NotNested(Exception):
    """A layer that reads what does not stand right before it."""


class _Folder:
    def __init__(self, graph: Graph, head: Mapping[str, str | int], comment: str) -> None:
        self.graph, self.head, self.comment = graph, head, comment
        self.nodes: Sequence[Node] = graph.nodes
        self.rounding, self.defaults = _shared_defaults(graph.nodes)
        self.blocks: list[Block] = []
        self.beginning: dict[int, list[Join]] = {}
        for join in nested(graph.nodes):
            self.beginning.setdefault(join.start, []).insert(0, join)

    def text(self) -> str | None:
        try:
            parts = self.parts(1, len(self.nodes), 0, 0)
        except _NotNested:
            return None
        while len(self.blocks) < MOST_BLOCKS and (shorter := self.folded(parts)) is not None:
            parts = shorter
        image = self.nodes[0].layer
        assert isinstance(image, Input)
        out = [f"# {line}".rstrip() for line in self.comment.splitlines()]
        out.append("archcalc: 1")
        for key, value in {"name": self.graph.name, **self.head}.items():
            if value:
                out.append(f"{key}: {value if isinstance(value, int) else quoted(value)}")
        out.append(f"input: {image.width}x{image.height}x{image.channels}")
        if self.rounding != "exact":
            out.append(f"rounding: {self.rounding}")
        if self.defaults:
            out.append("defaults:")
            out += [f"  {type}: {flow(values)}" for type, values in self.defaults.items()]
        if self.blocks:
            out.append("blocks:")
        for block in self.blocks:
            lines = listed(self.items(block.parts, iter(block.texts)))
            if not block.variables:
                out += [f"  {block.name}:", *(f"    {line}" for line in lines)]
                continue
            out += [
                f"  {block.name}:",
                f"    vars: {{{', '.join(f'{one}: ' for one in block.variables)}}}",
                "    layers:",
            ]
            out += [f"      {line}" for line in lines]
        lines = listed(self.items(parts, None))
        out += ["layers:", *(f"  {line}" for line in lines)] if lines else ["layers: []"]
        return "\n".join(out) + "\n"

    # -- the graph as parts --------------------------------------------------------------------------

    def parts(self, begin: int, end: int, current: int, depth: int) -> tuple[Part, ...]:
        """The nodes of a list; _NotNested where one reads something else than what stands before it."""
        found: list[Part] = []
        at = begin
        while at < end:
            join = next(
                (
                    one
                    for one in self.beginning.get(at, ())
                    if one.position < end and one.fork == current and depth < DEEPEST_JOIN
                ),
                None,
            )
            if join is not None:
                branches = tuple(self.parts(a, b + 1, join.fork, depth + 1) for a, b in join.branches)
                found.append(Branches(self.nodes[join.position].layer.type, branches))
                if self.nodes[join.position].layer.keys:
                    raise _NotNested
                at = current = join.position
            else:
                node = self.nodes[at]
                if isinstance(node.layer, Merge) or node.inputs != (current,):
                    raise _NotNested
                found.append(Step(node.layer))
                current = at
            at += 1
        return tuple(found)

    # -- blocks ---------------------------------------------------------------------------------------

    def folded(self, parts: tuple[Part, ...]) -> tuple[Part, ...] | None:
        """The list with a new block in place of the stretches that are one but for numbers; None where none pays."""
        if len(parts) > MOST_PARTS:
            return None
        numbering: dict[Any, int] = {}
        shapes = [numbering.setdefault(_shape(one), len(numbering)) for one in parts]
        best, saved = (0, 0), 0.0
        weights = [self.lines(one) for one in parts]
        for length in range(1, min(LONGEST_UNIT, len(parts) // 2) + 1):
            starts: dict[tuple[int, ...], list[int]] = {}
            for at in range(len(parts) - length + 1):
                unit = tuple(shapes[at : at + length])
                places = starts.setdefault(unit, [])
                if not places or at >= places[-1] + length:
                    places.append(at)
            for unit, places in starts.items():
                if _periodic(unit):  # the shorter one repeats
                    continue
                first = places[0]
                weight = sum(weights[first : first + length])
                gain = (len(places) - 1) * weight - len(places) - 4
                if isinstance(parts[first], Branches) and isinstance(parts[first + length - 1], Step):
                    gain += 2  # people begin a block with its join, and end it with what follows
                if len(places) > 1 and weight >= 2 and gain > saved and self.pays(parts, places, length):
                    best, saved = (first, length), gain
        first, length = best
        if not length:
            return None
        wanted = shapes[first : first + length]
        places = []
        at = 0
        while at <= len(parts) - length:
            if shapes[at : at + length] == wanted:
                places.append(at)
                at += length
            else:
                at += 1
        return self.called(parts, places, length)

    def pays(self, parts: tuple[Part, ...], places: list[int], length: int) -> bool:
        """Whether a block would have few variables, and is more than calls of others."""
        if all(isinstance(one, Call) for one in parts[places[0] : places[0] + length]):
            return False
        rows = [[value for one in parts[at : at + length] for _, value in _numbers(one)] for at in places]
        return len({column for column in zip(*rows, strict=True) if len(set(column)) > 1}) <= MOST_VARIABLES

    def called(self, parts: tuple[Part, ...], places: list[int], length: int) -> tuple[Part, ...]:
        unit = parts[places[0] : places[0] + length]
        rows = [[number for one in parts[at : at + length] for number in _numbers(one)] for at in places]
        names, texts, columns = _variables(rows)
        block = Block(self.named(unit), names, unit, texts)
        self.blocks.append(block)
        calls = {at: Call(block.name, names, tuple(column[row] for column in columns)) for row, at in enumerate(places)}
        out: list[Part] = []
        at = 0
        while at < len(parts):
            if at in calls:
                out.append(calls[at])
                at += length
            else:
                out.append(parts[at])
                at += 1
        return tuple(out)

    def named(self, unit: tuple[Part, ...]) -> str:
        """What a block is: a residual or dense block, an inception module, or a block."""
        joins = [one for one in unit if isinstance(one, Branches)]
        base = "block"
        if joins and joins[0].type == "add":
            base = "residual"
        elif joins and joins[0].type == "concat":
            base = "dense" if len(joins[0].branches) == 2 and () in joins[0].branches else "inception"
        elif any(isinstance(one, Step) and one.layer.type == "dwconv" for one in unit):
            base = "separable"
        taken = {one.name for one in self.blocks}
        return next(name for n in range(1, MOST_BLOCKS + 2) if (name := base if n == 1 else f"{base}{n}") not in taken)

    def lines(self, part: Part) -> float:
        """About how many lines a part takes: six steps of a pattern make one."""
        if isinstance(part, Branches):
            return 1 + sum(max(1.0, sum(self.lines(one) for one in branch)) for branch in part.branches)
        return 1 if isinstance(part, Call) and len(part.variables) > 1 else 0.4

    # -- text -----------------------------------------------------------------------------------------

    def items(self, parts: Sequence[Part], texts: Iterator[str] | None) -> list[Item]:
        """The parts as items of a list; `texts` stand for their numbers, in their order."""
        items: list[Item] = []
        at = 0
        while at < len(parts):
            part = parts[at]
            if isinstance(part, Branches):
                branches = [self.items(branch, texts) for branch in part.branches]
                items.append(Item(lines=tuple(_joined(part.type, branches))))
            elif isinstance(part, Call):
                times = 1
                while texts is None and at + times < len(parts) and parts[at + times] == part:
                    times += 1
                items += self.call(
                    part,
                    [str(n) for n in part.numbers] if texts is None else [next(texts) for _ in part.numbers],
                    times,
                )
                at += times - 1
            else:
                items.append(self.step(part.layer, texts))
            at += 1
        return items

    def call(self, call: Call, values: list[str], times: int) -> list[Item]:
        if len(values) <= 1:
            text = call.block + (
                f"-{values[0]}" if values and values[0].isdigit() else f"-({values[0]})" if values else ""
            )
            return [Item(text)] * times
        text = f"{call.block}: {{{', '.join(f'{name}: {value}' for name, value in zip(call.variables, values, strict=True))}}}"
        if times == 1:
            return [Item(lines=(text,))]
        return [Item(lines=(f"repeat: {times}", f"layers: [{text}]"))]

    def step(self, layer: Layer, texts: Iterator[str] | None) -> Item:
        """A layer in pattern notation where all of its keys have one, else as a mapping."""
        defaults = self.defaults.get(layer.type, {})
        values: dict[str, str] = {}
        for name, value in layer.values().items():
            key = layer.keys[name]
            text = next(texts) if texts is not None and _is_number(value) else None
            usual = self.rounding if name == "rounding" else defaults.get(name, key.default)
            if name == "rounding" and name in defaults:
                usual = defaults[name]
            if value is not None and (key.required or _differ(value, usual) or (text is not None and "$" in text)):
                values[name] = text or flow({"x": value})[4:-1]
        notation = {name: layer.keys[name].notation for name in values}
        order = sorted(values, key=lambda one: {"": 0, "-": 1, None: 2}.get(notation[one], 2))
        text = layer.type.upper()
        for name in order:
            value, sign = values[name], notation[name]
            plain = value.replace("x", "").replace(".", "", 1).isdigit() or value in ("same", "half")
            if sign is None or not (plain or "$" in value):
                return Item(lines=(f"{layer.type}: {{{', '.join(f'{one}: {values[one]}' for one in values)}}}",))
            text += sign + (value if plain else f"({value})" if "*" in value or text[-1].isalnum() or sign else value)
        return Item(text)


def _joined(type: str, branches: list[list[Item]]) -> Iterator[str]:
    yield f"{type}:"
    for items in branches:
        joined = patterns(items)
        if not items:
            yield "  - []"
        elif len(joined) == 1 and joined[0].step:
            yield f"  - {item_text(joined[0].step)}"
        else:
            lines = listed(items)
            yield f"  - {lines[0]}"
            yield from (f"    {line}" for line in lines[1:])


def _shared_defaults(nodes: Sequence[Node]) -> tuple[str, dict[str, dict[str, Any]]]:
    """The rounding that most windows have, and other defaults of layer types."""
    counted = Counter(node.layer.values()["rounding"] for node in nodes if "rounding" in node.layer.keys)
    rounding = counted.most_common(1)[0][0] if counted else "exact"
    found: dict[str, dict[str, Any]] = {}
    for type, values in _defaults(nodes).items():
        kept = {name: value for name, value in values.items() if name != "rounding"}
        if "rounding" in TYPES[type].keys and values.get("rounding", "exact") != rounding:
            kept["rounding"] = values.get("rounding", "exact")
        if kept:
            found[type] = kept
    for type in {node.layer.type for node in nodes if "rounding" in node.layer.keys}:
        most = Counter(node.layer.values()["rounding"] for node in nodes if node.layer.type == type).most_common(1)[0][
            0
        ]
        if most != rounding:
            found.setdefault(type, {})["rounding"] = most
        elif "rounding" in found.get(type, {}):
            del found[type]["rounding"]
    return rounding, {type: values for type, values in found.items() if values}


def _is_number(value: object) -> bool:
    """Whether a value is one whole number, that a variable could stand for."""
    if isinstance(value, Padding):
        return not value.mode and value[:4] == (value.left,) * 4
    if isinstance(value, Pair):
        return value.width == value.height
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: Any) -> int:
    return int(value.left if isinstance(value, Padding) else value.width if isinstance(value, Pair) else value)


def _numbers(part: Part) -> list[Number]:
    """The numbers of a part in the order in which they are written."""
    if isinstance(part, Branches):
        return [number for branch in part.branches for one in branch for number in _numbers(one)]
    if isinstance(part, Call):
        return list(zip(part.variables, part.numbers, strict=True))
    return [(name, _whole(value)) for name, value in part.layer.values().items() if _is_number(value)]


def _shape(part: Part) -> Any:
    """What is left of a part without its numbers."""
    if isinstance(part, Branches):
        return part.type, tuple(tuple(_shape(one) for one in branch) for branch in part.branches)
    if isinstance(part, Call):
        return "call", part.block
    rest = tuple((name, None if _is_number(value) else value) for name, value in part.layer.values().items())
    return part.layer.type, rest


def _variables(rows: list[list[Number]]) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[int, ...]]]:
    """Names of variables, what is written for every number, and the values of each variable by row."""
    columns = [tuple(row[at][1] for row in rows) for at in range(len(rows[0]))]
    keys = [name for name, _ in rows[0]]
    changing = sorted({one for one in columns if len(set(one)) > 1}, key=lambda one: (sum(one), columns.index(one)))
    bases: list[tuple[int, ...]] = []
    for column in changing:  # small ones first, of which others may be multiples
        if not any(_times(column, base) for base in bases):
            bases.append(column)
    named: dict[str, tuple[int, ...]] = {}
    for base in sorted(bases, key=columns.index):
        key = keys[columns.index(base)].rstrip("0123456789")
        named[next(word for n in range(1, 1_000) if (word := key if n == 1 else f"{key}{n}") not in named)] = base
    written = {}
    for column in changing:
        name, times = next(
            (name, _times(column, base)) for name, base in named.items() if column == base or _times(column, base)
        )
        written[column] = f"{times}*${name}" if times else f"${name}"
    texts = tuple(written.get(one, str(one[0])) for one in columns)
    return tuple(named), texts, list(named.values())


def _periodic(unit: tuple[int, ...]) -> bool:
    """Whether a stretch is a shorter one twice or more, the last time perhaps not to its end."""
    return any(unit[part:] == unit[:-part] for part in range(1, len(unit) // 2 + 1))


def _times(column: tuple[int, ...], base: tuple[int, ...]) -> int:
    """By which whole number one column is another's multiple; 0 where it is not."""
    if not base[0] or column[0] % base[0] or column[0] // base[0] < 2:
        return 0
    times = column[0] // base[0]
    return times if all(one == times * other for one, other in zip(column, base, strict=True)) else 0
