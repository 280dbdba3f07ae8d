"""The totals as one flat JSON object of numbers, for what tracks metrics over commits (DVC).

A sum that a layer's figure is missing from has another name, so that nothing takes it for the whole: `macs_at_least`.
"""

import json

from archcalc.analysis.analyze import Report
from archcalc.formats import Look


def render(report: Report, look: Look) -> str:
    sums = report.totals._asdict()
    unknown = sums.pop("unknown")
    named = {f"{name}_at_least" if name in unknown else name: value for name, value in sums.items()}
    return json.dumps({"layers": sum(1 for row in report.rows if row.inputs), **named}, indent=1) + "\n"
