"""The networks as points: the first objective to the right, the second upwards; the front drawn as stairs.

Colours follow the reader's light or dark page; every point says what it is, and the command that reports it, in its title.
"""

from html import escape
from typing import Any

from archcalc import units
from archcalc.variants.sweeping.quantities import QUANTITIES, Wanted
from archcalc.variants.sweeping.sweep import Result

WIDTH, HEIGHT, EDGE, FOOT = 860, 520, 90, 60
MOST = 5_000  # points that are drawn

STYLE = """
.sweep text { font: 13px system-ui, sans-serif; fill: currentColor }
.sweep .axis { stroke: currentColor; stroke-opacity: .35; fill: none }
.sweep .line { stroke: #2a7fd4; fill: none; stroke-opacity: .6 }
.sweep .rest { fill: currentColor; fill-opacity: .18 }
.sweep .kept { fill: #2a7fd4 }
.sweep .kept:hover { fill: #d4542a }
"""


def scatter(result: Result) -> str:
    """An <svg> with its own rules."""
    request = result.request
    across = request.keep.objectives[0].figure
    others = [one.figure for one in request.keep.objectives[1:]] + [one for one in request.wanted if one != across]
    up = others[0] if others else across
    kept = _points(result, result.rows, across, up)[:MOST]
    rest = [] if result.cloud is None else _points(result, result.cloud, across, up)[:MOST]
    every = [(x, y) for x, y, _ in (*kept, *rest)]
    if not every:
        return f'<svg xmlns="http://www.w3.org/2000/svg" class="sweep" viewBox="0 0 {WIDTH} 40"><text x="10" y="25">nothing fits</text></svg>\n'
    left, right = _ends([x for x, _ in every])
    low, high = _ends([y for _, y in every])

    def place(x: int, y: int) -> tuple[float, float]:
        wide, tall = WIDTH - EDGE - 30, HEIGHT - FOOT - 20
        return EDGE + wide * (x - left) / (right - left), 20 + tall * (high - y) / (high - low)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sweep" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(str(across))} and {escape(str(up))} of {len(kept)} networks</title><style>{STYLE}</style>",
        f'<path class="axis" d="M{EDGE} 20V{HEIGHT - FOOT}H{WIDTH - 30}"/>',
    ]
    for at in range(5):
        x, y = left + (right - left) * at // 4, low + (high - low) * at // 4
        px, py = place(x, y)
        out.append(f'<text x="{px:.1f}" y="{HEIGHT - FOOT + 20}" text-anchor="middle">{_shown(across, x)}</text>')
        out.append(f'<text x="{EDGE - 8}" y="{py + 4:.1f}" text-anchor="end">{_shown(up, y)}</text>')
    out.append(
        f'<text x="{(EDGE + WIDTH) / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(str(across))}</text>'
    )
    out.append(f'<text x="{EDGE}" y="14">{escape(str(up))}</text>')
    for x, y, _ in rest:
        px, py = place(x, y)
        out.append(f'<circle class="rest" cx="{px:.1f}" cy="{py:.1f}" r="2"/>')
    if request.keep.front and len(kept) > 1 and len(request.keep.objectives) == 2:
        stairs = [place(x, y) for x, y, _ in kept]
        path = f"M{stairs[0][0]:.1f} {stairs[0][1]:.1f}" + "".join(f"H{px:.1f}V{py:.1f}" for px, py in stairs[1:])
        out.append(f'<path class="line" d="{path}"/>')
    for x, y, words in kept:
        px, py = place(x, y)
        out.append(f'<circle class="kept" cx="{px:.1f}" cy="{py:.1f}" r="4"><title>{escape(words)}</title></circle>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _points(result: Result, rows: Any, across: Wanted, up: Wanted) -> list[tuple[int, int, str]]:
    request = result.request
    found = []
    for at in range(len(rows)):
        x, y = rows.figures[across][at], rows.figures[up][at]
        if x is not None and y is not None:
            figures = ", ".join(f"{one} {_shown(one, rows.figures[one][at])}" for one in request.wanted)
            words = f"{figures}\n{request.command(request.point(rows, at))}" if rows is result.rows else ""
            found.append((int(x), int(y), words))
    return found


def _ends(values: list[int]) -> tuple[int, int]:
    low, high = min(values), max(values)
    return low, high if high > low else low + 1


def _shown(wanted: Wanted, value: Any) -> str:
    if value is None:
        return "unknown"
    quantity = QUANTITIES[wanted.name]
    return units.size(int(value)) if quantity.bytes else units.count(int(value)) if quantity.counted else str(value)
