"""The zoo as raw integers; `year` and `source` are null where a spec does not say."""

import json
from collections.abc import Iterable

from archcalc.analysis.records import ends
from archcalc.architecture import Examination
from archcalc.formats import Look
from archcalc.precision import PRECISIONS


def render(found: Iterable[Examination], look: Look) -> str:
    return json.dumps({"schema_version": 1, "specs": [_record(one, look) for one in found]}, indent=1) + "\n"


def _record(one: Examination, look: Look) -> dict[str, object]:
    report, totals = one.report, one.report.totals
    year = one.document.line("year")
    return {
        "spec": one.path,
        "name": one.document.name,
        **ends(report),
        "layers": len(report.rows),
        "params": totals.params,
        "macs": totals.macs,
        "activations": totals.activations,
        "activation_bytes": totals.activations * PRECISIONS[look.dtype].activations,
        "at_least": list(totals.unknown),
        "dtype": look.dtype,
        "year": int(year) if year else None,
        "source": one.document.line("source") or None,
    }
