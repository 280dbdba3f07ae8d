"""Findings for people: the place, the text with carets, the arithmetic, the repairs."""

import unicodedata
from collections.abc import Iterable, Iterator

from archcalc import units
from archcalc.architecture import Examination
from archcalc.diagnostics import SEVERITIES, Diagnostic, Label, Severity, headline, printable
from archcalc.formats import Look
from archcalc.formats._figures import total

WINDOW = 110  # columns of a long line that are shown around a finding
SHOWN = 100  # findings of one spec
_COLORS = {"error": "31", "warning": "33", "info": "36"}


def render(results: Iterable[Examination], look: Look) -> Iterator[str]:
    """One line for a spec that is fine, its findings for another; a last line that counts."""
    specs, hidden, counts, holding = 0, 0, dict.fromkeys(SEVERITIES, 0), dict.fromkeys(SEVERITIES, 0)
    for one in results:
        specs += 1
        hidden += len(one.hidden)
        shown = len(one.diagnostics) if look.concise else SHOWN
        for diagnostic in one.diagnostics[:shown]:
            yield finding(one.path, diagnostic, one.document.lines, look)
        if len(one.diagnostics) > shown:
            yield f"{one.path}: and {len(one.diagnostics) - shown:,} more like these; --format json has all\n"
        for diagnostic in one.diagnostics:
            counts[diagnostic.severity] += 1
        present = {diagnostic.severity for diagnostic in one.diagnostics}
        for severity in present:
            holding[severity] += 1
        if (
            one.report.rows
            and one.report.complete
            and not look.quiet
            and not any(_counts(one.severity, look) for one in (*one.diagnostics, *one.hidden))
        ):
            yield f"{one.path}: {_paint('ok', '32', look)} {summary(one)}\n"
    wrong = [
        f"{holding[severity]:,} with {severity}s ({counts[severity]:,})"
        for severity in SEVERITIES
        if counts[severity] and _counts(severity, look)
    ]
    fine = f"nothing new, {hidden:,} known" if hidden else "all ok"
    if wrong or (specs > 1 and not look.quiet):
        yield f"{specs:,} {'spec' if specs == 1 else 'specs'}: {', '.join(wrong) or fine}\n"


def _counts(severity: Severity, look: Look) -> bool:
    """Whether a spec with such findings is not called ok: with errors never, whatever the exit code."""
    return severity == "error" or look.fails(severity)


def summary(one: Examination) -> str:
    report = one.report
    totals = report.totals
    return (
        f"{report.ends}, {total(totals, 'params')} params, "
        f"{total(totals, 'macs', units.count)} MACs, {units.count(totals.activations)} activations"
    )


def finding(path: str, one: Diagnostic, lines: tuple[str, ...], look: Look = Look()) -> str:
    """One finding in full, or its first line where the output is to be concise."""
    color = _COLORS[one.severity]
    head = headline(path, one)
    marked = f"{one.severity}[{one.code}]"
    head = head.replace(marked, _paint(marked, f"1;{color}", look), 1)
    if look.concise:
        return head + "\n"
    out = [head, *_snippet(one, lines, look)]
    out += [f"  = {printable(note)}" for note in one.notes]
    out += [f"  {_paint('help:', '1;32', look)} {printable(line)}" for line in one.help]
    if one.reference:
        out.append(f"  = {printable(one.reference)}")
    return "\n".join(out) + "\n"


def _snippet(one: Diagnostic, lines: tuple[str, ...], look: Look) -> list[str]:
    marks = [(Label(one.span, one.text), "^"), *((label, "-") for label in one.labels)]
    marks = [mark for mark in marks if 1 <= mark[0].span.line <= len(lines)]
    if not marks:
        return []
    marks.sort(key=lambda mark: mark[0].span)
    gutter = len(str(max(label.span.line for label, _ in marks)))
    out = [f"{'':{gutter}} |"]
    previous = None
    for (span, text), sign in marks:
        line = lines[span.line - 1].rstrip("\r")
        end = span.end_column if span.end_line == span.line else len(line) + 1
        start, end = span.column - 1, max(end - 1, span.column)
        first = max(0, start - WINDOW // 2) if len(line) > WINDOW else 0
        lead = "..." if first else ""
        shown = line[first : first + WINDOW]
        tail = "..." if first + WINDOW < len(line) else ""
        if previous != span.line:
            out.append(f"{span.line:>{gutter}} | {lead}{_printable(shown)}{tail}".rstrip())
        indent = len(lead) + _columns(line[first:start])
        length = max(1, _columns(line[start : min(end, first + WINDOW)]))
        color = _COLORS[one.severity] if sign == "^" else "34"
        arrows = _paint(sign * length + (f" {text}" if text else ""), color, look)
        out.append(f"{'':{gutter}} | {' ' * indent}{arrows}")
        previous = span.line
    return out


def _printable(text: str) -> str:
    """Source text as it may be shown: one visible character for each that is not printable."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in text)


def _columns(text: str) -> int:
    """Terminal columns of a text."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _paint(text: str, code: str, look: Look) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if look.color else text
