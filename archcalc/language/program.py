"""A spec's text compiled once, to be expanded as often as wanted: for other variables, for other inputs."""

from collections.abc import Mapping as Table

from archcalc.diagnostics import Diagnostic, Problems, Refusal, Span, in_order
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.language.compiler import Compiler
from archcalc.language.definitions import (
    BlockHeader,
    Setting,
    Variables,
    read_blocks,
    read_defaults,
    read_variables,
    unused,
)
from archcalc.language.document import KEYS, Document
from archcalc.language.entries import BAD_STRUCTURE, MISSING_KEY, Entries, entries_of, unknown_key
from archcalc.language.expand import expand, in_place
from archcalc.language.extends import Beside, Extension, extend
from archcalc.language.input import first_span, read_input, read_inputs, read_outputs
from archcalc.language.making import Layers
from archcalc.language.names import meant_as_names
from archcalc.language.pattern import parse_pattern
from archcalc.language.steps import Block, Defaults, Step
from archcalc.language.suggest import MAX_SUGGESTIONS, nearest
from archcalc.language.training import TrainingSettings, frozen, read_training
from archcalc.reader.integers import bad
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.source import parse
from archcalc.reader.text import refused_text, split_lines
from archcalc.reader.values import Integer
from archcalc.volume import Volume


def read_document(
    text: str,
    *,
    pattern: bool = False,
    set: Table[str, Setting] | None = None,
    input: str | None = None,
    beside: Beside | None = None,
) -> Document:
    """Text of a spec (or, with `pattern`, a one-line pattern) -> Document.

    `set` overrides `vars`; `input` overrides the input's size; `beside` reads what `extends` names.  Problems
    are collected, not raised, except UnknownVariable for a name in `set` that the spec does not have.
    """
    return compile_text(text, pattern=pattern, beside=beside).document(set, input)


def compile_text(text: str, *, pattern: bool = False, beside: Beside | None = None) -> "Program":
    """Text of a spec (or, with `pattern`, a one-line pattern) -> Program."""
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
    return Program(root, lines, problems, beside)


class Program:
    """What a spec says whatever its variables and its input are, read and checked once.

    `problems` are those of the text; what depends on variables is found anew with every document.
    """

    def __init__(self, root: Value | None, lines: list[str], problems: list[Diagnostic], beside: Beside | None) -> None:
        self.root, self.lines = root, lines
        self.problems = Problems()
        self.problems += problems
        self.entries: Entries = {}
        self.name = ""
        self.extension: Extension | None = None
        self.headers: dict[str, BlockHeader] = {}
        self.blocks: dict[str, Block] = {}
        self.compiler = Compiler(lines, Defaults({}), {})
        self.pattern: Sequence | None = None  # a general pattern's, whose repeats variables unroll
        self.steps: tuple[Step, ...] | None = None
        self.appended: tuple[Step, ...] = ()
        self.instead: dict[str, tuple[Scalar, tuple[Step, ...]]] = {}
        self.outputs: tuple[Scalar, ...] = ()
        self.layers = Layers()
        if isinstance(root, Mapping) and root.get("extends"):
            root = self._extended(root, beside)
        if root is not None:
            self._read(root)

    def document(self, set: Table[str, Setting] | None = None, input: str | Volume | None = None) -> Document:
        """The spec for these variables and this input; UnknownVariable for a name in `set` that it does not have."""
        return _Reading(self, set or {}, input).document()

    def graph(self, set: Table[str, Setting] | None = None, input: str | Volume | None = None) -> Graph:
        """The network for these variables and this input.

        Raises Refusal with the first error where there is none, UnknownVariable as `document` does.
        """
        found = self.document(set, input)
        for one in found.problems:
            if one.severity == "error":
                raise Refusal(**one._asdict())
        return found.graph

    def _extended(self, root: Mapping, beside: Beside | None) -> Mapping | None:
        """The spec with what it takes from its base; None where that cannot be read."""
        found = self.problems.attempt(extend, root, self.lines, beside)
        if found is None:
            return None
        merged, problems, self.extension = found
        self.problems += problems
        return merged

    def _read(self, root: Value) -> None:
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
        attempt(self._read_head)
        defaults = attempt(read_defaults, self.entries, problems) or Defaults({})
        self.headers = attempt(read_blocks, self.entries, problems) or {}
        names = {name: tuple(one.variables) for name, one in self.headers.items()}
        self.compiler = Compiler(self.lines, defaults, names)
        self.blocks = self.compiler.read_blocks(self.headers)
        attempt(self._read_steps)
        self.appended = attempt(self._read_appended) or ()
        self.instead = attempt(self._read_instead) or {}
        self.outputs = attempt(read_outputs, self.entries, problems) or ()
        problems += self.compiler.problems

    def _read_head(self) -> None:
        """archcalc, name, source, year, sweep."""
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
        if "sweep" in self.entries:
            from archcalc.language.sweeping import read_sweep

            self.problems.attempt(read_sweep, self.entries["sweep"][1], self.problems)

    def _read_steps(self) -> None:
        """The steps, or the general pattern that makes them; neither where what they are cannot be known."""
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
            self.steps = self.compiler.steps(self.entries["layers"][1])
            return
        node = self.entries["pattern"][1]
        if not isinstance(node, Scalar):
            from archcalc.language.meant import pattern_meant

            help = pattern_meant(node, self.lines, self.compiler.blocks) if isinstance(node, Sequence) else ()
            raise Refusal(
                BAD_STRUCTURE, f"pattern is a line of text, not {shown(node)}; quote it", node.span, help=help
            )
        pattern = parse_pattern(node, self.lines, self.compiler.blocks)
        given = self.entries["vars"][1] if "vars" in self.entries else None
        lists = isinstance(given, Mapping) and any(isinstance(one, Sequence) for _, one in given.entries)
        if "with" in self.entries or lists:
            self.pattern = pattern
        else:
            self.steps = self.compiler.steps(pattern)

    def _read_appended(self) -> tuple[Step, ...]:
        """`append`: steps behind those of the base."""
        if "append" not in self.entries:
            return ()
        key, node = self.entries["append"]
        if self.extension is None:
            raise Refusal(BAD_STRUCTURE, "`append` belongs to `extends`", key.span)
        return self.compiler.inner(node)

    def _read_instead(self) -> dict[str, tuple[Scalar, tuple[Step, ...]]]:
        """`replace`: the steps that take the place of a layer, block or repeat of the base, by its full name."""
        if "replace" not in self.entries:
            return {}
        key, node = self.entries["replace"]
        if self.extension is None:
            raise Refusal(BAD_STRUCTURE, "`replace` belongs to `extends`", key.span)
        return {
            name: (key, self.compiler.inner(Sequence((value,), value.span) if isinstance(value, Mapping) else value))
            for name, (key, value) in entries_of(node, "replace").items()
        }


