"""The plan as raw bytes; `schema_version` changes when a field changes its meaning.  What is not known is null."""

import json
from typing import Any

from archcalc.formats import Look
from archcalc.memory.results import Inference, Line, Plan, Training


def render(plan: Plan, look: Look) -> str:
    return json.dumps(record(plan), indent=1) + "\n"


def record(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    settings = plan.settings
    return {
        "schema_version": 2,
        "name": plan.name,
        "batch": plan.batch,
        "dtype": settings.dtype,
        "optimizer": settings.optimizer,
        "convention": settings.convention,
        "device": settings.device,
        "inplace": settings.inplace,
        "purpose": settings.purpose,
        "weight_decay": settings.weight_decay,
        "implementation": settings.stepping,
        "accumulate": settings.accumulate,
        "keep_gradients": settings.keep_gradients,
        "average": settings.average,
        "gpus": settings.gpus,
        "shard": settings.shard,
        "bucket_views": settings.bucket_views,
        "headroom": settings.spare,
        "context_bytes": settings.context,
        "inference": _inference(plan.inference, plan.lines),
        "training": _training(plan),
        "budget": plan.budget and {**plan.budget._asdict(), "max_batch": plan.budget.max_batch._asdict()},
        "suggestions": [one._asdict() for one in plan.suggestions],
        "layers": [_layer(line) for line in plan.lines],
    }


def _inference(found: Inference, lines: tuple[Line, ...]) -> dict[str, Any]:
    arena, order = found.arena, found.order
    return {
        **{name: value for name, value in found._asdict().items() if name not in ("live", "buffers", "order")},
        "arena": None
        if not found.buffers
        else {
            "bytes": arena.bytes,
            "trivial_bytes": arena.trivial,
            "buffers": [
                {
                    "bytes": one.size,
                    "offset": offset,
                    "first": lines[one.first].name,
                    "last": lines[one.last].name,
                }
                for one, offset in zip(found.buffers, arena.offsets, strict=True)
            ],
        },
        "order": order and {"peak_bytes": order.peak, "layers": [lines[one].name for one in order.nodes]},
    }


def _training(plan: Plan) -> dict[str, Any]:
    if plan.training is None:
        fields = dict.fromkeys(name for name in Training._fields if name not in ("live", "moments_forward"))
        return {**fields, "status": "unavailable", "unknown": []}
    found = plan.training._asdict()
    del found["live"], found["moments_forward"]
    return {**found, "at_peak": plan.training.at_peak._asdict(), "unknown": list(plan.unknown)}


def _layer(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "output": line.output._asdict()}
