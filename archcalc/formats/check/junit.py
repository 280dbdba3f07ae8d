"""Findings as JUnit XML: every spec is a test case, which fails once however many findings fail it."""

from collections.abc import Iterable, Iterator

from archcalc.architecture import Examination
from archcalc.formats import Look
from archcalc.formats.check.text import finding, summary

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    cases, failures = [], 0
    plain = look._replace(color=False)
    for one in results:
        failing = [diagnostic for diagnostic in one.diagnostics if look.fails(diagnostic.severity)]
        failures += bool(failing)
        cases.append(_case(one, len(failing), plain))
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="archcalc" {counts}>\n'
    yield f'<testsuite name="archcalc check" {counts} skipped="0">\n'
    yield from cases
    yield "</testsuite>\n</testsuites>\n"


def _case(one: Examination, failing: int, look: Look) -> str:
    opened = f'<testcase classname="archcalc" name="{_text(one.path)}">'
    text = "".join(finding(one.path, diagnostic, one.document.lines, look) for diagnostic in one.diagnostics)
    if failing:
        first = next(diagnostic for diagnostic in one.diagnostics if look.fails(diagnostic.severity))
        more = f" (and {failing - 1:,} more)" if failing > 1 else ""
        attributes = f'type="{first.code}" message="{_text(first.message + more)}"'
        return f"{opened}<failure {attributes}>{_text(text)}</failure></testcase>\n"
    text += summary(one) if one.report.rows and one.report.complete else ""
    return f"{opened}<system-out>{_text(text)}</system-out></testcase>\n"


def _text(text: str) -> str:
    """Text as XML can hold it: without the characters XML 1.0 has no way to write."""
    visible = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    return visible.translate(_ENTITIES)
