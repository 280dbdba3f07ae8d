"""The report as a Markdown table, for an issue or a pull request."""

from collections.abc import Iterator

from archcalc import units
from archcalc.analysis.analyze import Report
from archcalc.analysis.fold import by_path
from archcalc.formats import Look, incomplete
from archcalc.formats._figures import cell, least, missing, union
from archcalc.formats.report._columns import Scale, arranged, chosen, left_out
from archcalc.formats.report._lines import plain, sums

FOLDS = PARTIAL = CHOOSES = True

COLUMNS = ("layer", "type", "output", "memory", "params", "macs", "formula")


def render(report: Report, look: Look) -> str:
    width = look.value_bytes
    totals = report.totals
    lines = []
    if report.graph.name:
        lines += [f"### {escape(report.graph.name)}", ""]
    if look.columns or look.sort:
        return "\n".join([*lines, *_chosen(report, look)]) + "\n"
    lines += [
        "| layer | type | output | memory | parameters | MACs | formula |" + (" im2col |" if look.im2col else ""),
        "|---|---|---|--:|--:|--:|---|" + ("--:|" if look.im2col else ""),
    ]
    lines += (f"| {' | '.join(map(escape, line))} |" for line in cells(report, look))
    total = units.size(totals.activations * width)
    params, macs = least(totals, "params"), least(totals, "macs")
    lines.append(f"| **total** | | | **{total}** | **{params}** | **{macs}** | |" + (" |" if look.im2col else ""))
    return "\n".join([*lines, *_notes(report, look)]) + "\n"


def _notes(report: Report, look: Look) -> Iterator[str]:
    yield from ("", f"{look.dtype}, batch {look.batch}, activations {convention(report)}.")
    for note in filter(None, (missing(report.rows), incomplete(report))):
        yield from ("", f"**{escape(note)}**")


def _chosen(report: Report, look: Look) -> Iterator[str]:
    """The table of the columns that were asked for, or of a sorted one's."""
    columns, scale = chosen(look.columns or dict.fromkeys((*COLUMNS, look.sort))), Scale(report, look, exact=True)
    every = sums(plain(report), look.depth) if look.depth else plain(report)
    lines, hidden = arranged(every, scale)
    yield f"| {' | '.join(column.head for column in columns)} |"
    yield f"|{'|'.join('--:' if column.right else '---' for column in columns)}|"
    for line in lines:
        yield f"| {' | '.join(escape(column.text(line, scale)) for column in columns)} |"
    feet = [column.foot(scale) if column.foot else "" for column in columns]
    if any(feet):
        label = next((at for at, foot in enumerate(feet) if not foot), None)
        if label is not None:
            feet[label] = "total"
        yield f"| {' | '.join(f'**{foot}**' if foot else '' for foot in feet)} |"
    yield from _notes(report, look)
    if note := left_out(lines, hidden, scale):
        yield from ("", escape(note))


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
