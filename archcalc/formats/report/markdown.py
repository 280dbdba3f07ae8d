"""The report as a Markdown table, for an issue or a pull request."""

from collections.abc import Iterator

from archcalc import units
from archcalc.analysis.analyze import Report
from archcalc.analysis.fold import by_path
from archcalc.formats import Look, incomplete
from archcalc.formats._figures import cell, least, missing, union

FOLDS = PARTIAL = True


def render(report: Report, look: Look) -> str:
    width = look.value_bytes
    totals = report.totals
    lines = []
    if report.graph.name:
        lines += [f"### {escape(report.graph.name)}", ""]
    lines += [
        "| layer | type | output | memory | parameters | MACs | formula |" + (" im2col |" if look.im2col else ""),
        "|---|---|---|--:|--:|--:|---|" + ("--:|" if look.im2col else ""),
    ]
    lines += (f"| {' | '.join(map(escape, line))} |" for line in cells(report, look))
    total = units.size(totals.activations * width)
    params, macs = least(totals, "params"), least(totals, "macs")
    lines.append(f"| **total** | | | **{total}** | **{params}** | **{macs}** | |" + (" |" if look.im2col else ""))
    lines += ["", f"{look.dtype}, batch {look.batch}, activations {convention(report)}."]
    for note in filter(None, (missing(report.rows), incomplete(report))):
        lines += ["", f"**{escape(note)}**"]
    return "\n".join(lines) + "\n"


def cells(report: Report, look: Look) -> Iterator[tuple[str, ...]]:
    """Name, type, output, memory, parameters, MACs, formula and, if asked for, im2col matrix of every layer."""
    width = look.value_bytes
    depth = look.depth or len(report.rows)  # deeper than any path: nothing is folded
    for name, group in by_path(report.rows, lambda row: row.node.path, depth):
        row = group[-1]
        memory, params, macs = (
            sum(one.activations for one in group),
            sum(one.cost.params for one in group),
            sum(one.cost.macs for one in group),
        )
        unknown = union(one.cost.unknown for one in group)
        yield (
            name or row.node.name,
            f"{len(group):,} {'layer' if len(group) == 1 else 'layers'}" if name else row.node.layer.label,
            units.volume(row.output, look.layout, look.batch),
            units.size(memory * width) if memory else "in place",
            cell(params, "params", unknown, "{:,}".format),
            cell(macs, "macs", unknown, "{:,}".format),
            "" if name else row.formula,
            *([("" if name else units.matrix(row.im2col))] if look.im2col else []),
        )


def convention(report: Report) -> str:
    return "with ReLU and dropout in place" if report.convention == "inplace" else "of every layer"


# One pass, so that what one replacement writes no other one reads again.
_ESCAPES = str.maketrans({one: f"\\{one}" for one in "\\`*_[]~#!"} | {one: f"&#{ord(one)};" for one in "<>|&"})


def escape(text: str) -> str:
    """Text that Markdown shows as it is, and no HTML."""
    return text.translate(_ESCAPES)
