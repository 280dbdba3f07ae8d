"""YAML text -> a tree of nodes that know their place.  The only module that imports yaml.

The text is untrusted.  `yaml.compose` and `safe_load` recurse in C (30,000 brackets end the
process), expand alias bombs, keep the last of duplicate keys and type scalars by YAML 1.1, so this
reader walks libyaml's events with a stack of its own, under budgets.  A scalar stays text: what
it means is decided by whoever reads it (`values.py`).
"""

import re
from functools import cache
from typing import Any, NamedTuple

import yaml

from archcalc.diagnostics import Diagnostic, Edit, Label, Refusal, Span, rule
from archcalc.text import BAD_YAML, split_lines

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_ALIASES = 100

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
UNSUPPORTED_YAML = rule(
    "AC011",
    "YAML that a spec does not use",
    """
    Tags (`!!int`), merge keys (`<<`), directives (`%YAML`), several documents in a file, keys that are
    lists or mappings, and anchors that contain themselves are not part of the language.
    """,
)
DUPLICATE_KEY = rule(
    "AC012",
    "a key is written twice",
    "A mapping has each key once.  Most YAML readers silently keep the last one; archcalc does not choose.",
)


class Scalar(NamedTuple):
    """A single value as text; quoting makes no difference to its meaning."""

    text: str
    span: Span
    style: str = ""  # "" plain, "'", '"', "|" or ">"


class Sequence(NamedTuple):
    items: "tuple[Node, ...]"
    span: Span


class Mapping(NamedTuple):
    entries: "tuple[tuple[Scalar, Node], ...]"
    span: Span

    def get(self, key: str) -> "Node | None":
        return next((value for name, value in self.entries if name.text == key), None)


Node = Scalar | Sequence | Mapping

_ASCII_FORBIDDEN = re.compile("[^\n\r\x20-\x7e]")
_CONTROLS = {"0": 0, "a": 7, "b": 8, "t": 9, "v": 11, "f": 12, "e": 27, "N": 0x85, "L": 0x2028, "P": 0x2029}
_QUESTION = "a `?` inside a list or mapping in brackets needs quotes around its word"


