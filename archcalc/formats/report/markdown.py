"""The report as a Markdown table, for an issue or a pull request."""

from archcalc import units
from archcalc.analyze import Report
from archcalc.formats import Look


def render(report: Report, look: Look) -> str:
    width = units.BYTES[look.dtype] * look.batch
    totals = report.totals
    lines = []
    if report.graph.name:
        lines += [f"### {escape(report.graph.name)}", ""]
    lines += [
        "| layer | type | output | memory | parameters | MACs | formula |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    for row in report.rows:
        cells = (
            row.node.name,
            row.node.layer.label,
            units.volume(row.output, look.layout, look.batch),
            units.size(row.activations * width) if row.activations else "in place",
            f"{row.cost.params:,}" if row.cost.params else "",
            f"{row.cost.macs:,}" if row.cost.macs else "",
            row.formula,
        )
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    memory = units.size(totals.activations * width)
    lines.append(f"| **total** | | | **{memory}** | **{totals.params:,}** | **{totals.macs:,}** | |")
    lines += ["", f"{look.dtype}, batch {look.batch}, activations {convention(report)}."]
    return "\n".join(lines) + "\n"


def convention(report: Report) -> str:
    return "with ReLU and dropout in place" if report.convention == "inplace" else "of every layer"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, and no HTML."""
    for character in "\\`*_[]<>|~#!":
        text = text.replace(character, f"&#{ord(character)};" if character in "<>|" else f"\\{character}")
    return text.replace("&#", "\0").replace("&", "&amp;").replace("\0", "&#")
