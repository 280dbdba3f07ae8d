"""Repairs of a spec's text: those that are certain, made at their places, and only where the result checks better.

Findings carry their repairs as `edits`.  They are tried together, then in halves, so that one that does not help
keeps none of the others from being made; this is repeated while there is progress, since a text that can be read
again shows what else is wrong.  What is done is thereby done in one call: fixing a fixed text changes nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence

from archcalc.architecture import Examination, examine
from archcalc.diagnostics import Diagnostic, Edit, Span
from archcalc.language.entries import UNKNOWN_KEY, UNKNOWN_TYPE
from archcalc.language.specfile import SpecText
from archcalc.reader.text import BAD_YAML
from archcalc.records import NamedTuple
from archcalc.regex import regex

MAX_REPAIRS = 200  # that are tried in one round

_LINE = regex(r"\r\n|\r|\n")


class Fixed(NamedTuple):
    """The repaired text, what was repaired in it, what could have been but did not help, and what it is now."""

    text: str
    made: tuple[Diagnostic, ...]
    refused: tuple[Diagnostic, ...]
    found: Examination


def fix(spec: SpecText) -> Fixed:
    """Repair what is certain.  No repair makes an error that was not there, as far as the text could be judged."""
    made: list[Diagnostic] = []
    found = examine(spec)
    while True:
        candidates = [one for one in found.diagnostics if one.edits][:MAX_REPAIRS]
        done, repaired = _round(spec, found, candidates)
        if not done:
            return Fixed(spec.text, tuple(made), tuple(candidates), found)
        made += done
        spec, found = spec._replace(text=apply(spec.text, done)), repaired


def _round(
    spec: SpecText, found: Examination, candidates: Sequence[Diagnostic]
) -> tuple[list[Diagnostic], Examination]:
    """The candidates that help, and the spec examined with them."""
    done: list[Diagnostic] = []
    latest = found
    waiting = [list(candidates)] if candidates else []
    while waiting:
        group = waiting.pop()
        after = examine(spec._replace(text=apply(spec.text, [*done, *group])))
        if better(latest, after):
            done, latest = [*done, *group], after
        elif len(group) > 1:
            half = len(group) // 2
            waiting += [group[half:], group[:half]]
    return done, latest


def better(before: Examination, after: Examination) -> bool:
    """Whether errors are gone and none are new.

    Errors of a later stage may come to light where `before` did not get that far: a text that cannot be read says
    nothing about what follows, an unknown layer type nothing about its keys, a key nothing about its value, a layer
    without a value nothing about its volume.
    """
    stops, later = (_unreadable(found) for found in (before, after))
    if stops:
        return not later or later > stops
    improved = False
    for stage in range(5):
        old, new = (
            Counter(_key(one) for one in found.diagnostics if one.severity == "error" and _stage(one) == stage)
            for found in (before, after)
        )
        if new - old:
            return False
        improved |= new != old
        if improved and not before.report.complete:
            return True
    return improved


def _unreadable(found: Examination) -> Span | None:
    """Where the text stops being YAML."""
    return max((one.span for one in found.diagnostics if one.code == BAD_YAML), default=None)


def _key(one: Diagnostic) -> tuple[str, str]:
    """An error apart from its place, which repairs move."""
    return one.code, re.sub(r"line \d+", "line", one.message)


def _stage(one: Diagnostic) -> int:
    """0: reading the text, 1: layer types, 2: keys, 3: values, 4: volumes; 5: what is expected, which may come after."""
    if one.code in (UNKNOWN_TYPE, UNKNOWN_KEY):
        return 1 if one.code == UNKNOWN_TYPE else 2
    return {"AC0": 0, "AC1": 3, "AC4": 5}.get(one.code[:3], 4)


def apply(text: str, repairs: Sequence[Diagnostic]) -> str:
    """The text with the edits made, each once; of two that overlap the first."""
    starts = [0, *(found.end() for found in _LINE.finditer(text))]
    edits = sorted({edit for one in repairs for edit in one.edits})
    parts, done = [], 0
    for edit in edits:
        start, end = _stretch(text, starts, edit)
        if start >= done:
            parts += [text[done:start], edit.text]
            done = end
    return "".join([*parts, text[done:]])


def _stretch(text: str, starts: Sequence[int], edit: Edit) -> tuple[int, int]:
    """Where an edit begins and ends; what is taken away takes its line or its comma along."""
    start, end = (starts[line - 1] + column - 1 for line, column in (edit.span[:2], edit.span[2:]))
    if edit.text:
        return start, end
    line = starts[edit.span.line - 1]
    behind = re.compile(r"[ \t]*(?:\r\n|\r|\n|$|(?=#))").match(text, end)
    if behind and not text[line:start].strip():
        return (start if text.startswith("#", behind.end()) else line), behind.end()
    if comma := re.search(r"\s*,\s*$", text[:start]):
        return comma.start(), end
    return start, end
