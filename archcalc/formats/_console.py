"""A rich table as text, the way a Look asks for it."""

import io

from rich.console import Console, RenderableType
from rich.text import Text

from archcalc.formats import Look


def printed(
    table: RenderableType, look: Look, above: Text | None = None, below: Text | None = None, *, least: int = 0
) -> str:
    """The table (or several things, as a Group) without trailing blanks, between two texts; as wide as it needs where the Look has no width.

    A terminal narrower than `least` wraps the lines: better than a table without its names.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(look.width, least) if look.width else 10_000,
        color_system="standard" if look.color else None,
        force_terminal=look.color,
        highlight=False,
        emoji=False,  # `:name:` in a user's text stays what it is, and 3,600 names are not imported
        legacy_windows=False,
    )
    for part in (above, table, below):
        if part is not None:
            console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").split("\n")) + "\n"
