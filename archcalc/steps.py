"""Nodes -> steps: what a spec's lists say, checked once, however often it is repeated later.

A step is a layer, a repeat, a join of branches or a use of a block.  Everything that is wrong without
knowing a variable or a volume is found here.
"""

import re
from typing import NamedTuple

from archcalc.diagnostics import Diagnostic, Edit, Label, Refusal, Span, rule
from archcalc.expression import names_in
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.nodes import Mapping, Node, Scalar, Sequence, shown
from archcalc.pattern import OPTIONAL, Blocks, parse_pattern
from archcalc.suggest import MAX_SUGGESTIONS, is_certain, key_for, nearest, type_for
from archcalc.values import Kind

BAD_STRUCTURE = rule(
    "AC101",
    "a spec is built otherwise",
    """
    A spec is one mapping; `layers` is a list whose items are patterns (`CONV3-64p1 -> RELU`), layers written
    out (`conv: {filters: 64, kernel_size: 3}`), repeats (`repeat: 3`, `layers: [...]`), joins (`add: [[], [...]]`)
    or uses of blocks.
    """,
)
UNKNOWN_KEY = rule(
    "AC102",
    "unknown key",
    """
    Nothing in a spec is ignored, so a key that nobody reads is an error: most are misspelt, or another
    framework's name (`out_channels`, `F`, `pad`, `strides`); the message names ours.
    """,
)
MISSING_KEY = rule(
    "AC103",
    "a key is missing",
    "Hyperparameters without a sensible default must be given: filters and kernel_size of a conv, units of an fc.",
)
UNKNOWN_TYPE = rule(
    "AC105",
    "unknown layer type",
    "The word is neither a layer type nor one of the spec's blocks.  A layer that is not known is never skipped.",
)
BAD_NAME = rule(
    "AC107",
    "a name cannot be used",
    "Names begin with a letter or `_`, go on with letters, digits and `_ . / -`, and have at most 128 characters.",
)
DUPLICATE_NAME = rule(
    "AC302",
    "two layers have one name",
    """
    Names say which layer is meant, so each is given once.  What is repeated is numbered by itself, `conv1`, `conv2`,
    and what stands in a block or a named repeat has its name before it, `stage2.conv1`.
    """,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,127}", re.ASCII)
_COMMON = ("name", "from")


class LayerStep(NamedTuple):
    type: type[Layer]
    values: dict[str, Node]
    span: Span
    places: dict[str, Span]
    name: Scalar | None
    sources: tuple[Scalar, ...]
    variables: frozenset[str]
    optional: bool = False


class RepeatStep(NamedTuple):
    times: Scalar
    body: "tuple[Step, ...]"
    span: Span
    name: Scalar | None
    source: Scalar | None
    counters: tuple[str, ...]  # the variables that hold the number of the pass
    variables: frozenset[str]


class BranchStep(NamedTuple):
    type: type[Merge]
    branches: "tuple[tuple[Step, ...], ...]"
    span: Span
    places: dict[str, Span]
    name: Scalar | None
    source: Scalar | None
    sources: tuple[Scalar, ...]
    variables: frozenset[str]


class BlockStep(NamedTuple):
    block: str
    arguments: dict[str, Node]
    span: Span
    name: Scalar | None
    source: Scalar | None
    variables: frozenset[str]


Step = LayerStep | RepeatStep | BranchStep | BlockStep


class Defaults(NamedTuple):
    """What layers take unless they say otherwise: per type, and the spec's rounding."""

    by_type: dict[str, dict[str, Node]]
    rounding: Node | None = None


def entries_of(node: Node, what: str) -> dict[str, tuple[Scalar, Node]]:
    """A mapping's entries by key; Refusal (AC101) if it is none."""
    if not isinstance(node, Mapping):
        raise Refusal(BAD_STRUCTURE, f"{what} is a mapping, not {shown(node)}", node.span)
    return {key.text: (key, value) for key, value in node.entries}


def unknown_key(owner: str, key: Scalar, meant: str | None, takes: str) -> Diagnostic:
    return Diagnostic(
        UNKNOWN_KEY,
        f"{owner} has no key {shown(key)}",
        key.span,
        help=(f"did you mean `{meant}`?",) if meant else (),
        reference=f"{owner} takes: {takes}",
        edits=renamed(key, meant),
    )


def renamed(word: Scalar, meant: str | None, *, pattern: bool = False) -> tuple[Edit, ...]:
    """The repair that writes `meant` for a word, where it is certain and stands in one piece in the text."""
    span, quotes = word.span, 2 if word.style else 0
    whole = span.line == span.end_line and span.end_column - span.column == len(word.text) + quotes
    if not meant or not whole or not is_certain(word.text, meant):
        return ()
    return (Edit(span, meant.upper() if pattern and word.text.isupper() else meant),)


