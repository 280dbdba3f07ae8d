"""Findings for programs: one document, written as the specs are read."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from archcalc.architecture import Examination
from archcalc.diagnostics import NOWHERE, Diagnostic
from archcalc.formats import Look


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    yield '{"schema_version": 1, "specs": ['
    separator = "\n"
    for one in results:
        record = {"path": one.path, "ok": one.ok, "diagnostics": [_record(d) for d in one.diagnostics]}
        if one.hidden:
            record["known"] = len(one.hidden)  # left out: a baseline has them
        yield separator + json.dumps(record)
        separator = ",\n"
    yield "\n]}\n"


def _record(one: Diagnostic) -> dict[str, Any]:
    line, column, end_line, end_column = one.span if one.span != NOWHERE else (None,) * 4
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "notes": [*one.notes, *([one.reference] if one.reference else [])],
        "help": list(one.help),
        "related": [
            {"line": label.span.line, "column": label.span.column, "message": label.text} for label in one.labels
        ],
    }
