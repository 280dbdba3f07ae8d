"""YAML text -> a tree of nodes that know their place.  The only module that imports yaml.

The text is untrusted.  `yaml.compose` and `safe_load` recurse in C (30,000 brackets end the
process), expand alias bombs, keep the last of duplicate keys and type scalars by YAML 1.1, so this
reader walks libyaml's events with a stack of its own, under budgets.  A scalar stays text: what
it means is decided by whoever reads it (`values.py`).
"""

import re
from functools import cache
from typing import NamedTuple

import yaml

from archcalc.diagnostics import Diagnostic, Label, Refusal, Span, rule

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
_FORGOTTEN_QUOTE = re.compile(r"\s*(?:-\s+|\w+:\s+)*\[.*(?:\]\s*(?:\*|\?|->|-\s)|->)")


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


def parse(text: str, *, libyaml: bool = True) -> tuple[Node | None, list[Diagnostic]]:
    """Text -> (root node, problems); the root is None where the text could not be read to its end."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        message = f"the spec has more than {MAX_BYTES:,} bytes, the limit"
        return None, [Diagnostic(TOO_LARGE, message, Span(1, 1, 1, 1))]
    if bad := _forbidden(text):
        place = _place(text, bad.start())
        return None, [Diagnostic(BAD_CHARACTER, _character(bad.group()), place)]
    reader = _Reader()
    try:
        reader.read(text, libyaml=libyaml)
    except Refusal as refusal:
        return None, [*reader.problems, refusal.diagnostic]
    except yaml.MarkedYAMLError as error:
        return None, [*reader.problems, _syntax_error(text, error)]
    if reader.root is None:
        empty = Diagnostic(BAD_YAML, "the spec is empty", Span(1, 1, 1, 1))
        return None, [*reader.problems, empty]
    return reader.root, reader.problems


class _Open:
    """A collection whose end has not been read yet."""

    __slots__ = ("anchor", "children", "event", "height", "size")

    def __init__(self, event: yaml.NodeEvent) -> None:
        self.event = event
        self.anchor: str | None = event.anchor
        self.children: list[Node] = []
        self.size = 1  # nodes below and including this one, aliases expanded
        self.height = 1


class _Reader:
    """Walks events; holds what is open, the anchors seen, and the budgets."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}  # None while still open
        self.nodes = self.aliases = self.documents = 0

    def read(self, text: str, *, libyaml: bool) -> None:
        loader = getattr(yaml, "CLoader", None) if libyaml else None
        parser = (loader or yaml.Loader)(text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                self._check_node(event)
                node = Scalar(event.value, _span(event), (event.style or "").strip())
                if event.style == '"' and (bad := _forbidden(event.value)):
                    raise Refusal(BAD_CHARACTER, _character(bad.group()) + ", escaped", node.span)
                self._add(node, 1, 0, event.anchor)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_node(event)
                if len(self.stack) >= MAX_DEPTH:
                    raise self._too_deep(event)
                if event.anchor:
                    self.anchors[event.anchor] = None
                self.stack.append(_Open(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self.stack.pop()
                span = _span(done.event, event)
                self._add(self._build(done, span), done.size, done.height, done.anchor, counted=True)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(event)

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            message = f"the tag {event.tag} is not part of the language; a spec has no tags"
            raise Refusal(UNSUPPORTED_YAML, message, _span(event))
        self._spend(1, event)

    def _spend(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            message = f"the spec has more than {MAX_NODES:,} nodes, the limit"
            raise Refusal(TOO_LARGE, message, _span(event))

    def _too_deep(self, event: yaml.Event) -> Refusal:
        message = f"the spec is nested deeper than {MAX_DEPTH} levels, the limit"
        return Refusal(TOO_LARGE, message, _span(event))

    def _add(self, node: Node, size: int, height: int, anchor: str | None, *, counted: bool = False) -> None:
        if anchor:
            self.anchors[anchor] = (node, size, height)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.children.append(node)
        parent.size += size
        parent.height = max(parent.height, height + 1)

    def _build(self, done: _Open, span: Span) -> Node:
        if isinstance(done.event, yaml.SequenceStartEvent):
            return Sequence(tuple(done.children), span)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise Refusal(UNSUPPORTED_YAML, "a key is a word, not a list or mapping", key.span)
            if key.text == "<<" and not key.style:
                raise Refusal(UNSUPPORTED_YAML, "merge keys (`<<`) are not part of the language", key.span)
            if key.text in entries:
                first = entries[key.text][0].span
                self.problems.append(
                    Diagnostic(
                        DUPLICATE_KEY,
                        f"`{key.text}` is given twice, first on line {first.line}",
                        key.span,
                        text="again",
                        labels=(Label(first, "first"),),
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
        self._add(node, size, height, None)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Refusal(UNSUPPORTED_YAML, "a second document starts here; a spec is one", _span(event))
        if event.version or event.tags:
            raise Refusal(UNSUPPORTED_YAML, "directives (`%`) are not part of the language", _span(event))


def _span(first: yaml.Event, last: yaml.Event | None = None) -> Span:
    start, end = first.start_mark, (last or first).end_mark
    assert start is not None
    assert end is not None
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _place(text: str, index: int) -> Span:
    """The place of one character; CR LF, CR and LF each end a line."""
    before = re.split("\r\n|\r|\n", text[:index])
    line, column = len(before), len(before[-1]) + 1
    return Span(line, column, line, column + 1)


def _character(found: str) -> str:
    if found == "\t":
        return "a tab; indent and separate with spaces"
    if found == "\ufeff":
        return "a byte order mark (U+FEFF) that is not at the start of the text"
    return f"the character U+{ord(found):04X} does not belong in a spec"


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Our own words: libyaml's and the pure parser's differ, and neither knows about patterns."""
    mark = error.problem_mark or error.context_mark
    lines = re.split("\r\n|\r|\n", text)
    line = min(mark.line, len(lines) - 1) if mark else 0
    column = min(mark.column, len(lines[line])) if mark else 0
    span = Span(line + 1, column + 1, line + 1, column + 2)
    if "escape" in (error.problem or ""):
        return Diagnostic(BAD_CHARACTER, "this escape is not a character", span)
    labels: tuple[Label, ...] = ()
    opened = error.context_mark
    if opened and opened.line != line and opened.line < len(lines):
        at = Span(opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
        labels = (Label(at, "in what begins here"),)
    for number in (line, line - 1):
        if number >= 0 and _FORGOTTEN_QUOTE.match(lines[number]):
            indent = len(lines[number]) - len(lines[number].lstrip())
            start = lines[number].index("[")
            at = Span(number + 1, start + 1, number + 1, max(len(lines[number].rstrip()), indent + 1) + 1)
            quoted = f'"{lines[number][start:].rstrip()}"'
            return Diagnostic(
                BAD_YAML,
                "a pattern that begins with `[` must be quoted; YAML reads it as a list",
                at,
                help=(f"write {quoted}",) if len(quoted) <= 120 and quoted.count('"') == 2 else (),
            )
    return Diagnostic(BAD_YAML, "the text is not YAML here", span, labels=labels)
