"""The zoo as a table; on a narrow terminal sources lose their `https://`, and arXiv's become `arXiv:1409.1556`."""

import re
from collections.abc import Iterable

from rich import box
from rich.console import OverflowMethod
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.architecture import Examination
from archcalc.formats import Look
from archcalc.formats._console import printed
from archcalc.formats._figures import least
from archcalc.precision import PRECISIONS

ROOMY, SOURCE_FROM = 110, 76  # columns from which names and whole addresses have room, and sources at all


def render(found: Iterable[Examination], look: Look) -> str:
    columns = look.width or ROOMY
    roomy, sources = columns >= ROOMY, columns >= SOURCE_FROM
    table = Table(
        box=box.SIMPLE_HEAD if look.unicode else box.ASCII2,
        show_edge=False,
        pad_edge=False,
        expand=sources and not roomy,  # sources get what the others leave
        padding=(0, 1) if roomy else (0, 0),
        caption="SPEC is zoo:NAME, as in `archcalc report zoo:vgg16`.\n"
        f"memory: activations of one image in {look.dtype}, ReLU and dropout in place",
        caption_justify="left",
        caption_style="",
    )
    table.add_column("name", style="bold", no_wrap=True)
    if roomy:
        table.add_column("network", overflow="fold")
    for head in ("input", "params", "MACs", "memory", "year"):
        table.add_column(head, justify="right", no_wrap=True)
    if sources:
        cut: OverflowMethod = "ellipsis" if look.unicode else "crop"
        table.add_column("source", no_wrap=not roomy, overflow="fold" if roomy else cut, ratio=None if roomy else 1)
    for one in found:
        totals, source = one.report.totals, one.document.line("source")
        cells = [
            one.path.removeprefix("zoo:"),
            *([one.document.name] if roomy else []),
            str(one.report.input).strip("[]"),
            least(totals, "params", units.count),
            least(totals, "macs", units.count),
            units.size(totals.activations * PRECISIONS[look.dtype].activations),
            one.document.line("year"),
            *([source if roomy else _short(source)] if sources else []),
        ]
        table.add_row(*(Text(cell) for cell in cells))
    return printed(table, look)


def _short(source: str) -> str:
    source = re.sub(r"^https?://(www\.)?", "", source)
    return re.sub(r"^arxiv\.org/(?:abs|pdf)/", "arXiv:", source)
