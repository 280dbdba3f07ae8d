"""Findings as workflow commands: GitHub shows them beside the lines of a pull request.

GitHub shows ten annotations of each kind a step and drops the others without a word, so the worst come
first and the rest is listed below them in the log.  Nothing a spec holds can begin a command: values are
escaped, and lines of the log begin with our own words and hold no `##[`, the older mark of a command.
"""

from collections.abc import Iterable, Iterator

from archcalc.architecture import Examination
from archcalc.diagnostics import CATALOGUE, NOWHERE, SEVERITIES, Diagnostic, Severity, explained, headline
from archcalc.formats import Look
from archcalc.project.fingerprint import repository_path

LIMIT = 10
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    found: dict[Severity, list[tuple[str, Diagnostic]]] = {severity: [] for severity in SEVERITIES}
    specs = 0
    for one in results:
        specs += 1
        for diagnostic in one.diagnostics:
            found[diagnostic.severity].append((one.path, diagnostic))
    for severity, listed in found.items():
        for path, diagnostic in listed[:LIMIT]:
            yield _annotation(_COMMANDS[severity], path, diagnostic)
    for severity, listed in found.items():
        if more := listed[LIMIT:]:
            yield f"archcalc: {len(more):,} more of severity {severity}, past the {LIMIT} that GitHub shows:\n"
            for path, diagnostic in more:
                yield f"- {headline(path, diagnostic)}\n".replace("##[", "## [")
    counts = ", ".join(f"{severity}: {len(listed):,}" for severity, listed in found.items())
    yield f"archcalc: specs: {specs:,}, {counts}\n"


def _annotation(command: str, path: str, one: Diagnostic) -> str:
    line, column, end_line, end_column = one.span
    properties: dict[str, object] = {"file": repository_path(path)}
    if one.span != NOWHERE:
        properties |= {"line": line, "endLine": end_line}
    if line == end_line and one.span != NOWHERE:  # columns of a finding over several lines are not shown
        properties |= {"col": column, "endColumn": end_column}
    properties["title"] = f"{one.code} {CATALOGUE[one.code].title}"
    values = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    text = "\n".join(explained(one))
    return f"::{command} {values}::{_message(text)}\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
