"""The report as a Markdown table, for an issue or a pull request."""

from archcalc import units
from archcalc.analyze import Report
from archcalc.formats import Look, incomplete


def render(report: Report, look: Look) -> str:
    width = units.BYTES[look.dtype] * look.batch
    totals = report.totals
    lines = []
    if report.graph.name:
        lines += [f"### {escape(report.graph.name)}", ""]
    lines += [
        "| layer | type | output | memory | parameters | MACs | formula |" + (" im2col |" if look.im2col else ""),
        "|---|---|---|--:|--:|--:|---|" + ("--:|" if look.im2col else ""),
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
            *([units.matrix(row.im2col)] if look.im2col else []),
        )
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    memory = units.size(totals.activations * width)
    lines.append(
        f"| **total** | | | **{memory}** | **{totals.params:,}** | **{totals.macs:,}** | |"
        + (" |" if look.im2col else "")
    )
    lines += ["", f"{look.dtype}, batch {look.batch}, activations {convention(report)}."]
    if missing := incomplete(report):
        lines += ["", f"**{missing}**"]
    return "\n".join(lines) + "\n"


def convention(report: Report) -> str:
    return "with ReLU and dropout in place" if report.convention == "inplace" else "of every layer"


# One pass, so that what one replacement writes no other one reads again.
_ESCAPES = str.maketrans({one: f"\\{one}" for one in "\\`*_[]~#!"} | {one: f"&#{ord(one)};" for one in "<>|&"})


def escape(text: str) -> str:
    """Text that Markdown shows as it is, and no HTML."""
    return text.translate(_ESCAPES)
