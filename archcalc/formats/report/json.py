"""The report as raw integers; `schema_version` changes when a field changes its meaning."""

import json
from typing import Any

from archcalc.analysis.analyze import Report
from archcalc.analysis.records import layers
from archcalc.formats import Look


def render(report: Report, look: Look) -> str:
    return json.dumps(record(report, look), indent=1) + "\n"


def record(report: Report, look: Look = Look()) -> dict[str, Any]:
    """The report as plain data."""
    width = look.value_bytes
    totals = report.totals._asdict()
    return {
        "schema_version": 1,
        "name": report.graph.name,
        "convention": report.convention,
        "batch": look.batch,
        "dtype": look.dtype,
        "input": report.input._asdict(),
        "layers": layers(report, width),
        "output": report.output._asdict(),
        "totals": {**totals, "activation_bytes": totals["activations"] * width},
    }
