"""Names of layers, blocks and joins: how they are written, given to what has none, and found again."""

import re
from collections.abc import Iterable

from archcalc.diagnostics import Diagnostic, Label, Problems, Refusal, Span, rule
from archcalc.graph import Graph, Node
from archcalc.language.cursor import BAD_PATTERN
from archcalc.language.suggest import MAX_SUGGESTIONS, nearest
from archcalc.reader.expression import Environment
from archcalc.reader.integers import whole_number
from archcalc.reader.nodes import Scalar, Value, shown
from archcalc.records import NamedTuple
from archcalc.regex import regex

BAD_NAME = rule(
    "AC107",
    "a name cannot be used",
    "Names begin with a letter, `_` or `/`, go on with letters, digits and `_ . / -`, and have at most 128 characters.",
)
DUPLICATE_NAME = rule(
    "AC302",
    "two layers have one name",
    """
    Names say which layer is meant, so each is given once.  What is repeated is numbered by itself, `conv1`, `conv2`,
    and what stands in a block or a named repeat has its name before it, `stage2.conv1`.
    """,
)
UNKNOWN_NAME = rule(
    "AC303",
    "a name is not known here",
    """
    `from`, `inputs`, `share` and `like` name a layer, block or join that stands earlier, `outputs` and `freeze` one anywhere.
    Names are looked up from the inside out: first in the block or repeat around, then in what is around that; from
    outside, what is inside is reached by its full name, like `stage2.block3.conv1`.  In a block and in a pass of a
    repeat `in` is what it begins with; `name*` is every pass of a repeat, or every layer of this name in its passes.
    """,
)
FORWARD_REFERENCE = rule(
    "AC306",
    "a name stands later",
    "`from`, `inputs`, `share` and `like` reach back only, so that a spec can be read from its top to its end.  Move the layer up.",
)
CYCLE = rule(
    "AC307",
    "a layer reads itself, by way of others",
    "The output of a layer in a cycle would depend on itself.  A ConvNet has no cycles; one of the layers reads the wrong one.",
)

NAME = regex(r"[A-Za-z_/][A-Za-z0-9_./-]{0,127}", re.ASCII)


_FILLED = regex(r"\$[A-Za-z_]\w*", re.ASCII)


def read_template(node: Value) -> Scalar:
    """The name of what may be repeated, in which `$i` and other variables stand for their numbers: `layer1.$i`."""
    if isinstance(node, Scalar) and "$" in node.text and NAME.fullmatch(_FILLED.sub("1", node.text)):
        return node
    return read_name(node)


def filled(name: Scalar, variables: Environment) -> Scalar:
    """A template with its variables' numbers."""

    def number(found: re.Match[str]) -> str:
        known = variables.get(found[0][1:])
        return str(known if isinstance(known, int) else whole_number(Scalar(found[0], name.span), variables))

    text = _FILLED.sub(number, name.text)
    return read_name(Scalar(text, name.span))


def read_reference(node: Value) -> Scalar:
    """The name of a layer, or a variable that stands for one."""
    return node if isinstance(node, Scalar) and _FILLED.fullmatch(node.text) else read_name(node)


def read_references(node: Value) -> Scalar:
    """The name of a layer, or that of a repeat with a star: all its passes."""
    if isinstance(node, Scalar) and node.text.endswith("*") and NAME.fullmatch(node.text[:-1]):
        return node
    return read_reference(node)


def read_name(node: Value) -> Scalar:
    """A name as it is written; Refusal (AC107) if it is none."""
    if not isinstance(node, Scalar) or not NAME.fullmatch(node.text):
        raise Refusal(
            BAD_NAME,
            f"{shown(node)} is no name",
            node.span,
            notes=("a name is letters, digits and _ . / -, from a letter or / on, at most 128",),
        )
    return node


def duplicate_name(name: Scalar, first: Span) -> Diagnostic:
    return Diagnostic(
        DUPLICATE_NAME,
        f"the name `{name.text}` is given twice, first on line {first.line}",
        name.span,
        text="again",
        labels=(Label(first, "first"),),
    )


def meant_as_names(words: Iterable[Scalar], graph: Graph) -> list[Diagnostic]:
    """Branches of one word, read as patterns, that are the names of layers as well: `pool1` is also a 1x1 pool."""
    once = {word.span: word for word in words}
    if not once:
        return []
    named: dict[str, Node] = {}
    own = {span[:2] for span in once}  # a node's span ends with its word, before the numbers
    for node in graph.nodes:
        if node.span[:2] not in own:
            named.setdefault(node.name.rpartition(".")[2], node)
    return [
        Diagnostic(
            BAD_PATTERN,
            f"`{word.text}` is a pattern here, and a layer has this name",
            word.span,
            labels=(Label(named[word.text].span, f"`{word.text}`"),),
            help=(f"write `inputs: [{word.text}]` for the layer, or `{word.text.upper()}` for the pattern",),
        )
        for word in once.values()
        if word.text in named
    ]


OWN_INPUT = "in"
SAID = -2  # a node that is not there, which has been said


class Pending(NamedTuple):
    """A name that was not known when node number `reader` read it, or was to use its weights."""

    source: Scalar
    scope: "Scope"
    reader: int
    share: bool


