"""A comparison as raw integers; a change that cannot be known is null."""

import json
from typing import Any

from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.records import counts, ends
from archcalc.formats import Look
from archcalc.formats.diff._words import shown, sizes
from archcalc.variants.diff import Change, Comparison


def render(found: Comparison, names: tuple[str, str], look: Look) -> str:
    width = look.value_bytes
    a, b = found.a.totals._asdict(), found.b.totals._asdict()
    record = {
        "schema_version": 1,
        "equal": found.equal,
        "a": _network(names[0], found.a),
        "b": _network(names[1], found.b),
        "layers": [_layer(change, width) for change in found.changes],
        "unchanged": found.unchanged,
        "totals": {
            **{
                name: _numbers(a[name], b[name], known=name not in (*a["unknown"], *b["unknown"]))
                for name in ("params", "macs", "activations")
            },
            "activation_bytes": _numbers(a["activations"] * width, b["activations"] * width),
            "receptive_field": _fields(found.a.outputs[0], found.b.outputs[0]),
        },
    }
    return json.dumps(record, indent=1) + "\n"


def _network(name: str, report: Report) -> dict[str, Any]:
    return {
        "spec": name,
        "name": report.graph.name,
        **ends(report),
        "layers": len(report.rows),
    }


def _layer(change: Change, width: int) -> dict[str, Any]:
    unknown = {name for row in (change.a, change.b) if row for name in row.cost.unknown}
    both = change.a is not None and change.b is not None
    return {
        "status": change.status,
        "a": _side(change.a),
        "b": _side(change.b),
        "settings": {one.key: {"a": _value(one.old), "b": _value(one.new)} for one in change.settings},
        "change": {
            "params": None if unknown & {"params"} else change.params,
            "macs": None if unknown & {"macs"} else change.macs,
            "activations": change.activations,
            "activation_bytes": change.activations * width,
            "receptive_field": _fields(change.a, change.b)["change"] if both else None,
        },
    }


def _side(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    layer = row.node.layer
    return {
        "name": row.node.name,
        "type": layer.type,
        "label": layer.label,
        "output": row.output._asdict(),
        **{name: value for name, value in counts(row.cost).items() if name in ("params", "macs")},
        "activations": row.activations,
        "line": row.node.span.line,
    }


def _value(value: object) -> Any:
    return value if value is None or isinstance(value, bool | int | float | list) else shown(value)


def _numbers(a: int, b: int, *, known: bool = True) -> dict[str, int | None]:
    """Sums that a layer's figure is missing from are the least that they can be, and their change is not known."""
    return {"a": a, "b": b, "change": b - a if known else None}


def _fields(a: Row | None, b: Row | None) -> dict[str, Any]:
    axes = ("width", "height")
    old, new = (sizes(one.receptive_field) if one else (None, None) for one in (a, b))
    return {
        "a": dict(zip(axes, old, strict=True)),
        "b": dict(zip(axes, new, strict=True)),
        "change": {
            axis: None if one is None or other is None else other - one
            for axis, one, other in zip(axes, old, new, strict=True)
        },
    }
