"""The verification for programs; everything but seconds is the same for a seed."""

import json
from typing import Any

from archcalc.analysis.records import ends
from archcalc.formats import Look
from archcalc.verification.verify import Counts, Executed, Verification
from archcalc.volume import Volume


def render(result: Verification, look: Look) -> str:
    return json.dumps(record(result), indent=1) + "\n"


def record(result: Verification) -> dict[str, Any]:
    """The verification as plain data; what was not executed is null."""
    report = result.report
    return {
        "schema_version": 1,
        "name": report.graph.name,
        "ok": result.ok,
        "problem": result.problem or None,
        **ends(report),
        "batch": result.batch,
        "dtype": result.dtype,
        "seed": result.seed,
        "against": result.against or None,
        "layers": [_layer(one) for one in result.layers],
        "layers_total": len(report.rows),
        "forward_seconds": round(result.forward_seconds, 6),
        "weights_seconds": round(result.weights_seconds, 6),
        "predicted_peak_bytes": result.estimate.size,
        "predicted_peak_layer": result.estimate.row.node.name,
        "measured_peak_bytes": result.measured_peak,
        "measured_activations_peak_bytes": result.measured_activations_peak,
    }


def _layer(one: Executed) -> dict[str, Any]:
    node = one.row.node
    return {
        "name": node.name,
        "type": node.layer.type,
        "label": node.layer.label,
        "predicted": _side(one.predicted, one.expected),
        "executed": _side(one.executed, one.counted),
        "ok": one.ok,
        "problems": list(one.problems),
        "seconds": round(one.seconds, 6),
        "line": node.span.line,
    }


def _side(volume: Volume | None, counts: Counts | None) -> dict[str, Any] | None:
    return {**volume._asdict(), **counts._asdict()} if volume and counts else None
