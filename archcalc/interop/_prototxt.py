"""The text format of protocol buffers -> messages that know their place, without a schema.

A reader of our own, since the official one refuses a file with a field that its schema does not have, and forks of
Caffe add fields: it needs no schema, gives line and column, and has limits of its own.
"""

import re
from bisect import bisect_right

from archcalc.diagnostics import Refusal, Span
from archcalc.interop.reading import BAD_SETTING, MOST_DIGITS, OVERSIZED, UNREADABLE
from archcalc.reader.text import in_backticks
from archcalc.records import NamedTuple
from archcalc.regex import regex

MAX_DEPTH = 64
MAX_FIELDS = 200_000

_SPACE = regex(r"(?:[\s,;]|#[^\n]*+)*+")
_TOKEN = regex(
    r"""(?P<word>[A-Za-z_][\w./]*+)
    |(?P<number>[-+]?(?:0[xX][0-9a-fA-F]++|(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?)[fF]?)
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<sign>[{}<>:\[\]])""",
    re.VERBOSE | re.ASCII,
)
_INTEGER = regex(r"[-+]?\d+", re.ASCII)
_ESCAPE = regex(r"\\(.)")


class Text(NamedTuple):
    """A value that is no message."""

    text: str
    span: Span


class Message(NamedTuple):
    """Fields in their order; one that is repeated occurs several times."""

    fields: "dict[str, list[Text | Message]]"
    span: Span

    def texts(self, name: str) -> list[Text]:
        return [one for one in self.fields.get(name, ()) if isinstance(one, Text)]

    def messages(self, *names: str) -> "list[Message]":
        return [one for name in names for one in self.fields.get(name, ()) if isinstance(one, Message)]

    def message(self, name: str) -> "Message":
        """A field that occurs once, or an empty message in its place."""
        found = self.messages(name)
        if len(found) > 1:
            raise Refusal(UNREADABLE, f"`{name}` is given twice", found[1].span)
        return found[0] if found else Message({}, self.span)

    def text(self, name: str) -> Text | None:
        """A field that occurs once."""
        found = self.texts(name)
        if len(found) > 1:
            raise Refusal(UNREADABLE, f"`{name}` is given twice", found[1].span)
        return found[0] if found else None

    def word(self, name: str, default: str = "") -> str:
        found = self.text(name)
        return found.text if found else default

    def integers(self, name: str) -> list[int]:
        return [_integer(name, one) for one in self.texts(name)]

    def integer(self, name: str, default: int) -> int:
        found = self.text(name)
        return _integer(name, found) if found else default

    def number(self, name: str, default: float) -> float:
        found = self.text(name)
        return _number(name, found) if found else default

    def numbers(self, name: str) -> list[float]:
        return [_number(name, one) for one in self.texts(name)]

    def boolean(self, name: str, *, default: bool) -> bool:
        found = self.text(name)
        if not found:
            return default
        if found.text not in ("true", "True", "t", "1", "false", "False", "f", "0"):
            message = f"`{name}` is {in_backticks(found.text)}, not true or false"
            raise Refusal(BAD_SETTING, message, found.span)
        return found.text in ("true", "True", "t", "1")

    def places(self, **keys: str) -> dict[str, Span]:
        """Where the keys of a layer stand, by its own names for them."""
        return {ours: self.fields[theirs][0].span for ours, theirs in keys.items() if theirs in self.fields}


def _integer(name: str, found: Text) -> int:
    text = found.text
    if not _INTEGER.fullmatch(text) or len(text) > MOST_DIGITS:
        raise Refusal(BAD_SETTING, f"`{name}` is {in_backticks(text)}, which is no whole number", found.span)
    return int(text)


def _number(name: str, found: Text) -> float:
    try:
        return float(found.text.rstrip("fF"))
    except ValueError:
        message = f"`{name}` is {in_backticks(found.text)}, which is no number"
        raise Refusal(BAD_SETTING, message, found.span) from None


def parse(text: str) -> Message:
    """The message that a text is; Refusal where it stops being one."""
    return _Parser(text).message()


class _Parser:
    """Walks tokens with a stack of its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.index = self.fields = 0

    def place(self, start: int, end: int) -> Span:
        line = bisect_right(self.starts, start)
        column = start - self.starts[line - 1] + 1
        return Span(line, column, line, column + max(1, end - start))

    def refuse(self, message: str, start: int | None = None, code: str = UNREADABLE) -> Refusal:
        start = self.index if start is None else start
        return Refusal(code, message, self.place(start, start + 1))

    def peek(self) -> re.Match[str] | None:
        """The next token; None at the end."""
        self.index = _SPACE.match(self.text, self.index).end()  # type: ignore[union-attr] # it matches nothing, too
        if self.index >= len(self.text):
            return None
        found = _TOKEN.match(self.text, self.index)
        if found is None:
            char = self.text[self.index]
            quote = char in "\"'"
            raise self.refuse(
                "a string that is not closed on its line" if quote else f"{in_backticks(char)} means nothing"
            )
        return found

    def take(self) -> re.Match[str] | None:
        found = self.peek()
        if found:
            self.index = found.end()
        return found

    def message(self) -> Message:
        root = Message({}, Span(1, 1, 1, 2))
        stack: list[tuple[Message, str, int]] = [(root, "", 0)]
        while name := self.take():
            holder, closer, _ = stack[-1]
            if name[0] == closer:
                stack.pop()
                continue
            if name.lastgroup != "word":
                raise self.refuse(f"{in_backticks(name[0])} stands where the name of a field is expected", name.start())
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise self.refuse(f"more than {MAX_FIELDS:,} fields, the limit", name.start(), OVERSIZED)
            values = holder.fields.setdefault(name[0], [])
            token = self.take()
            if token and token[0] == ":":
                token = self.take()
            elif token and token[0] not in ("{", "<"):
                raise self.refuse(f"`{name[0]}` has neither `:` nor `{{` behind it", name.start())
            if token is None:
                raise self.refuse(f"the file ends behind `{name[0]}`", name.start())
            if token[0] in ("{", "<"):
                if len(stack) > MAX_DEPTH:
                    raise self.refuse(f"nested deeper than {MAX_DEPTH} levels, the limit", token.start(), OVERSIZED)
                opened = Message({}, self.place(name.start(), name.end()))
                values.append(opened)
                stack.append((opened, "}" if token[0] == "{" else ">", token.start()))
            elif token[0] == "[":
                self.list(values, token.start())
            else:
                values.append(self.value(token))
        if len(stack) > 1:
            raise self.refuse(f"this `{self.text[stack[-1][2]]}` is never closed", stack[-1][2])
        return root

    def list(self, values: "list[Text | Message]", start: int) -> None:
        """`[1, 3, 224, 224]`: a repeated field at once."""
        while token := self.take():
            if token[0] == "]":
                return
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise self.refuse(f"more than {MAX_FIELDS:,} fields, the limit", token.start(), OVERSIZED)
            values.append(self.value(token))
        raise self.refuse("this `[` is never closed", start)

    def value(self, token: re.Match[str]) -> Text:
        """A value; strings side by side are one."""
        if token.lastgroup == "sign":
            raise self.refuse(f"{in_backticks(token[0])} stands where a value is expected", token.start())
        if token.lastgroup != "string":
            return Text(token[0], self.place(token.start(), token.end()))
        parts = [_ESCAPE.sub(r"\1", token[0][1:-1])]
        while (more := self.peek()) and more.lastgroup == "string":
            self.index = more.end()
            parts.append(_ESCAPE.sub(r"\1", more[0][1:-1]))
        return Text("".join(parts), self.place(token.start(), token.end()))
