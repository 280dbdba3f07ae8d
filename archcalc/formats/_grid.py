"""A table of text that fits its terminal: columns are left out or cut in the middle, never wrapped, and it says which.

The layout is decided by the real widths of what is shown.  Without a width (off a terminal) everything is whole.
"""

from collections.abc import Iterable, Iterator, Sequence

from archcalc.formats import Look
from archcalc.records import NamedTuple

Cell = tuple[tuple[str, str], ...]  # pieces of text, each with its style: words such as `bold red`

_SGR = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
_GAPS = (3, 2, 1)
LEAST = 4  # columns that something is left of a text in


class Column(NamedTuple):
    """A column; `name` says what is missing where it is left out.

    `comfort`: the width to which it is cut before another column is left out; `least`: the width to which it is cut when
    nothing is left to leave out.  0: never cut.
    """

    name: str
    head: str = ""
    right: bool = False
    foot: str = ""
    comfort: int = 0
    least: int = 0


class Line(NamedTuple):
    """A line of the table.  The first of its cells stands over as many columns as `span`; the rest of those are empty.

    `shorter` says the same as that cell in fewer words, where there is no room for more.
    """

    cells: tuple[Cell, ...]
    span: int = 1
    shorter: Cell = ()


class Choice(NamedTuple):
    """Columns that may be shown together; `tight`: with their texts cut to the least."""

    columns: Sequence[int]
    tight: bool = False


class Layout(NamedTuple):
    """Which columns are shown, how wide, and how many blanks apart."""

    chosen: tuple[int, ...]
    widths: tuple[int, ...]
    gap: int


class Grid(NamedTuple):
    """A table that was laid out: its lines as text, the columns that were left out, and how many cells were cut."""

    lines: list[str]
    missing: tuple[str, ...]
    cut: int
    needed: int  # columns at which nothing is left out or cut


def cell(text: str, style: str = "") -> Cell:
    return ((text, style),) if text else ()


def grid(
    columns: Sequence[Column],
    lines: Sequence[Line | None],
    look: Look,
    choices: Sequence[Choice] = (),
    between: Sequence[Cell] = (),
    *,
    dense: bool = False,
) -> Grid:
    """Lay out and paint; None among the lines is a gap, in which the cell of `between` at its number is printed.

    `dense`: one blank between columns, whatever room there is.  The first of the `choices` has all columns that are wanted; the first that fits is taken, or else the last.
    """
    choices = choices or [Choice(range(len(columns)), tight=True)]
    wanted = choices[0].columns
    natural = [_natural(columns, lines, number) for number in range(len(columns))]
    spans = [line for line in lines if line is not None and line.span > 1]
    layout = _fit(columns, natural, choices, look.width, _GAPS[-1:] if dense else _GAPS)
    names = {columns[one].name for one in layout.chosen}
    missing = tuple(dict.fromkeys(columns[one].name for one in wanted if columns[one].name not in names))
    needed = sum(natural[one] for one in wanted) + len(wanted) - 1
    out, cut = [], 0
    chosen = layout.chosen
    head = tuple(cell(columns[one].head, "bold") for one in chosen)
    out.append(_painted(head, columns, layout, look))
    out.append(("\u2500" if look.unicode else "-") * _whole(layout))
    for number, line in enumerate(lines):
        if line is None:
            out.append(_paint(between[number] if number < len(between) else (), look))
            continue
        if line.span > 1:
            text, few = _spanned(line, columns, layout, look)
        else:
            cells = tuple(line.cells[one] if one < len(line.cells) else () for one in chosen)
            few = sum(_length(one) > width for one, width in zip(cells, layout.widths, strict=True))
            text = _painted(cells, columns, layout, look)
        cut += few
        out.append(text)
    if any(columns[one].foot for one in chosen):
        out.append("")
        out.append(_painted(tuple(cell(columns[one].foot, "bold") for one in chosen), columns, layout, look))
    if spans:
        needed = max(needed, *(_length(line.cells[0]) for line in spans))
    return Grid([line.rstrip() for line in out], missing, cut, needed)


