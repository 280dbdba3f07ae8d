"""The top level of a spec: its keys, and the way from its text to a Graph."""

from collections.abc import Mapping as Table
from typing import NamedTuple

from archcalc.diagnostics import Diagnostic, Problems, Refusal, Span, in_order
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.language.compiler import Compiler, pattern_meant
from archcalc.language.definitions import Variables, read_blocks, read_defaults, read_variables, unused
from archcalc.language.entries import BAD_STRUCTURE, MISSING_KEY, Entries, Stated, entries_of, unknown_key
from archcalc.language.expand import expand
from archcalc.language.extends import Beside, Extension, extend
from archcalc.language.general import unroll
from archcalc.language.input import first_span, read_input, read_inputs, read_outputs
from archcalc.language.names import meant_as_names
from archcalc.language.pattern import parse_pattern
from archcalc.language.steps import Defaults, Step
from archcalc.language.suggest import MAX_SUGGESTIONS, nearest
from archcalc.language.training import TrainingSettings, frozen, read_training
from archcalc.reader.integers import bad
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.source import parse
from archcalc.reader.text import refused_text, split_lines
from archcalc.reader.values import Integer

KEYS = {
    "archcalc": "version of the language, 1",
    "extends": "the spec beside this one that it is a variant of, without `.yaml`, or one of the zoo: zoo:resnet50",
    "name": "what the network is called",
    "source": "where the network is published",
    "year": "when it was published",
    "input": "the image: width x height x channels, like 224x224x3",
    "inputs": "several inputs by name; layers behind the first one say what they read",
    "outputs": "the layers whose results the network gives, by name; without it the last one",
    "rounding": "what layers do where (W - F + 2P)/S + 1 is not whole: exact (default), floor, ceil or caffe",
    "defaults": "hyperparameters a layer type takes unless it says otherwise",
    "vars": "integers to use as $name",
    "blocks": "named lists of layers with variables",
    "layers": "the network: a list of patterns, layers, repeats, joins and blocks",
    "append": "layers behind those of the extended spec",
    "replace": "what takes the place of layers, blocks or repeats of the extended spec, by their names",
    "pattern": "the network as one general pattern, instead of layers",
    "with": "the general pattern's hyperparameters per layer type",
    "expect": "what a pipeline asserts about the results",
    "training": "what `plan` assumes: batch, dtype, optimizer",
}


class Document(NamedTuple):
    """A spec as it was read: its graph, and what later passes need of the rest.

    A network that came from no YAML has a graph, perhaps lines, and no entries.
    """

    name: str
    graph: Graph
    problems: tuple[Diagnostic, ...]
    entries: Table[str, tuple[Scalar, Value]] = {}
    variables: Table[str, int] = {}
    lines: tuple[str, ...] = ()
    training: TrainingSettings = TrainingSettings()
    extension: Extension | None = None
    stated: tuple[Stated, ...] = ()

    def line(self, key: str) -> str:
        """A top-level value on one line, like `source` or `year`; empty where it is not given."""
        node = self.entries[key][1] if key in self.entries else None
        return " ".join(node.text.split()) if isinstance(node, Scalar) else ""


