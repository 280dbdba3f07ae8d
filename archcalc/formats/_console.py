"""A rich table as text, the way a Look asks for it."""

import io

from rich.console import Console
from rich.table import Table

from archcalc.formats import Look


def printed(table: Table, look: Look) -> str:
    """The table without trailing blanks; as wide as it needs where the Look has no width."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=look.width or 10_000,
        color_system="standard" if look.color else None,
        force_terminal=look.color,
        highlight=False,
        legacy_windows=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").split("\n")) + "\n"
