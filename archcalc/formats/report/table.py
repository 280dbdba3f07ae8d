"""The report as a table for the terminal: sections by image size, tree lines where it forks, subtotals of blocks.

Bars stand where memory and parameters sit.  What the terminal has no room for is named below the table.
"""

from collections.abc import Iterator, Sequence

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.branches import Place, places
from archcalc.files import shown_path
from archcalc.formats import Look, _grid, incomplete
from archcalc.formats._figures import missing, total
from archcalc.formats._grid import Cell, Choice, bar, below, cell, grid, middle, painted, wrapped
from archcalc.formats.folding import head_of, under
from archcalc.formats.report._columns import Column, Scale, arranged, chosen, left_out
from archcalc.formats.report._lines import Line, fold, layers, merge, plain, sums, typed
from archcalc.precision import PRECISIONS
from archcalc.records import NamedTuple

FOLDS = PARTIAL = CHOOSES = True

LONG, SHORT = 6, 3  # columns of a bar
LONGEST_TITLE = 70

_LEAD = ("layer", "type", "input", "output")  # texts, over which a heading may stand
_SUMMED = frozenset({"memory", "activations", "weights", "biases", "params", "buffers", "macs", "flops"}) | {
    f"{name}%" for name in ("activations", "params", "macs")
}
_FOLDED = _SUMMED | {"depth"}


class _Bars(NamedTuple):
    """Whose bars these are, how long they are, and in which colour."""

    of: str
    length: int
    style: str


class _Drawn(NamedTuple):
    """What is printed: the lines with their names, and headings with the lines that they sum up."""

    line: Line
    name: str
    tree: tuple[Place, ...] = ()
    heading: bool = False
    start: int = 0  # the first node of the block that it stands in


def render(report: Report, look: Look) -> str:
    scale = Scale(report, look)
    ordered = not look.sort
    lines, hidden = arranged(_lines(report, look), scale)
    columns = _shown(look, lines)
    headed = ordered and look.width is not None
    tree = places(report.graph) if headed and not look.depth else []
    drawn = list(_drawn(lines, tree, headed=headed))
    bars: list[_Bars] = []
    if not look.columns:
        bars = [_Bars(*one) for one in (("memory", LONG, "magenta"), ("params", LONG, "green"))]
        bars += [one._replace(length=SHORT) for one in bars]
    shown, between = _sections(drawn, columns, bars, scale, ordered=ordered)
    if not report.complete and ordered:
        shown.append(_missing(report, columns))
    found = grid(
        _heads(columns, bars, scale), shown, look, _choices(columns, bars, explicit=bool(look.columns)), between
    )
    notes = [*_notes(report, look), left_out(lines, hidden, scale), *below(found, look, columns="--columns NAME,...")]
    texts = [painted(text, "bold", look) for text in wrapped(_title(report, look), look)]
    texts += found.lines
    texts += [text for note in notes if note for text in wrapped(note, look)]
    return "\n".join(texts) + "\n"


def _lines(report: Report, look: Look) -> list[Line]:
    """Sorted lines are single layers or blocks; otherwise joined and folded."""
    if look.sort:
        return sums(plain(report), look.depth) if look.depth else plain(report)
    return fold(sums(merge(report), look.depth) if look.depth else merge(report))


def _shown(look: Look, lines: Sequence[Line]) -> tuple[Column, ...]:
    """The columns that were asked for; else those that say most, `unread` only where something is."""
    if look.columns:
        return chosen(look.columns)
    names = ["layer", "type", "output"]
    if any(any(line.row.unread) for line in lines if line.single):
        names.append("unread")
    names += ["memory", "params", "macs", *(["im2col"] if look.im2col else []), "formula", "field"]
    return chosen(names + [one for one in (look.sort,) if one and one not in names])


def _heads(columns: Sequence[Column], bars: Sequence[_Bars], scale: Scale) -> list[_grid.Column]:
    feet = [one.foot(scale) if one.foot else "" for one in columns]
    label = next((at for at, foot in enumerate(feet) if not foot), None)
    if label is not None and any(feet):
        feet[label] = "total"
    found = [
        _grid.Column(one.name, one.head, one.right, foot, one.comfort, one.least)
        for one, foot in zip(columns, feet, strict=True)
    ]
    return [*found, *(_grid.Column("bars") for one in bars)]