class _Reading:
    """A program for certain variables and inputs."""

    def __init__(self, program: Program, overrides: Table[str, Setting], input: str | Volume | None) -> None:
        self.program, self.input = program, input
        self.entries, self.compiler = program.entries, program.compiler
        self.problems = Problems()
        self.problems += program.problems
        self.graph = Graph("", ())
        self.training = TrainingSettings()
        variables = self.problems.attempt(read_variables, self.entries, overrides, self.problems)
        self.variables = variables or Variables({}, {})
        if "training" in self.entries:
            self.training, found = read_training(self.entries["training"][1], self.variables.numbers)
            self.problems += found
        steps = program.steps if program.pattern is None else self.problems.attempt(self._unrolled, program.pattern)
        if steps is not None:
            self._lay_out(steps + program.appended)

    def document(self) -> Document:
        program = self.program
        return Document(
            program.name,
            self.graph,
            tuple(in_order(self.problems)),
            self.entries,
            self.variables.numbers,
            tuple(program.lines),
            self.training,
            program.extension,
            tuple(self.compiler.stated),
            program.root,
        )

    def _unrolled(self, pattern: Sequence) -> tuple[Step, ...] | None:
        """The steps of a general pattern; None where its hyperparameters are wrong."""
        if "with" in self.entries or self.variables.lists:
            from archcalc.language.general import unroll

            given = self.entries["with"][1] if "with" in self.entries else None
            pattern, problems = unroll(pattern, self.variables.numbers, self.variables.lists, given)
            self.problems += problems
            if problems:
                return None
        self.compiler = self.compiler.anew()
        steps = self.compiler.steps(pattern)
        self.problems += self.compiler.problems
        return steps

    def _lay_out(self, steps: tuple[Step, ...]) -> None:
        program, attempt, problems = self.program, self.problems.attempt, self.problems
        entries, numbers = self.entries, self.variables.numbers
        if "inputs" in entries:
            inputs, rest = attempt(read_inputs, entries, steps, numbers, self.input, problems) or ((), steps)
        else:
            where = entries["input"][0].span if "input" in entries else first_span(steps)
            input, rest = attempt(read_input, entries, steps, numbers, self.input, problems) or (UNKNOWN, steps)
            inputs = (Node("input", input, (), where),)
        inputs = inputs or (Node("input", UNKNOWN, (), entries["inputs"][0].span),)
        layers = program.layers if program.pattern is None else Layers()
        self.graph, found = expand(
            program.name, inputs, rest, numbers, program.blocks, program.outputs, program.instead, layers
        )
        self.graph = in_place(self.graph, program.compiler.defaults.inplace)
        problems += found
        problems += meant_as_names(self.compiler.words, self.graph)
        if self.training.freeze:
            nodes, found = frozen(self.graph.nodes, self.training.freeze, entries["training"][1])
            self.graph = self.graph._replace(nodes=nodes)
            problems += found
        problems += unused(entries, self.variables, program.headers, self.compiler.used_blocks)
