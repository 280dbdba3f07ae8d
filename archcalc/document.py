"""The top level of a spec: its keys, and the way from its text to a Graph."""

from collections.abc import Callable
from collections.abc import Mapping as Table
from typing import NamedTuple, ParamSpec, TypeVar

from archcalc.diagnostics import Diagnostic, Refusal, Span, in_order, rule
from archcalc.expand import Block, expand
from archcalc.extends import Beside, Extension, extend
from archcalc.general import unroll
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.integers import bad, whole_number
from archcalc.layers import TYPES
from archcalc.layers.base import ROUNDING
from archcalc.layers.reshape import Input
from archcalc.nodes import Mapping, Scalar, Sequence, shown
from archcalc.nodes import Node as Value
from archcalc.pattern import OPTIONAL, parse_pattern
from archcalc.source import parse
from archcalc.steps import (
    BAD_STRUCTURE,
    MISSING_KEY,
    UNKNOWN_TYPE,
    Compiler,
    Defaults,
    LayerStep,
    Step,
    entries_of,
    mentioned,
    pattern_meant,
    read_name,
    renamed,
    unknown_key,
)
from archcalc.suggest import MAX_SUGGESTIONS, key_for, nearest, type_for
from archcalc.text import TOO_LARGE, refused_text, split_lines
from archcalc.training import Training, read_training
from archcalc.values import Integer, read_volume_text

# Where a text names a variable: `$name`, and `[..]*name`.

T = TypeVar("T")
P = ParamSpec("P")

NO_INPUT = rule(
    "AC108",
    "the size of the input is not known",
    "A network begins with its input: `input: 224x224x3` in the spec, or `INPUT[224x224x3] -> ...` in a pattern.",
)
UNUSED = rule(
    "AC109",
    "a variable or block is never used",
    "It is most likely misspelt where it is meant to be used, or left over.",
    "warning",
)

MAX_VARIABLES = 256

KEYS = {
    "archcalc": "version of the language, 1",
    "extends": "the spec beside this one that it is a variant of, without `.yaml`",
    "name": "what the network is called",
    "source": "where the network is published",
    "year": "when it was published",
    "input": "the image: width x height x channels, like 224x224x3",
    "rounding": "what layers do where (W - F + 2P)/S + 1 is not whole: exact (default), floor or ceil",
    "defaults": "hyperparameters a layer type takes unless it says otherwise",
    "vars": "integers to use as $name",
    "blocks": "named lists of layers with variables",
    "layers": "the network: a list of patterns, layers, repeats, joins and blocks",
    "pattern": "the network as one general pattern, instead of layers",
    "with": "the general pattern's hyperparameters per layer type",
    "expect": "what a pipeline asserts about the results",
    "training": "what `plan` assumes: batch, dtype, optimizer",
}
ABOUT = ("archcalc", "extends", "name", "source", "year")  # words about the network, in which `$x` means nothing


class Document(NamedTuple):
    """A spec as it was read: its graph, and what later passes need of the rest."""

    name: str
    graph: Graph
    problems: tuple[Diagnostic, ...]
    entries: Table[str, tuple[Scalar, Value]]
    variables: Table[str, int]
    lines: tuple[str, ...]
    training: Training = Training()
    extension: Extension | None = None

    def line(self, key: str) -> str:
        """A top-level value on one line, like `source` or `year`; empty where it is not given."""
        node = self.entries[key][1] if key in self.entries else None
        return " ".join(node.text.split()) if isinstance(node, Scalar) else ""


class UnknownVariable(ValueError):
    """A variable set from outside that the spec does not have."""


def read_document(
    text: str,
    *,
    pattern: bool = False,
    set: Table[str, int] | None = None,
    input: str | None = None,
    beside: Beside | None = None,
) -> Document:
    """Text of a spec (or, with `pattern`, a one-line pattern) -> Document.

    `set` overrides `vars`; `input` overrides the input's size; `beside` reads what `extends` names.  Problems are collected, not raised, except
    UnknownVariable for a name in `set` that the spec does not have.
    """
    lines = split_lines(text)
    root: Value | None = None
    problems: list[Diagnostic] = []
    if not pattern:
        root, problems = parse(text)
    elif refused := refused_text(text):
        problems = [refused]
    else:
        key = Scalar("pattern", Span(1, 1, 1, 1))
        value = Scalar(text, Span(1, 1, len(lines), len(lines[-1]) + 1))
        root = Mapping(((key, value),), value.span)
    reader = _DocumentReader(lines, set or {}, input)
    reader.problems += problems
    if isinstance(root, Mapping) and root.get("extends"):
        root = reader.extended(root, beside)
    if root is not None:
        reader.read(root)
    return reader.document()


