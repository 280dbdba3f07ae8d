"""An explanation as one object."""

import json
from collections.abc import Iterable

from archcalc.analysis.explanation import Fact
from archcalc.formats import Look


def render(head: str, facts: Iterable[Fact], look: Look) -> str:
    return json.dumps({"schema_version": 1, "layer": head, **dict(facts)}, indent=1) + "\n"
