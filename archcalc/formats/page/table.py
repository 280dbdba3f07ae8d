"""The table of a page: a row a layer, sums over blocks, bars for what is large."""

from collections.abc import Iterator, Mapping, Sequence

from archcalc.analysis.analyze import Report
from archcalc.formats import Look
from archcalc.formats.drawing.markup import text
from archcalc.formats.report._columns import COLUMNS as ALL
from archcalc.formats.report._columns import Column, Scale, arranged, chosen, left_out
from archcalc.formats.report._lines import Line, layers, plain, sums

COLUMNS = ("layer", "type", "output", "memory", "params", "macs", "macs%", "field")
BARS = ("memory", "activations", "params", "macs", "flops", "weights")
STEPS = 20  # lengths of a bar


def table(report: Report, look: Look, ids: Mapping[int, str]) -> Iterator[str]:
    columns = chosen(look.columns or dict.fromkeys(filter(None, (*COLUMNS, look.sort, "im2col" * look.im2col))))
    scale = Scale(report, look, exact=True)
    every = sums(plain(report), look.depth) if look.depth else plain(report)
    lines, hidden = arranged(every, scale)
    most = [max((_raw(column, line, scale) for line in lines), default=0) for column in columns]

    def cells(line: Line) -> str:
        found = []
        for column, largest in zip(columns, most, strict=True):
            shown = text(column.text(line, scale))
            if column.name == "layer":
                place = ids[line.row.position]
                found.append(f"<th>{shown}" if line.block else f"<th><a href=#{place}>{shown}</a>")
            else:
                found.append(f"<td{_class(0 if line.block else _raw(column, line, scale), largest)}>{shown}")
        return "".join(found)

    heads = "".join(f"<th scope=col>{text(column.head)}" for column in columns)
    words = "".join(f" l{place}" for place, column in enumerate(columns, 1) if not column.right)
    yield f'<table class="layers{words}"><thead><tr>{heads}</thead>'
    if look.depth or look.sort:
        yield "<tbody>" + "\n".join(f"<tr>{cells(line)}" for line in lines)
    else:
        for block, group in _blocks(lines):
            yield "<tbody>" + (f"<tr class=g>{cells(block)}" if block else "")
            yield "\n".join(f"<tr>{cells(line)}" for line in group)
    feet = [text(column.foot(scale)) if column.foot else "" for column in columns]
    if columns[0].foot is None:
        feet[0] = "total"
    yield "<tfoot><tr>" + "".join(f"<td>{foot}" for foot in feet)
    yield "</table>"
    if note := left_out(lines, hidden, scale):
        yield f"<p>{text(note)}"


def rules() -> str:
    """The sides of columns and the lengths of bars, as classes: a style in an attribute would be against the page's policy."""
    sides = ",".join(f".l{place} :nth-child({place})" for place in range(1, len(ALL) + 1))
    lengths = "".join(f".b{step}:after{{width:{step * 3.5 / STEPS:g}rem}}" for step in range(1, STEPS + 1))
    return f"{sides}{{text-align:left}}\n{lengths}"


def _blocks(lines: Sequence[Line]) -> Iterator[tuple[Line | None, list[Line]]]:
    """Layers that stand in one outermost block, with a line that sums them up; others between them."""
    group: list[Line] = []
    for line in [*lines, None]:
        if group and (line is None or line.row.node.path[:1] != group[0].row.node.path[:1]):
            path = group[0].row.node.path
            block = None
            if path and len(group) > 1:
                rows = tuple(row for one in group for row in one.rows)
                block = Line(group[-1].row, layers(len(rows)), rows, block=path[0])
            yield block, group
            group = []
        if line is not None:
            group.append(line)


def _raw(column: Column, line: Line, scale: Scale) -> int:
    return (column.raw(line, scale) or 0) if column.name in BARS else 0


def _class(value: int, largest: int) -> str:
    """How long the bar of a figure is; anything that is there has one."""
    return f" class=b{-(-value * STEPS // largest)}" if value and largest else ""
