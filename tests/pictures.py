"""The pictures in README and docs: `python tests/pictures.py` draws them anew from real output."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

import archcalc
from archcalc.formats import Look, renderer
from archcalc.formats.check.text import finding
from archcalc.formats.report import svg

PICTURE = Path(__file__).parent.parent / ".github" / "report.svg"
PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
VOLUMES = ("vgg16", "resnet18")
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
    picture = console.export_svg(title="archcalc", theme=MONOKAI, unique_id="archcalc")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    return picture.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")


def volumes(name: str) -> str:
    """The picture of a network of the zoo, for the documentation."""
    return svg.render(archcalc.load(f"zoo:{name}").analyze(), Look())


if __name__ == "__main__":
    for name in VOLUMES:
        (PICTURES / f"{name}.svg").write_text(volumes(name), encoding="utf-8")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8")
