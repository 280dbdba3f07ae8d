"""What stays the same about a finding while lines move: for baselines, and for services that track findings."""

import os
from collections.abc import Sequence

from archcalc.diagnostics import Diagnostic
from archcalc.files import repository


class Fingerprints:
    """Names findings.  No two findings that one instance names have the same name.

    A name depends on the spec's path, the code, the text of the line, and the how-manyth finding of that
    kind it is; not on the number of the line, nor on the message, whose figures may change, where there is a line.
    """

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str, str], int] = {}

    def of(self, path: str, one: Diagnostic, lines: Sequence[str]) -> str:
        """The name of a finding in the spec whose text is `lines`: 32 hexadecimal digits."""
        import hashlib
        import json

        number = one.span.line
        line = lines[number - 1].strip() if 0 < number <= len(lines) else "" if number else one.message
        key = repository_path(path), one.code, line
        self.seen[key] = self.seen.get(key, 0) + 1
        return hashlib.sha256(json.dumps([*key, self.seen[key]]).encode()).hexdigest()[:32]


def repository_path(path: str) -> str:
    """A spec's path as reports hold it: from the root of its repository, with forward slashes.

    Outside a repository it counts from the current folder, and what lies outside of that stays absolute.
    `<stdin>`, `<pattern>` and `zoo:name` are no files and stay as they are.
    """
    if path.startswith(("<", "zoo:")):
        return path
    whole = os.path.abspath(path)
    root = repository(os.path.dirname(whole)) or os.getcwd()
    inside = whole.startswith(os.path.join(root, ""))
    return (whole[len(os.path.join(root, "")) :] if inside else whole).replace(os.sep, "/")
