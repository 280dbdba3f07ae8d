"""What is said of the place under the cursor: a layer with its arithmetic, a variable with its value, a key with its meaning."""

from archcalc.analysis.explanation import facts
from archcalc.architecture import Examination
from archcalc.diagnostics import Span
from archcalc.editing.context import Context, word_at
from archcalc.graph import Node
from archcalc.records import NamedTuple

INDENT = 10
MOST_PASSES = 5


class Hover(NamedTuple):
    """Lines of text for a stretch of the spec."""

    span: Span
    text: str


def hover(found: Examination, line: int, column: int) -> Hover | None:
    """What there is to say at a line and column from 1; None: nothing."""
    lines = found.document.lines
    if not 1 <= line <= len(lines):
        return None
    word, start = word_at(lines[line - 1], column)
    span = Span(line, start, line, start + len(word))
    if word.startswith("$"):
        value = found.document.variables.get(word[1:])
        return None if value is None else Hover(span, f"{word} = {value:,}")
    nodes = [node for node in found.document.graph.nodes if _covers(node, line, column)]
    if nodes:
        return Hover(_area(nodes[0], line), _explained(found, nodes))
    about = Context(list(lines), line, column).meaning(word)
    return Hover(span, f"{word}: {about}") if about else None


def _area(node: Node, line: int) -> Span:
    """The layer's word with what is written behind it in a pattern; in a mapping the word or the value on this line."""
    same = [node.span, *(one for one in node.places.values() if one.line == one.end_line == node.span.line)]
    end = max((one.end_column for one in same if one.line == line), default=0)
    if node.span.line == line:
        return Span(line, node.span.column, line, end)
    return next((one for one in node.places.values() if one.line == line), node.span)


def _covers(node: Node, line: int, column: int) -> bool:
    if node.span.line != line and all(one.line != line for one in node.places.values()):
        return False
    area = _area(node, line)
    if node.span.line != line:  # a key of a layer that is written over several lines: all of its line
        return True
    return area.column <= column <= area.end_column


def _explained(found: Examination, nodes: list[Node]) -> str:
    """The first pass with its arithmetic, the others with their volumes."""
    rows = {row.node.name: row for row in found.report.rows}
    first = nodes[0]
    out = [f"{first.name}: {first.layer.label}"]
    row = rows.get(first.name)
    if row is None:
        out.append("no volume: it, or a layer before it, does not fit")
    else:
        out += (f"  {fact.word:{INDENT}} {fact.text}" for fact in facts(found.report, row))
    for node in nodes[1 : MOST_PASSES + 1]:
        other = rows.get(node.name)
        volumes = " ".join(map(str, other.inputs)) + f" -> {other.output}" if other else "no volume"
        out.append(f"{node.name}: {node.layer.label} {volumes}")
    if len(nodes) > MOST_PASSES + 1:
        out.append(f"and {len(nodes) - MOST_PASSES - 1:,} more passes, to {nodes[-1].name}")
    return "\n".join(out)
