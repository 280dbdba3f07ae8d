"""The report as a table for the terminal: sections by image size, bars where memory and parameters sit.

A layer that owns nothing (an in-place ReLU, dropout) stands behind the layer it follows; layers that
repeat the ones above exactly are counted instead of printed again.
"""

from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.fold import by_path
from archcalc.formats import Look, incomplete
from archcalc.formats._console import bar, printed
from archcalc.formats._figures import cell, least, missing, total, union
from archcalc.formats.folding import head_of, named, runs, under
from archcalc.layers import Layer
from archcalc.precision import PRECISIONS
from archcalc.reader.values import Padding

FOLDS = PARTIAL = True

ROOMY, FORMULA_FROM, FIELD_FROM = 96, 118, 132  # columns from which there is room for more
BARS_FROM = 72  # columns that names, figures and bars take at the least
LEAST = 56  # without the bars


class Line(NamedTuple):
    """A line of the table: a layer with the in-place layers behind it, or a fold of repeated lines."""

    row: Row
    label: str
    memory: int
    params: int
    macs: int
    folded: str = ""
    block: str = ""  # the block or pass whose layers the line sums up
    unknown: tuple[str, ...] = ()  # the figures that a layer's is missing from


def render(report: Report, look: Look) -> str:
    lines = fold(sums(merge(report), look.depth) if look.depth else merge(report))
    table = Table(
        box=box.SIMPLE_HEAD if look.unicode else box.ASCII2,
        show_footer=True,
        show_edge=False,
        padding=(0, 1) if _room(look, ROOMY) else (0, 0),
        pad_edge=False,
    )
    _columns(table, report, look)
    scale = max((line.memory for line in lines if not line.folded), default=0)
    heaviest = max((line.params for line in lines if not line.folded), default=0)
    head = ""
    for number, line in enumerate(lines):
        heading, name = under(head, line.block or line.row.node.name, headed=look.width is not None and not line.block)
        if heading and not line.folded:
            table.add_row(Text(heading, style="dim"))
        if not line.folded:
            head = head_of(line.block or line.row.node.name)
        following = lines[number + 1] if number + 1 < len(lines) else None
        ends = following is not None and following.row.output[:2] != line.row.output[:2]
        table.add_row(*_cells(line, name, scale, heaviest, look), end_section=ends, style="dim" if line.folded else "")
    if not report.complete:
        table.add_row(*_missing(report))
    return printed(table, look, _title(report, look), _caption(report, look), least=LEAST)


def merge(report: Report) -> list[Line]:
    """One line a layer, except that in-place layers join the line of the layer they overwrite."""
    lines: list[Line] = []
    at: dict[int, int] = {}  # node -> its line
    for row in report.rows:
        joins = not row.activations and not row.cost.params and row.node.inputs
        source = row.node.inputs[0] if joins else -1
        if joins and at.get(source) == len(lines) - 1 and lines[-1].row.inputs and lines[-1].row.output == row.output:
            last = lines[-1]
            lines[-1] = last._replace(label=f"{last.label} {typed(row.node.layer)}", macs=last.macs + row.cost.macs)
        else:
            cost = row.cost
            lines.append(
                Line(row, typed(row.node.layer), row.activations, cost.params, cost.macs, unknown=cost.unknown)
            )
        at[row.position] = len(lines) - 1
    return lines


def typed(layer: Layer) -> str:
    """A layer in pattern notation with its padding, without which no size can be followed: `CONV7-64s2p3`."""
    padding = layer.values().get("padding")
    if not isinstance(padding, Padding) or padding == Padding() or layer.type == "pad":
        return layer.label
    return f"{layer.label}p{padding}"


def sums(lines: list[Line], depth: int) -> list[Line]:
    """One line for everything in a block or a pass of a named repeat, `depth` of them inside each other."""
    out = []
    for name, group in by_path(lines, lambda line: line.row.node.path, depth):
        if not name:
            out += group
            continue
        layers = sum(one.label.count(" ") + 1 for one in group)  # with those that stand behind another
        label = f"{layers:,} {'layer' if layers == 1 else 'layers'}"
        memory, params = sum(one.memory for one in group), sum(one.params for one in group)
        macs, unknown = sum(one.macs for one in group), union(one.unknown for one in group)
        out.append(Line(group[-1].row, label, memory, params, macs, block=name, unknown=unknown))
    return out


def fold(lines: list[Line]) -> list[Line]:
    """Replace repetitions of the lines just above by one line that counts them and sums them up."""
    out: list[Line] = []
    keys = [(line.label, line.row.output, line.memory, line.params, line.macs, line.unknown) for line in lines]
    for run in runs(keys, [line.block or line.row.node.name for line in lines]):
        out += lines[run.at : run.at + run.unit]
        if rest := lines[run.at + run.unit : run.at + run.unit * run.times]:
            last = rest[-1].row
            name = rest[-1].block or last.node.name
            memory, params, macs = (sum(column) for column in zip(*(one[2:5] for one in rest), strict=True))
            out.append(
                Line(last, "", memory, params, macs, named(run, name), unknown=union(one.unknown for one in rest))
            )
    return out


