"""The picture in README: `python tests/pictures.py` draws it anew from real output."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

import archcalc
from archcalc.formats import Look, renderer
from archcalc.formats.check.text import finding

PICTURE = Path(__file__).parent.parent / ".github" / "report.svg"
WIDTH = 104


def draw() -> str:
    """A report and an error as an SVG of a terminal, without fonts from elsewhere."""
    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, color_system="standard")
    look = Look(width=WIDTH, color=True)

    def show(command: str, output: str) -> None:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        console.print(Text.from_ansi(output))

    show("archcalc report zoo:alexnet", renderer("report", "table")(archcalc.load("zoo:alexnet").analyze(), look))
    pattern = "INPUT[224x224x3] -> CONV11-96s4 -> RELU -> POOL3s2"
    console.print()
    show(
        f"archcalc check '{pattern}'",
        "".join(finding("<pattern>", one, (pattern,), look) for one in archcalc.check(pattern)),
    )
    svg = console.export_svg(title="archcalc", theme=MONOKAI, unique_id="archcalc")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8")
