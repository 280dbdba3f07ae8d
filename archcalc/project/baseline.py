"""A baseline: the findings a project knows about already, so that only new ones count.

It names findings by their fingerprints, which do not change when lines move; path, code and message stand
beside them for whoever reads the file.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

from archcalc.architecture import Examination
from archcalc.diagnostics import Diagnostic, Unusable
from archcalc.files import Unreadable, check_links, read_bounded, shown_path
from archcalc.project.fingerprint import Fingerprints, repository_path

MAX_BYTES = 4 << 20  # about 15,000 findings


class BadBaseline(Unusable):
    """The file is no baseline; says why in one line."""


class Baseline:
    """Known findings; with `known` None it collects findings instead, for a baseline to be written."""

    def __init__(self, known: frozenset[str] | None = None) -> None:
        self.known = known
        self.fingerprints = Fingerprints()
        self.collected: list[dict[str, str]] = []

    def new(self, one: Examination) -> Examination:
        """The spec without its known findings; all are known when they are collected."""
        named = [(self.fingerprints.of(one.path, found, one.document.lines), found) for found in one.diagnostics]
        if self.known is None:
            self.collected += [_record(one.path, found, name) for name, found in named]
            return one._replace(diagnostics=())
        known = self.known
        return one._replace(diagnostics=tuple(found for name, found in named if name not in known))

    def text(self) -> str:
        """The file for what was collected, sorted, a line a finding, so that it can be reviewed and merged."""
        records = sorted(self.collected, key=lambda one: (one["path"], one["code"], one["fingerprint"]))
        lines = ",\n".join(json.dumps(one) for one in records)
        return f'{{"schema_version": 1, "findings": [\n{lines}\n]}}\n'


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
    """The baseline in a file; raises BadBaseline."""
    name = shown_path(os.fspath(path))
    try:
        check_links(os.fspath(path))
        data = read_bounded(os.fspath(path), MAX_BYTES)
    except Unreadable as error:
        raise BadBaseline(f"cannot read {name}: {error}") from None
    if len(data) > MAX_BYTES:
        raise BadBaseline(f"{name} is no baseline: it has more than {MAX_BYTES:,} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise BadBaseline(f"{name} is no baseline: it is not JSON") from None
    if not isinstance(document, dict) or document.get("schema_version") != 1:
        raise BadBaseline(f"{name} is no baseline of this archcalc; write it with --write-baseline")
    return Baseline(frozenset(_names(document.get("findings"), name)))


def _names(findings: Any, path: str) -> Iterable[str]:
    for one in findings if isinstance(findings, list) else [None]:
        name = one.get("fingerprint") if isinstance(one, dict) else None
        if not isinstance(name, str):
            raise BadBaseline(f"{path} is no baseline: its findings have no fingerprints")
        yield name


def _record(path: str, one: Diagnostic, fingerprint: str) -> dict[str, str]:
    return {
        "path": repository_path(path),
        "code": one.code,
        "message": one.message,
        "fingerprint": fingerprint,
    }
