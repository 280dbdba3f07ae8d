"""The report as raw integers; `schema_version` changes when a field changes its meaning."""

import json
from typing import Any

from archcalc import units
from archcalc.analyze import Report, Row
from archcalc.formats import Look
from archcalc.receptive import Field
from archcalc.volume import Volume


def render(report: Report, look: Look) -> str:
    return json.dumps(record(report, look), indent=1) + "\n"


def record(report: Report, look: Look = Look()) -> dict[str, Any]:
    """The report as plain data."""
    width = units.BYTES[look.dtype] * look.batch
    totals = report.totals._asdict()
    return {
        "schema_version": 1,
        "name": report.graph.name,
        "convention": report.convention,
        "batch": look.batch,
        "dtype": look.dtype,
        "input": report.input._asdict(),
        "layers": layers(report, look),
        "output": report.output._asdict(),
        "totals": {**totals, "activation_bytes": totals["activations"] * width},
    }


def layers(report: Report, look: Look = Look()) -> list[dict[str, Any]]:
    """The results of every layer as plain data."""
    width = units.BYTES[look.dtype] * look.batch
    return [_layer(row, report, width) for row in report.rows]


def _layer(row: Row, report: Report, width: int) -> dict[str, Any]:
    node, cost = row.node, row.cost
    seen = row.receptive_field
    return {
        "name": node.name,
        "type": node.layer.type,
        "label": node.layer.label,
        "inputs": [report.graph.nodes[one].name for one in node.inputs],
        "output": _volume(row.output),
        "weights": cost.weights,
        "biases": cost.biases,
        "params": cost.params,
        "formula": row.formula,
        "buffers": cost.buffers,
        "macs": cost.macs,
        "flops": cost.flops,
        "activations": row.activations,
        "activation_bytes": row.activations * width,
        "receptive_field": {"width": _field(seen.width), "height": _field(seen.height)},
        "im2col": row.im2col and list(row.im2col),
        "unread": {"columns": row.unread[0], "rows": row.unread[1]},
        "line": node.span.line,
    }


def _volume(volume: Volume) -> dict[str, int]:
    return volume._asdict()


def _field(field: Field | None) -> dict[str, Any] | None:
    if field is None:
        return None
    jump = field.jump if field.jump is None or isinstance(field.jump, int) else float(field.jump)
    return {"size": field.size, "jump": jump, "start": field.start}