def variables_of(node: Value) -> dict[str, tuple[Scalar, Value]]:
    """The entries of `vars`; Refusal (AC001) where they are too many: every repeat and block carries them along."""
    listed = entries_of(node, "vars")
    if len(listed) > MAX_VARIABLES:
        message = f"{len(listed):,} variables are given; the limit is {MAX_VARIABLES}"
        raise Refusal(TOO_LARGE, message, list(listed.values())[MAX_VARIABLES][0].span)
    return listed


class _DocumentReader:
    def __init__(self, lines: list[str], overrides: Table[str, int], input: str | None) -> None:
        self.lines, self.overrides, self.input_override = lines, overrides, input
        self.problems: list[Diagnostic] = []
        self.entries: dict[str, tuple[Scalar, Value]] = {}
        self.name = ""
        self.graph = Graph("", ())
        self.training = Training()
        self.variables: dict[str, int] = {}
        self.lists: dict[str, Sequence] = {}
        self.block_variables: dict[str, tuple[Value, list[Scalar]]] = {}  # a block, and its variables' names
        self.extension: Extension | None = None

    def document(self) -> Document:
        return Document(
            self.name,
            self.graph,
            tuple(in_order(self.problems)),
            self.entries,
            self.variables,
            tuple(self.lines),
            self.training,
            self.extension,
        )

    def extended(self, root: Mapping, beside: Beside | None) -> Mapping | None:
        """The spec with what it takes from its base; None where that cannot be read."""
        found = self.attempt(extend, root, self.lines, beside)
        if found is None:
            return None
        merged, problems, self.extension = found
        self.problems += problems
        return merged

    def attempt(self, read: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
        """Call `read`; a Refusal becomes a problem and None."""
        try:
            return read(*arguments, **options)
        except Refusal as refusal:
            self.problems.append(refusal.diagnostic)
            return None

    def read(self, root: Value) -> None:
        if not isinstance(root, Mapping):
            help: tuple[str, ...] = ()
            if isinstance(root, Scalar) and "->" in root.text:
                help = ("put it below `layers:` as a list item, or below `pattern:`",)
            message = f"a spec is a mapping with keys like input and layers, not {shown(root)}"
            self.problems.append(Diagnostic(BAD_STRUCTURE, message, root.span, help=help))
            return
        self.entries = {key.text: (key, value) for key, value in root.entries}
        for key, _ in root.entries:
            if key.text not in KEYS:
                meant = nearest(key.text, KEYS) if len(self.problems) < MAX_SUGGESTIONS else None
                self.problems.append(unknown_key("a spec", key, meant, ", ".join(KEYS)))
        self.attempt(self.read_head)
        self.attempt(self.read_variables)
        if "training" in self.entries:
            self.training, problems = read_training(self.entries["training"][1], self.variables)
            self.problems += problems
        defaults = self.attempt(self.read_defaults) or Defaults({})
        blocks = self.attempt(self.block_headers) or {}
        compiler = Compiler(
            self.lines, defaults, {name: tuple(variables) for name, (_, variables, _) in blocks.items()}
        )
        built = {
            name: Block(name, variables, compiler.steps(layers), span)
            for name, (span, variables, layers) in blocks.items()
        }
        steps = self.attempt(self.read_steps, compiler)
        self.problems += compiler.problems
        if steps is None:
            return
        input, rest = self.attempt(self.read_input, steps) or (UNKNOWN, steps)
        where = self.entries["input"][0].span if "input" in self.entries else self.first_span(steps)
        node = Node("input", input, (), where)
        self.graph, problems = expand(self.name, node, rest, self.variables, built)
        self.problems += problems
        self.report_unused(compiler, built)

    @staticmethod
    def first_span(steps: tuple[Step, ...]) -> Span:
        return steps[0].span if steps else Span(1, 1, 1, 1)

    def read_head(self) -> None:
        """archcalc, name, source, year."""
        if "archcalc" in self.entries:
            node = self.entries["archcalc"][1]
            if not isinstance(node, Scalar) or node.text != "1":
                message = f"language version {shown(node)} is not known; this archcalc reads version 1"
                self.problems.append(bad(node, message).diagnostic)
        for key in ("name", "source"):
            if key in self.entries:
                node = self.entries[key][1]
                if not isinstance(node, Scalar) or len(node.text) > 500:
                    self.problems.append(bad(node, f"{key} is a line of text").diagnostic)
                elif key == "name":
                    self.name = " ".join(node.text.split())
        if "year" in self.entries:
            self.attempt(Integer(1900, 2200).read, self.entries["year"][1], {})

    def read_variables(self) -> None:
        listed = variables_of(self.entries["vars"][1]) if "vars" in self.entries else {}
        for name, (key, node) in listed.items():
            if not key.text.isidentifier() or not key.text.isascii() or key.text == "i":
                note = "$i is the number of a repeat's pass" if key.text == "i" else "a name has letters, digits and _"
                self.problems.append(bad(key, f"{shown(key)} cannot name a variable", note).diagnostic)
            elif name in self.overrides:
                self.variables[name] = self.overrides[name]
            elif isinstance(node, Sequence):
                self.lists[name] = node
            else:
                value = self.attempt(whole_number, node, self.variables)
                self.variables[name] = 1 if value is None else value
        for name in self.overrides:
            if name not in listed:
                meant = nearest(name, listed)
                known = f"; it has {', '.join(listed)}" if listed else "; it has none"
                raise UnknownVariable(
                    f"the spec has no variable {name}" + (f" (did you mean {meant}?)" if meant else known)
                )
        if self.lists and "pattern" not in self.entries:
            name, node = next(iter(self.lists.items()))
            self.problems.append(
                bad(node, f"{name} is a list; only the general pattern (`pattern:`) has those").diagnostic
            )

    def read_defaults(self) -> Defaults:
        by_type: dict[str, dict[str, Value]] = {}
        listed = entries_of(self.entries["defaults"][1], "defaults") if "defaults" in self.entries else {}
        for type, (key, node) in listed.items():
            layer = TYPES.get(type)
            if layer is None:
                meant = type_for(type) if len(self.problems) < MAX_SUGGESTIONS else None
                help = (f"here it is `{meant}`",) if meant else ()
                message = f"there is no layer type {shown(key)}"
                self.problems.append(Diagnostic(UNKNOWN_TYPE, message, key.span, help=help, edits=renamed(key, meant)))
                continue
            values = by_type[type] = {}
            for word, (place, value) in (self.attempt(entries_of, node, type) or {}).items():
                if word in layer.keys:
                    values[word] = value
                else:
                    self.problems.append(unknown_key(type, place, key_for(layer, word), ", ".join(layer.keys)))
        rounding = self.entries["rounding"][1] if "rounding" in self.entries else None
        if rounding is not None and self.attempt(ROUNDING.read, rounding, {}) is None:
            rounding = None
        return Defaults(by_type, rounding)

    def block_headers(self) -> dict[str, tuple[Span, dict[str, Value | None], Value]]:
        """Names and variables of the blocks, before any list is read, since lists use blocks."""
        found: dict[str, tuple[Span, dict[str, Value | None], Value]] = {}
        listed = entries_of(self.entries["blocks"][1], "blocks") if "blocks" in self.entries else {}
        for name, (key, node) in listed.items():
            if name in TYPES or name in ("repeat", "name", "from", "inputs"):
                self.problems.append(bad(key, f"`{name}` is a word of the language and cannot name a block").diagnostic)
                continue
            if self.attempt(read_name, key) is None:
                continue
            if isinstance(node, Mapping):
                entries = entries_of(node, f"the block {name}")
                for word, (place, _) in entries.items():
                    if word not in ("vars", "layers"):
                        meant = nearest(word, ("vars", "layers"))
                        self.problems.append(unknown_key(f"the block {name}", place, meant, "vars, layers"))
                if "layers" not in entries:
                    self.problems.append(Diagnostic(MISSING_KEY, f"the block {name} needs `layers`", key.span))
                    continue
                variables = self.attempt(variables_of, entries["vars"][1]) if "vars" in entries else {}
                self.block_variables[name] = node, [place for place, _ in (variables or {}).values()]
                defaults = {
                    word: None if isinstance(value, Scalar) and not value.text.strip() else value
                    for word, (_, value) in (variables or {}).items()
                }
                found[name] = key.span, defaults, entries["layers"][1]
            else:
                found[name] = key.span, {}, node
        return found

    def read_steps(self, compiler: Compiler) -> tuple[Step, ...] | None:
        """The steps; None where what they are cannot be known, so that nothing is made of it."""
        if "layers" in self.entries and "pattern" in self.entries:
            message = "a spec has `layers` or `pattern`, not both"
            raise Refusal(BAD_STRUCTURE, message, self.entries["pattern"][0].span)
        if "pattern" not in self.entries:
            if "with" in self.entries:
                message = "`with` belongs to `pattern`, the general pattern"
                self.problems.append(Diagnostic(BAD_STRUCTURE, message, self.entries["with"][0].span))
            if "layers" not in self.entries:
                place = next((key.span for key, _ in self.entries.values()), Span(1, 1, 1, 1))
                raise Refusal(MISSING_KEY, "a spec needs `layers` (or `pattern`)", place)
            return compiler.steps(self.entries["layers"][1])
        node = self.entries["pattern"][1]
        if not isinstance(node, Scalar):
            help = pattern_meant(node, self.lines, compiler.blocks) if isinstance(node, Sequence) else ()
            raise Refusal(
                BAD_STRUCTURE, f"pattern is a line of text, not {shown(node)}; quote it", node.span, help=help
            )
        pattern = parse_pattern(node, self.lines, compiler.blocks)
        if "with" in self.entries or self.lists:
            given = self.entries["with"][1] if "with" in self.entries else None
            pattern, problems = unroll(pattern, self.variables, self.lists, given)
            self.problems += problems
            if problems:
                return None
        return compiler.steps(pattern)

    def read_input(self, steps: tuple[Step, ...]) -> tuple[Input, tuple[Step, ...]]:
        """The input layer, and the steps after it."""
        first = steps[0] if steps else None
        inline = first if isinstance(first, LayerStep) and first.type is Input else None
        rest = steps[1:] if inline else steps
        for step in rest:
            if isinstance(step, LayerStep) and step.type is Input:
                raise Refusal(BAD_STRUCTURE, "the input comes first, and once", step.span)
        if self.input_override is not None:
            size = read_volume_text(self.input_override, Span(1, 1, 1, 1))
            return Input(width=size[0], height=size[1], channels=size[2]), rest
        sized = inline if inline and inline.values else None
        if "input" in self.entries and sized:
            raise Refusal(BAD_STRUCTURE, "the input's size is given twice, here and by `input`", sized.span)
        if "input" not in self.entries and not sized:
            where = inline.span if inline else self.first_span(steps)
            raise Refusal(
                NO_INPUT,
                "the size of the input is not given",
                where,
                help=("write `INPUT[32x32x3]`, or `input: 32x32x3` in the spec, with your numbers",),
            )
        if sized:
            values = {side: node for side, node in sized.values.items() if side != OPTIONAL}
        else:
            node = self.entries["input"][1]
            if isinstance(node, Scalar) and "$" not in node.text:
                size = read_volume_text(node.text, node.span)
                return Input(width=size[0], height=size[1], channels=size[2]), rest
            given = entries_of(node, "input")
            for word, (key, _) in given.items():
                if word not in Input.keys:
                    self.problems.append(unknown_key("input", key, key_for(Input, word), ", ".join(Input.keys)))
            values = {word: value for word, (_, value) in given.items() if word in Input.keys}
            if missing := [word for word in Input.keys if word not in values]:
                raise Refusal(MISSING_KEY, f"input needs `{missing[0]}`", node.span)
        read = {side: Input.keys[side].kind.read(value, self.variables) for side, value in values.items()}
        return Input(**read), rest

    def report_unused(self, compiler: Compiler, blocks: Table[str, Block]) -> None:
        unused = [(f"the block `{name}`", one.span) for name, one in blocks.items() if name not in compiler.used_blocks]
        listed = self.entries["vars"][1] if "vars" in self.entries else None
        if isinstance(listed, Mapping):
            used = mentioned(*(value for word, (_, value) in self.entries.items() if word not in (*ABOUT, "blocks")))
            bodies = self.entries["blocks"][1] if "blocks" in self.entries else None
            for key, body in bodies.entries if isinstance(bodies, Mapping) else ():
                used |= mentioned(body).difference(blocks[key.text].variables if key.text in blocks else ())
            unread = {*self.variables, *self.lists}.difference(used)
            unused += [(f"the variable `{key.text}`", key.span) for key, _ in listed.entries if key.text in unread]
        for name, (body, variables) in self.block_variables.items():
            used = mentioned(body)
            unused += [
                (f"the variable `{key.text}` of the block `{name}`", key.span)
                for key in variables
                if key.text not in used
            ]
        self.problems += [Diagnostic(UNUSED, f"{what} is never used", span, "warning") for what, span in unused]