def read_name(node: Node) -> Scalar:
    if not isinstance(node, Scalar) or not _NAME.fullmatch(node.text):
        raise Refusal(
            BAD_NAME,
            f"{shown(node)} is no name",
            node.span,
            notes=("a name is letters, digits and _ . / -, from a letter on, at most 128",),
        )
    return node


def pattern_meant(item: Sequence, lines: list[str], blocks: Blocks) -> tuple[str, ...]:
    """How to write a list in brackets as the pattern it looks like: quoted, or joined by arrows."""
    from archcalc.quoting import quoted_list

    texts = [one.text if isinstance(one, Scalar) else "" for one in item.items]
    for text in (quoted_list(lines, item.span), " -> ".join(texts) if all(texts) else ""):
        try:
            if text and parse_pattern(Scalar(text.strip('"'), item.span), lines, blocks).items:
                return (f"write {text}" if text.startswith('"') else f"write `{text}`",)
        except Refusal:
            continue
    return ()


class Compiler:
    """Reads lists of steps; collects what is wrong in `problems`."""

    def __init__(self, lines: list[str], defaults: Defaults, blocks: Blocks) -> None:
        self.lines, self.defaults, self.blocks = lines, defaults, blocks
        self.problems: list[Diagnostic] = []
        self.used_blocks: set[str] = set()
        self.seen: dict[int, tuple[Node, tuple[Step, ...]]] = {}  # an aliased node is read once

    def steps(self, node: Node) -> tuple[Step, ...]:
        """A list of layers, or a pattern, as steps; what cannot be read is reported and left out."""
        try:
            items = self._items(node)
        except Refusal as refusal:
            self.problems.append(refusal.diagnostic)
            return (unreadable(node.span),)
        found: list[Step] = []
        for item in items:
            known = self.seen.get(id(item))
            if known is None:
                try:
                    steps = self._item(item)
                except Refusal as refusal:
                    self.problems.append(refusal.diagnostic)
                    steps = (unreadable(item.span),)
                known = self.seen[id(item)] = item, steps
            found += known[1]
        return tuple(found)

    def _items(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, Scalar) and node.text.strip():
            return parse_pattern(node, self.lines, self.blocks).items
        if isinstance(node, Sequence):
            return node.items
        raise Refusal(BAD_STRUCTURE, f"a list of layers is expected here, not {shown(node)}", node.span)

    def _item(self, item: Node) -> tuple[Step, ...]:
        if isinstance(item, Scalar):
            if not item.text.strip():
                raise Refusal(BAD_STRUCTURE, "an empty list item", item.span)
            return self.steps(parse_pattern(item, self.lines, self.blocks))
        if isinstance(item, Sequence):
            help = pattern_meant(item, self.lines, self.blocks)
            raise Refusal(
                BAD_STRUCTURE,
                "a list stands where a layer is expected",
                item.span,
                notes=("a pattern that begins with `[` must be quoted; YAML reads it as a list",),
                help=help,
                edits=tuple(Edit(item.span, one.removeprefix("write ")) for one in help if one.endswith('"')),
            )
        entries = entries_of(item, "a layer")
        if "repeat" in entries:
            return (self._repeat(item, entries),)
        named = [key for key, _ in item.entries if key.text not in (*_COMMON, "inputs")]
        if len(named) != 1:
            raise self._not_one_layer(item, named)
        key, value = entries[named[0].text]
        around = {name: entry for name, entry in entries.items() if name != key.text}
        if key.text in self.blocks:
            return (self._block(key, value, around),)
        layer = TYPES.get(key.text)
        if layer is None:
            meant = type_for(key.text, self.blocks) if len(self.problems) < MAX_SUGGESTIONS else None
            raise Refusal(
                UNKNOWN_TYPE,
                f"there is no layer type {shown(key)}",
                key.span,
                help=(f"here it is `{meant}`",) if meant else (),
                reference=f"layer types: {', '.join(sorted(TYPES))}",
                edits=renamed(key, meant, pattern=not self._behind(key).startswith(":")),
            )
        if issubclass(layer, Merge):
            return (self._branches(layer, key, value, around),)
        return (self._layer(layer, key, value, around),)

    def _behind(self, word: Scalar) -> str:
        """The rest of the line behind a word."""
        return self.lines[word.span.end_line - 1][word.span.end_column - 1 :].lstrip()

    def _not_one_layer(self, item: Mapping, named: list[Scalar]) -> Refusal:
        if not named:
            return Refusal(BAD_STRUCTURE, "this list item names no layer", item.span)
        first, second = named[:2]
        layer = TYPES.get(first.text)
        if layer is not None and (second.text in layer.keys or key_for(layer, second.text) in layer.keys):
            note = f"the keys of {first.text} belong below it: indent them further, or write {first.text}: {{...}}"
        else:
            note = "each layer is a list item of its own"
        return Refusal(
            BAD_STRUCTURE, f"one list item holds both `{first.text}` and {shown(second)}", second.span, notes=(note,)
        )

    def _name(self, entries: dict[str, tuple[Scalar, Node]], key: str = "name") -> Scalar | None:
        return read_name(entries[key][1]) if key in entries else None

    def _layer(self, layer: type[Layer], key: Scalar, value: Node, around: dict[str, tuple[Scalar, Node]]) -> Step:
        type = layer.type
        if isinstance(value, Scalar) and not value.text.strip():
            value = Mapping((), key.span)
        if not isinstance(value, Mapping):
            main = next((name for name, one in layer.keys.items() if one.required), next(iter(layer.keys), None))
            help = (f"write `{type}: {{{main}: {value.text}}}`",) if main and isinstance(value, Scalar) else ()
            raise Refusal(BAD_STRUCTURE, f"{type} has its keys in a mapping, not {shown(value)}", value.span, help=help)
        entries = {**around, **{one.text: (one, node) for one, node in value.entries}}
        values: dict[str, Node] = {}
        places: dict[str, Span] = {}
        takes = ", ".join([*layer.keys, *_COMMON])
        meant = set()
        for word, (place, node) in entries.items():
            if word in layer.keys:
                values[word], places[word] = node, node.span
            elif word not in (*_COMMON, OPTIONAL):
                ours = key_for(layer, word) if len(self.problems) < MAX_SUGGESTIONS else None
                meant.add(ours)
                unknown = unknown_key(type, place, ours, takes)
                if ours and ours in layer.keys and unknown.edits:  # the repair is whole: key and value
                    unknown = unknown._replace(edits=(*unknown.edits, *_value_edits(layer.keys[ours].kind, node)))
                self.problems.append(unknown)
        optional = OPTIONAL in entries
        given = bool(values)
        defaults = self.defaults.by_type.get(type, {})
        if self.defaults.rounding and "rounding" in layer.keys:
            defaults = {"rounding": self.defaults.rounding, **defaults}
        values = {**defaults, **values}
        source = self._name(entries, "from")
        step = LayerStep(
            layer,
            values,
            key.span,
            places,
            self._name(entries),
            (source,) if source else (),
            _variables(*values.values()),
            optional and not given,
        )
        missing = [name for name, one in layer.keys.items() if one.required and name not in {*values, *meant}]
        if missing and not step.optional and layer.type != "input":
            self.problems.append(_missing(layer, missing, key.span))
        return step

    def _branches(self, layer: type[Merge], key: Scalar, value: Node, around: dict[str, tuple[Scalar, Node]]) -> Step:
        entries = dict(around)
        if isinstance(value, Mapping):
            entries.update(entries_of(value, layer.type))
        elif isinstance(value, Sequence):
            entries["branches"] = (key, value)
        elif value.text.strip() or "inputs" not in entries:
            message = f"{layer.type} takes a list of branches, not {shown(value)}"
            raise Refusal(BAD_STRUCTURE, message, value.span)
        takes = ("branches", "inputs", *_COMMON)
        for word, (place, _) in entries.items():
            if word not in takes:
                self.problems.append(unknown_key(layer.type, place, nearest(word, takes), ", ".join(takes)))
        branches: tuple[tuple[Step, ...], ...] = ()
        sources: tuple[Scalar, ...] = ()
        places: dict[str, Span] = {}
        if "branches" in entries:
            listed = entries["branches"][1]
            if not isinstance(listed, Sequence):
                raise Refusal(BAD_STRUCTURE, f"branches is a list of lists, not {shown(listed)}", listed.span)
            branches = tuple(self._branch(one) for one in listed.items)
            places = {f"branch {n}": one.span for n, one in enumerate(listed.items, 1)}
        if "inputs" in entries:
            listed = entries["inputs"][1]
            if not isinstance(listed, Sequence):
                raise Refusal(BAD_STRUCTURE, f"inputs is a list of names, not {shown(listed)}", listed.span)
            sources = tuple(read_name(one) for one in listed.items)
            places |= {f"branch {n}": one.span for n, one in enumerate(listed.items, len(branches) + 1)}
        if len(branches) + len(sources) < 2:
            message = (
                f"{layer.type} joins at least two branches; here {'is one' if branches or sources else 'are none'}"
            )
            raise Refusal(BAD_STRUCTURE, message, key.span, help=("`[]` is the input unchanged",))
        variables = frozenset(name for branch in branches for step in branch for name in step.variables)
        source = self._name(entries, "from")
        return BranchStep(layer, branches, key.span, places, self._name(entries), source, sources, variables)

    def _branch(self, node: Node) -> tuple[Step, ...]:
        """A branch: a list of steps, a pattern, or a single layer."""
        return self.steps(Sequence((node,), node.span) if isinstance(node, Mapping) else node)

    def _repeat(self, item: Mapping, entries: dict[str, tuple[Scalar, Node]]) -> Step:
        takes = ("repeat", "layers", *_COMMON)
        for word, (place, _) in entries.items():
            if word not in takes:
                self.problems.append(unknown_key("repeat", place, nearest(word, takes), ", ".join(takes)))
        times = entries["repeat"][1]
        if not isinstance(times, Scalar):
            raise Refusal(BAD_STRUCTURE, f"repeat is a number, not {shown(times)}", times.span)
        if "layers" not in entries:
            raise Refusal(MISSING_KEY, "repeat needs `layers`, the list to repeat", entries["repeat"][0].span)
        body = self.steps(entries["layers"][1])
        name = self._name(entries)
        if name is None:
            self._check_names(body, {})
        counters = ("i", name.text) if name else ("i",)
        variables = frozenset().union(*(step.variables for step in body)).difference(counters) | _variables(times)
        return RepeatStep(times, body, item.span, name, self._name(entries, "from"), counters, variables)

    def _check_names(self, steps: "tuple[Step, ...]", known: dict[str, Scalar]) -> None:
        """Names in a repeat are numbered, so that two equal ones would not be noticed any more."""
        for step in steps:
            if step.name:
                first = known.setdefault(step.name.text, step.name)
                if first is not step.name:
                    self.problems.append(duplicate_name(step.name, first.span))
            if isinstance(step, BranchStep):
                for branch in step.branches:
                    self._check_names(branch, known)
            elif isinstance(step, RepeatStep) and not step.name:
                self._check_names(step.body, known)

    def _block(self, key: Scalar, value: Node, around: dict[str, tuple[Scalar, Node]]) -> Step:
        block = key.text
        self.used_blocks.add(block)
        entries = dict(around)
        if not (isinstance(value, Scalar) and not value.text.strip()):
            entries.update(entries_of(value, f"the block {block}"))
        takes = (*self.blocks[block], *_COMMON)
        for word, (place, _) in entries.items():
            if word not in takes:
                self.problems.append(unknown_key(block, place, nearest(word, takes), ", ".join(takes)))
        arguments = {word: node for word, (_, node) in entries.items() if word in self.blocks[block]}
        return BlockStep(
            block,
            arguments,
            key.span,
            self._name(entries),
            self._name(entries, "from"),
            _variables(*arguments.values()),
        )


