"""Nodes -> steps: what a spec's lists say, checked once, however often it is repeated later.

Everything that is wrong without knowing a variable or a volume is found here.
"""

from collections.abc import Iterable
from collections.abc import Mapping as Table

from archcalc.diagnostics import Diagnostic, Edit, Problems, Refusal, Span
from archcalc.language.definitions import BlockHeader
from archcalc.language.entries import (
    BAD_STRUCTURE,
    COMMON,
    INPUT_INSIDE,
    MISSING_KEY,
    Entries,
    Stated,
    entries_of,
    missing_keys,
    unknown_key,
    unknown_type,
    variables_in,
)
from archcalc.language.meant import of_darknet, pattern_meant, retyped, value_edits
from archcalc.language.names import (
    duplicate_name,
    read_reference,
    read_references,
    read_template,
)
from archcalc.language.pattern import OPTIONAL, Blocks, parse_pattern
from archcalc.language.steps import (
    PLAIN,
    Block,
    BlockStep,
    BranchStep,
    Defaults,
    FromStep,
    IfStep,
    LayerStep,
    Manner,
    RepeatStep,
    Step,
    unreadable,
)
from archcalc.language.suggest import MAX_SUGGESTIONS, key_for, moves, nearest, type_for
from archcalc.layers import TYPES, Layer, Windowed
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.values import Boolean

_MANNER = ("share", "inplace", "trainable")  # of layers and of uses of blocks
_AROUND = (*COMMON, *_MANNER, "inputs", "like")  # may stand beside the type

TRUTH = Boolean()


