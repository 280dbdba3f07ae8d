"""YAML text -> a tree of nodes that know their place.  The only module that imports yaml.

The text is untrusted.  `yaml.compose` and `safe_load` recurse in C (30,000 brackets end the
process), expand alias bombs, keep the last of duplicate keys and type scalars by YAML 1.1, so this
reader walks libyaml's events with a stack of its own, under budgets.  A scalar stays text: what
it means is decided by whoever reads it (`integers.py`, `values.py`).
"""

import re
from functools import cache
from typing import Any

import yaml

from archcalc.diagnostics import Diagnostic, Edit, Label, Refusal, Span, rule
from archcalc.reader.nodes import MAX_DEPTH, MAX_NODES, Mapping, Scalar, Sequence, Value
from archcalc.reader.text import (
    BAD_YAML,
    TOO_LARGE,
    UNSUPPORTED_YAML,
    forbidden,
    in_backticks,
    place_of,
    refused_text,
    split_lines,
)
from archcalc.reader.yaml_errors import bad_escape, crowded_header, question, syntax_errors, tag
from archcalc.regex import regex

MAX_ALIASES = 100

_EXPLICIT_KEY = regex(r"(?<![^\s,[{])\?\s+[^\s,:\]}]")
_QUESTIONS = regex(r"\?|(?<!\S)\#[^\r\n]*")  # and comments, which may hold one
_SEEN = regex(r"(?<!\S)\#[^\r\n]*|\S+")  # comments, and what is none
_ALIAS = regex(r"\*([^][{},:\s]+)")
_LEXEMES = regex(
    r"""\s+|[][{},]|:(?=[][{},\s])|(?<!\S)\#[^\r\n]*|"(?:[^"\\]|\\.)*+"?|'[^']*+'?|[^][{},\s]+?(?=:?[][{},\s])|.""",
    re.DOTALL,
)

DUPLICATE_KEY = rule(
    "AC012",
    "a key is written twice",
    "A mapping has each key once.  Most YAML readers silently keep the last one; archcalc does not choose.",
)


def parse(text: str, *, libyaml: bool = True) -> tuple[Value | None, list[Diagnostic]]:
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
        if refused_ahead := reader.ahead(error):
            return None, [*reader.problems, refused_ahead.diagnostic]
        return None, [*reader.problems, *syntax_errors(text, error, lambda other: _error_of(other, libyaml=libyaml))]
    if reader.root is None:
        empty = Diagnostic(BAD_YAML, "the spec is empty", Span(1, 1, 1, 1))
        return None, [*reader.problems, empty]
    return reader.root, reader.problems


def _error_of(text: str, *, libyaml: bool) -> yaml.MarkedYAMLError | None:
    """Where a text stops being YAML, if it does."""
    try:
        _Reader(text).read(libyaml=libyaml)
    except Refusal:
        return None
    except yaml.MarkedYAMLError as error:
        return error
    return None


class _Open:
    """A collection whose end has not been read yet."""

    __slots__ = ("children", "end", "event", "height", "size")

    def __init__(self, event: yaml.CollectionStartEvent) -> None:
        self.event = event
        self.children: list[Value] = []
        self.end = _mark(event.end_mark)  # of the last child, later
        self.size = 1  # nodes below and including this one, aliases expanded
        self.height = 1