def _choices(columns: Sequence[Column], bars: Sequence[_Bars], *, explicit: bool) -> list[Choice]:
    """Which columns are shown, from all that are wanted to those that a narrow terminal has room for."""
    if explicit:  # the last one named is the first to go
        return [Choice(range(number), tight) for number in range(len(columns), 0, -1) for tight in (False, True)]
    at = {one.name: number for number, one in enumerate(columns)}

    def drawn(length: int, *without: str) -> list[int]:
        out = []
        for name, number in at.items():
            if name not in without:
                out.append(number)
                out += [len(at) + bar for bar, one in enumerate(bars) if (one.of, one.length) == (name, length)]
        return out

    some = ("formula", "field", "unread", "memory", "type", "params", "macs")
    roomy = [(LONG, 0), (SHORT, 0), (LONG, 1), (SHORT, 1), (SHORT, 2), (0, 1), (0, 2), (0, 3)]
    return [
        *(Choice(drawn(length, *some[:number])) for length, number in roomy),
        *(Choice(drawn(0, *some[:number]), tight=True) for number in range(3, 8)),
    ]


def _drawn(lines: list[Line], tree: list[tuple[Place, ...]], *, headed: bool) -> Iterator[_Drawn]:
    """The lines, below a heading for the block they stand in that sums it up."""
    head, start = "", 0
    for number, line in enumerate(lines):
        position = line.row.position
        heading, name = under(head, line.name, headed=headed and not line.block)
        around = tree[position] if tree else ()
        if heading and not line.folded:
            start = position
            yield _Drawn(_block(lines, number, heading), heading, _behind(around, position), True, position)
        if not line.folded:
            head = head_of(line.name)
        yield _Drawn(line, name, _behind(around, position) if line.folded else around, start=start if head else 0)


def _block(lines: list[Line], number: int, heading: str) -> Line:
    """The sum of the lines from a heading on that stand in its block; what they are folded into is on its own line."""
    rows: list[Row] = []
    for line in lines[number:]:
        if line.folded or not (head_of(line.name) == heading or head_of(line.name).startswith(f"{heading}.")):
            break
        rows += line.rows
    return Line(lines[number].row, "", tuple(rows), block=heading)


def _behind(around: tuple[Place, ...], position: int) -> tuple[Place, ...]:
    """The regions around a layer that began before it and go on."""
    return tuple(
        one._replace(begins=False) for one in around if one.region.fork + 1 < position and not one.joins(position)
    )


def _sections(
    drawn: list[_Drawn], columns: Sequence[Column], bars: Sequence[_Bars], scale: Scale, *, ordered: bool
) -> tuple[list[_grid.Line | None], list[Cell]]:
    """The lines of the grid, with a gap wherever the image changes its size; tree lines go on across it."""
    most = {one.of: max((_value(line.line, one.of) for line in drawn if line.line.single), default=0) for one in bars}
    lead = next((at for at, one in enumerate(columns) if one.name not in _LEAD), len(columns))
    out: list[_grid.Line | None] = []
    between: list[Cell] = []
    last = None
    for one in drawn:
        line = one.line
        if ordered and last is not None and line.row.output[:2] != last[:2]:
            out.append(None)
            around = _behind(one.tree, line.row.position)
            between.append(_named(one._replace(tree=around, name=""), "", scale.look))
        last = line.row.output
        between.append(())
        texts = tuple(_cell(one, column, scale) for column in columns)
        drawn_bars = tuple(
            cell(bar(_value(line, two.of), most[two.of], two.length, scale.look) if line.single else "", two.style)
            for two in bars
        )
        spans = one.heading or bool(line.folded)
        if spans and lead > 1:
            head, shorter = _heading(one, scale.look)
            out.append(_grid.Line((head, *((),) * (lead - 1), *texts[lead:], *drawn_bars), lead, shorter))
        else:
            out.append(_grid.Line((*texts, *drawn_bars)))
    return out, between


