"""Darknet's cfg files as sections of options, each with its place.

Spaces count nowhere, a number may have a comment behind it, and of two equal keys the first counts, as Darknet's C has it.
"""

import re

from archcalc.diagnostics import Diagnostic, Refusal, Span
from archcalc.interop.reading import BAD_SETTING, INEXPRESSIBLE, MOST_DIGITS, OVERSIZED, UNREADABLE
from archcalc.reader.text import in_backticks
from archcalc.records import NamedTuple
from archcalc.regex import regex

MAX_WRONG = 100  # lines; with more of them it is another kind of file

_INTEGER = regex(r"([-+]?\d+)(?:\.0*)?(?:[#;].*)?", re.ASCII)
_FLOAT = regex(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?)f?(?:[#;].*)?", re.ASCII)


class Option(NamedTuple):
    text: str
    span: Span


class Section(NamedTuple):
    """A layer of the file.  Numbers may have a comment behind them, since C's atoi does not see it."""

    kind: str
    span: Span
    options: dict[str, Option]

    def integer(self, key: str, default: int) -> int:
        if key not in self.options:
            return default
        text, span = self.options[key]
        found = _INTEGER.fullmatch(text)
        if not found or len(found[1]) > MOST_DIGITS:
            raise Refusal(BAD_SETTING, f"{key} is {in_backticks(text)}, which is no whole number", span)
        return int(found[1])

    def number(self, key: str, default: float) -> float:
        if key not in self.options:
            return default
        text, span = self.options[key]
        found = _FLOAT.fullmatch(text)
        if not found:
            raise Refusal(BAD_SETTING, f"{key} is {in_backticks(text)}, which is no number", span)
        return float(found[1])

    def integers(self, key: str) -> list[int]:
        text, span = self.options.get(key, Option("", self.span))
        found = [_INTEGER.fullmatch(one) for one in text.split(",") if one]
        numbers = [int(one[1]) for one in found if one and len(one[1]) <= MOST_DIGITS]
        if not numbers or len(numbers) < len(found):
            message = f"{self.kind} needs `{key}`, whole numbers with commas between them"
            raise Refusal(BAD_SETTING, message, span)
        return numbers

    def places(self, **keys: str) -> dict[str, Span]:
        """Where the keys of a layer stand, by its own names for them."""
        return {ours: self.options[theirs].span for ours, theirs in keys.items() if theirs in self.options}

    def refuse(self, key: str, message: str) -> Refusal:
        return Refusal(INEXPRESSIBLE, message, self.options[key].span if key in self.options else self.span)


def parsed(lines: list[str], problems: list[Diagnostic]) -> list[Section]:
    """The sections of a file.  Spaces count nowhere, and of two equal keys the first counts, as in Darknet."""
    sections: list[Section] = []
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;\0":
            continue
        start = len(line) - len(line.lstrip()) + 1
        span = Span(number, start, number, start + len(stripped))
        text = "".join(stripped.split())
        if text.startswith("["):
            sections.append(Section(text[1:].partition("]")[0], span, {}))
            continue
        key, equals, value = text.partition("=")
        if not equals or not sections:
            if len(problems) >= MAX_WRONG:
                raise Refusal(OVERSIZED, f"more than {MAX_WRONG} lines like this one, the limit", span)
            what = "is no `key=value`" if not equals else "stands before the first section"
            problems.append(Diagnostic(UNREADABLE, f"{in_backticks(stripped)} {what}", span))
            continue
        sections[-1].options.setdefault(key, Option(value, span))
    return sections
