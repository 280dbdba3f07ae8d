"""A Report as plain data: the records of JSON, of notebooks and of data frames."""

from typing import TYPE_CHECKING, Any

from archcalc.analysis.receptive import Field
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row


def layers(report: "Report", width: int) -> list[dict[str, Any]]:
    """The results of every layer as plain data; `width` is what a value weighs, over the whole batch, in bytes."""
    return [_layer(row, report, width) for row in report.rows]


def _layer(row: "Row", report: "Report", width: int) -> dict[str, Any]:
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
