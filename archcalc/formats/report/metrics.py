"""The totals as one flat JSON object of numbers, for what tracks metrics over commits (DVC)."""

import json

from archcalc.analysis.analyze import Report
from archcalc.formats import Look


def render(report: Report, look: Look) -> str:
    return json.dumps({"layers": len(report.rows) - 1, **report.totals._asdict()}, indent=1) + "\n"
