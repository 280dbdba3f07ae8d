"""Rules of advice: every module in this folder is one and is found by itself.

`RULES` has them by code, `DEFAULT` the codes that are on unless somebody chooses; what nobody selects
is not run.
"""

import os
from collections.abc import Container
from importlib import import_module

from archcalc.analysis.analyze import Report
from archcalc.checks.advice import RULES, Network
from archcalc.diagnostics import Diagnostic, in_order
from archcalc.language.document import Document

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")

DEFAULT = frozenset(code for code, one in RULES.items() if one.default)

__all__ = ["DEFAULT", "RULES", "advise"]


def advise(document: Document, report: Report, select: Container[str] = DEFAULT) -> list[Diagnostic]:
    """What the selected rules say, each at most once a place; nothing about a network that is incomplete."""
    if not report.complete:
        return []
    network = Network(document, report)
    found: dict[tuple[object, ...], Diagnostic] = {}
    for code in sorted(RULES):
        if code in select:
            for one in RULES[code].check(network):
                diagnostic = Diagnostic(
                    code, one.message, one.span, RULES[code].severity, labels=one.labels, notes=one.notes, help=one.help
                )
                found.setdefault((code, one.span), diagnostic)
    return in_order(found.values())
