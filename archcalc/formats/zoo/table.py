"""The zoo as a table; on a narrow terminal sources lose their `https://`, and arXiv's become `arXiv:1409.1556`."""

import re
from collections.abc import Iterable

from archcalc import units
from archcalc.architecture import Examination
from archcalc.files import shown_path
from archcalc.formats import Look
from archcalc.formats._figures import least
from archcalc.formats._grid import Choice, Column, Grid, Line, below, cell, grid, wrapped
from archcalc.precision import PRECISIONS

COLUMNS = (
    Column("name", "name"),
    Column("network", "network"),
    *(Column(name, name, right=True) for name in ("input", "params", "MACs", "memory", "year")),
    Column("source", "source", least=12),
)
_BRIEF = (0, *range(2, 7))
CHOICES = [
    Choice(range(8)),
    Choice((*_BRIEF, 7), tight=True),
    Choice(_BRIEF),
    Choice(_BRIEF[:-1]),
    Choice((0, 2, 3, 4)),
]


def render(found: Iterable[Examination], look: Look) -> str:
    listed = list(found)
    table = _table(listed, look, brief=False)
    if "network" in table.missing:
        table = _table(listed, look, brief=True)
    notes = [
        *below(table, look),
        "SPEC is zoo:NAME, as in `archcalc report zoo:vgg16`.",
        f"memory: activations of one image in {look.dtype}, ReLU and dropout in place",
    ]
    return "\n".join([*table.lines, *(line for note in notes for line in wrapped(note, look))]) + "\n"


def _table(listed: list[Examination], look: Look, *, brief: bool) -> Grid:
    lines = []
    for one in listed:
        totals, source = one.report.totals, one.document.line("source")
        texts = (
            one.document.name,
            str(one.report.input).strip("[]"),
            least(totals, "params", units.count),
            least(totals, "macs", units.count),
            units.size(totals.activations * PRECISIONS[look.dtype].activations),
            one.document.line("year"),
            _short(source) if brief else source,
        )
        cells = (cell(shown_path(text)) for text in texts)
        lines.append(Line((cell(one.path.removeprefix("zoo:"), "bold"), *cells)))
    return grid(COLUMNS, lines, look, CHOICES)


def _short(source: str) -> str:
    source = re.sub(r"^https?://(www\.)?", "", source)
    return re.sub(r"^arxiv\.org/(?:abs|pdf)/", "arXiv:", source)
