"""Findings as a GitLab Code Quality report."""

import json
from collections.abc import Iterable, Iterator

from archcalc.architecture import Examination
from archcalc.diagnostics import Severity, explained
from archcalc.formats import Look
from archcalc.project.fingerprint import Fingerprints, repository_path

_SEVERITIES: dict[Severity, str] = {"error": "critical", "warning": "minor", "info": "info"}


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    fingerprints = Fingerprints()
    yield "["
    separator = "\n"
    for one in results:
        for diagnostic in one.diagnostics:
            record = {
                "description": "\n".join(explained(diagnostic)),
                "check_name": diagnostic.code,
                "fingerprint": fingerprints.of(one.path, diagnostic, one.document.lines),
                "severity": _SEVERITIES[diagnostic.severity],
                "location": {
                    "path": repository_path(one.path),
                    # the format demands a line: what has no place in a text stands at the first
                    "lines": {"begin": max(1, diagnostic.span.line), "end": max(1, diagnostic.span.end_line)},
                },
            }
            yield separator + json.dumps(record)
            separator = ",\n"
    yield "\n]\n"
