"""Places in the units that an editor counts: UTF-16 code units unless it was agreed otherwise (Language Server Protocol 3.17).

Lines are ours: CR LF, CR and LF each end one, as in the protocol.
"""

from archcalc.diagnostics import NOWHERE, Span

Place = tuple[int, int]  # line and column from 0, the column in the editor's units
UTF8, UTF16, UTF32 = "utf-8", "utf-16", "utf-32"


def units(text: str, encoding: str) -> int:
    """How long a text is."""
    if text.isascii() or encoding == UTF32:
        return len(text)
    return (
        len(text.encode("utf-8", "surrogatepass"))
        if encoding == UTF8
        else len(text) + sum(one > "\uffff" for one in text)
    )


def place(lines: list[str], line: int, column: int, encoding: str) -> Place:
    """The place of a line and column from 1; what is behind a line's end is its end."""
    if not 1 <= line <= len(lines):
        return (len(lines) - 1, units(lines[-1], encoding)) if line > len(lines) else (0, 0)
    return line - 1, units(lines[line - 1][: max(0, column - 1)], encoding)


def stretch(lines: list[str], span: Span, encoding: str) -> tuple[Place, Place]:
    """Beginning and end of a span; what has no place is the first character of the text."""
    if span == NOWHERE:
        return (0, 0), (0, 1)
    start = place(lines, span.line, span.column, encoding)
    end = place(lines, span.end_line, span.end_column, encoding)
    return start, max(end, start)


def column(lines: list[str], line: int, character: int, encoding: str) -> int:
    """The column from 1 that an editor means; within a character, and behind the line, the nearest before."""
    if not 0 <= line < len(lines):
        return 1
    found = 0
    for number, one in enumerate(lines[line]):
        found += units(one, encoding)
        if found > character:
            return number + 1
    return len(lines[line]) + 1
