"""What a layer says of its input in other frameworks' keys, `in_features: 4096`, beside what really comes in.

It is PyTorch's classic mismatch: the number has to be computed by hand there, and is wrong as often as not.
"""

from collections.abc import Iterable

from archcalc.analysis.analyze import Report, Row
from archcalc.diagnostics import Diagnostic
from archcalc.language.entries import Stated


def compared(found: Iterable[Diagnostic], stated: Iterable[Stated], report: Report) -> list[Diagnostic]:
    """The findings; those about keys that say what comes in, with the number that does."""
    rows: dict[object, Row] = {}
    for row in report.rows:
        rows.setdefault(row.node.span, row)
    said = {one.span: one for one in stated}
    return [_told(one, said[one.span], rows) if one.span in said else one for one in found]


def _told(problem: Diagnostic, one: Stated, rows: dict[object, Row]) -> Diagnostic:
    row = rows.get(one.layer)
    if row is None or not row.inputs:
        return problem
    x = row.inputs[0]
    value, what = (x.size, "values") if one.word == "in_features" else (x.channels, "channels")
    where = f"{value:,} {what} come in" + (f", {x.product}" if what == "values" and x.size > x.channels else "")
    if value == one.value:
        return problem._replace(help=(f"leave it out: {where}, as it says",))
    return problem._replace(help=(f"{where}, not {one.value:,}: PyTorch would fail here; leave it out",))
