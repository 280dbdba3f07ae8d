"""The report as a page of its own, light and dark as the reader has it."""

from html import escape

from archcalc import units
from archcalc.analysis.analyze import Report
from archcalc.formats import Look, incomplete
from archcalc.formats._figures import least, missing
from archcalc.formats.report.markdown import cells, convention

FOLDS = PARTIAL = True

COLUMNS = ("layer", "type", "output", "memory", "parameters", "MACs", "formula")
NUMBERS = (3, 4, 5, 7)
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }}
body {{ margin: 2em }}
table {{ border-collapse: collapse }}
caption {{ font-weight: bold; text-align: left }}
th, td {{ padding: .15em .8em; border-bottom: 1px solid color-mix(in srgb, currentcolor 20%, transparent) }}
td {{ font-variant-numeric: tabular-nums }}
</style>
{table}</html>
"""


def render(report: Report, look: Look) -> str:
    return _PAGE.format(title=escape(report.graph.name or "network"), table=table(report, look))


def table(report: Report, look: Look) -> str:
    """A table without colours, in the font around it."""
    totals = report.totals
    memory = units.size(totals.activations * look.value_bytes)
    head = (*COLUMNS, "im2col") if look.im2col else COLUMNS
    foot = ("total", "", "", memory, least(totals, "params"), least(totals, "macs"), *[""] * (len(head) - 6))
    lines = ["<table>", f"<caption>{escape(report.graph.name)}</caption>"] if report.graph.name else ["<table>"]
    lines += ["<thead>", _line(head, "th"), "</thead>", "<tbody>"]
    lines += (_line(line, "td") for line in cells(report, look))
    lines += ["</tbody>", "<tfoot>", _line(foot, "th"), "</tfoot>", "</table>"]
    lines.append(f"<p>{look.dtype}, batch {look.batch}, activations {convention(report)}.</p>")
    lines += (f"<p><strong>{escape(note)}</strong></p>" for note in (missing(report.rows), incomplete(report)) if note)
    return "\n".join(lines) + "\n"


def _line(texts: tuple[str, ...], tag: str) -> str:
    sides = ("right" if one in NUMBERS else "left" for one in range(len(texts)))
    marked = (
        f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for side, text in zip(sides, texts, strict=False)
    )
    return f"<tr>{''.join(marked)}</tr>"
