"""Findings as SARIF 2.1.0, the format of code scanning services."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from archcalc import __version__
from archcalc.architecture import Examination
from archcalc.diagnostics import CATALOGUE, NOWHERE, Diagnostic, Rule, Severity, Span, explained
from archcalc.formats import Look
from archcalc.formats.rule.markdown import render_one
from archcalc.project.fingerprint import Fingerprints, repository_path

_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    rules: dict[str, int] = {}
    fingerprints = Fingerprints()
    found = [
        _result(one, diagnostic, rules.setdefault(diagnostic.code, len(rules)), fingerprints)
        for one in results
        for diagnostic in one.diagnostics
    ]
    driver = {
        "name": "archcalc",
        "semanticVersion": __version__,
        "rules": [_rule(CATALOGUE[code]) for code in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": found,
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    yield json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(one: Rule) -> dict[str, Any]:
    page = one.text or one.title
    return {
        "id": one.code,
        "shortDescription": {"text": one.title},
        "fullDescription": {"text": page},
        "help": {"text": page, "markdown": render_one(one)},
        "defaultConfiguration": {"level": _LEVELS[one.severity]},
    }


def _result(spec: Examination, one: Diagnostic, index: int, fingerprints: Fingerprints) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": _LEVELS[one.severity],
        "message": {"text": _plain("\n".join(explained(one)))},
        "locations": [{"physicalLocation": _place(spec.path, one.span)}],
        "partialFingerprints": {"archcalc/v1": fingerprints.of(spec.path, one, spec.document.lines)},
    }
    if one.labels:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _place(spec.path, label.span), "message": {"text": _plain(label.text)}}
            for number, label in enumerate(one.labels, 1)
        ]
    return result


def _place(path: str, span: Span) -> dict[str, Any]:
    artifact: dict[str, Any] = {"artifactLocation": _artifact(repository_path(path))}
    if span == NOWHERE:
        return artifact
    line, column, end_line, end_column = span
    return {
        **artifact,
        "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
    }


def _artifact(path: str) -> dict[str, str]:
    if path.startswith("zoo:"):
        return {"uri": "zoo:" + quote(path[4:])}
    if path.startswith("/"):
        return {"uri": "file://" + quote(path)}
    if path[1:3] == ":/":  # a drive of Windows
        return {"uri": f"file:///{path[:2]}{quote(path[2:])}"}
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}


def _plain(text: str) -> str:
    """`[..](..)` in a message would be a link, and what a spec says is none."""
    return text.replace("](", "] (")
