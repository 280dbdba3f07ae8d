"""Colours of the picture: a hue for each kind of work, told apart by people who see few of them (Okabe and Ito, 2008).

A box has three shades of it: top, front and side.  Its outline and all text have the contrast of text on both backgrounds; what a
colour says is said in words, too, in the label of the box.
"""

from archcalc.formats.drawing.boxes import Family

WORDS: dict[Family, str] = {
    "input": "input",
    "conv": "convolution",
    "pool": "pool",
    "fc": "fully connected",
    "join": "join",
    "other": "other",
}
HUES: dict[Family, str] = {
    "input": "#b8b8b8",
    "conv": "#56b4e9",
    "pool": "#e69f00",
    "fc": "#009e73",
    "join": "#cc79a7",
    "other": "#f0e442",
}


def shade(colour: str, amount: float) -> str:
    """A colour mixed with white (amount above 0) or with black."""
    goal = 255 if amount > 0 else 0
    parts = (int(colour[one : one + 2], 16) for one in (1, 3, 5))
    return "#" + "".join(f"{round(part + (goal - part) * abs(amount)):02x}" for part in parts)


def style() -> str:
    """The picture's rules.  `vc` and so on are families, `vt` and `vs` the top and the side of a box, `vh` what holds the pointer.

    These do not name what is around them: what a `use` shows is matched without.
    """
    lines = [
        ".net{font:10px system-ui,sans-serif;--ink:#1a1a1a;--dim:#595959;--paper:#fff;--edge:#2b2b2b}",
        ".net text{pointer-events:none;fill:var(--ink);stroke:var(--paper);stroke-width:2.5px;stroke-linejoin:round;paint-order:stroke}",
        ".net .v{fill:var(--dim)}",
        ".net .e{fill:none;stroke:var(--dim);stroke-width:1.2}",
        ".net .w{stroke-dasharray:3 3}",
        ".net .k{fill:none;stroke:var(--dim);stroke-dasharray:5 3}",
        ".net .n{font-weight:700;font-size:11px}",
        ".net .b{stroke-linejoin:round}",
        ".net>.b{stroke:var(--edge);stroke-width:.6}",
        ".vq{stroke-dasharray:2 2}",
        ".vh{fill:transparent;stroke:none}",
    ]
    for family, hue in HUES.items():
        name = family[0]
        lines += [
            f".v{name}{{fill:{hue}}}",
            f".v{name} .vt{{fill:{shade(hue, 0.45)}}}",
            f".v{name} .vs{{fill:{shade(hue, -0.28)}}}",
        ]
    lines.append("@media(prefers-color-scheme:dark){.net{--ink:#eee;--dim:#b5b5b5;--paper:#16181c;--edge:#d0d0d0}}")
    lines.append(
        "@media(forced-colors:active){.net{--ink:CanvasText;--dim:CanvasText;--paper:Canvas;--edge:CanvasText}}"
    )
    return "\n".join(lines)
