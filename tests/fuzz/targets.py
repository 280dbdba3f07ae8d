"""What must hold of any text at all; each target raises where it does not."""

from collections.abc import Callable

from archcalc.architecture import Examination, from_graph
from archcalc.architecture import examine as examined
from archcalc.authoring.write import write as written
from archcalc.checks.rules import RULES
from archcalc.diagnostics import Refusal, Span
from archcalc.formats.check.text import finding
from archcalc.graph import Graph
from archcalc.language.pattern import parse_pattern
from archcalc.language.program import read_document
from archcalc.language.specfile import SpecText
from archcalc.reader.nodes import Scalar
from archcalc.reader.source import parse
from archcalc.reader.text import split_lines

SMALL = 2000  # characters up to which the slow parser is asked as well
FEW = 400  # layers up to which a network is written and planned


def reader(text: str) -> None:
    """A tree or problems, whose places are in the text; to the pure parser a tree where libyaml sees one, and the same."""
    root, problems = parse(text)
    assert root is not None or problems
    lines = split_lines(text)
    for one in problems:
        assert 1 <= one.span.line <= one.span.end_line <= len(lines) + 1
        assert one.span[:2] <= one.span[2:]
    if len(text) <= SMALL:
        assert parse(text, libyaml=False)[0] == root


def pattern(text: str) -> None:
    """Steps, or one refusal."""
    lines = split_lines(text)
    try:
        parse_pattern(Scalar(text, Span(1, 1, len(lines), len(lines[-1]) + 1)), lines, {"block": ("k",)})
    except Refusal as refusal:
        found = refusal.diagnostic
    else:
        return
    assert found.message.isprintable()


def check(text: str, *, pattern: bool = False) -> Examination:
    """Findings that can be printed, and never a green half of a network."""
    found = examined(SpecText("x", text, pattern=pattern), select=RULES)
    for one in found.diagnostics:
        shown = finding("x", one, found.document.lines)
        assert all(line.isprintable() for line in shown.split("\n")), shown
    if found.fits:
        assert found.report.complete
        totals = found.report.totals
        assert totals.params == sum(row.cost.params for row in found.report.rows)
    return found


def write(text: str) -> None:
    """What is written reads back as the same network, with the same figures."""
    found = check(text)
    if not found.fits or len(found.document.graph.nodes) > FEW:
        return
    graph = found.document.graph
    again = read_document(written(graph))
    assert again.problems == (), written(graph)
    assert essence(again.graph) == essence(graph), written(graph)


def plan(text: str) -> None:
    """A plan holds what it is made of, and a larger batch takes no less."""
    found = check(text)
    if not found.fits or len(found.document.graph.nodes) > FEW:
        return
    net = from_graph(found.document.graph)
    one, two = net.plan(batch=1), net.plan(batch=2, budget="1 GiB")
    assert 0 <= one.inference.total_bytes <= two.inference.total_bytes
    if one.training and two.training:
        assert 0 <= one.training.total_bytes <= two.training.total_bytes


def essence(graph: Graph) -> tuple[object, ...]:
    """A graph without its places in the text."""
    return (
        graph.name,
        [node._replace(span=Span(0, 0, 0, 0), places={}, path=()) for node in graph.nodes],
        graph.results(),
    )


TARGETS: dict[str, Callable[[str], object]] = {
    "reader": reader,
    "pattern": pattern,
    "check": check,
    "write": write,
    "plan": plan,
}
