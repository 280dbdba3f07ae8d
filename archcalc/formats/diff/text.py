"""A comparison for the terminal: a line a layer that is not as it was, then the totals."""

from collections.abc import Iterator

from archcalc.files import shown_path
from archcalc.formats import Look
from archcalc.formats._grid import Choice, Column, Line, below, cell, grid, painted, wrapped
from archcalc.formats.diff._words import SIGNS, describe, field_change, signed, told, totals, verdict
from archcalc.variants.diff import Comparison

COLUMNS = (
    Column("sign"),
    Column("layer", "layer", comfort=30, least=12),
    Column("what", "what", comfort=44, least=12),
    Column("params", "params", right=True),
    Column("MACs", "MACs", right=True),
    Column("memory", "memory", right=True),
    Column("field", "field", right=True),
)
CHOICES = [
    Choice(range(7)),
    Choice(range(7), tight=True),
    Choice((0, 1, 2, 3, 4, 6), tight=True),
    Choice((0, 1, 2, 3, 6), tight=True),
    Choice((0, 1, 2, 6), tight=True),
]
TOTALS = (Column("total", "total"), *(Column(name, name, right=True) for name in ("before", "after", "change")))
_COLORS = {"added": "green", "removed": "red", "changed": "yellow", "affected": ""}


def render(found: Comparison, names: tuple[str, str], look: Look) -> str:
    lines = [*_head(found, names, look)]
    if found.equal:
        report = found.b
        lines.append(
            f"equal: {len(report.rows):,} layers, {report.totals.params:,} params, {report.totals.macs:,} MACs"
        )
        return "\n".join(lines) + "\n"
    lines += ["", *_changes(found, look), "", *_totals(found, look)]
    lines += (line for text in verdict(found).split("\n") for line in wrapped(text, look))
    return "\n".join(lines) + "\n"


def _head(found: Comparison, names: tuple[str, str], look: Look) -> Iterator[str]:
    for sign, name, report, status in zip("-+", names, (found.a, found.b), ("removed", "added"), strict=True):
        text = f"{sign} {name}{f': {report.graph.name}' if report.graph.name else ''}"
        yield from (painted(line, _COLORS[status], look) for line in wrapped(shown_path(text), look))


def _changes(found: Comparison, look: Look) -> Iterator[str]:
    width = look.value_bytes
    lines = []
    for change in told(found):
        color = _COLORS[change.status]
        texts = (
            (SIGNS[change.status], color),
            (change.row.node.name, f"bold {color}".strip()),
            (describe(change), color),
            (signed(change.params), ""),
            (signed(change.macs), ""),
            (signed(change.activations * width, "size"), ""),
            (field_change(change), ""),
        )
        lines.append(Line(tuple(cell(*one) for one in texts)))
    table = grid(COLUMNS, lines, look, CHOICES, dense=True)
    yield from table.lines
    yield from (line for note in below(table, look) for line in wrapped(note, look))


def _totals(found: Comparison, look: Look) -> Iterator[str]:
    lines = [Line(tuple(cell(text) for text in row)) for row in totals(found, look)]
    columns = [one._replace(least=8) for one in TOTALS]
    table = grid(columns, lines, look, [Choice(range(4), tight=True)], dense=True)
    yield from table.lines
    yield from (line for note in below(table, look) for line in wrapped(note, look))
