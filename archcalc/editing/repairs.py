"""Repairs of a finding as edits of the text, each tried: offered is only what makes the finding go and no error come.

The certain ones are those that `archcalc fix` makes.  The others are what the finding's help proposes in words, a key with its value or
the word that was meant, put where they belong: `padding: 1` is `p1` in a pattern, a line in a mapping.
"""

import re
from collections.abc import Iterator, Sequence

from archcalc.architecture import Examination, examine
from archcalc.authoring.fix import apply, better
from archcalc.diagnostics import Diagnostic, Edit, Span
from archcalc.graph import Node
from archcalc.language.specfile import SpecText
from archcalc.reader.nodes import Mapping, Scalar, Value
from archcalc.reader.nodes import Sequence as List
from archcalc.records import NamedTuple
from archcalc.regex import regex

MOST = 8  # repairs that are tried for a finding

_SETTING = regex(r"`([a-z_]+): ?([^`\s]+)`")
_MEANT = regex(r"(?:did you mean|here it is|write) `([^`]+)`")
_SIDES = regex(r"nearest (width|height)s? ")
_INPUTS = regex(r"\b(\d+)x(\d+)\b")


class Repair(NamedTuple):
    """What is offered: a title, the edits, and whether it is certain."""

    title: str
    edits: tuple[Edit, ...]
    certain: bool


def repairs(spec: SpecText, found: Examination, one: Diagnostic) -> list[Repair]:
    """What repairs a finding of this text."""
    offered: dict[tuple[Edit, ...], Repair] = {}
    for repair in _proposed(found, one):
        offered.setdefault(repair.edits, repair)
    return [repair for repair in [*offered.values()][:MOST] if _works(spec, found, one, repair)]


def _works(spec: SpecText, found: Examination, one: Diagnostic, repair: Repair) -> bool:
    text = apply(spec.text, [one._replace(edits=repair.edits)])
    after = examine(spec._replace(text=text))
    if one.severity == "error":
        return better(found, after)
    errors = [[two for two in each.diagnostics if two.severity == "error"] for each in (found, after)]
    count = sum(two.code == one.code for two in found.diagnostics)
    return len(errors[1]) <= len(errors[0]) and sum(two.code == one.code for two in after.diagnostics) < count


def _proposed(found: Examination, one: Diagnostic) -> Iterator[Repair]:
    if one.edits:
        yield Repair(_title(found, one), one.edits, certain=True)
    for help in one.help:
        for key, value in _SETTING.findall(help):
            for edits in _setting(found, one, key, value):
                yield Repair(f"{key}: {value}", edits, certain=False)
        for word in _MEANT.findall(help):
            if not _SETTING.fullmatch(f"`{word}`"):
                yield Repair(f"write {word}", (Edit(one.span, word),), certain=False)
        yield from _inputs(found, one, help)


def _title(found: Examination, one: Diagnostic) -> str:
    texts = [edit.text for edit in one.edits]
    if len(texts) == 1 and texts[0] and "\n" not in texts[0]:
        return f"write {texts[0]}"
    return one.help[0] if one.help else f"repair {one.code}"


def _inputs(found: Examination, one: Diagnostic, help: str) -> Iterator[Repair]:
    """Another size of the input, where that stands in the text as WxHxC: as proposed, or as the layer that reads it needs."""
    _, value = found.document.entries.get("input", (None, None))
    written = re.fullmatch(r"(\d+)x(\d+)x(\d+)", value.text) if isinstance(value, Scalar) else None
    if written is None or not isinstance(value, Scalar):
        return
    sizes = _INPUTS.findall(help) if "nearest input" in help else []
    side = _SIDES.search(help)
    if side and any(node.inputs == (0,) and _about(node, one.span) for node in found.document.graph.nodes):
        square = written[1] == written[2]
        for size in re.findall(r"(\d+) \(->", help):
            width, height = (
                size if square or side[1] == word else old
                for word, old in (("width", written[1]), ("height", written[2]))
            )
            sizes.append((width, height))
    for width, height in sizes:
        text = f"{width}x{height}x{written[3]}"
        yield Repair(f"input: {text}", (Edit(_inner(value), text),), certain=False)


def _inner(value: Scalar) -> Span:
    """A scalar without its quotes."""
    line, column, end_line, end_column = value.span
    return Span(line, column + 1, end_line, end_column - 1) if value.style else value.span


def _setting(found: Examination, one: Diagnostic, key: str, value: str) -> Iterator[tuple[Edit, ...]]:
    """A key of the layer that the finding is about, or of the spec: in its place, or behind what is there."""
    node = next((node for node in found.document.graph.nodes if _about(node, one.span)), None)
    if node is not None and key in node.layer.keys:
        if key in node.places:
            yield (Edit(node.places[key], value),)
        elif mapping := _mapping(found.document.root, node.span):
            yield (_entry(mapping, found.document.lines, key, value),)
        else:
            letter = node.layer.keys[key].notation
            if letter and letter.isalpha():
                end = max(one[2:] for one in (node.span, *node.places.values()))
                yield (Edit(Span(*end, *end), letter + value),)
    top = found.document.root
    if key == "rounding" and isinstance(top, Mapping) and top.get(key) is None:
        yield (_entry(top, found.document.lines, key, value),)


def _about(node: Node, span: Span) -> bool:
    return span[:2] == node.span[:2] or any(span[:2] == one[:2] for one in node.places.values())


def _entry(mapping: Mapping, lines: Sequence[str], key: str, value: str) -> Edit:
    """The key behind the first entry of a mapping, in its own style; so an entry over many lines stays as it is."""
    name, first = mapping.entries[0]
    end = first.span[2:]
    if _flow(mapping, lines):
        return Edit(Span(*end, *end), f", {key}: {value}")
    return Edit(
        Span(name.span.line, name.span.column, name.span.line, name.span.column),
        f"{key}: {value}\n{' ' * (name.span.column - 1)}",
    )


def _flow(mapping: Mapping, lines: Sequence[str]) -> bool:
    line, column = mapping.span[:2]
    return lines[line - 1][column - 1 : column] == "{"


def _mapping(value: Value | None, span: Span) -> Mapping | None:
    """The mapping behind the key at a place."""
    todo = [value] if value is not None else []
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            for key, inner in one.entries:
                if key.span[:2] == span[:2]:
                    return inner if isinstance(inner, Mapping) and inner.entries else None
                todo.append(inner)
        elif isinstance(one, List):
            todo += one.items
    return None
