"""`extends: resnet50`: a spec that is another one with some of its keys given anew.

The other spec is a file beside this one or one of the zoo, never another outside its folder, and does not extend a third.  `vars`,
`defaults` and `blocks` are given anew entry by entry, every other key as a whole.  What is said of the
network itself (name, source, year, expect) is not inherited.

The lines of the base are counted on behind the spec's own, so that a place says which text it is in;
whatever is found in the base is reported at `extends`, with its place there.
"""

from collections.abc import Callable, Iterable, Iterator

from archcalc.diagnostics import Diagnostic, Refusal, Span, rule
from archcalc.graph import Graph, Node
from archcalc.reader.nodes import Mapping, Scalar, Value, shown
from archcalc.reader.source import parse
from archcalc.reader.text import split_lines
from archcalc.records import NamedTuple

BAD_BASE = rule(
    "AC140",
    "a spec cannot be extended",
    """
    `extends: resnet50` takes everything from `resnet50.yaml` in the same folder; keys that are given here replace
    it, those of `vars`, `defaults` and `blocks` one by one:

        extends: resnet50
        name: ResNet-101
        vars: {conv4: 23}

    `append` has layers behind those of the base, `replace` what takes the place of a layer, block or repeat there,
    nothing if it is `[]`:

        extends: zoo:resnet50
        replace: {gap1: [], fc1: [CONV1-21]}
        append: [upsample: {like: input, mode: bilinear}]

    The name has no folder and no ending; `zoo:` is before one that ships with archcalc.  A spec from standard input
    or a pattern has nothing beside it.  A spec that extends another cannot be extended itself.
    """,
)

BY_ENTRY = ("vars", "defaults", "blocks")
OWN = ("archcalc", "name", "source", "year", "expect")  # not inherited
HERE = ("append", "replace")  # said of the base, not in it
INSTEAD = {"layers": ("pattern", "with"), "pattern": ("layers",)}  # what a key of the spec puts away in the base

Beside = Callable[[str], str]  # the name of a spec in the same folder -> its text; ValueError says why not


class Extension(NamedTuple):
    """Where the base of a spec begins: what lies behind `lines` is in `base`."""

    base: str
    span: Span
    lines: int

    def placed(self, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Findings in the base, at `extends`; its warnings are left to those who check it."""
        for one in found:
            labels = tuple(label for label in one.labels if label.span.line <= self.lines)
            if one.span.line <= self.lines:
                yield one._replace(labels=labels)
            elif one.severity == "error":
                file = self.base if self.base.startswith("zoo:") else f"{self.base}.yaml"
                where = f"{file}:{one.span.line - self.lines}:{one.span.column}"
                yield one._replace(message=f"{where}: {one.message}", span=self.span, text="", labels=labels, edits=())

    def own(self, node: Node) -> Node:
        """A node of the base, placed at `extends`."""
        return node if node.span.line <= self.lines else node._replace(span=self.span, places={})

    def graph(self, graph: Graph) -> Graph:
        return graph._replace(nodes=tuple(map(self.own, graph.nodes)))


def extend(
    root: Mapping, lines: list[str], beside: Beside | None
) -> tuple[Mapping | None, list[Diagnostic], Extension]:
    """The spec with what it takes from its base, whose lines are put behind `lines`; Refusal (AC140) without one."""
    name = root.get("extends")
    assert name is not None
    if not isinstance(name, Scalar):
        raise Refusal(BAD_BASE, f"extends names one spec, not {shown(name)}", name.span)
    if beside is None:
        raise Refusal(BAD_BASE, "there is nothing beside a spec that is not a file", name.span)
    try:
        text = beside(name.text)
    except ValueError as error:
        raise Refusal(BAD_BASE, f"cannot extend {shown(name)}: {error}", name.span) from None
    extension = Extension(name.text, name.span, len(lines))
    base, problems = parse("\n" * len(lines) + text)
    lines += split_lines(text)
    if not isinstance(base, Mapping):
        if not problems:
            raise Refusal(BAD_BASE, f"{name.text}.yaml is no spec", name.span)
        return None, problems, extension
    if again := base.get("extends"):
        zoo = "zoo:" if name.text.startswith("zoo:") else ""
        help = (f"extend {zoo}{again.text}",) if isinstance(again, Scalar) and len(again.text) < 60 else ()
        raise Refusal(BAD_BASE, f"{name.text} extends another spec itself", name.span, help=help)
    for word in HERE:
        if (said := base.get(word)) is not None:
            problems.append(Diagnostic(BAD_BASE, f"`{word}` belongs to a spec that extends another", said.span))
        if (own := root.get(word)) is not None and any(root.get(one) for one in INSTEAD):
            raise Refusal(BAD_BASE, f"`{word}` is of the base's layers, and here are others", own.span)
    return _merged(root, base), problems, extension


def _merged(root: Mapping, base: Mapping) -> Mapping:
    own = {key.text: (key, value) for key, value in root.entries if key.text != "extends"}
    dropped = {*OWN, *(key for word in own for key in INSTEAD.get(word, ()))}
    merged = {word: entry for word, entry in own.items() if word in OWN}
    merged |= {key.text: (key, value) for key, value in base.entries if key.text not in dropped}
    for word, (key, value) in own.items():
        theirs = merged.get(word)
        merged[word] = key, _entries(value, theirs[1]) if theirs and word in BY_ENTRY else value
    return Mapping(tuple(merged.values()), root.span)


def _entries(own: Value, base: Value) -> Value:
    if not isinstance(own, Mapping) or not isinstance(base, Mapping):
        return own
    entries = {key.text: (key, value) for key, value in base.entries}
    entries |= {key.text: (key, value) for key, value in own.entries}
    return Mapping(tuple(entries.values()), own.span)