def bar(value: int, largest: int, length: int, look: Look) -> str:
    """A bar of eighths, as long as `length` for `largest`; at least a sliver for anything that is there."""
    if not value or not largest:
        return ""
    whole, part = divmod(max(1, value * length * 8 // largest), 8)
    if look.unicode:
        eighth: str = ("", *"\u258f\u258e\u258d\u258c\u258b\u258a\u2589")[part]
        return "\u2588" * whole + eighth
    return "#" * max(1, whole)


def painted(text: str, style: str, look: Look) -> str:
    return _paint(cell(text, style), look)


def wrapped(text: str, look: Look) -> Iterator[str]:
    """Lines of words, no wider than the terminal unless a word is."""
    for line in text.split("\n"):
        if look.width is None or _cells(line) <= look.width:
            yield line
            continue
        begun = ""
        for word in line.split(" "):
            if begun and _cells(begun) + 1 + _cells(word) > look.width:
                yield begun
                begun = word
            else:
                begun = f"{begun} {word}" if begun else word
        yield begun


def _cells(text: str) -> int:
    """How many columns a text takes: two for a wide character, none for one that is drawn over another."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _length(pieces: Cell) -> int:
    return sum(_cells(text) for text, _ in pieces)


def _natural(columns: Sequence[Column], lines: Iterable[Line | None], number: int) -> int:
    """The width of everything in a column; lines that span several do not widen it."""
    column = columns[number]
    whole = max(_cells(column.head), _cells(column.foot))
    for line in lines:
        if line is not None and number < len(line.cells) and not (line.span > 1 and number == 0):
            whole = max(whole, _length(line.cells[number]))
    return whole


def _fit(
    columns: Sequence[Column],
    natural: list[int],
    choices: Sequence[Choice],
    width: int | None,
    gaps: tuple[int, ...],
) -> Layout:
    if width is None:
        chosen = choices[0].columns
        return Layout(tuple(chosen), tuple(natural[one] for one in chosen), gaps[0])
    for chosen, tight in choices:
        limits = [columns[one].least if tight else columns[one].comfort for one in chosen]
        wanted = [min(natural[one], limit or natural[one]) for one, limit in zip(chosen, limits, strict=True)]
        if sum(wanted) + len(chosen) - 1 <= width:
            break
    return _shared(natural, chosen, wanted, width, gaps)


def _shared(natural: list[int], chosen: Sequence[int], wanted: list[int], width: int, gaps: tuple[int, ...]) -> Layout:
    """What is left of the width goes to the columns that are cut, from the left; then to the gaps."""
    room = width - sum(wanted) - (len(chosen) - 1)
    widths = list(wanted)
    while room > 0 and (narrow := [at for at, one in enumerate(chosen) if widths[at] < natural[one]]):
        for at in narrow[:room]:
            widths[at] += 1
            room -= 1
    gap = next((one for one in gaps if sum(widths) + one * (len(chosen) - 1) <= width), 1)
    return Layout(tuple(chosen), tuple(widths), gap)


def _whole(layout: Layout) -> int:
    return sum(layout.widths) + layout.gap * (len(layout.widths) - 1)


def _painted(cells: Sequence[Cell], columns: Sequence[Column], layout: Layout, look: Look) -> str:
    out = []
    for pieces, number, width in zip(cells, layout.chosen, layout.widths, strict=True):
        fitted = _cut(pieces, width, look)
        blank = " " * (width - _length(fitted))
        text = _paint(fitted, look)
        out.append(blank + text if columns[number].right else text + blank)
    return (" " * layout.gap).join(out)


def _spanned(line: Line, columns: Sequence[Column], layout: Layout, look: Look) -> tuple[str, int]:
    under = sum(number < line.span for number in layout.chosen)
    if len(line.cells) <= 1:  # nothing else stands in the line
        under = len(layout.chosen)
    width = sum(layout.widths[:under]) + layout.gap * max(0, under - 1)
    whole = line.shorter if line.shorter and _length(line.cells[0]) > width else line.cells[0]
    first = _cut(whole, width, look)
    rest = Layout(layout.chosen[under:], layout.widths[under:], layout.gap)
    cells = tuple(line.cells[one] if one < len(line.cells) else () for one in rest.chosen)
    text = _paint(first, look) + " " * (width - _length(first))
    after = _painted(cells, columns, rest, look) if cells else ""
    return text + " " * layout.gap + after, int(_length(whole) > width)


def _cut(pieces: Cell, width: int, look: Look) -> Cell:
    """The pieces with as much of the middle of the last one left out as is too much; what stands before it stays, if it can."""
    if _length(pieces) <= width:
        return pieces
    *lead, (text, style) = pieces
    before = _length(tuple(lead))
    if width - before >= LEAST:
        return (*lead, (middle(text, width - before, look), style))
    return ((middle("".join(text for text, _ in pieces), width, look), style),)


def middle(text: str, width: int, look: Look) -> str:
    """A text that is cut in the middle where it is too long: `conv2...add1`."""
    if _cells(text) <= width:
        return text
    mark = "\u2026" if look.unicode else ".." if width > 6 else "."
    room = max(0, width - len(mark))
    before, after = room - room // 2, room // 2
    while before and _cells(text[:before]) > room - room // 2:
        before -= 1
    while after and _cells(text[-after:]) > room // 2:
        after -= 1
    return text[:before] + mark + (text[-after:] if after else "")


def _paint(pieces: Cell, look: Look) -> str:
    if not look.color:
        return "".join(text for text, _ in pieces)
    return "".join(
        f"\x1b[{';'.join(_SGR[one] for one in style.split())}m{text}\x1b[0m" if style and text.strip() else text
        for text, style in pieces
    )


def below(found: Grid, look: Look, *, columns: str = "") -> list[str]:
    """What a table leaves out at this width, and how to see it."""
    notes = []
    where = f"whole at {found.needed} columns or in a pipe"
    if found.missing:
        other = f", or with {columns}" if columns else ""
        notes.append(f"not shown at {look.width} columns: {', '.join(found.missing)}; {where}{other}")
    if found.cut:
        texts = "1 text is" if found.cut == 1 else f"{found.cut:,} texts are"
        notes.append(f"{texts} cut in the middle" + ("" if found.missing else f" at {look.width} columns; {where}"))
    return notes