def read_document(
    text: str,
    *,
    pattern: bool = False,
    set: Table[str, int] | None = None,
    input: str | None = None,
    beside: Beside | None = None,
) -> Document:
    """Text of a spec (or, with `pattern`, a one-line pattern) -> Document.

    `set` overrides `vars`; `input` overrides the input's size; `beside` reads what `extends` names.  Problems
    are collected, not raised, except UnknownVariable for a name in `set` that the spec does not have.
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


class _DocumentReader:
    def __init__(self, lines: list[str], overrides: Table[str, int], input: str | None) -> None:
        self.lines, self.overrides, self.input = lines, overrides, input
        self.problems = Problems()
        self.entries: Entries = {}
        self.name = ""
        self.graph = Graph("", ())
        self.training = TrainingSettings()
        self.variables = Variables({}, {})
        self.extension: Extension | None = None
        self.stated: list[Stated] = []

    def document(self) -> Document:
        return Document(
            self.name,
            self.graph,
            tuple(in_order(self.problems)),
            self.entries,
            self.variables.numbers,
            tuple(self.lines),
            self.training,
            self.extension,
            tuple(self.stated),
        )

    def extended(self, root: Mapping, beside: Beside | None) -> Mapping | None:
        """The spec with what it takes from its base; None where that cannot be read."""
        found = self.problems.attempt(extend, root, self.lines, beside)
        if found is None:
            return None
        merged, problems, self.extension = found
        self.problems += problems
        return merged

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
                if meant:  # read on as if it were spelt right, so that it is not missed as well
                    self.entries.setdefault(meant, self.entries[key.text])
        attempt, problems = self.problems.attempt, self.problems
        attempt(self.read_head)
        self.variables = attempt(read_variables, self.entries, self.overrides, problems) or self.variables
        numbers = self.variables.numbers
        if "training" in self.entries:
            self.training, found = read_training(self.entries["training"][1], numbers)
            problems += found
        defaults = attempt(read_defaults, self.entries, problems) or Defaults({})
        headers = attempt(read_blocks, self.entries, problems) or {}
        compiler = Compiler(self.lines, defaults, {name: tuple(one.variables) for name, one in headers.items()})
        blocks = compiler.read_blocks(headers)
        steps = attempt(self.read_steps, compiler)
        instead = attempt(self.read_instead, compiler) or {}
        problems += compiler.problems
        if steps is None:
            return
        outputs = attempt(read_outputs, self.entries, problems) or ()
        if "inputs" in self.entries:
            inputs, rest = attempt(read_inputs, self.entries, steps, numbers, self.input, problems) or ((), steps)
        else:
            where = self.entries["input"][0].span if "input" in self.entries else first_span(steps)
            input, rest = attempt(read_input, self.entries, steps, numbers, self.input, problems) or (UNKNOWN, steps)
            inputs = (Node("input", input, (), where),)
        inputs = inputs or (Node("input", UNKNOWN, (), self.entries["inputs"][0].span),)
        self.graph, found = expand(self.name, inputs, rest, numbers, blocks, outputs, instead)
        problems += found
        problems += meant_as_names(compiler.words, self.graph)
        self.stated = compiler.stated
        if self.training.freeze:
            nodes, found = frozen(self.graph.nodes, self.training.freeze, self.entries["training"][1])
            self.graph = self.graph._replace(nodes=nodes)
            problems += found
        problems += unused(self.entries, self.variables, headers, compiler.used_blocks)

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
            self.problems.attempt(Integer(1900, 2200).read, self.entries["year"][1], {})

    def read_instead(self, compiler: Compiler) -> dict[str, tuple[Scalar, tuple[Step, ...]]]:
        """`replace`: the steps that take the place of a layer, block or repeat of the base, by its full name."""
        if "replace" not in self.entries:
            return {}
        key, node = self.entries["replace"]
        if self.extension is None:
            raise Refusal(BAD_STRUCTURE, "`replace` belongs to `extends`", key.span)
        return {
            name: (key, compiler.inner(Sequence((value,), value.span) if isinstance(value, Mapping) else value))
            for name, (key, value) in entries_of(node, "replace").items()
        }

    def read_steps(self, compiler: Compiler) -> tuple[Step, ...] | None:
        """The steps, with those that are appended; None where what they are cannot be known, so that nothing is made of it."""
        steps = self.read_own_steps(compiler)
        if "append" not in self.entries or steps is None:
            return steps
        key, node = self.entries["append"]
        if self.extension is None:
            raise Refusal(BAD_STRUCTURE, "`append` belongs to `extends`", key.span)
        return steps + compiler.inner(node)

    def read_own_steps(self, compiler: Compiler) -> tuple[Step, ...] | None:
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
        if "with" in self.entries or self.variables.lists:
            given = self.entries["with"][1] if "with" in self.entries else None
            pattern, problems = unroll(pattern, self.variables.numbers, self.variables.lists, given)
            self.problems += problems
            if problems:
                return None
        return compiler.steps(pattern)
