"""The forgotten quote: a pattern that begins with `[`, which YAML reads as a list.

Read only when a text is not YAML.  The repaired line is found by trying: whole values first, then
single items of a list in brackets; one is offered when the text with it reads on past that line.
"""

import re
from collections.abc import Callable, Iterator

from archcalc.diagnostics import Diagnostic, Edit, Span
from archcalc.reader.text import BAD_YAML, split_lines
from archcalc.regex import regex

MAX_REPAIRS = 20  # forgotten quotes that are looked for in one text
MAX_READ = 1 << 20  # characters that are read once more for it, altogether
MAX_LINE = 1000  # characters of a value that is repaired

_PATTERN = regex(r"\]\s*\*|->|\u2192|\]\s+-\s|INPUT\s*\[")
_BEGIN = regex(r"\s*(?:-\s+)*(?:[\w.$-]+:\s+)?(?=\[)")
_ITEM = regex(r"\s*(?:-\s|[\w.$-]+:\s)")
_COMMENT = regex(r"\s+#.*$|\s+$")
_COMPARISON = regex(r"[^#\"']*?[\w-]+:\s+(>=?\s*\d[^,}#\"']*?)\s*(?:[,}#].*)?$")
_BARE = regex(r"""[^,{}"']*""")

MESSAGE = "a pattern that begins with `[` must be quoted; YAML reads it as a list"
INSIDE = "a pattern with `[` inside a list in brackets must be quoted; YAML reads a list there"


def forgotten_quotes(text: str, wrong: int, wrong_line: Callable[[str], int]) -> list[Diagnostic]:
    """A finding for every value that a pair of quotes repairs, from line `wrong` on, where it stops being YAML.

    `wrong_line` gives that line for another text, 0 where there is none.
    """
    lines = split_lines(text)
    found: list[Diagnostic] = []
    readings = max(1, MAX_READ // len(text))
    while wrong and len(found) < MAX_REPAIRS:
        first, last = _stretch(lines, wrong)
        if not last:
            break
        line = " ".join([lines[first - 1].rstrip(), *(one.strip() for one in lines[first:last])])
        wrong = 0
        for start, end, repaired in _repairs(line) if len(line) <= MAX_LINE else ():
            readings -= 1
            if readings < 0:
                break
            replaced = [*lines[: first - 1], repaired, *[""] * (last - first), *lines[last:]]
            further = wrong_line("\n".join(replaced))
            if not 0 < further <= last:
                message = MESSAGE if line[start] == "[" else INSIDE
                column = start + 1 if start < len(lines[first - 1]) else 1  # it begins on a later line
                place = Span(first, column, last, end + 1 if first == last else len(lines[last - 1].rstrip()) + 1)
                whole = Span(first, 1, first, len(lines[first - 1]) + 1)
                edits = (Edit(whole, repaired),) if first == last else ()  # lines are not joined unasked
                found.append(Diagnostic(BAD_YAML, message, place, help=_help(repaired), edits=edits))
                lines, wrong = replaced, further
                break
        else:  # not known how to repair it
            begin = _BEGIN.match(line)
            if begin and '"' not in line:
                end = len(lines[first - 1]) + 1
                place = Span(first, min(begin.end() + 1, end), first, end)
                found.append(Diagnostic(BAD_YAML, MESSAGE, place))
    return found


def _stretch(lines: list[str], wrong: int) -> tuple[int, int]:
    """First and last line of the value that is wrong on line `wrong`, or that ends just before; (0, 0) for none."""
    for last in (wrong, wrong - 1):
        if 0 < last <= len(lines) and _PATTERN.search(lines[last - 1]):
            first = last
            while first > max(1, last - 20) and not _ITEM.match(lines[first - 1]) and lines[first - 2].strip():
                first -= 1
            return first, last
    return 0, 0


def quoted_comparison(lines: list[str], span: Span) -> Diagnostic | None:
    """The finding for `>= 1000` at or before a place where a text is not YAML: it begins a folded text."""
    for number in (span.line, span.line - 1):
        found = _COMPARISON.match(lines[number - 1]) if number else None
        if found:
            place = Span(number, found.start(1) + 1, number, found.end(1) + 1)
            quoted = f'"{found[1]}"'
            message = "a comparison that begins with `>` must be quoted; YAML reads a folded text"
            return Diagnostic(BAD_YAML, message, place, help=(f"write {quoted}",), edits=(Edit(place, quoted),))
    return None


def quoted_list(lines: list[str], span: Span) -> str:
    """A list in brackets on one line, read where a pattern was meant -> its quoted text; "" if it cannot be one."""
    if span.line != span.end_line or span.end_line > len(lines):
        return ""
    text = lines[span.line - 1][span.column - 1 : span.end_column - 1]
    return f'"{text}"' if _BARE.fullmatch(text) and len(text) <= 120 else ""


def _help(repaired: str) -> tuple[str, ...]:
    return (f"write {repaired.strip()}",) if len(repaired) <= 160 else ()


def _repairs(line: str) -> Iterator[tuple[int, int, str]]:
    """Lines with quotes added, and where the first quoted text stands: the likely ones first."""
    stop = len(_COMMENT.sub("", line))
    begin = _BEGIN.match(line)
    listed = begin and re.search(r":\s+$", begin[0]) and "pattern:" not in begin[0] and line[stop - 1] == "]"
    whole = (begin.end(), stop) if begin and _BARE.fullmatch(line, begin.end(), stop) else None
    if whole and not listed:
        yield *whole, _quote(line, [whole])
    for depth in (1, 2, 3):  # how many brackets around the items
        if items := list(_items(line, stop, depth)):
            yield *items[0], _quote(line, items)
    if whole and listed:
        yield *whole, _quote(line, [whole])


def _items(line: str, stop: int, depth: int) -> Iterator[tuple[int, int]]:
    """The patterns with brackets among the items that stand `depth` brackets deep."""
    level, start = 0, -1
    for at, character in enumerate(line[:stop]):
        closes = character in "]}" and level == depth
        if start >= 0 and (closes or (character == "," and level == depth)):
            end = len(line[:at].rstrip())
            start += len(line[start:at]) - len(line[start:at].lstrip())
            item = line[start:end]
            key = re.match(r"[\w]+:\s+", item)
            start += key.end() if key else 0
            if "[" in item and _PATTERN.search(item) and _BARE.fullmatch(line, start, end):
                yield start, end
            start = at + 1 if character == "," else -1
        level += (character in "[{") - (character in "]}")
        if character in "[{" and level == depth:
            start = at + 1


def _quote(line: str, places: list[tuple[int, int]]) -> str:
    for start, end in reversed(places):
        line = f'{line[:start]}"{line[start:end]}"{line[end:]}'
    return line
