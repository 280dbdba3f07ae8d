"""The lines of a report for people: layers, blocks that are summed up, and repetitions that are counted.

A layer that owns nothing (an in-place ReLU, dropout) stands behind the layer it follows; layers that repeat the ones
above exactly are counted instead of printed again.
"""

from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.fold import by_path
from archcalc.formats._figures import union
from archcalc.formats.folding import named, runs
from archcalc.layers import Layer
from archcalc.reader.values import Padding
from archcalc.records import NamedTuple


class Line(NamedTuple):
    """A line: a layer with the in-place layers behind it, a block, or a fold of repeated lines.

    `row` is the layer, or the last one of several; `rows` are all that the figures sum up.
    """

    row: Row
    label: str
    rows: tuple[Row, ...]
    folded: str = ""
    block: str = ""  # the block or pass whose layers the line sums up

    @property
    def memory(self) -> int:
        return sum(row.activations for row in self.rows)

    @property
    def params(self) -> int:
        return sum(row.cost.params for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.cost.macs for row in self.rows)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The figures that a layer's is missing from."""
        return union(row.cost.unknown for row in self.rows)

    @property
    def name(self) -> str:
        return self.block or self.row.node.name

    @property
    def single(self) -> bool:
        """Whether it is of one layer, with those behind it; a block or a fold has no formula, window or field."""
        return not (self.block or self.folded)


def plain(report: Report) -> list[Line]:
    """One line a layer."""
    return [Line(row, typed(row.node.layer), (row,)) for row in report.rows]


def merge(report: Report) -> list[Line]:
    """One line a layer, except that in-place layers join the line of the layer they overwrite."""
    lines: list[Line] = []
    at: dict[int, int] = {}  # node -> its line
    for row in report.rows:
        joins = not row.activations and not row.cost.params and row.node.inputs
        source = row.node.inputs[0] if joins else -1
        if joins and at.get(source) == len(lines) - 1 and lines[-1].row.inputs and lines[-1].row.output == row.output:
            last = lines[-1]
            lines[-1] = last._replace(label=f"{last.label} {typed(row.node.layer)}", rows=(*last.rows, row))
        else:
            lines.append(Line(row, typed(row.node.layer), (row,)))
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
        rows = tuple(row for line in group for row in line.rows)
        out.append(Line(group[-1].row, layers(len(rows)), rows, block=name))
    return out


def layers(number: int) -> str:
    return f"{number:,} {'layer' if number == 1 else 'layers'}"


def fold(lines: list[Line]) -> list[Line]:
    """Replace repetitions of the lines just above by one line that counts them and sums them up."""
    out: list[Line] = []
    keys = [(line.label, line.row.output, line.memory, line.params, line.macs, line.unknown) for line in lines]
    for run in runs(keys, [line.name for line in lines]):
        out += lines[run.at : run.at + run.unit]
        if rest := lines[run.at + run.unit : run.at + run.unit * run.times]:
            rows = tuple(row for line in rest for row in line.rows)
            out.append(Line(rest[-1].row, "", rows, named(run, rest[-1].name)))
    return out
