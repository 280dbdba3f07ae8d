"""Rules of advice: every module in this folder is one and is found by itself.

`RULES` has them by code, `DEFAULT` the codes that are on unless somebody chooses; what nobody selects
is not run.
"""

import os
from collections.abc import Container
from importlib import import_module

from archcalc.analysis.analyze import Report, Row
from archcalc.checks.advice import RULES, Network
from archcalc.diagnostics import NOWHERE, Diagnostic, Span, in_order
from archcalc.language.document import Document

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")

DEFAULT = frozenset(code for code, one in RULES.items() if one.default)

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
    for code in sorted(RULES):
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