class Scope:
    """Where names are looked up: the repeats and blocks around a step."""

    def __init__(self, parent: "Scope | None" = None, name: str = "", *, repeated: bool = False) -> None:
        self.parent = parent
        self.path: tuple[str, ...] = (*(parent.path if parent else ()), name) if name else ()
        self.prefix = "".join(part + "." for part in self.path)
        self.repeated = repeated  # names inside are numbered
        self.counters: dict[str, int] = {}
        self.latest: dict[str, int] = {}
        self.passes: dict[str, list[int]] = {}  # what a repeat has numbered, without the number

    def begin(self, node: int) -> None:
        """Let `in` be what a block or a pass of a repeat begins with."""
        self.latest[OWN_INPUT] = node if node >= 0 else SAID


class Names:
    """The full names of the nodes so far, and the references that wait for later ones."""

    def __init__(self, nodes: list[Node], problems: Problems) -> None:
        self.nodes, self.problems = nodes, problems
        self.numbers = {node.name: number for number, node in enumerate(nodes)}
        self.written: dict[str, Span] = {}  # where a name stands that was given, by the full name
        self.pending: list[Pending] = []
        self.unnumbered: set[Span] = set()

    def choose(self, given: Scalar | None, type: str, scope: Scope, *, exact: bool = False) -> str:
        """A step's name in its scope: the given one, numbered in repeats unless it is `exact`, or the type with a number."""
        if given is None:
            return self.number(type, scope)
        if scope.repeated and not exact:
            return self.number(given.text, scope)
        full = scope.prefix + given.text
        if full in self.numbers:
            first = self.written.get(full, self.nodes[self.numbers[full]].span)
            self.problems.append(duplicate_name(given, first))
        self.written.setdefault(full, given.span)
        return given.text

    def number(self, base: str, scope: Scope) -> str:
        counters, names = scope.counters, self.numbers
        while True:
            number = counters[base] = counters.get(base, 0) + 1
            if f"{scope.prefix}{base}{number}" not in names:
                return f"{base}{number}"

    def enter(self, name: str, alias: str, scope: Scope, node: int) -> None:
        """A block or a pass of a repeat whose last node is `node`; inside `scope`, `alias` is the latest of them."""
        scope.latest[alias] = node
        self.numbers.setdefault(scope.prefix + name, node)

    def find(self, source: Scalar, scope: Scope, *, share: bool = False) -> int:
        """The node a name refers to; -1 where there is none yet, which is sorted out at the end."""
        found = self._lookup(source.text, scope)
        if found == SAID:
            return -1
        if found < 0:
            self.pending.append(Pending(source, scope, len(self.nodes), share))
        return found

    def all_passes(self, source: Scalar, scope: Scope) -> list[int]:
        """The nodes that `name*` refers to: what a repeat has numbered so, up to here."""
        name = source.text[:-1]
        around: Scope | None = scope
        while around is not None:
            if name in around.passes:
                return around.passes[name]
            around = around.parent
        if source.span not in self.unnumbered:
            self.unnumbered.add(source.span)
            message = f"no repeat numbers a `{name}` before this"
            self.problems.append(
                Diagnostic(UNKNOWN_NAME, message, source.span, help=("`name*` is every pass of a repeat",))
            )
        return [-1]

    def _lookup(self, name: str, scope: Scope) -> int:
        """From the inside out; -1 where the name is not known."""
        around: Scope | None = scope
        while around is not None:
            if name in around.latest:
                return around.latest[name]
            if (full := around.prefix + name) in self.numbers:
                return self.numbers[full]
            around = around.parent
        return -1

    def report_pending(self) -> None:
        """Names that were not known where they were read: unknown, standing later, or part of a cycle."""
        once: dict[int, Pending] = {}  # what is repeated is said once
        for one in self.pending:
            once.setdefault(id(one.source), one)
        for number, (source, scope, reader, share) in enumerate(once.values()):
            found, thorough = self._lookup(source.text, scope), number < MAX_SUGGESTIONS
            if found < 0:
                meant = nearest(source.text, self.numbers) if thorough else None
                problem = Diagnostic(
                    UNKNOWN_NAME,
                    f"no layer is named `{source.text}`",
                    source.span,
                    help=(f"did you mean `{meant}`?",) if meant else (),
                )
            elif share and found == reader:
                problem = Diagnostic(CYCLE, f"`{source.text}` would use its own weights", source.span)
            elif thorough and not share and (chain := self._chain(reader, found)):
                names = [self.nodes[one].name for one in chain]
                problem = Diagnostic(
                    CYCLE,
                    f"{names[0]} reads itself" + (f" by way of `{source.text}`" if len(names) > 1 else ""),
                    source.span,
                    labels=() if found == reader else (Label(self.nodes[found].span, f"`{source.text}`"),),
                    notes=(f"the cycle: {' -> '.join(_shortened([*names, names[0]]))}",),
                )
            else:
                problem = Diagnostic(
                    FORWARD_REFERENCE,
                    f"`{source.text}` stands later, on line {self.nodes[found].span.line}",
                    source.span,
                    labels=(Label(self.nodes[found].span, f"`{source.text}`"),),
                    notes=("`share` reaches back only" if share else "`from` and `inputs` reach back only",),
                )
            self.problems.append(problem)

    def _chain(self, reader: int, found: int) -> list[int]:
        """The nodes from `reader` on by which its output reaches node `found`; none if it does not."""
        before: dict[int, int] = {found: found}
        todo = [found]
        for one in todo:
            for source in self.nodes[one].inputs:
                if source >= reader and source not in before:
                    before[source] = one
                    todo.append(source)
        if reader not in before:
            return []
        chain = [reader]
        while chain[-1] != found:
            chain.append(before[chain[-1]])
        return chain


def _shortened(names: list[str]) -> list[str]:
    return names if len(names) <= 8 else [*names[:4], "...", *names[-3:]]