def duplicate_name(name: Scalar, first: Span) -> Diagnostic:
    return Diagnostic(
        DUPLICATE_NAME,
        f"the name `{name.text}` is given twice, first on line {first.line}",
        name.span,
        text="again",
        labels=(Label(first, "first"),),
    )


def _value_edits(kind: Kind, node: Node) -> tuple[Edit, ...]:
    """The repair of a value of that kind, if it is wrong and its repair certain."""
    try:
        kind.read(node, {})
    except Refusal as refusal:
        return refusal.diagnostic.edits
    return ()


def _missing(layer: type[Layer], missing: list[str], span: Span) -> Diagnostic:
    keys = [f"{name} ({layer.keys[name].letter or layer.keys[name].kind.words})" for name in missing]
    return Diagnostic(
        MISSING_KEY,
        f"{layer.type} needs {' and '.join(f'`{name}`' for name in missing)}",
        span,
        reference=f"{', '.join(f'{key}: {layer.keys[name].help}' for key, name in zip(keys, missing, strict=True))}",
    )


def unreadable(span: Span) -> LayerStep:
    """A placeholder for what could not be read: a layer whose type is the base class."""
    return LayerStep(Layer, {}, span, {}, None, (), frozenset())


_COUNTED = re.compile(r"\*\s*([A-Za-z_]\w*)", re.ASCII)


def mentioned(*nodes: Node) -> set[str]:
    """The variables that texts mention, with `$` or as the count of a group: `[..]*N`."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, Scalar):
            if "$" in node.text or "*" in node.text:
                found.update(names_in(node.text), _COUNTED.findall(node.text))
        elif isinstance(node, Sequence):
            found |= mentioned(*node.items)
        else:
            found |= mentioned(*(value for _, value in node.entries))
    return found


def _variables(*nodes: Node) -> frozenset[str]:
    """The `$names` that values mention."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, Scalar):
            if "$" in node.text:
                found.update(names_in(node.text))
        elif isinstance(node, Sequence):
            found |= _variables(*node.items)
        else:
            found |= _variables(*(value for _, value in node.entries))
    return frozenset(found)