def _value(line: Line, of: str) -> int:
    return line.memory if of == "memory" else line.params


def _heading(one: _Drawn, look: Look) -> tuple[Cell, Cell]:
    """What stands over the texts of a block or of repeated lines, and the same in fewer words."""
    if one.heading:
        whole = _named(one._replace(name=f"{one.name}, {layers(len(one.line.rows))}"), "dim", look)
        return whole, whole
    texts = one.line.folded, one.line.folded.partition(", to ")[0]
    whole, shorter = (_named(one._replace(name=f"  ... {text}"), "dim", look) for text in texts)
    return whole, shorter


def _cell(one: _Drawn, column: Column, scale: Scale) -> Cell:
    line = one.line
    summary = one.heading or bool(line.folded)
    if column.name == "layer":
        return _heading(one, scale.look)[0] if summary else _named(one, "bold", scale.look)
    if summary and column.name not in _FOLDED:
        return ()
    text = column.text(line, scale)
    if summary:
        return cell(text, "dim")
    if column.name == "type" and not line.block and " " in text:
        first, _, rest = text.partition(" ")
        return (first, ""), (f" {rest}", "dim")
    return cell(text, column.style)


def _named(one: _Drawn, style: str, look: Look) -> Cell:
    """A name behind the tree lines: those from outside of its block, the block's indentation, those inside."""
    position, name = one.line.row.position, one.name.lstrip()
    outside = tuple(place for place in one.tree if place.region.fork + 1 < one.start)
    indented = cell("  " if one.start and not one.heading else one.name[: len(one.name) - len(name)])
    return (
        *_tree(outside, position, look),
        *indented,
        *_tree(one.tree[len(outside) :], position, look),
        *cell(name, style),
    )


def _tree(around: tuple[Place, ...], position: int, look: Look) -> Cell:
    """`|` beside a branch, a tee where one begins, a corner where they join."""
    begins, goes_on, ends = ("\u251c ", "\u2502 ", "\u2514 ") if look.unicode else ("+ ", "| ", "` ")
    text = "".join(ends if one.joins(position) else begins if one.begins else goes_on for one in around)
    return cell(text, "dim")


def _missing(report: Report, columns: Sequence[Column]) -> _grid.Line:
    """The first layer that has no results; the message about it follows the table."""
    known = {row.position for row in report.rows}
    node = next(node for position, node in enumerate(report.graph.nodes) if position not in known)
    label = typed(node.layer) if node.layer.type else "?"
    words = {"layer": cell(node.name, "bold red"), "type": cell(label), "output": cell("?", "bold red")}
    return _grid.Line(tuple(words.get(one.name, ()) for one in columns))


def _title(report: Report, look: Look) -> str:
    name = middle(shown_path(report.graph.name or "network"), LONGEST_TITLE, look)
    ends = [report.inputs, report.outputs if report.complete else ()]
    volumes = [", ".join(units.volume(one.output, look.layout, look.batch) for one in rows) for rows in ends]
    return f"{name}: {' -> '.join(one or '?' for one in volumes)}"


def _outputs(report: Report) -> str:
    """Which layers are outputs, where that is not simply the last one."""
    names = [row.node.name for row in report.outputs]
    return f"outputs: {', '.join(names)}" if report.complete and report.graph.outputs else ""


def _notes(report: Report, look: Look) -> list[str]:
    totals = report.totals
    width = PRECISIONS[look.dtype].activations
    per = "per image" if look.batch == 1 else f"for a batch of {look.batch}"
    own = "ReLU and dropout in place" if report.convention == "inplace" else "every layer owns its output"
    found = [
        f"{total(totals, 'params')} parameters ({units.size(totals.params * width)} as {look.dtype}), {total(totals, 'macs')} MACs",
        f"{totals.buffers:,} buffers (running statistics, not trained)" if totals.buffers else "",
        f"{totals.activations * look.batch:,} activations ({units.size(totals.activations * look.batch * width)}) forward {per}; {own}",
    ]
    return [*found, _outputs(report), missing(report.rows), incomplete(report)]
