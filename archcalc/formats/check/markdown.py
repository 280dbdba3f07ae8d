"""Findings as Markdown, for the summary of a run and for a comment on a pull request.

Everything a spec holds stands in tables of HTML without an empty line, where Markdown reads nothing, and in `code`, where no mention, link
or number of an issue is made of it.  GitHub takes 65,536 characters in a comment; what is too much is counted.
"""

from collections.abc import Iterable, Iterator
from html import escape

from archcalc.architecture import Examination
from archcalc.diagnostics import NOWHERE, SEVERITIES, Diagnostic, Severity, explained, printable
from archcalc.formats import Look
from archcalc.formats.check.text import summary
from archcalc.project.fingerprint import repository_path

MOST = 60_000  # characters
LONGEST = 2_000  # characters of a finding


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    counts: dict[Severity, int] = dict.fromkeys(SEVERITIES, 0)
    found, fine = [], []
    for one in results:
        for diagnostic in one.diagnostics:
            counts[diagnostic.severity] += 1
            found.append(_finding(one.path, diagnostic))
        if one.fits and one.report.complete and not any(two.severity == "error" for two in one.diagnostics):
            fine.append(_row(one.path, summary(one)))
        elif not one.diagnostics:
            fine.append(_row(one.path, ""))
    said = ", ".join(f"{number:,} {word}{'s' * (number != 1)}" for word, number in counts.items() if number)
    yield f"### archcalc: {said or 'all ok'}\n\n"
    left = MOST
    for head, rows in ((("where", "what"), found), (("spec", "network"), fine)):
        if rows and not (look.quiet and rows is fine):
            text, left = _table(head, rows, left)
            yield text


def _table(head: tuple[str, str], rows: list[str], left: int) -> tuple[str, int]:
    """A table of as many rows as there is room for, and how much room is left."""
    shown = []
    for row in rows:
        if left < len(row):
            break
        left -= len(row)
        shown.append(row)
    hidden = len(rows) - len(shown)
    more = f"\nand {hidden:,} more; `archcalc check` has all\n\n" if hidden else ""
    names = "".join(f"<th align='left'>{one}</th>" for one in head)
    return f"<table>\n<tr>{names}</tr>\n{''.join(shown)}</table>\n\n{more}", left


def _finding(path: str, one: Diagnostic) -> str:
    place = (
        repository_path(path) if one.span == NOWHERE else f"{repository_path(path)}:{one.span.line}:{one.span.column}"
    )
    lines = [f"{one.severity}[{one.code}]: {one.message}", *explained(one)[1:]]
    text = "\n".join(map(printable, lines))
    if len(text) > LONGEST:
        text = text[:LONGEST] + " ..."
    return _row(place, text)


def _row(place: str, text: str) -> str:
    lines = (f"<code>{escape(line)}</code>" for line in text.split("\n") if line.strip())
    return f"<tr><td><code>{escape(printable(place))}</code></td><td>{'<br>'.join(lines)}</td></tr>\n"
