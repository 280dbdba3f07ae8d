"""The networks that were kept, as raw integers; a figure that nobody knows is null."""

import json
from typing import Any

from archcalc.formats import Look
from archcalc.variants.sweeping.sweep import Result


def render(result: Result, look: Look) -> str:
    return json.dumps(record(result), indent=1) + "\n"


def record(result: Result) -> dict[str, Any]:
    tally, request = result.tally, result.request
    return {
        "schema_version": 1,
        "spec": request.spec,
        "count": request.points.networks,
        "space": request.space.size,
        "sampling": request.points.sampling,
        "seed": None if request.points.sampling == "grid" else request.points.seed,
        "where": list(request.conditions),
        "objectives": [str(one) for one in request.keep.objectives],
        "pareto": request.keep.front,
        "complete": result.complete,
        "computed": tally.networks,
        "structures": result.structures,
        "fitting": tally.fitting,
        "excluded": tally.excluded,
        "rejected": dict(tally.rejected),
        "unknown": tally.unknown,
        "misfits": [
            {
                "code": code,
                "layer": layer,
                "networks": count,
                "example": {
                    "message": tally.examples[code, layer][0],
                    "command": request.command(request.space.point(tally.examples[code, layer][1])),
                },
            }
            for (code, layer), count in sorted(tally.misfits.items(), key=lambda one: (-one[1], one[0]))
        ],
        "networks": result.to_records(),
    }
