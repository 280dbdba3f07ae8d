"""The catalogue for programs."""

import json
from collections.abc import Sequence

from archcalc.checks.terms import Term
from archcalc.diagnostics import Rule


def render(rules: Sequence[Rule]) -> str:
    return json.dumps({"schema_version": 1, "rules": [_record(one) for one in rules]}, indent=1) + "\n"


def render_one(one: Rule) -> str:
    return json.dumps({"schema_version": 1, **_record(one)}, indent=1) + "\n"


def render_terms(terms: Sequence[Term]) -> str:
    listed = [{"name": one.name, "title": one.title, "page": one.text} for one in terms]
    return json.dumps({"schema_version": 1, "terms": listed}, indent=1) + "\n"


def _record(one: Rule) -> dict[str, str]:
    return {"code": one.code, "severity": one.severity, "title": one.title, "page": one.text}
