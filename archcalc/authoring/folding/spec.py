"""Parts as the YAML of a spec."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from archcalc.authoring.folding.blocks import Blocks, Text
from archcalc.authoring.folding.optional import with_optional
from archcalc.authoring.folding.parts import Branches, Call, Nesting, Optional, Part, Reference, Step
from archcalc.authoring.notation import LONGEST_UNIT, Item, flow, joined, listed, patterns, quoted, scalar
from archcalc.authoring.write import common_defaults, differ
from archcalc.graph import Graph, Node
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.reader.values import Padding
from archcalc.records import NamedTuple
from archcalc.volume import Pair

MOST_TRIED = 1_000  # layers up to which more than one way to fold is tried
STEP_LINES = 0.4  # six steps of a pattern make a line


class Way(NamedTuple):
    """How to fold: with blocks at all, of what is inside of branches, too, and of what differs in a part that is there or not."""

    blocks: bool = True
    inside: bool = False
    optional: bool = True


WAYS = tuple(Way(inside=a, optional=b) for a, b in product((False, True), repeat=2))


def text_of(graph: Graph, head: Mapping[str, str | int], comment: str) -> str:
    """The spec of a graph with one input; only layers that others have to call by name are named."""
    ways = WAYS if len(graph.nodes) <= MOST_TRIED else WAYS[-1:]
    if not any(isinstance(node.layer, Merge) for node in graph.nodes):  # a chain; patterns may say all of it
        ways = (Way(blocks=False), *ways)
    return min((_Spec(graph, way).text(head, comment) for way in ways), key=lambda text: text.count("\n"))


class Written(NamedTuple):
    """A layer, and what is said of it beside its keys: names, whether it is frozen, and in place if `defaults` have it not."""

    layer: Layer
    reference: Reference = Reference()
    inplace: bool | None = None
    trainable: bool = True

    def common(self) -> dict[str, str]:
        name, reads, share, like = self.reference
        found = {"name": name} if name else {}
        if reads:
            several = isinstance(self.layer, Merge) or len(reads) > 1
            found["inputs" if several else "from"] = scalar(list(reads) if several else reads[0])
        if share:
            found["share"] = share
        if like:
            found["like"] = like
        if self.inplace is not None:
            found["inplace"] = scalar(self.inplace)
        if not self.trainable:
            found["trainable"] = "false"
        return found


class _Spec:
    def __init__(self, graph: Graph, way: Way) -> None:
        self.graph = graph
        self.nodes: Sequence[Node] = graph.nodes
        self.rounding, self.defaults = _shared_defaults(graph.nodes)
        self.blocks = Blocks(STEP_LINES, lambda name: name in TYPES, inside=way.inside)
        nesting = Nesting(graph, lambda at: [self.named(at, Reference())], named=self.named)
        parts = nesting.parts()
        parts = with_optional(parts) if way.optional and way.blocks else parts
        self.parts = self.blocks.fold(parts) if way.blocks else parts

    def text(self, head: Mapping[str, str | int], comment: str) -> str:
        images = {node.name: node.layer.volume for node in self.nodes if isinstance(node.layer, Input)}
        out = [f"# {line}".rstrip() for line in comment.splitlines()]
        out.append("archcalc: 1")
        for key, value in {"name": self.graph.name, **head}.items():
            if value:
                out.append(f"{key}: {value if isinstance(value, int) else quoted(value)}")
        out.append(f"input: {scalar(images['input'])}" if [*images] == ["input"] else f"inputs: {flow(images)}")
        if self.rounding != "exact":
            out.append(f"rounding: {self.rounding}")
        if self.defaults:
            out.append("defaults:")
            out += [f"  {type}: {flow(values)}" for type, values in self.defaults.items()]
        if self.blocks.found:
            out.append("blocks:")
        for block in self.blocks.found:
            lines = listed(self.items(block.parts, iter(block.texts)))
            if not block.variables:
                out += [f"  {block.name}:", *(f"    {line}" for line in lines)]
                continue
            names = ", ".join(f"{one}: " for one in block.variables)
            out += [f"  {block.name}:", f"    vars: {{{names}}}", "    layers:"]
            out += [f"      {line}" for line in lines]
        lines = listed(self.items(self.parts, None))
        out += ["layers:", *(f"  {line}" for line in lines)] if lines else ["layers: []"]
        if self.graph.outputs and self.graph.outputs != (len(self.nodes) - 1,):
            out.append(f"outputs: {scalar([self.nodes[one].name for one in self.graph.outputs])}")
        return "\n".join(out) + "\n"

    def named(self, at: int, reference: Reference) -> Step:
        """A layer; no block holds one with a name, since there is one of it."""
        node = self.nodes[at]
        usual = self.defaults.get(node.layer.type, {}).get("inplace")
        inplace = None if node.inplace == usual else node.inplace
        written = Written(node.layer, reference, inplace, node.trainable)
        return step_of(written)._replace(alone=bool(self.step(written, None).lines))

    def items(self, parts: Sequence[Part], texts: Iterator[Text] | None) -> list[Item]:
        """The parts as items of a list; `texts` stand for their numbers, in their order."""
        items: list[Item] = []
        at = 0
        while at < len(parts):
            part = parts[at]
            if isinstance(part, Branches):
                items += self.join(part, texts)
            elif isinstance(part, Optional):
                items += self.optional(part, texts)
            elif isinstance(part, Call):
                times = 1
                while texts is None and at + times < len(parts) and parts[at + times] == part:
                    times += 1
                values = [str(n) for n in part.values] if texts is None else [_said(next(texts)) for _ in part.values]
                items += _call(part, values, times)
                at += times - 1
            else:
                items.append(self.step(part.what, texts))
            at += 1
        return _repeats(items)

    def join(self, part: Branches, texts: Iterator[Text] | None) -> list[Item]:
        """A join with its branches; where all but one are not there, that one."""
        branches = []
        for branch in part.branches:
            first = branch[0] if branch else None
            if isinstance(first, Optional) and first.branch:
                there = next(texts) if texts is not None else Text(int(first.there))
                inner = self.items(first.parts, texts)
                if there.variable:
                    branches.append([_if(there, inner)])
                elif there.value:
                    branches.append(inner)
            else:
                branches.append(self.items(branch, texts))
        return branches[0] if len(branches) == 1 else [Item(lines=tuple(joined(part.type, branches, part.name)))]

    def optional(self, part: Optional, texts: Iterator[Text] | None) -> list[Item]:
        """What is there or not: a group so many times, none or one, where it is a pattern."""
        there = next(texts) if texts is not None else Text(int(part.there))
        inner = self.items(part.parts, texts)
        if not there.variable:
            return inner if there.value else []
        pattern = patterns(inner)
        if len(pattern) == 1 and pattern[0].step:
            return [Item(f"[{pattern[0].step}]*{there.variable}")]
        return [_if(there, inner)]

    def values(self, written: Written, texts: Iterator[Text] | None) -> dict[str, str]:
        """The keys that must be written, with what stands for them."""
        layer = written.layer
        defaults = self.defaults.get(layer.type, {})
        values: dict[str, str] = {}
        for name, value in own_values(written).items():
            key = layer.keys[name]
            text = _said(next(texts)) if texts is not None and _is_number(value) else None
            usual = self.rounding if name == "rounding" else defaults.get(name, key.default)
            if name == "rounding" and name in defaults:
                usual = defaults[name]
            if value is not None and (key.required or differ(value, usual) or (text is not None and "$" in text)):
                values[name] = text or flow({"x": value})[4:-1]
        return values

    def step(self, written: Written, texts: Iterator[Text] | None) -> Item:
        """A layer in pattern notation where all that is said of it has one, else as a mapping."""
        layer, common = written.layer, written.common()
        values = self.values(written, texts)
        notation = {name: layer.keys[name].notation for name in values}
        order = sorted(values, key=lambda one: {"": 0, "-": 1, None: 2}.get(notation[one], 2))
        text = "" if common else layer.type.upper()
        for name in order:
            value, sign = values[name], notation[name]
            plain = value.replace("x", "").replace(".", "", 1).isdigit() or value in ("same", "half")
            if not text or sign is None or not (plain or "$" in value):
                text = ""
                break
            text += sign + (value if plain else f"({value})" if "*" in value or text[-1].isalnum() or sign else value)
        if text:
            return Item(text)
        said = ", ".join(f"{name}: {value}" for name, value in {**common, **values}.items())
        return Item(lines=(f"{layer.type}: {{{said}}}",))


def own_values(written: Written) -> dict[str, Any]:
    """A layer's values, without those that another layer gives it."""
    layer = written.layer
    values = layer.values()
    return {name: one for name, one in values.items() if not (written.reference.like and name in layer.sized)}