def _room(look: Look, columns: int) -> bool:
    return look.width is None or look.width >= columns


def _columns(table: Table, report: Report, look: Look) -> None:
    totals = report.totals
    width = look.value_bytes
    table.add_column("layer", "total", footer_style="bold", overflow="fold", no_wrap=False)
    table.add_column("type", "", overflow="fold")
    table.add_column("output", "", no_wrap=True)
    table.add_column(
        "memory", units.size(totals.activations * width), justify="right", no_wrap=True, footer_style="bold"
    )
    if _room(look, BARS_FROM):
        table.add_column("", "", no_wrap=True)
    table.add_column("params", least(totals, "params", units.count), justify="right", no_wrap=True, footer_style="bold")
    if _room(look, BARS_FROM):
        table.add_column("", "", no_wrap=True)
    table.add_column("MACs", least(totals, "macs", units.count), justify="right", no_wrap=True, footer_style="bold")
    if look.im2col:
        table.add_column("im2col", "", justify="right", no_wrap=True)
    if _room(look, FORMULA_FROM):
        table.add_column("parameters come from", f"{totals.weights:,} + {totals.biases:,}", overflow="fold")
    if _room(look, FIELD_FROM):
        table.add_column("field", "", justify="right", no_wrap=True)


def _cells(line: Line, name: str, scale: int, heaviest: int, look: Look) -> list[Text]:
    row = line.row
    width = look.value_bytes
    length = 6 if _room(look, ROOMY) else 3
    bars = _room(look, BARS_FROM)
    cells = [
        Text(name, style="bold") if not line.folded else Text("  ..."),
        Text(line.folded) if line.folded else _label(line, row),
        Text("" if line.folded else units.volume(row.output, look.layout, look.batch), style="cyan"),
        Text(units.size(line.memory * width) if line.memory else ""),
        *([bar(0 if line.folded else line.memory, scale, length, "magenta", look)] if bars else []),
        Text(cell(line.params, "params", line.unknown)),
        *([bar(0 if line.folded else line.params, heaviest, length, "green", look)] if bars else []),
        Text(cell(line.macs, "macs", line.unknown)),
    ]
    if look.im2col:
        cells.append(Text("" if line.folded else units.matrix(row.im2col)))
    if _room(look, FORMULA_FROM):
        cells.append(Text("" if line.folded or line.block else row.formula))
    if _room(look, FIELD_FROM):
        cells.append(Text("" if line.folded else _field(row)))
    return cells


def _missing(report: Report) -> list[Text]:
    """The first layer that has no results; the message about it follows the table."""
    known = {row.position for row in report.rows}
    node = next(node for position, node in enumerate(report.graph.nodes) if position not in known)
    label = typed(node.layer) if node.layer.type else "?"
    return [Text(node.name, style="bold red"), Text(label), Text("?", style="bold red")]


def _label(line: Line, row: Row) -> Text:
    first, _, rest = line.label.partition(" ")
    label = Text(line.label if line.block else first)
    if line.block:
        return label
    if rest:
        label.append(" " + rest, style="dim")
    if any(row.unread):
        columns, rows = row.unread
        label.append(f" (unread: {columns} col, {rows} row)", style="yellow")
    return label


def _field(row: Row) -> str:
    width, height = row.receptive_field
    if width is None or height is None:
        return "?"
    return str(width.size) if width.size == height.size else f"{width.size}x{height.size}"


def _title(report: Report, look: Look) -> Text:
    name = report.graph.name or "network"
    while cell_len(name) > 70:
        name = name[:-8] + "..."
    ends = [report.inputs, report.outputs if report.complete else ()]
    volumes = [", ".join(units.volume(one.output, look.layout, look.batch) for one in rows) for rows in ends]
    return Text(f"{name}: {' -> '.join(one or '?' for one in volumes)}", style="bold")


def _outputs(report: Report) -> str:
    """Which layers are outputs, where that is not simply the last one."""
    names = [row.node.name for row in report.outputs]
    return f"outputs: {', '.join(names)}" if report.complete and report.graph.outputs else ""


def _caption(report: Report, look: Look) -> Text:
    totals = report.totals
    width = PRECISIONS[look.dtype].activations
    per = "per image" if look.batch == 1 else f"for a batch of {look.batch}"
    own = "ReLU and dropout in place" if report.convention == "inplace" else "every layer owns its output"
    parts = [
        f"{total(totals, 'params')} parameters ({units.size(totals.params * width)} as {look.dtype}), {total(totals, 'macs')} MACs",
        f"{totals.activations * look.batch:,} activations ({units.size(totals.activations * look.batch * width)}) forward {per}; {own}",
    ]
    if totals.buffers:
        parts.insert(1, f"{totals.buffers:,} buffers (running statistics, not trained)")
    parts += filter(None, (_outputs(report), missing(report.rows), incomplete(report)))
    limits = (("bars", BARS_FROM), ("how parameters come about", FORMULA_FROM), ("receptive field", FIELD_FROM))
    if hidden := [what for what, columns in limits if not _room(look, columns)]:
        parts.append(f"not shown at {look.width} columns: {', '.join(hidden)}")
    return Text("\n".join(parts))
