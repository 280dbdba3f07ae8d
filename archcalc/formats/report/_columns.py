"""The columns of a report, once for all formats that let one choose: `report --columns layer,input,macs,macs%`.

A column is a function of a Line: of one layer, or a sum over a block.  `text` is for people, `raw` for programs and for
sorting; what nobody knows is `?` in one and None in the other.
"""

from collections.abc import Callable, Iterable
from typing import Any

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.diagnostics import Unusable
from archcalc.formats import Look
from archcalc.formats._figures import cell, least
from archcalc.formats.report._lines import Line
from archcalc.records import NamedTuple
from archcalc.volume import Pair


class Scale(NamedTuple):
    """What figures are measured by; `exact`: counts are written out."""

    report: Report
    look: Look
    exact: bool = False

    def counted(self, value: int) -> str:
        return f"{value:,}" if self.exact else units.count(value)

    def bytes(self, value: int) -> str:
        return units.size(value * self.look.value_bytes)


class Column(NamedTuple):
    """A column.  `order` is what it is sorted by, where that is not `raw`; numbers come first the largest."""

    name: str
    head: str
    what: str
    text: Callable[[Line, Scale], str]
    raw: Callable[[Line, Scale], Any]
    right: bool = True
    style: str = ""
    foot: Callable[[Scale], str] | None = None
    order: Callable[[Line], Any] | None = None
    comfort: int = 0  # as in formats/_grid.py
    least: int = 0

    def key(self, line: Line, scale: Scale) -> Any:
        return self.order(line) if self.order else self.raw(line, scale)


class UnknownColumn(Unusable):
    """A word that names no column; says which one was meant."""


def _figure(name: str) -> Callable[[Line], int]:
    if name == "activations":
        return lambda line: sum(row.activations for row in line.rows)
    return lambda line: sum(getattr(row.cost, name) for row in line.rows)


def _count(name: str, head: str, what: str) -> Column:
    """A figure that is summed; empty for 0, as a table is read by what stands out."""
    figure = _figure(name)

    def text(line: Line, scale: Scale) -> str:
        return cell(figure(line), name, line.unknown, scale.counted)

    def raw(line: Line, scale: Scale) -> int | None:
        return None if name in line.unknown else figure(line)

    return Column(name, head, what, text, raw, foot=lambda scale: least(scale.report.totals, name, scale.counted))


def _share(name: str) -> Column:
    """Percent of the network's total."""
    figure = _figure(name)

    def text(line: Line, scale: Scale) -> str:
        whole = getattr(scale.report.totals, name)
        found = units.percent(figure(line), whole) if whole and figure(line) else ""
        return ("?" if not found else f">= {found}") if name in line.unknown else found

    def raw(line: Line, scale: Scale) -> float | None:
        whole = getattr(scale.report.totals, name)
        return None if name in line.unknown else round(100 * figure(line) / whole, 4) if whole else 0.0

    def order(line: Line) -> int | None:
        return None if name in line.unknown else figure(line)

    what = f"share of the network's {'MACs' if name == 'macs' else name}"
    head = "MACs%" if name == "macs" else f"{name}%"
    return Column(f"{name}%", head, what, text, raw, foot=lambda scale: "100%", order=order)


def _key(name: str, head: str, what: str) -> Column:
    """A hyperparameter, where the layer has one."""

    def raw(line: Line, scale: Scale) -> str:
        value = line.row.node.layer.values().get(name) if line.single else None
        if isinstance(value, Pair):
            return str(value.width) if value.width == value.height else f"{value.width}x{value.height}"
        return "" if value is None else str(value)

    return Column(name, head, what, raw, raw)


def _single(function: Callable[[Row, Scale], Any]) -> Callable[[Line, Scale], Any]:
    """A column's function of a layer, empty for blocks."""
    return lambda line, scale: function(line.row, scale) if line.single else ""


def _inputs(row: Row, scale: Scale) -> str:
    return " ".join(units.volume(one, scale.look.layout, scale.look.batch) for one in row.inputs)


def _bare(row: Row) -> str:
    return "x".join(map(str, row.output))


def _type(line: Line, scale: Scale) -> str:
    return line.label


def _output(line: Line, scale: Scale) -> str:
    return units.volume(line.row.output, scale.look.layout, scale.look.batch)


def field(row: Row) -> str:
    width, height = row.receptive_field
    if width is None or height is None:
        return "?"
    return str(width.size) if width.size == height.size else f"{width.size}x{height.size}"


def _pixels(line: Line) -> int | None:
    """The receptive field in pixels."""
    width, height = line.row.receptive_field
    return None if width is None or height is None or not line.single else width.size * height.size


def unread(row: Row) -> str:
    """Columns x rows behind the last window."""
    return f"{row.unread[0]}x{row.unread[1]}" if any(row.unread) else ""


def _matrix(row: Row, scale: Scale) -> str:
    return units.matrix(row.im2col)


def _memory(line: Line, scale: Scale) -> str:
    return scale.bytes(line.memory) if line.memory else ""


def _parts(scale: Scale) -> str:
    return f"{scale.report.totals.weights:,} + {scale.report.totals.biases:,}"


def _depth(line: Line, scale: Scale) -> int:
    return len(line.row.node.path)


def _line(row: Row, scale: Scale) -> Any:
    return row.node.span.line or ""


