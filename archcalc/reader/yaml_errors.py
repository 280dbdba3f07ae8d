"""What is wrong with YAML, in our own words: those of libyaml and the pure parser differ, and neither knows patterns."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from archcalc.diagnostics import Diagnostic, Label, Refusal, Span
from archcalc.reader.text import (
    BAD_CHARACTER,
    BAD_YAML,
    UNSUPPORTED_YAML,
    forbidden,
    in_backticks,
    place_of,
    refused_character,
    split_lines,
)

if TYPE_CHECKING:
    from yaml import Mark, MarkedYAMLError

_NOT_YAML = "the text is not YAML here"
_CONTROLS = {"0": 0, "a": 7, "b": 8, "t": 9, "v": 11, "f": 12, "e": 27, "N": 0x85, "L": 0x2028, "P": 0x2029}


def tag(text: str, start: int) -> Refusal:
    """The refusal of the tag that is the first `!` from `start` on."""
    return Refusal(UNSUPPORTED_YAML, "tags (`!`) are not part of the language", place_of(text, text.index("!", start)))


def question(text: str, start: int) -> Refusal:
    """The refusal of a plain word in brackets with a `?`, the first from `start` on."""
    message = "a `?` inside a list or mapping in brackets needs quotes around its word"
    return Refusal(BAD_YAML, message, place_of(text, text.index("?", start)))


def crowded_header(text: str, start: int) -> Refusal | None:
    """The refusal of `|#` at `start`: a comment needs a space before it; libyaml does not mind."""
    odd = re.compile(r"[|>][-+\d]*#").match(text, start)
    return Refusal(BAD_YAML, _NOT_YAML, place_of(text, odd.end() - 1)) if odd else None


def bad_escape(text: str, start: int, end: int) -> Refusal | None:
    """The refusal of the first escape that is wrong or stands for a bad character, in the quoted scalar at `start`."""
    pattern = re.compile(
        r"""\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0abtvfeLPN])|[nr_ "/\\\r\n]|(.?))"""
    )
    for escape in pattern.finditer(text, start + 1, end):
        digits, letter, wrong = escape[1] or escape[2] or escape[3], escape[4], escape[5]
        code = int(digits, 16) if digits else _CONTROLS[letter] if letter else 32
        if wrong is not None:
            message = f"the escape {in_backticks(escape[0])} stands for no character"
        elif code > 0x10FFFF:
            message = f"the escape {in_backticks(escape[0])} is beyond Unicode"
        elif forbidden(chr(code)):
            message = refused_character(code, ", escaped,")
        else:
            continue
        place = place_of(text, escape.start())
        end_column = place.column + len(escape[0].rstrip("\r\n"))
        return Refusal(BAD_CHARACTER, message, place._replace(end_column=end_column))
    return None


def syntax_errors(
    text: str, error: "MarkedYAMLError", error_of: "Callable[[str], MarkedYAMLError | None]"
) -> list[Diagnostic]:
    """The findings where a parser stopped; `error_of` is where it stops in another text, a repaired one."""
    from archcalc.reader.quoting import forgotten_quotes, quoted_comparison

    def wrong_line(other: str) -> int:
        found = error_of(other)
        return place_of(other, _index(other, found)).line if found else 0

    wrong = _syntax_error(text, error)
    quotes = forgotten_quotes(text, place_of(text, _index(text, error)).line, wrong_line)
    return quotes or [quoted_comparison(split_lines(text), wrong.span) or wrong]


def _index(text: str, error: "MarkedYAMLError") -> int:
    """Where the error is; at the end of the text: behind what can be seen last."""
    mark = error.problem_mark or error.context_mark
    return min(mark.index if mark else 0, len(text.rstrip()))


def _syntax_error(text: str, error: "MarkedYAMLError") -> Diagnostic:
    index = _index(text, error)
    opened = error.context_mark
    if opened and text[opened.index : opened.index + 1] == '"' and (bad := bad_escape(text, opened.index, index + 9)):
        return bad.diagnostic
    if crowded := crowded_header(text, index):  # to libyaml a block that cannot stand here, to the pure parser none
        return crowded.diagnostic
    if text.startswith("!", index):
        return tag(text, index).diagnostic
    if opened and "tag" in (error.context or "") and "!" in text[opened.index :]:
        return tag(text, opened.index).diagnostic
    if text.startswith(":?", index):
        index += 1
    if text.startswith("?", index):
        return question(text, index).diagnostic
    place = place_of(text, index)
    labels: tuple[Label, ...] = ()
    if opened and opened.line + 1 < place.line:
        begin = Span(opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
        labels = (Label(begin, "in what begins here"),)
    help = _colon_meant(text, index, opened)
    return Diagnostic(BAD_YAML, _NOT_YAML, place, labels=labels, help=help)


def _colon_meant(text: str, index: int, opened: "Mark | None") -> tuple[str, ...]:
    """What is wrong most likely where a colon cannot stand: a comma, a colon or quotes are missing."""
    if not re.match(r":(?=\s|$)", text[index : index + 2]):
        return ()
    *above, line = re.split(r"[\r\n]+", text[max(0, index - 400) : index])
    key = line.split()[-1:]
    if opened and text.startswith("{", opened.index):
        return (f"is a comma missing before `{key[0]}`?",) if key else ()
    if ": " in line:
        return ("a text that holds `: ` is quoted",)
    if [line.strip()] != key or not above:
        return ()
    if re.search(r":(\s|$)", above[-1]):
        return ("the keys of one mapping begin in one column",)
    return ("is a colon, or the space behind it, missing on the line before?",)
