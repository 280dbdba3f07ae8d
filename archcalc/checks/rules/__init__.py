"""Rules of advice: every module in this folder is one and is found by itself.

`RULES` has them by code, `DEFAULT` the codes that are on unless somebody chooses: those of the modules that lie here.
The modules in `asked/` are imported when all rules are asked for; what nobody selects is not run.
"""

import os
from collections.abc import Container, Iterator, Mapping
from importlib import import_module

from archcalc.analysis.analyze import Report, Row
from archcalc.checks.advice import ENTERED, Advice, Network
from archcalc.diagnostics import NOWHERE, Diagnostic, Span, in_order
from archcalc.language.document import Document


def _find(*folder: str) -> None:
    """Import the rules of a folder."""
    for file in sorted(os.listdir(os.path.join(os.path.dirname(__file__), *folder))):
        if file.endswith(".py") and not file.startswith("_"):
            import_module(".".join((__name__, *folder, file[:-3])))


class _Rules(Mapping[str, Advice]):
    """All rules by code; those that are not on by themselves are imported when somebody looks."""

    def __getitem__(self, code: str) -> Advice:
        if code not in ENTERED:
            _find("asked")
        return ENTERED[code]

    def __iter__(self) -> Iterator[str]:
        _find("asked")
        return iter(ENTERED)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_find()
DEFAULT = frozenset(ENTERED)
RULES: Mapping[str, Advice] = _Rules()

__all__ = ["DEFAULT", "RULES", "advise"]


def advise(
    document: Document, report: Report, select: Container[str] = DEFAULT, *, fits: bool = True
) -> list[Diagnostic]:
    """What the selected rules say, each at most once a place; where the network does not fit, of its input only.

    A layer that came from no text has its name in the message instead of a place.
    """
    if not report.rows:
        return []
    rows = [_told_apart(row) for row in report.rows] if report.rows[-1].node.span == NOWHERE else report.rows
    network = Network(document, report, rows)
    found: dict[tuple[object, ...], Diagnostic] = {}
    for code in sorted(DEFAULT if select is DEFAULT else RULES):
        if code in select and ((fits and report.complete) or RULES[code].early):
            for one in RULES[code].check(network):
                diagnostic = Diagnostic(
                    code, one.message, one.span, RULES[code].severity, labels=one.labels, notes=one.notes, help=one.help
                )
                found.setdefault((code, one.span), diagnostic if one.span.line else _named(diagnostic, report))
    return in_order(found.values())


def _told_apart(row: Row) -> Row:
    """The row with its position for a place, on a line 0 that no text has."""
    return row._replace(node=row.node._replace(span=Span(0, row.position, 0, row.position)))


def _named(one: Diagnostic, report: Report) -> Diagnostic:
    """A finding with the names of layers instead of their positions."""
    names = [node.name for node in report.graph.nodes]
    name = names[one.span.column]
    message = one.message if name in one.message.split() else f"{name}: {one.message}"
    notes = (*one.notes, *(f"{names[label.span.column]}: {label.text}" for label in one.labels))
    return one._replace(message=message, span=NOWHERE, labels=(), notes=notes)
