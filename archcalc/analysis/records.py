"""A Report as plain data: the records of JSON, of notebooks and of data frames."""

from typing import TYPE_CHECKING, Any

from archcalc.analysis.receptive import Field
from archcalc.layers import Cost
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
        **counts(cost),
        "formula": row.formula,
        "shares": row.lender or None,
        "trainable": report.graph.nodes[node.shares].trainable if node.shares is not None else node.trainable,
        "activations": row.activations,
        "activation_bytes": row.activations * width,
        "receptive_field": {"width": _field(seen.width), "height": _field(seen.height)},
        "im2col": row.im2col and list(row.im2col),
        "unread": {"columns": row.unread[0], "rows": row.unread[1]},
        "line": node.span.line,
    }


def counts(cost: Cost) -> dict[str, int | None]:
    """A layer's figures; what nobody knows is None."""
    found = {name: getattr(cost, name) for name in ("weights", "biases", "params", "buffers", "macs", "flops")}
    return {**found, **dict.fromkeys(cost.unknown)} if cost.unknown else found


def ends(report: "Report") -> dict[str, Any]:
    """The volumes of the network's inputs and outputs by name, and of the first of each."""
    return {
        "input": _volume(report.input),
        "inputs": {row.node.name: _volume(row.output) for row in report.inputs},
        "output": _volume(report.output),
        "outputs": {row.node.name: _volume(row.output) for row in report.outputs},
    }


def totals(report: "Report") -> dict[str, Any]:
    """The sums, and which of them are the least that they can be since a layer's figure is not known."""
    found = report.totals._asdict()
    unknown = found.pop("unknown")
    return {**found, "at_least": list(unknown)}


def _volume(volume: Volume) -> dict[str, int]:
    return volume._asdict()


def _field(field: Field | None) -> dict[str, Any] | None:
    if field is None:
        return None
    jump = field.jump if field.jump is None or isinstance(field.jump, int) else float(field.jump)
    return {"size": field.size, "jump": jump, "start": field.start}