def step_of(written: Written) -> Step:
    values = own_values(written)
    shape = tuple((name, None if _is_number(value) else value) for name, value in values.items())
    numbers = tuple((name, _whole(value)) for name, value in values.items() if _is_number(value))
    return Step(written.layer.type, written, (shape, *written[1:]), numbers)


def _if(there: Text, items: list[Item]) -> Item:
    if not items:
        return Item(lines=(f"if: ${there.variable}", "layers: []"))
    return Item(lines=(f"if: ${there.variable}", "layers:", *(f"  {line}" for line in listed(items))))


def _said(text: Text) -> str:
    if not text.variable:
        return str(text.value)
    return f"${text.variable}" if text.value == 1 else f"{text.value}*${text.variable}"


def _call(call: Call, values: list[str], times: int) -> list[Item]:
    if len(values) <= 1:
        value = "".join(values)
        text = call.block + (f"-{value}" if value.isdigit() else f"-({value})" if value else "")
        return [Item(text)] * times
    said = ", ".join(f"{name}: {value}" for name, value in zip(call.variables, values, strict=True))
    text = f"{call.block}: {{{said}}}"
    return [Item(lines=(text,))] if times == 1 else [Item(lines=(f"repeat: {times}", f"layers: [{text}]"))]


def _repeats(items: list[Item]) -> list[Item]:
    """Equal items in a row, one or several, as a repeat, where that has fewer lines and no pattern can."""
    out: list[Item] = []
    at = 0
    while at < len(items):
        best, written, saved = 1, items[at], 0
        for unit in range(1, min(LONGEST_UNIT, (len(items) - at) // 2) + 1):
            one = items[at : at + unit]
            times = 1
            while items[at + times * unit : at + (times + 1) * unit] == one:
                times += 1
            if times > 1 and any(item.lines for item in one):
                lines = listed(one)
                gain = (times - 1) * len(lines) - 2
                if gain > saved:
                    saved, best = gain, unit * times
                    written = Item(lines=(f"repeat: {times}", "layers:", *(f"  {line}" for line in lines)))
        out.append(written)
        at += best
    return out


def _shared_defaults(nodes: Sequence[Node]) -> tuple[str, dict[str, dict[str, Any]]]:
    """The rounding that most windows have, and other defaults of layer types."""
    counted = Counter(node.layer.values()["rounding"] for node in nodes if "rounding" in node.layer.keys)
    rounding = counted.most_common(1)[0][0] if counted else "exact"
    found: dict[str, dict[str, Any]] = {}
    for type, values in common_defaults(nodes).items():
        kept = {name: value for name, value in values.items() if name != "rounding"}
        if "rounding" in TYPES[type].keys and values.get("rounding", "exact") != rounding:
            kept["rounding"] = values.get("rounding", "exact")
        if kept:
            found[type] = kept
    for type in {node.layer.type for node in nodes if "rounding" in node.layer.keys}:
        own = Counter(node.layer.values()["rounding"] for node in nodes if node.layer.type == type)
        most = own.most_common(1)[0][0]
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
