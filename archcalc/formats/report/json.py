"""The report as raw integers; `schema_version` changes when a field changes its meaning or may be null.

2: `inputs` and `outputs` by name beside `input` and `output`, which are the first of them; a layer's `shares` and
`trainable`; a count that nobody knows is null, and the totals it is missing from are named in their `at_least`.
"""

import json
from typing import Any

from archcalc.analysis.analyze import Report
from archcalc.analysis.records import ends, layers, totals
from archcalc.formats import Look


def render(report: Report, look: Look) -> str:
    return json.dumps(record(report, look), indent=1) + "\n"


def record(report: Report, look: Look = Look()) -> dict[str, Any]:
    """The report as plain data."""
    width = look.value_bytes
    both, sums = ends(report), totals(report)
    return {
        "schema_version": 2,
        "name": report.graph.name,
        "convention": report.convention,
        "batch": look.batch,
        "dtype": look.dtype,
        "input": both["input"],
        "inputs": both["inputs"],
        "layers": layers(report, width),
        "output": both["output"],
        "outputs": both["outputs"],
        "totals": {**sums, "activation_bytes": sums["activations"] * width},
    }
