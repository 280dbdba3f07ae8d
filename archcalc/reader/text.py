"""A text before it is read as YAML: its bytes, its characters, its lines, and what must not be among them."""

import re
from functools import cache

from archcalc.diagnostics import Diagnostic, Refusal, Span, rule
from archcalc.regex import regex

MAX_BYTES = 1 << 20

TOO_LARGE = rule(
    "AC001",
    "the spec exceeds a limit of the reader",
    """
    A spec is untrusted input, so it is read under budgets: 1 MiB of text, 64 levels of nesting,
    100,000 nodes (an alias counts as everything it stands for) and 100 aliases.  Real networks stay
    far below all four; `repeat`, `[..]*n` and `blocks` say long things shortly.
    """,
)
BAD_ENCODING = rule(
    "AC002",
    "the text is not UTF-8",
    "A spec is UTF-8, with or without a byte order mark at its very start.",
)
BAD_CHARACTER = rule(
    "AC003",
    "a character that does not belong in a spec",
    """
    Control characters (raw, or escaped in a quoted scalar), tabs, line separators, bidirectional
    overrides, byte order marks inside the text and lone surrogates are refused: they make a terminal,
    an editor or a reviewer see something other than what is read.  Indent with spaces.
    """,
)
BAD_YAML = rule(
    "AC010",
    "the text is not YAML",
    """
    The YAML reader stopped here.  The usual reason is a pattern that begins with `[` and is not
    quoted: YAML reads a leading `[` as a list.

        layers:
          - [CONV3-64 -> RELU]*2        # wrong
          - "[CONV3-64 -> RELU]*2"      # right
    """,
)
UNSUPPORTED_YAML = rule(
    "AC011",
    "YAML that a spec does not use",
    """
    Tags (`!!int`), merge keys (`<<`), directives (`%YAML`), several documents in a file, keys that are
    lists or mappings, and anchors that contain themselves are not part of the language.
    """,
)

_ASCII_FORBIDDEN = regex("[^\n\r\x20-\x7e]")


def decode(data: bytes) -> str:
    """Bytes of a file -> text, or a Refusal (AC001, AC002)."""
    start = Span(1, 1, 1, 1)
    if len(data) > MAX_BYTES:
        raise Refusal(TOO_LARGE, f"the spec has more than {MAX_BYTES:,} bytes, the limit", start)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or b"\0" in data[:4]:
        raise Refusal(BAD_ENCODING, "the spec is UTF-16 or UTF-32; save it as UTF-8", start)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the spec as UTF-8"
        raise Refusal(BAD_ENCODING, message, place_of(before, len(before))) from None


def refused_text(text: str) -> Diagnostic | None:
    """What is wrong with a text before anyone reads it as YAML: its size, its characters."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return Diagnostic(TOO_LARGE, f"the spec has more than {MAX_BYTES:,} bytes, the limit", Span(1, 1, 1, 1))
    if bad := forbidden(text):
        return Diagnostic(BAD_CHARACTER, refused_character(ord(bad.group())), place_of(text, bad.start()))
    if "%" in text and (directive := re.match(r"(?: *(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%", text)):
        place = place_of(text, directive.end() - 1)
        return Diagnostic(UNSUPPORTED_YAML, "directives (`%`) are not part of the language", place)
    return None


@cache
def _unicode_forbidden() -> re.Pattern[str]:
    """What YAML calls unprintable, the line breaks only YAML knows, tabs, bidi controls; 3 ms to compile."""
    return re.compile(
        "[^\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    )


def forbidden(text: str) -> re.Match[str] | None:
    return _ASCII_FORBIDDEN.search(text) if text.isascii() else _unicode_forbidden().search(text)


def refused_character(code: int, how: str = "") -> str:
    if code == ord("\t"):
        return f"a tab{how}; indent and separate with spaces"
    if code == 0xFEFF and not how:
        return "a byte order mark (U+FEFF) that is not at the start of the text"
    return f"the character U+{code:04X}{how} does not belong in a spec"


def split_lines(text: str) -> list[str]:
    """The lines of a text; CR LF, CR and LF each end one."""
    return re.split("\r\n|\r|\n", text) if "\r" in text else text.split("\n")


def place_of(text: str, index: int) -> Span:
    """The place of one character."""
    before = split_lines(text[:index])
    line, column = len(before), len(before[-1]) + 1
    return Span(line, column, line, column + 1)


def in_backticks(text: str) -> str:
    """A text in a message: one printable line, short."""
    text = text if len(text) <= 40 else text[:37] + "..."
    return "`" + "".join(c if c.isprintable() else " " for c in text) + "`"
