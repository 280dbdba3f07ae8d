"""A report as an SVG: an element for a page that has its rules, or a file of its own."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from archcalc.analysis.analyze import Report
from archcalc.formats import incomplete
from archcalc.formats.drawing.bounds import EDGE, LETTER, bounds, written
from archcalc.formats.drawing.boxes import Box, Family, drawn
from archcalc.formats.drawing.colours import WORDS, style
from archcalc.formats.drawing.edges import Edge, edges
from archcalc.formats.drawing.layout import SLANT, Frame, Spot, lay_out
from archcalc.formats.drawing.markup import number as n
from archcalc.formats.drawing.markup import text
from archcalc.formats.drawing.nesting import nest
from archcalc.formats.drawing.repeats import folded, shown_by
from archcalc.formats.drawing.scale import Scale
from archcalc.records import NamedTuple

MOST = 2_000  # boxes; the table has what comes after them

Name = Callable[[Box], str]


class Picture(NamedTuple):
    """The SVG element, and by which layer's box each layer is shown, as positions in the graph."""

    svg: str
    shown: dict[int, int]


def draw(
    report: Report, *, name: Name | None = None, css: bool = True, marked: Collection[int] = frozenset()
) -> Picture:
    """The picture of a report that has rows; `name` gives what a box links to, as an id of the page around it.

    Without `css` the page has to have the rules of `colours.style`.  The boxes of `marked` layers stand out.
    """
    boxes = drawn(report)
    kept = [box._replace(readers=tuple(one for one in box.readers if one < MOST)) for box in boxes[:MOST]]
    series = folded(nest(kept))
    shown = shown_by(series)
    marks = [box.number for box in kept if any(row.position in marked for row in box.rows)]
    labels = {box.number: written(box, kept) for box in kept}
    scale = Scale.of(box.volume for box in kept)
    layout = lay_out(series, scale, shown, lambda box: LETTER * len(labels[box.number].whole))
    lines = [*edges(layout, shown)]
    x, y, wide, high = bounds(layout, lines, labels)
    key = 24  # below the drawing: what the colours mean, and what is not there
    notes = [f"{len(boxes) - MOST:,} more volumes are not drawn"] if len(boxes) > MOST else []
    notes += filter(None, [incomplete(report)])
    families = dict.fromkeys(spot.box.family for spot in layout.spots.values())
    size = f'viewBox="{n(x)} {n(y)} {n(wide)} {n(high + key)}" width="{n(wide)}" height="{n(high + key)}"'
    parts = [
        f'<svg class="net" xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{text(report.graph.name or 'network')}: {text(report.ends)}</title>",
        "<desc>Width and height of every volume to one scale, its thickness by the root of the channels.</desc>",
        *([f"<style>\n{style()}\n</style>"] if css else []),
        *map(_frame, layout.frames),
        *_paths(lines),
        *_boxes(layout.spots.values(), name, frozenset(shown[number].number for number in marks)),
        '<g transform="rotate(45)">',
        *(_words(spot, labels[number].name, labels[number].size) for number, spot in layout.spots.items()),
        "</g>",
        *_key(families, x + EDGE, y + high + key - 10, notes),
        "</svg>",
    ]
    positions = {row.position: shown[box.number].row.position for box in kept for row in box.rows}
    return Picture("\n".join(parts) + "\n", positions)


def _boxes(spots: Iterable[Spot], name: Name | None, marks: Collection[int]) -> Iterator[str]:
    """The boxes in their places; what several look like is written once."""
    faces = [(spot, _faces(spot, around=name is not None)) for spot in spots]
    often = [look for look, times in Counter(look for _, look in faces).items() if times > 1]
    if often:
        yield "<defs>"
        yield from (f'<g id=":{number}" class="{look[0]}">{look[1]}</g>' for number, look in enumerate(often))
        yield "</defs>"
    places = {look: number for number, look in enumerate(often)}
    for spot, look in faces:
        kind, drawn = look
        if look in places:
            kind, drawn = "", f'<use href="#:{places[look]}"/>'
        tag, href = ("a", f' href="#{text(name(spot.box))}"') if name else ("g", "")
        kind = " ".join(filter(None, ("b", kind, "x" * (spot.box.number in marks))))
        put = f'class="{kind}" transform="translate({n(spot.x)} {n(spot.y)})"'
        yield f"<{tag}{href} {put}><title>{text(spot.box.what)}</title>{drawn}</{tag}>"


def _faces(spot: Spot, *, around: bool) -> tuple[str, str]:
    """The class of a box and its three faces, from the upper left corner of the front; `around` it something to point at."""
    thick, high, right, up = spot.solid
    more = (14 - high - up) / 2 if around else 0
    hold = f'<path class="vh" d="M-3 {n(-up - more)}h{n(thick + right + 6)}v14h{n(-thick - right - 6)}z"/>'
    return f"v{spot.box.family[0]}{'' if spot.box.stated else ' vq'}", (
        f"{hold if more > 0 else ''}"
        f'<path class="vt" d="M0 0l{n(right)} {n(-up)}h{n(thick)}l{n(-right)} {n(up)}z"/>'
        f'<path class="vs" d="M{n(thick)} 0l{n(right)} {n(-up)}v{n(high)}l{n(-right)} {n(up)}z"/>'
        f'<path d="M0 0h{n(thick)}v{n(high)}h{n(-thick)}z"/>'
    )


def _words(spot: Spot, label: str, size: str) -> str:
    """What is written below a box, in a group that is turned by 45 degrees."""
    x, y = spot.below
    more = f' <tspan class="v">{text(size)}</tspan>' if size else ""
    return f'<text x="{n((x + y) * SLANT)}" y="{n((y - x) * SLANT)}">{text(label)}{more}</text>'


def _frame(frame: Frame) -> str:
    x, y, wide, high, times = frame
    return (
        f'<rect class="k" x="{n(x)}" y="{n(y)}" width="{n(wide)}" height="{n(high)}" rx="5"/>'
        f'<text class="n" x="{n(x + 4)}" y="{n(y - 3)}">\u00d7 {times:,}</text>'
    )


def _paths(lines: Iterable[Edge]) -> list[str]:
    found = {False: "", True: ""}
    for edge in lines:
        path = f"M{_point(edge.start)}"
        for a, b, c in edge.curves:
            path += f"L{_point(c)}" if a == b == c else f"C{_point(a)} {_point(b)} {_point(c)}"
        found[edge.broken] += path
    return [f'<path class="e{" w" * broken}" d="{path}"/>' for broken, path in found.items() if path]


def _key(families: Iterable[Family], x: float, y: float, notes: Iterable[str]) -> list[str]:
    """What the colours mean, and what there is to say."""
    parts = []
    for family in families:
        word = WORDS[family]
        parts.append(
            f'<g class="b v{family[0]}"><path d="M{n(x)} {n(y - 8)}h10v8h-10z"/></g>'
            f'<text x="{n(x + 14)}" y="{n(y)}">{word}</text>'
        )
        x += 26 + LETTER * len(word)
    for note in notes:
        parts.append(f'<text class="n" x="{n(x)}" y="{n(y)}">{text(note)}</text>')
        x += 12 + 1.2 * LETTER * len(note)
    return parts


def _point(point: tuple[float, float]) -> str:
    return f"{n(point[0])} {n(point[1])}"
