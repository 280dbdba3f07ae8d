"""What a notebook shows of a Report: a table of its blocks and layers, short whatever the network."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from archcalc.analysis.fold import by_path
from archcalc.units import size

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

MOST = 60  # lines; a Report's records have all layers
_HEAD = ("layer", "type", "output", "memory", "parameters", "MACs", "formula")
_NUMBERS = ("memory", "parameters", "MACs")


def shown(report: "Report") -> str:
    """HTML without colours, in the font around it; blocks and named repeats are a line each."""
    lines = []
    for name, rows in by_path(report.rows, lambda row: row.node.path, 1):
        label = f"{len(rows):,} layer{'s' * (len(rows) > 1)}" if name else rows[0].node.layer.label
        memory = size(4 * sum(one.activations for one in rows))
        formula = "" if name else rows[0].formula
        last = rows[-1]
        lines.append(
            (name or last.node.name, label, str(last.output), memory, _sum(rows, "params"), _sum(rows, "macs"), formula)
        )
    totals = report.totals
    foot = ("total", "", "", size(4 * totals.activations), _sum(report.rows, "params"), _sum(report.rows, "macs"), "")
    more = f"<p>{len(lines) - MOST:,} more lines are not shown; the totals are of all.</p>" if len(lines) > MOST else ""
    if not report.complete:
        more += f"<p><strong>incomplete: {len(report.rows):,} of {len(report.graph.nodes):,} layers</strong></p>"
    caption = f"<caption>{escape(report.graph.name)}</caption>" if report.graph.name else ""
    body = "".join(_line(line, "td") for line in lines[:MOST])
    return (
        f"<table>{caption}<thead>{_line(_HEAD, 'th')}</thead><tbody>{body}</tbody>"
        f"<tfoot>{_line(foot, 'th')}</tfoot></table>{more}<p>memory: float32, one image.</p>\n"
    )


def _sum(rows: Sequence["Row"], name: str) -> str:
    """`>=` before a sum that a layer's figure is missing from."""
    least = ">= " if any(name in row.cost.unknown for row in rows) else ""
    return f"{least}{sum(getattr(row.cost, name) for row in rows):,}"


def _line(texts: tuple[str, ...], tag: str) -> str:
    cells = (
        f'<{tag} style="text-align: {"right" if head in _NUMBERS else "left"}">{escape(text)}</{tag}>'
        for head, text in zip(_HEAD, texts, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"
