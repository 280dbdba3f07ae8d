"""A baseline: the findings a project knows about already, so that only new ones count.

It names findings by their fingerprints, which do not change when lines move; path, code and message stand
beside them for whoever reads the file.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from archcalc.architecture import Examination
from archcalc.diagnostics import Diagnostic, Unusable
from archcalc.files import Unreadable, check_links, current_folder, read_bounded, repository, shown_path
from archcalc.project.fingerprint import Fingerprints, repository_path

MAX_BYTES = 4 << 20  # about 15,000 findings


class BadBaseline(Unusable):
    """The file is no baseline; says why in one line."""


class Baseline:
    """Known findings, the path of each by its fingerprint; with `known` None it collects findings instead, to be written."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known = known
        self.fingerprints = Fingerprints()
        self.collected: list[dict[str, str]] = []
        self.checked: set[str] = set()  # paths of the specs
        self.met: set[str] = set()  # fingerprints of known findings that are there still

    def new(self, one: Examination) -> Examination:
        """The spec without its known findings; all are known when they are collected."""
        named = [(self.fingerprints.of(one.path, found, one.document.lines), found) for found in one.diagnostics]
        if self.known is None:
            self.collected += [_record(one.path, found, name) for name, found in named]
            return one._replace(diagnostics=())
        known = self.known
        self.checked.add(repository_path(one.path))
        self.met.update(name for name, _ in named if name in known)
        hidden = tuple(found for name, found in named if name in known)
        return one._replace(diagnostics=tuple(found for name, found in named if name not in known), hidden=hidden)

    def stale(self) -> int:
        """Known findings that are not there any more: of specs that were checked, or that are gone."""
        return sum(
            name not in self.met and (path in self.checked or not _exists(path))
            for name, path in (self.known or {}).items()
        )

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
    return Baseline(dict(_names(document.get("findings"), name)))


def _names(findings: Any, path: str) -> Iterable[tuple[str, str]]:
    """Every finding's fingerprint and the path of its spec."""
    for one in findings if isinstance(findings, list) else [None]:
        if not isinstance(one, dict) or not isinstance(one.get("fingerprint"), str):
            raise BadBaseline(f"{path} is no baseline: its findings have no fingerprints")
        yield one["fingerprint"], str(one.get("path", ""))


def _exists(path: str) -> bool:
    """Whether the spec at a path, as a baseline names it, is there; what is no file always is."""
    current = current_folder()
    return path.startswith(("<", "zoo:")) or os.path.lexists(os.path.join(repository(current) or current, path))


def _record(path: str, one: Diagnostic, fingerprint: str) -> dict[str, str]:
    return {
        "path": repository_path(path),
        "code": one.code,
        "message": one.message,
        "fingerprint": fingerprint,
    }