@cache
def _unicode_forbidden() -> re.Pattern[str]:
    """What YAML calls unprintable, the line breaks only YAML knows, tabs, bidi controls; 3 ms to compile."""
    return re.compile(
        "[^\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    )


def _forbidden(text: str) -> re.Match[str] | None:
    return _ASCII_FORBIDDEN.search(text) if text.isascii() else _unicode_forbidden().search(text)


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
        raise Refusal(BAD_ENCODING, message, _place(before, len(before))) from None


def refused_text(text: str) -> Diagnostic | None:
    """What is wrong with a text before anyone reads it as YAML: its size, its characters."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return Diagnostic(TOO_LARGE, f"the spec has more than {MAX_BYTES:,} bytes, the limit", Span(1, 1, 1, 1))
    if bad := _forbidden(text):
        return Diagnostic(BAD_CHARACTER, _character(ord(bad.group())), _place(text, bad.start()))
    if "%" in text and (directive := re.match(r"(?: *(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%", text)):
        place = _place(text, directive.end() - 1)
        return Diagnostic(UNSUPPORTED_YAML, "directives (`%`) are not part of the language", place)
    return None


def parse(text: str, *, libyaml: bool = True) -> tuple[Node | None, list[Diagnostic]]:
    """Text -> (root node, problems); the root is None where the text could not be read to its end.

    `libyaml` off reads with PyYAML's own parser, as happens where libyaml is missing: the result is the
    same in every place and word, 15 to 30 times slower.
    """
    if refused := refused_text(text):
        return None, [refused]
    reader = _Reader(text)
    try:
        reader.read(libyaml=libyaml)
    except Refusal as refusal:
        return None, [*reader.problems, refusal.diagnostic]
    except yaml.MarkedYAMLError as error:
        return None, [*reader.problems, *_syntax_errors(text, error, libyaml=libyaml)]
    if reader.root is None:
        empty = Diagnostic(BAD_YAML, "the spec is empty", Span(1, 1, 1, 1))
        return None, [*reader.problems, empty]
    return reader.root, reader.problems


class _Open:
    """A collection whose end has not been read yet."""

    __slots__ = ("anchor", "children", "end", "event", "height", "size")

    def __init__(self, event: yaml.CollectionStartEvent) -> None:
        self.event = event
        self.anchor: str | None = event.anchor
        self.children: list[Node] = []
        self.end = _mark(event.end_mark)  # of the last child, later
        self.size = 1  # nodes below and including this one, aliases expanded
        self.height = 1


class _Reader:
    """Walks events; holds what is open, the anchors seen, and the budgets."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith(("\n", "\r")) else text + "\n"  # the end is then where both parsers see it
        self.root: Node | None = None
        self.problems: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}  # None while still open
        self.nodes = self.aliases = self.documents = 0

    def read(self, *, libyaml: bool) -> None:
        loader = getattr(yaml, "CLoader", None) if libyaml else None
        parser = (loader or _pure_loader())(self.text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                self._check_node(event)
                span = _span(event) if event.value or event.style else self._nothing(event)
                node = Scalar(event.value, span, (event.style or "").strip())
                if event.style == '"':
                    if _forbidden(event.value):
                        raise self._bad_escape(event)
                elif event.style in ("|", ">"):
                    self._check_header(event)
                elif "?" in event.value and self.stack and self.stack[-1].event.flow_style and not event.style:
                    raise Refusal(
                        BAD_YAML, _QUESTION, _place(self.text, self.text.index("?", _mark(event.start_mark).index))
                    )
                self._add(node, 1, 0, event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_node(event)
                if len(self.stack) >= MAX_DEPTH:
                    raise self._too_deep(event)
                if event.anchor:
                    self.anchors[event.anchor] = None
                self.stack.append(_Open(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self.stack.pop()
                if done.event.flow_style:  # the end of a block collection is where the next thing begins
                    done.end = _mark(event.end_mark)
                self._add(self._build(done), done.size, done.height, done.event, done.end)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(event)

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise _tag(self.text, _mark(event.start_mark).index)
        self._spend(1, event)

    def _nothing(self, event: yaml.ScalarEvent) -> Span:
        """Where a value that is not there would stand: behind what can be seen before it."""
        text, start = self.text, _mark(event.start_mark)
        index = start.index
        while index and text[index - 1].isspace():
            index -= 1
        ended = len(split_lines(text[index : start.index])) - 1  # lines, between there and here
        begin = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) if ended else start.index - start.column - 1
        return Span(start.line + 1 - ended, index - begin, start.line + 1 - ended, index - begin)

    def _check_header(self, event: yaml.ScalarEvent) -> None:
        """`|#`: a comment needs a space before it; libyaml does not mind."""
        if odd := re.compile(r"[|>][-+\d]*#").match(self.text, _mark(event.start_mark).index):
            raise Refusal(BAD_YAML, "the text is not YAML here", _place(self.text, odd.end() - 1))

    def _bad_escape(self, event: yaml.ScalarEvent) -> Refusal:
        found = _bad_escape(self.text, _mark(event.start_mark).index, _mark(event.end_mark).index)
        assert found is not None  # raw characters were looked at before
        return Refusal(found.code, found.message, found.span)

    def _spend(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            message = f"the spec has more than {MAX_NODES:,} nodes, the limit"
            raise Refusal(TOO_LARGE, message, _start(event))

    def _too_deep(self, event: yaml.Event) -> Refusal:
        message = f"the spec is nested deeper than {MAX_DEPTH} levels, the limit"
        return Refusal(TOO_LARGE, message, _start(event))

    def _add(self, node: Node, size: int, height: int, event: yaml.NodeEvent, end: yaml.Mark | None = None) -> None:
        if event.anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = (node, size, height)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.children.append(node)
        parent.end = end or _mark(event.end_mark)
        parent.size += size
        parent.height = max(parent.height, height + 1)

    def _build(self, done: _Open) -> Node:
        start, end = _mark(done.event.start_mark), done.end
        span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if isinstance(done.event, yaml.SequenceStartEvent):
            return Sequence(tuple(done.children), span)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise Refusal(UNSUPPORTED_YAML, "a key is a word, not a list or mapping", key.span)
            if key.text == "<<" and not key.style:
                raise Refusal(UNSUPPORTED_YAML, "merge keys (`<<`) are not part of the language", key.span)
            if key.text in entries:
                first, known = entries[key.text][0].span, entries[key.text][1]
                again = isinstance(value, Scalar) and isinstance(known, Scalar) and value.text == known.text
                whole = Span(*key.span[:2], *value.span[2:])
                self.problems.append(
                    Diagnostic(
                        DUPLICATE_KEY,
                        f"{_quoted(key.text)} is given twice, first on line {first.line}",
                        key.span,
                        text="again",
                        labels=(Label(first, "first"),),
                        edits=(Edit(whole, ""),) if again else (),
                    )
                )
            else:
                entries[key.text] = (key, value)
        return Mapping(tuple(entries.values()), span)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor
        if name not in self.anchors:
            raise Refusal(BAD_YAML, f"`*{name}` has no anchor `&{name}` before it", _span(event))
        known = self.anchors[name]
        if known is None:
            raise Refusal(UNSUPPORTED_YAML, f"`*{name}` stands inside its own anchor", _span(event))
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            message = f"the spec has more than {MAX_ALIASES} aliases, the limit"
            raise Refusal(TOO_LARGE, message, _span(event))
        node, size, height = known
        if len(self.stack) + height > MAX_DEPTH:
            raise self._too_deep(event)
        self._spend(size, event)
        self._add(node, size, height, event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Refusal(UNSUPPORTED_YAML, "a second document starts here; a spec is one", _start(event))


def _pure_loader() -> Any:
    """PyYAML's own parser, as strict as libyaml: `{a:}` and escapes beyond Unicode are errors with a place."""

    class PureLoader(yaml.Loader):
        def scan_plain(self) -> Any:
            token = super().scan_plain()
            if self.flow_level and self.peek() == ":" and self.peek(1) in ",?[]{}":
                raise yaml.MarkedYAMLError("", token.start_mark, "", self.get_mark())
            return token

        def scan_flow_scalar_non_spaces(self, double: bool, start_mark: yaml.Mark) -> Any:
            try:
                return super().scan_flow_scalar_non_spaces(double, start_mark)
            except (ValueError, OverflowError):
                raise yaml.MarkedYAMLError("", start_mark, "", self.get_mark()) from None

    return PureLoader


def _tag(text: str, start: int) -> Refusal:
    """The refusal of the tag that is the first `!` from `start` on."""
    return Refusal(UNSUPPORTED_YAML, "tags (`!`) are not part of the language", _place(text, text.index("!", start)))


def _mark(mark: Any) -> yaml.Mark:
    """Marks are optional to the type stubs only."""
    return mark  # type: ignore[no-any-return]


def _span(event: yaml.Event) -> Span:
    start, end = _mark(event.start_mark), _mark(event.end_mark)
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _start(event: yaml.Event) -> Span:
    """The first character of something that is refused before it is read to its end."""
    start = _mark(event.start_mark)
    return Span(start.line + 1, start.column + 1, start.line + 1, start.column + 2)


def _place(text: str, index: int) -> Span:
    """The place of one character."""
    before = split_lines(text[:index])
    line, column = len(before), len(before[-1]) + 1
    return Span(line, column, line, column + 1)


def _quoted(text: str) -> str:
    """A text in a message: one printable line, short."""
    text = text if len(text) <= 40 else text[:37] + "..."
    return "`" + "".join(c if c.isprintable() else " " for c in text) + "`"


def _character(code: int, how: str = "") -> str:
    if code == ord("\t"):
        return f"a tab{how}; indent and separate with spaces"
    if code == 0xFEFF and not how:
        return "a byte order mark (U+FEFF) that is not at the start of the text"
    return f"the character U+{code:04X}{how} does not belong in a spec"


def _bad_escape(text: str, start: int, end: int) -> Diagnostic | None:
    """The first escape that is wrong or stands for a bad character, in the quoted scalar at `start`."""
    pattern = re.compile(
        r"""\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0abtvfeLPN])|[nr_ "/\\\r\n]|(.?))"""
    )
    for escape in pattern.finditer(text, start + 1, end):
        digits, letter, wrong = escape[1] or escape[2] or escape[3], escape[4], escape[5]
        code = int(digits, 16) if digits else _CONTROLS[letter] if letter else 32
        if wrong is not None:
            message = f"the escape {_quoted(escape[0])} stands for no character"
        elif code > 0x10FFFF:
            message = f"the escape {_quoted(escape[0])} is beyond Unicode"
        elif _forbidden(chr(code)):
            message = _character(code, ", escaped,")
        else:
            continue
        place = _place(text, escape.start())
        return Diagnostic(
            BAD_CHARACTER, message, place._replace(end_column=place.column + len(escape[0].rstrip("\r\n")))
        )
    return None


def _syntax_errors(text: str, error: yaml.MarkedYAMLError, *, libyaml: bool) -> list[Diagnostic]:
    """Our own words: libyaml's and the pure parser's differ, and neither knows about patterns."""
    from archcalc.quoting import forgotten_quotes, quoted_comparison

    wrong = _syntax_error(text, error)
    line = _place(text, _index(text, error)).line
    quotes = forgotten_quotes(text, line, lambda other: _wrong_line(other, libyaml=libyaml))
    return quotes or [quoted_comparison(split_lines(text), wrong.span) or wrong]


def _wrong_line(text: str, *, libyaml: bool) -> int:
    """The line (from 1) where a text stops being YAML; 0 where it does not."""
    try:
        _Reader(text).read(libyaml=libyaml)
    except Refusal:
        return 0
    except yaml.MarkedYAMLError as error:
        return _place(text, _index(text, error)).line
    return 0


def _index(text: str, error: yaml.MarkedYAMLError) -> int:
    """Where the error is; at the end of the text: behind what can be seen last."""
    mark = error.problem_mark or error.context_mark
    return min(mark.index if mark else 0, len(text.rstrip()))


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> Diagnostic:
    index = _index(text, error)
    opened = error.context_mark
    if opened and text[opened.index : opened.index + 1] == '"' and (bad := _bad_escape(text, opened.index, index + 9)):
        return bad
    if text.startswith("!", index):
        return _tag(text, index).diagnostic
    if opened and "tag" in (error.context or "") and "!" in text[opened.index :]:
        return _tag(text, opened.index).diagnostic
    if text.startswith(":?", index):
        index += 1
    place = _place(text, index)
    if text.startswith("?", index):
        return Diagnostic(BAD_YAML, _QUESTION, place)
    labels: tuple[Label, ...] = ()
    if opened and opened.line + 1 < place.line:
        begin = Span(opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
        labels = (Label(begin, "in what begins here"),)
    return Diagnostic(BAD_YAML, "the text is not YAML here", place, labels=labels)