_ALL = (
    Column(
        "layer",
        "layer",
        "its name",
        lambda line, scale: line.name,
        lambda line, scale: line.name,
        right=False,
        style="bold",
        comfort=26,
        least=9,
    ),
    Column("type", "type", "what it is, in pattern notation", _type, _type, right=False, comfort=22, least=8),
    Column(
        "input",
        "input",
        "volumes that it reads",
        _single(_inputs),
        _single(lambda row, scale: " ".join("x".join(map(str, one)) for one in row.inputs)),
        right=False,
        style="cyan",
        order=lambda line: sum(one.size for one in line.row.inputs) if line.single else None,
        comfort=28,
        least=12,
    ),
    Column(
        "output",
        "output",
        "the volume that it gives",
        _output,
        lambda line, scale: _bare(line.row),
        right=False,
        style="cyan",
        order=lambda line: line.row.output.size,
    ),
    _key("kernel_size", "F", "F, the window"),
    _key("stride", "S", "S"),
    _key("padding", "P", "P"),
    _key("dilation", "D", "the window's dilation"),
    _key("groups", "groups", "groups of channels"),
    Column(
        "memory",
        "memory",
        "bytes of the activations that it owns, for --batch and --dtype",
        _memory,
        lambda line, scale: line.memory * scale.look.value_bytes,
        foot=lambda scale: scale.bytes(scale.report.totals.activations),
    ),
    _count("activations", "activations", "values that it owns, of one image"),
    _share("activations"),
    _count("weights", "weights", "weights"),
    _count("biases", "biases", "biases"),
    _count("params", "params", "weights and biases"),
    _share("params"),
    _count("buffers", "buffers", "running statistics"),
    _count("macs", "MACs", "multiply-accumulates"),
    _share("macs"),
    _count("flops", "FLOPs", "operations: 2 MACs, and what else is computed"),
    Column(
        "formula",
        "parameters come from",
        "how the parameters come about",
        _single(lambda row, scale: row.formula),
        _single(lambda row, scale: row.formula),
        right=False,
        foot=_parts,
        comfort=34,
        least=12,
    ),
    Column(
        "field",
        "field",
        "pixels of the image that a value sees",
        _single(lambda row, scale: field(row)),
        _single(lambda row, scale: field(row)),
        order=_pixels,
    ),
    Column(
        "unread",
        "unread",
        "columns x rows of its input that no window reads",
        _single(lambda row, scale: unread(row)),
        _single(lambda row, scale: unread(row)),
        style="yellow",
        order=lambda line: sum(line.row.unread) if line.single else None,
    ),
    Column("im2col", "im2col", "its im2col matrix", _single(_matrix), _single(_matrix)),
    Column(
        "depth",
        "depth",
        "blocks and named repeats that it stands in",
        lambda line, scale: str(_depth(line, scale)),
        _depth,
    ),
    Column(
        "line",
        "line",
        "its line in the spec",
        _single(lambda row, scale: str(_line(row, scale))),
        _single(_line),
    ),
)
COLUMNS = {column.name: column for column in _ALL}
AKIN = {  # other words for a column
    "name": "layer",
    "kernel": "kernel_size",
    "window": "kernel_size",
    "pad": "padding",
    "shape": "output",
    "volume": "output",
    "parameters": "params",
    "mac": "macs",
    "flop": "flops",
    "bytes": "memory",
    "receptive_field": "field",
    "rf": "field",
    "share": "params%",
}


def chosen(names: Iterable[str]) -> tuple[Column, ...]:
    """The columns of these names, in that order.  Raises UnknownColumn."""
    return tuple(column(name) for name in names)


def column(name: str) -> Column:
    if name in COLUMNS:
        return COLUMNS[name]
    from archcalc.files import shown_path
    from archcalc.language.suggest import nearest

    meant = nearest(name, {**COLUMNS, **AKIN})
    meant = AKIN.get(meant, meant) if meant else None
    help = f", did you mean {meant}?" if meant else ""
    raise UnknownColumn(f"there is no column {shown_path(name)}{help}; there are {', '.join(COLUMNS)}")


def arranged(lines: list[Line], scale: Scale) -> tuple[list[Line], int]:
    """The lines in the order that --sort asks for, the first --top of them, and how many are left out.

    Numbers come the largest first, words from A to Z; what is not known comes last, equal ones stay in the network's order.
    """
    look = scale.look
    if not look.sort:
        return lines, 0
    by = column(look.sort)
    keys = [(by.key(line, scale), line) for line in lines]
    known = [(key, line) for key, line in keys if key not in (None, "")]
    numbers = all(isinstance(key, int | float) for key, _ in known)
    known.sort(key=lambda one: -one[0] if numbers else one[0])
    found = [line for _, line in known] + [line for key, line in keys if key in (None, "")]
    top = look.top or len(found)
    return found[:top], max(0, len(found) - top)


def left_out(shown: list[Line], hidden: int, scale: Scale) -> str:
    """What --top leaves out, in a sentence; empty where that is nothing."""
    if not hidden:
        return ""
    total = len(shown) + hidden
    first = f"--top {len(shown):,} of {total:,} lines by {scale.look.sort}"
    figure = scale.look.sort.rstrip("%").replace("memory", "activations")
    if figure not in ("params", "macs", "activations", "flops", "weights", "biases", "buffers"):
        return f"{first}; totals are of all"
    whole = getattr(scale.report.totals, figure)
    part = sum(_figure(figure)(line) for line in shown)
    word = "MACs" if figure == "macs" else "FLOPs" if figure == "flops" else figure
    share = f", with {units.percent(part, whole)} of the {word}" if whole else ""
    return f"{first}{share}; totals are of all"
