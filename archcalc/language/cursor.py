"""How far a pattern has been read, and where its characters stand in the text: on one line, or folded, or in a block."""

from archcalc.diagnostics import Refusal, Span, rule
from archcalc.reader.nodes import Scalar

BAD_PATTERN = rule(
    "AC106",
    "a pattern is not well formed",
    """
    A pattern is steps joined by `->` (or ` - `): `CONV<F>-<K>` with the suffixes `s` stride, `p` padding,
    `d` dilation and `g` groups (`CONV7-64s2p3`, `CONV7x1-192`), `POOL<F>`, `FC-<units>`, `RELU` and every
    other layer type; `[..]*n` repeats, `X?` is optional.  A number may be `$name` or `(4*$width)`.  A block
    takes its first variable behind a dash: `fire-64`.
    """,
)


class Cursor:
    """A place `at` in the value of a scalar, which was read from `lines`."""

    def __init__(self, scalar: Scalar, lines: list[str]) -> None:
        self.text = scalar.text
        self.whole = scalar.span
        self.at = 0
        self.base = _single_line(scalar)
        self.places = [] if self.base else _aligned(scalar, lines)

    def span(self, start: int, end: int) -> Span:
        """Where the characters from `start` up to `end` stand, at least one; the scalar's beginning if nobody knows."""
        if self.base:
            return Span(self.whole.line, self.base + start, self.whole.line, self.base + max(start + 1, end))
        line, column = self._place(start)
        end_line, end_column = self._place(max(start, end - 1))
        return Span(line, column, end_line, end_column + 1)

    def _place(self, offset: int) -> tuple[int, int]:
        return self.places[min(offset, len(self.places) - 1)] if self.places else self.whole[:2]

    def refuse(self, message: str, start: int, end: int = 0, *, help: tuple[str, ...] = ()) -> Refusal:
        return Refusal(BAD_PATTERN, message, self.span(start, max(end, start + 1)), help=help)

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def parenthesis(self) -> str:
        """The text of a balanced parenthesis, brackets included."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return self.text[start : self.at]
        raise self.refuse("this `(` is not closed", start)


def _single_line(scalar: Scalar) -> int:
    """The column of the value's first character where every character is one column of one line, else 0."""
    span = scalar.span
    quote = 1 if scalar.style in ("'", '"') else 0
    simple = span.line == span.end_line and span.end_column - span.column == len(scalar.text) + 2 * quote
    return span.column + quote if simple else 0


def _aligned(scalar: Scalar, lines: list[str]) -> list[tuple[int, int]]:
    """Places of a folded or block scalar: what is not white space comes in the same order in both; [] if not."""
    span, block = scalar.span, scalar.style in ("|", ">")
    raw = []
    for number in range(span.line + block, min(span.end_line, len(lines)) + 1):
        line = lines[number - 1]
        first = span.column if number == span.line else 1
        last = span.end_column - 1 if number == span.end_line else len(line)
        raw += [(number, column, line[column - 1]) for column in range(first, last + 1) if column <= len(line)]
    if scalar.style in ("'", '"'):
        raw = raw[1:-1]
    visible = [one for one in raw if not one[2].isspace()]
    wanted = [character for character in scalar.text if not character.isspace()]
    if not wanted or [one[2] for one in visible] != wanted:
        return []
    places, position = [], 0
    for character in scalar.text:
        places.append(visible[min(position, len(visible) - 1)][:2])
        position += not character.isspace()
    return places
