"""Parts as the YAML of a spec."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archcalc.authoring.folding.blocks import Blocks, Text
from archcalc.authoring.folding.parts import Branches, Call, Nesting, Part, Reference, Step
from archcalc.authoring.notation import Item, flow, joined, listed, quoted, scalar
from archcalc.authoring.write import common_defaults, differ
from archcalc.graph import Graph, Node
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.reader.values import Padding
from archcalc.volume import Pair

MOST_TRIED = 1_000  # layers up to which more than one way to fold is tried
STEP_LINES = 0.4  # six steps of a pattern make a line


def text_of(graph: Graph, head: Mapping[str, str | int], comment: str) -> str:
    """The spec of a graph with one input; only layers that others have to call by name are named."""
    ways = (False, True) if len(graph.nodes) <= MOST_TRIED else (False,)
    found = (_Spec(graph, inside=inside).text(head, comment) for inside in ways)
    return min(found, key=lambda text: text.count("\n"))


class _Spec:
    def __init__(self, graph: Graph, *, inside: bool) -> None:
        self.graph = graph
        self.nodes: Sequence[Node] = graph.nodes
        self.rounding, self.defaults = _shared_defaults(graph.nodes)
        self.blocks = Blocks(STEP_LINES, lambda name: name in TYPES, inside=inside)
        nesting = Nesting(graph, lambda at: [step_of(graph.nodes[at].layer)], named=self.named)
        self.parts = self.blocks.fold(nesting.parts())

    def text(self, head: Mapping[str, str | int], comment: str) -> str:
        image = self.nodes[0].layer
        assert isinstance(image, Input)
        out = [f"# {line}".rstrip() for line in comment.splitlines()]
        out.append("archcalc: 1")
        for key, value in {"name": self.graph.name, **head}.items():
            if value:
                out.append(f"{key}: {value if isinstance(value, int) else quoted(value)}")
        out.append(f"input: {image.width}x{image.height}x{image.channels}")
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
        """A layer with a name, or that reads others by theirs; no block holds it, since there is one of it."""
        layer = self.nodes[at].layer
        step = step_of(layer)
        return step._replace(what=(layer, reference), shape=(step.shape, reference))

    def items(self, parts: Sequence[Part], texts: Iterator[Text] | None) -> list[Item]:
        """The parts as items of a list; `texts` stand for their numbers, in their order."""
        items: list[Item] = []
        at = 0
        while at < len(parts):
            part = parts[at]
            if isinstance(part, Branches):
                branches = [self.items(branch, texts) for branch in part.branches]
                items.append(Item(lines=tuple(joined(part.type, branches, part.name))))
            elif isinstance(part, Call):
                times = 1
                while texts is None and at + times < len(parts) and parts[at + times] == part:
                    times += 1
                values = [str(n) for n in part.values] if texts is None else [_said(next(texts)) for _ in part.values]
                items += _call(part, values, times)
                at += times - 1
            else:
                items.append(self.step(part.what, texts) if isinstance(part.what, Layer) else self.apart(*part.what))
            at += 1
        return items

    def apart(self, layer: Layer, reference: Reference) -> Item:
        """A layer as a mapping with what it is called and what it reads."""
        common: dict[str, Any] = {"name": reference.name} if reference.name else {}
        if reference.reads:
            several = isinstance(layer, Merge) or len(reference.reads) > 1
            common["inputs" if several else "from"] = list(reference.reads) if several else reference.reads[0]
        said = [f"{name}: {scalar(value)}" for name, value in common.items()]
        said += [f"{name}: {value}" for name, value in self.values(layer, None).items()]
        return Item(lines=(f"{layer.type}: {{{', '.join(said)}}}",))

    def values(self, layer: Layer, texts: Iterator[Text] | None) -> dict[str, str]:
        """The keys that must be written, with what stands for them."""
        defaults = self.defaults.get(layer.type, {})
        values: dict[str, str] = {}
        for name, value in layer.values().items():
            key = layer.keys[name]
            text = _said(next(texts)) if texts is not None and _is_number(value) else None
            usual = self.rounding if name == "rounding" else defaults.get(name, key.default)
            if name == "rounding" and name in defaults:
                usual = defaults[name]
            if value is not None and (key.required or differ(value, usual) or (text is not None and "$" in text)):
                values[name] = text or flow({"x": value})[4:-1]
        return values

    def step(self, layer: Layer, texts: Iterator[Text] | None) -> Item:
        """A layer in pattern notation where all of its keys have one, else as a mapping."""
        values = self.values(layer, texts)
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


def step_of(layer: Layer) -> Step:
    values = layer.values()
    shape = tuple((name, None if _is_number(value) else value) for name, value in values.items())
    numbers = tuple((name, _whole(value)) for name, value in values.items() if _is_number(value))
    return Step(layer.type, layer, shape, numbers)


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