class _Reader:
    """Walks events; holds what is open, the anchors seen, and the budgets."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith(("\n", "\r")) else text + "\n"  # the end is then where both parsers see it
        self.root: Value | None = None
        self.problems: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Value, int, int] | None] = {}  # None while still open
        self.nodes = self.aliases = self.documents = 0
        self.index = 0  # where the last event ends

    def read(self, *, libyaml: bool) -> None:
        loader = getattr(yaml, "CLoader", None) if libyaml else None
        parser = (loader or _pure_loader())(self.text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if self.stack and self.stack[-1].event.flow_style:
                self._check_question(event)
            before, self.index = self.index, _mark(event.end_mark).index
            if isinstance(event, yaml.ScalarEvent):
                self._check_node(event)
                span = _span(event) if event.value or event.style else self._nothing(event, before)
                node = Scalar(event.value, span, (event.style or "").strip())
                if event.style == '"':
                    if forbidden(event.value):
                        escape = bad_escape(self.text, _mark(event.start_mark).index, _mark(event.end_mark).index)
                        assert escape is not None  # raw characters were looked at before
                        raise escape
                elif event.style in ("|", ">") and (wrong := crowded_header(self.text, _mark(event.start_mark).index)):
                    raise wrong
                self._add(node, 1, 0, event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_node(event)
                if len(self.stack) >= MAX_DEPTH:
                    raise _too_deep(_start(event))
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
            raise tag(self.text, _mark(event.start_mark).index)
        self._spend(1, event)

    def _nothing(self, event: yaml.ScalarEvent, before: int) -> Span:
        """Where a value that is not there would stand: behind what can be seen before it, comments apart."""
        text, start = self.text, _mark(event.start_mark)
        seen = (one.end() for one in _SEEN.finditer(text, before, start.index) if one[0][0] != "#")
        index = max(seen, default=before)
        ended = len(split_lines(text[index : start.index])) - 1  # lines, between there and here
        begin = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) if ended else start.index - start.column - 1
        return Span(start.line + 1 - ended, index - begin, start.line + 1 - ended, index - begin)

    def _spend(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            message = f"the spec has more than {MAX_NODES:,} nodes, the limit"
            raise Refusal(TOO_LARGE, message, _start(event))

    def _check_question(self, event: yaml.Event) -> None:
        """A `?` in brackets that begins no key, but ends a pattern's word: parsers differ about it."""
        start, end = _mark(event.start_mark).index, _mark(event.end_mark).index
        if (isinstance(event, yaml.ScalarEvent) and event.style) or getattr(event, "tag", None) is not None:
            end = start
        for found in _QUESTIONS.finditer(self.text, self.index, max(start, end)):
            at = found.start()
            inside = start < at < end  # of a plain word: libyaml reads `a ? b` as one, the pure parser does not
            if found[0] == "?" and (inside or not _EXPLICIT_KEY.match(self.text, at)):
                raise question(self.text, at)

    def ahead(self, error: yaml.MarkedYAMLError) -> Refusal | None:
        """The refusal of what stands before an error and has not been given as an event yet.

        A bracket may begin a key, so scanners read on to the end of its line, at most 1,024 characters, before
        its event; one may then find an error of its own, or a depth that is its own limit, where another has given
        the events.  What comes first in the text is what is said.
        """
        text, mark = self.text, error.problem_mark
        depth = len(self.stack)
        flow = sum(bool(one.event.flow_style) for one in self.stack)
        stop = mark.index if mark else self.index
        begins = not flow or text[max(0, self.index - 400) : self.index].rstrip()[-1:] in ("[", "{", ",", ":", "?")
        plain = False  # outside of brackets, in a text without quotes, which goes on in the next line
        for found in _LEXEMES.finditer(text, self.index, stop + 1):  # what stands at the error may be the reason
            word, at = found[0], found.start()
            if word in ("[", "{") and (flow or begins):
                depth, flow, begins = depth + 1, flow + 1, True
                if depth > MAX_DEPTH:
                    place = place_of(text, at)
                    return _too_deep(place._replace(end_line=place.line, end_column=place.column + 1))
                continue
            if begins and not plain and at < stop and (refused := self._unsupported(word, at)):
                return refused
            if not flow:
                plain = word not in ("-", "?", ":") and (plain or (word[0] not in " \r\n#&"))
                begins = (begins and word[0] in " &") or "\n" in word or word in ("-", "?", ":")
            elif word in ("]", "}"):
                depth, flow, begins = depth - 1, flow - 1, False
            elif word in (",", ":"):
                begins = True
            elif word[0] not in " \r\n#\"'":
                mark_at = word.find("?")
                if mark_at >= 0 and not (begins and word == "?" and _EXPLICIT_KEY.match(text, at)):
                    return question(text, at + mark_at)
                begins = word == "?" or (begins and word[0] == "&")
            elif word[0] in "\"'":
                begins = False
        return None

    def _unsupported(self, word: str, start: int) -> Refusal | None:
        """The refusal of a tag, or of an alias of nothing, that begins a value."""
        if word[0] == "!":
            return tag(self.text, start)
        alias = _ALIAS.match(self.text, start)
        if alias and alias[1] not in self.anchors and f"&{alias[1]}" not in self.text[:start]:
            return self._no_anchor(alias[1], start)
        return None

    def _add(self, node: Value, size: int, height: int, event: yaml.NodeEvent, end: yaml.Mark | None = None) -> None:
        if event.anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = (node, size, height)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if isinstance(parent.event, yaml.MappingStartEvent) and not len(parent.children) % 2:
            _check_key(node)
        parent.children.append(node)
        parent.end = end or _mark(event.end_mark)
        parent.size += size
        parent.height = max(parent.height, height + 1)

    def _build(self, done: _Open) -> Value:
        start, end = _mark(done.event.start_mark), done.end
        span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if isinstance(done.event, yaml.SequenceStartEvent):
            return Sequence(tuple(done.children), span)
        entries: dict[str, tuple[Scalar, Value]] = {}
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            assert isinstance(key, Scalar)
            if key.text in entries:
                first, known = entries[key.text][0].span, entries[key.text][1]
                again = isinstance(value, Scalar) and isinstance(known, Scalar) and value.text == known.text
                whole = Span(*key.span[:2], *value.span[2:])
                self.problems.append(
                    Diagnostic(
                        DUPLICATE_KEY,
                        f"{in_backticks(key.text)} is given twice, first on line {first.line}",
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
            raise self._no_anchor(str(name), _mark(event.start_mark).index)
        known = self.anchors[name]
        if known is None:
            raise Refusal(UNSUPPORTED_YAML, f"`*{name}` stands inside its own anchor", _span(event))
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            message = f"the spec has more than {MAX_ALIASES} aliases, the limit"
            raise Refusal(TOO_LARGE, message, _span(event))
        node, size, height = known
        if len(self.stack) + height > MAX_DEPTH:
            raise _too_deep(_start(event))
        self._spend(size, event)
        self._add(node, size, height, event)

    def _no_anchor(self, name: str, index: int) -> Refusal:
        place = place_of(self.text, index)
        span = place._replace(end_column=place.column + 1 + len(name))
        return Refusal(BAD_YAML, f"`*{name}` has no anchor `&{name}` before it", span)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Refusal(UNSUPPORTED_YAML, "a second document starts here; a spec is one", _start(event))


def _check_key(node: Value) -> None:
    """Asked before the value is read: one parser may stumble over that, and the other not."""
    if not isinstance(node, Scalar):
        raise Refusal(UNSUPPORTED_YAML, "a key is a word, not a list or mapping", node.span)
    if node.text == "<<" and not node.style:
        raise Refusal(UNSUPPORTED_YAML, "merge keys (`<<`) are not part of the language", node.span)


def _too_deep(place: Span) -> Refusal:
    return Refusal(TOO_LARGE, f"the spec is nested deeper than {MAX_DEPTH} levels, the limit", place)


@cache
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