class Compiler:
    """Reads lists of steps; collects what is wrong in `problems`."""

    def __init__(self, lines: list[str], defaults: Defaults, blocks: Blocks) -> None:
        self.lines, self.defaults, self.blocks = lines, defaults, blocks
        self.problems = Problems()
        self.used_blocks: set[str] = set()
        self.stated: list[Stated] = []
        self.places: set[str] = set()  # variables that stand for layers, of the block that is read
        self.passed: list[tuple[str, str, str]] = []  # of that block: a variable, and which of another block gets it
        self.words: list[Scalar] = []  # branches of one word, which may be meant as names
        self.seen: dict[int, tuple[Value, tuple[Step, ...]]] = {}  # an aliased node is read once

    def anew(self) -> "Compiler":
        """One that has read the same, to read on without a trace in this one."""
        other = Compiler(self.lines, self.defaults, self.blocks)
        other.used_blocks, other.stated, other.words = set(self.used_blocks), [*self.stated], [*self.words]
        return other

    def steps(self, node: Value) -> tuple[Step, ...]:
        """A list of layers, or a pattern, as steps; what cannot be read is reported and left out."""
        items = self.problems.attempt(self._items, node)
        if items is None:
            return (unreadable(node.span),)
        found: list[Step] = []
        for item in items:
            known = self.seen.get(id(item))
            if known is None:
                steps = self.problems.attempt(self._item, item)
                known = self.seen[id(item)] = item, (unreadable(item.span),) if steps is None else steps
            found += known[1]
        return tuple(found)

    def inner(self, node: Value) -> tuple[Step, ...]:
        """The steps of a list inside of another, where no input can stand: it would replace what the layers before give."""
        found = list(self.steps(node))
        for number, step in enumerate(found):
            if isinstance(step, LayerStep) and step.type is Input:
                self.problems.append(Diagnostic(BAD_STRUCTURE, INPUT_INSIDE, step.span))
                found[number] = unreadable(step.span)
        return tuple(found)

    def _items(self, node: Value) -> tuple[Value, ...]:
        if isinstance(node, Scalar) and node.text.strip():
            return parse_pattern(node, self.lines, self.blocks).items
        if isinstance(node, Sequence):
            return node.items
        help = ("write a dash before each layer: `- conv: {...}`",) if isinstance(node, Mapping) else ()
        raise Refusal(BAD_STRUCTURE, f"a list of layers is expected here, not {shown(node)}", node.span, help=help)

    def _item(self, item: Value) -> tuple[Step, ...]:
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
        if "if" in entries and "if" not in self.blocks:
            return (self._if(item, entries),)
        if [*entries] == ["from"]:
            return (FromStep(self._reference(entries["from"][1]), item.span),)
        if "type" in entries and "type" not in self.blocks:
            key, value = entries["type"]
            message = "a layer's type is its key; there is no key `type`"
            raise Refusal(BAD_STRUCTURE, message, key.span, help=(f"write `{retyped(value, item)}`",))
        named = [key for key, _ in item.entries if key.text not in _AROUND]
        if len(named) != 1:
            raise self._not_one_layer(item, named)
        key, value = entries[named[0].text]
        around = {name: entry for name, entry in entries.items() if name != key.text}
        if key.text in self.blocks:
            return (self._block(key, value, around),)
        layer = TYPES.get(key.text)
        if layer is None:
            meant = type_for(key.text, self.blocks) if len(self.problems) < MAX_SUGGESTIONS else None
            behind = self.lines[key.span.end_line - 1][key.span.end_column - 1 :].lstrip()
            raise unknown_type(key, meant, pattern=not behind.startswith(":"))
        if issubclass(layer, Merge):
            return (self._branches(layer, key, value, around),)
        return (self._layer(layer, key, value, around),)

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

    def _name(self, entries: Entries) -> Scalar | None:
        return read_template(entries["name"][1]) if "name" in entries else None

    def _named(self, entries: Entries, key: str) -> Scalar | None:
        return self._reference(entries[key][1]) if key in entries else None

    def _reference(self, node: Value, *, several: bool = False) -> Scalar:
        """A layer that is referred to, by name or by a variable of the block around; `several`: perhaps all passes."""
        name = read_references(node) if several else read_reference(node)
        if name.text.startswith("$"):
            self.places.add(name.text[1:])
        return name

    def _manner(self, entries: Entries) -> Manner:
        """`share`, `inplace` and `trainable`."""
        if not ("share" in entries or "inplace" in entries or "trainable" in entries):
            return PLAIN
        said = {word: TRUTH.read(entries[word][1], {}) for word in ("inplace", "trainable") if word in entries}
        return Manner(self._named(entries, "share"), said.get("inplace"), said.get("trainable", True))

    def _check_keys(self, owner: str, entries: Entries, own: Iterable[str]) -> None:
        takes = (*own, *COMMON)
        for word, (key, _) in entries.items():
            if word not in takes:
                said = ", ".join(one for one in takes if one not in _MANNER)
                self.problems.append(unknown_key(owner, key, nearest(word, takes), said))

    def _layer(self, layer: type[Layer], key: Scalar, value: Value, around: Entries) -> Step:
        type = layer.type
        if isinstance(value, Scalar) and not value.text.strip():
            value = Mapping((), key.span)
        if not isinstance(value, Mapping):
            if type == "input":
                help: tuple[str, ...] = ("write `INPUT[32x32x3]` here, or `input: 32x32x3` before the layers",)
                raise Refusal(BAD_STRUCTURE, "the input's size is not written like this", value.span, help=help)
            main = next((name for name, one in layer.keys.items() if one.required), next(iter(layer.keys), None))
            help = (f"write `{type}: {{{main}: {value.text}}}`",) if main and isinstance(value, Scalar) else ()
            raise Refusal(BAD_STRUCTURE, f"{type} has its keys in a mapping, not {shown(value)}", value.span, help=help)
        entries = {**around, **{one.text: (one, node) for one, node in value.entries}}
        values: dict[str, Value] = {}
        places: dict[str, Span] = {}
        common = (*COMMON, *_MANNER, *(("inputs",) if layer.several else ("like",) if layer.sized else ()))
        takes = ", ".join(
            [*layer.keys, *(("like",) if layer.sized else ()), *COMMON]
        )  # docs/language.md has its manner
        meant, uncertain = set(), False
        for word, (place, node) in entries.items():
            if word in layer.keys:
                values[word], places[word] = node, node.span
            elif word not in (*common, OPTIONAL):
                ours = key_for(layer, word) if len(self.problems) < MAX_SUGGESTIONS else None
                meant.add(ours)
                uncertain |= moves(layer, word, ours)
                unknown = unknown_key(type, place, ours, takes, node)
                if word in ("pad", "size") and of_darknet(layer, entries):
                    unknown = unknown._replace(edits=(), help=(*unknown.help, "Darknet's `pad: 1` is half the window"))
                elif ours and ours in layer.keys and len(unknown.edits) == 1:  # the repair is whole: key and value
                    unknown = unknown._replace(edits=(*unknown.edits, *value_edits(layer.keys[ours].kind, node)))
                self.problems.append(unknown)
                if word in ("in_features", "in_channels") and isinstance(node, Scalar) and node.text.isdecimal():
                    self.stated.append(Stated(place.span, word, int(node.text[:18]), key.span))
        optional = OPTIONAL in entries and not values
        defaults = self.defaults.by_type.get(type, {})
        if self.defaults.rounding and "rounding" in layer.keys:
            defaults = {"rounding": rounding_of(layer, self.defaults.rounding), **defaults}
        if layer.sized and ("like" in entries or any(word in values for word in layer.sized)):
            defaults = {word: node for word, node in defaults.items() if word not in layer.sized}
        values = {**defaults, **values}
        if "like" in entries and layer.sized:
            self._size_once(layer, entries, values)
        source = self._named(entries, "from")
        sources: tuple[Scalar, ...] | None = (source,) if source else None
        if layer.several and "inputs" in entries:
            sources = tuple(self._reference(one, several=True) for one in self._listed(entries, "inputs", "names"))
        if "share" in entries:
            places["share"] = entries["share"][1].span
        variables = variables_in(*values.values())
        manner, name = self._manner(entries), self._name(entries)
        if "like" in entries and layer.sized:
            places["like"] = entries["like"][1].span
            manner = manner._replace(like=self._named(entries, "like"))
        step = LayerStep(layer, values, key.span, places, name, sources, variables, optional, uncertain, manner)
        missing = [name for name, one in layer.keys.items() if one.required and name not in {*values, *meant}]
        if missing and not optional and layer.type != "input":
            self.problems.append(missing_keys(layer, missing, key.span))
        return step

    def _size_once(self, layer: type[Layer], entries: Entries, values: dict[str, Value]) -> None:
        """`like` stands instead of the keys that give a size; the layer is made of 1x1 and takes the other's size later."""
        key, node = entries["like"]
        for word in layer.sized:
            if values.pop(word, None) is not None:
                message = f"the size of {layer.type} is given twice, by `{word}` and by `like`"
                self.problems.append(Diagnostic(BAD_STRUCTURE, message, key.span))
        values["size"] = Scalar("1", node.span)

    def _branches(self, layer: type[Merge], key: Scalar, value: Value, around: Entries) -> Step:
        entries = dict(around)
        if isinstance(value, Mapping):
            entries.update(entries_of(value, layer.type))
        elif isinstance(value, Sequence):
            entries["branches"] = (key, value)
        elif value.text.strip() or "inputs" not in entries:
            message = f"{layer.type} takes a list of branches, not {shown(value)}"
            raise Refusal(BAD_STRUCTURE, message, value.span)
        self._check_keys(layer.type, entries, ("branches", "inputs"))
        lists = self._listed(entries, "branches", "lists")
        branches = tuple(self._branch(one) for one in lists)
        names = self._listed(entries, "inputs", "names")
        sources = tuple(self._reference(one, several=True) for one in names)
        loose = any(one.text.endswith("*") for one in sources) or any(_optional(one) for one in branches)
        places = {f"branch {n}": one.span for n, one in enumerate((*lists, *names), 1)}
        if len(branches) + len(sources) < 2 and not loose:
            found = "is one" if branches or sources else "are none"
            message = f"{layer.type} joins at least two branches; here {found}"
            raise Refusal(BAD_STRUCTURE, message, key.span, help=("`[]` is the input unchanged",))
        variables = frozenset(name for branch in branches for step in branch for name in step.variables)
        source = self._named(entries, "from")
        return BranchStep(layer, branches, key.span, places, self._name(entries), source, sources, variables, loose)

    def _listed(self, entries: Entries, key: str, holds: str) -> tuple[Value, ...]:
        """The items of a list that may be left out."""
        if key not in entries:
            return ()
        node = entries[key][1]
        if not isinstance(node, Sequence):
            raise Refusal(BAD_STRUCTURE, f"{key} is a list of {holds}, not {shown(node)}", node.span)
        return node.items

    def _branch(self, node: Value) -> tuple[Step, ...]:
        """A branch: a list of steps, a pattern, or a single layer."""
        if isinstance(node, Scalar) and node.text.isidentifier() and node.text.islower():
            self.words.append(node)
        return self.inner(Sequence((node,), node.span) if isinstance(node, Mapping) else node)

    def _if(self, item: Mapping, entries: Entries) -> Step:
        for word, (key, _) in entries.items():
            if word not in ("if", "layers"):
                self.problems.append(unknown_key("if", key, nearest(word, ("layers",)), "if, layers"))
        condition = entries["if"][1]
        if not isinstance(condition, Scalar):
            raise Refusal(BAD_STRUCTURE, f"if is a number, not {shown(condition)}", condition.span)
        if "layers" not in entries:
            raise Refusal(MISSING_KEY, "if needs `layers`, the list that is there or not", entries["if"][0].span)
        body = self.inner(entries["layers"][1])
        variables = frozenset().union(*(step.variables for step in body)) | variables_in(condition)
        return IfStep(condition, body, item.span, variables)

    def _repeat(self, item: Mapping, entries: Entries) -> Step:
        self._check_keys("repeat", entries, ("repeat", "layers", "share", "first"))
        times = entries["repeat"][1]
        if not isinstance(times, Scalar):
            raise Refusal(BAD_STRUCTURE, f"repeat is a number, not {shown(times)}", times.span)
        if "layers" not in entries:
            raise Refusal(MISSING_KEY, "repeat needs `layers`, the list to repeat", entries["repeat"][0].span)
        body = self.inner(entries["layers"][1])
        name = self._name(entries)
        if name is None:
            self._check_names(body, {})
        first = entries["first"][1] if "first" in entries else None
        if first is not None and not isinstance(first, Scalar):
            raise Refusal(BAD_STRUCTURE, f"first is a number, not {shown(first)}", first.span)
        counters = ("i", name.text) if name and "$" not in name.text else ("i",)
        variables = frozenset().union(*(step.variables for step in body)).difference(counters)
        variables |= variables_in(times) if first is None else variables_in(times, first)
        each = "from" in entries and isinstance(entries["from"][1], Sequence)
        names = self._listed(entries, "from", "names") if each else ()
        source = None if each else self._named(entries, "from")
        sources = tuple(self._reference(one) for one in names) if each else (source,) if source else ()
        share = "share" in entries and TRUTH.read(entries["share"][1], {})
        return RepeatStep(times, body, item.span, name, sources, counters, variables, each, share, first)

    def _check_names(self, steps: tuple[Step, ...], known: dict[str, Scalar]) -> None:
        """Names in a repeat are numbered, so that two equal ones would not be noticed any more."""
        for step in steps:
            if step.name and "$" not in step.name.text:
                first = known.setdefault(step.name.text, step.name)
                if first is not step.name:
                    self.problems.append(duplicate_name(step.name, first.span))
            if isinstance(step, BranchStep):
                for branch in step.branches:
                    self._check_names(branch, known)
            elif isinstance(step, IfStep) or (isinstance(step, RepeatStep) and not step.name):
                self._check_names(step.body, known)

    def read_blocks(self, headers: Table[str, BlockHeader]) -> dict[str, Block]:
        """The blocks' steps, and which of their variables stand for layers: as a name, or in another block that gets it."""
        found: dict[str, Block] = {}
        named: dict[str, set[str]] = {}
        passed: dict[str, list[tuple[str, str, str]]] = {}
        for name, one in headers.items():
            self.places, self.passed = set(), []
            found[name] = Block(name, one.variables, self.inner(one.layers), one.span)
            named[name], passed[name] = self.places, self.passed
        givers: dict[tuple[str, str], list[tuple[str, str]]] = {}  # a block's variable -> those of others that it gets
        for name, handed in passed.items():
            for own, block, word in handed:
                givers.setdefault((block, word), []).append((name, own))
        todo = [(name, word) for name, words in named.items() for word in words]
        while todo:
            for name, own in givers.get(todo.pop(), ()):
                if own not in named[name]:
                    named[name].add(own)
                    todo.append((name, own))
        self.places, self.passed = set(), []
        return {name: one._replace(names=frozenset(named[name])) for name, one in found.items()}

    def _block(self, key: Scalar, value: Value, around: Entries) -> Step:
        block = key.text
        self.used_blocks.add(block)
        entries = dict(around)
        if not (isinstance(value, Scalar) and not value.text.strip()):
            entries.update(entries_of(value, f"the block {block}"))
        self._check_keys(block, entries, (*self.blocks[block], *_MANNER))
        arguments = {word: node for word, (_, node) in entries.items() if word in self.blocks[block]}
        name, source = self._name(entries), self._named(entries, "from")
        for word, node in arguments.items():
            if isinstance(node, Scalar) and node.text.startswith("$"):
                self.passed.append((node.text[1:], block, word))
        variables = variables_in(*arguments.values())
        return BlockStep(block, arguments, key.span, name, source, variables, self._manner(entries))


def _optional(branch: tuple[Step, ...]) -> bool:
    return len(branch) == 1 and isinstance(branch[0], IfStep)


def rounding_of(layer: type[Layer], value: Value) -> Value:
    """The spec's rounding for a layer: `caffe` is down for convolutions and up for pools."""
    if isinstance(value, Scalar) and value.text.strip() == "caffe":
        return value._replace(text=layer.caffe if issubclass(layer, Windowed) else "floor")
    return value
