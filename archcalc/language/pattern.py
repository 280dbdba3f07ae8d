"""The arrow notation -> the nodes that the same layers have in YAML.

    [[CONV3-64p1 -> RELU]*2 -> POOL2]*3 -> FC-10

is read as `{repeat: 3, layers: [{repeat: 2, layers: [{conv: {kernel_size: 3, filters: 64, ...`, every
node with its exact place, so nothing after this module knows which way a layer was written.  Which
number means what is declared by the layer types (`key(..., notation=...)`).
"""

import re
from collections.abc import Mapping as Table
from functools import lru_cache

from archcalc.diagnostics import Refusal
from archcalc.language.cursor import BAD_PATTERN, Cursor
from archcalc.layers import TYPES
from archcalc.reader.nodes import MAX_DEPTH, MAX_NODES, Mapping, Scalar, Sequence, Value
from archcalc.reader.text import TOO_LARGE
from archcalc.regex import regex

# A key no YAML text can hold (the reader refuses the character): marks `X?`.
OPTIONAL = "\0optional"

_ARROW = regex(r"\s*(?:->|\u2192|(?<=\s)-(?=\s))\s*")
_RUN = regex(r"[A-Za-z_]\w*", re.ASCII)
# Possessive: what `s` and `same` read is never tried again, so a word of a megabyte takes one pass.
_CALL = regex(r"([A-Za-z_][\w.]{0,63})\((?:\)|[^()\[\]]{0,200}(?:,|(?<![=<>!])=(?!=))[^\]]{0,200}?(?:\)|$))", re.ASCII)
_PLAIN_CALL = regex(r"([A-Za-z_]\w{0,63})\([\w.]{0,40}\)", re.ASCII)
_FRAMEWORKS = regex(r"[A-Za-z_]+[123][dD]", re.ASCII)  # `Conv2d`: no window of 2 and a dilation
_REST = regex(r"(?:\d++(?:x\d++)?+)?+(?:[a-z](?:\d++(?:x\d++)?+|same|half|valid)?+)*+")
_VALUE = regex(r"\d+(?:_\d+)*(?:x\d+|\.\d+)?|\$[A-Za-z_]\w*|same|half|valid", re.ASCII)
_OTHER_SIDE = regex(r"x(?:(?=(\())|(\d+|\$[A-Za-z_]\w*))", re.ASCII)
_COUNT = regex(r"\s*(?:(\d+(?:_\d+)*)|(\$?[A-Za-z_]\w*))", re.ASCII)

_SLASH = regex(r"\s*/\s*(\d+)\b", re.ASCII)  # a stride, as figures of papers have it
_APART = regex(r"(?:\s*,?\s*[a-z]\d+(?:x\d+)?\b)+", re.ASCII)  # suffixes behind a comma or a space
_OTHER_ARROWS = regex(r"\s*(?:[=-]*>|\u21d2|\u2192|[,;|+&]|[A-Za-z_\[])")

Blocks = Table[str, tuple[str, ...]]
NO_BLOCKS: Blocks = {}


def is_pattern(text: str) -> bool:
    """Whether a SPEC on the command line is a pattern: it holds an arrow."""
    return "->" in text or "\u2192" in text


def parse_pattern(scalar: Scalar, lines: list[str], blocks: Blocks = NO_BLOCKS) -> Sequence:
    """A scalar that holds a pattern -> a Sequence of layer nodes; Refusal (AC106) where it is malformed.

    `lines` is the text the scalar stands in, to find columns in folded and block scalars; `blocks`
    are the names a step may have besides the layer types, each with the names of its variables.
    """
    return _Parser(scalar, lines, blocks).parse()


class _Parser(Cursor):
    def __init__(self, scalar: Scalar, lines: list[str], blocks: Blocks) -> None:
        super().__init__(scalar, lines)
        self.blocks = blocks
        self.steps = 0

    def parse(self) -> Sequence:
        self.skip_space()
        if self.at == len(self.text):
            raise Refusal(BAD_PATTERN, "the pattern is empty", self.whole)
        items = self.chain(0)
        if self.at < len(self.text):
            raise self.refuse("this `]` closes nothing", self.at)
        return Sequence(items, self.whole)

    def chain(self, depth: int) -> tuple[Value, ...]:
        """Steps joined by arrows, up to the end or a closing bracket."""
        text = self.text
        items: list[Value] = []
        while True:
            self.skip_space()
            if self.at < len(text) and text[self.at] == "]" and not items:
                return ()
            items.append(self.step(depth))
            arrow = _ARROW.match(text, self.at)
            if arrow is None:
                self.skip_space()
                if self.at == len(text) or text[self.at] == "]":
                    return tuple(items)
                raise self.refuse("an arrow `->` is expected here", self.at, help=self.instead(items[-1]))
            self.at = arrow.end()
            if self.at == len(text) or text[self.at] == "]":
                raise self.refuse("nothing follows this arrow", arrow.start() + len(arrow[0]) - len(arrow[0].lstrip()))

    def instead(self, step: Value) -> tuple[str, ...]:
        """What to write where a step is followed by something else than an arrow: `CONV3-64, s2`, `CONV3-64/2`, `=>`."""
        rest = self.text[self.at : self.at + 100]
        suffixes = "s" + found[1] if (found := _SLASH.match(rest)) else ""
        if found := _APART.match(rest):
            suffixes = re.sub(r"[\s,]+", "", found[0])
        written = self.word_before()
        if suffixes and written and isinstance(step, Mapping):
            whole = written + suffixes
            try:
                _Trial(Scalar(whole, self.whole), [], NO_BLOCKS).parse()
            except Refusal:
                return ()
            return (f"write `{whole}`",)
        return ("steps are joined by `->`",) if _OTHER_ARROWS.match(rest) else ()

    def word_before(self) -> str:
        """The step that ends here, as it is written."""
        found = re.search(r"[A-Za-z_][\w$-]*$", self.text[max(0, self.at - 100) : self.at].rstrip(), re.ASCII)
        return found[0] if found else ""

    def step(self, depth: int) -> Value:
        self.steps += 1
        if self.steps > MAX_NODES:
            raise Refusal(TOO_LARGE, f"the pattern has more than {MAX_NODES:,} steps, the limit", self.whole)
        start = self.at
        if start == len(self.text):
            raise self.refuse("the pattern ends where a layer is expected", start - 1)
        group = self.text[start] == "["
        node = self.group(depth) if group else self.atom()
        optional = False
        while self.at < len(self.text) and self.text[self.at] in "?*":
            if self.text[self.at] == "?":
                if self.text[start] == "[":
                    raise self.refuse("only a layer can be optional, not a group", self.at)
                optional = True
                self.at += 1
                continue
            if optional or not group:
                count = _COUNT.match(self.text, self.at + 1)
                help = (f'write "[{self.text[start : self.at]}]*{count[0].strip()}"',) if count and not optional else ()
                raise self.refuse("only a group is repeated", self.at, help=help)
            node = self.repeat(node, start)
            group = False
        if optional and isinstance(node, Mapping):
            ((name, values),) = node.entries
            mark = Scalar(OPTIONAL, node.span)
            entries = values.entries if isinstance(values, Mapping) else ()
            node = Mapping(((name, Mapping((*entries, (mark, mark)), values.span)),), node.span)
        if isinstance(node, Sequence):
            node = self.repeated(node, Scalar("1", node.span), start)
        return node

    def group(self, depth: int) -> Sequence:
        start = self.at
        if depth >= MAX_DEPTH:
            raise Refusal(
                TOO_LARGE, f"groups are nested deeper than {MAX_DEPTH} levels, the limit", self.span(start, start + 1)
            )
        self.at += 1
        items = self.chain(depth + 1)
        if self.at == len(self.text):
            raise self.refuse("this `[` is not closed", start)
        self.at += 1
        return Sequence(items, self.span(start, self.at))

    def repeat(self, body: Value, start: int) -> Mapping:
        star = self.at
        self.at += 1
        if self.text.startswith("(", self.at):
            begin = self.at
            count = Scalar(self.parenthesis(), self.span(begin, self.at))
        elif found := _COUNT.match(self.text, self.at):
            self.at = found.end()
            name = found[2]
            written = found[1] or (name if name.startswith("$") else "$" + name)
            count = Scalar(written, self.span(found.start(1 if found[1] else 2), self.at))
        else:
            raise self.refuse("a number or a variable is expected after `*`", star)
        return self.repeated(body, count, start)

    def repeated(self, body: Value, count: Scalar, start: int) -> Mapping:
        span = self.span(start, self.at)
        return Mapping(((Scalar("repeat", span), count), (Scalar("layers", span), body)), span)

    def atom(self) -> Mapping:
        text, start = self.text, self.at
        run = _RUN.match(text, start)
        if run is None:
            character = text[start : start + 1]
            what = f"`{character}`" if character.isprintable() else f"the character U+{ord(character):04X}"
            raise self.refuse(f"{what} stands where a layer is expected", start)
        after = text[run.end() : run.end() + 1]
        block = self.blocks.get(run[0])
        if block is None and after in ("(", ".") and (call := _CALL.match(text, start) or _foreign_call(text, start)):
            help = ("a layer is a word and its numbers, like `CONV3-64p1`, `FC-10` or `RELU`",)
            raise self.refuse(f"`{call[1]}(...)` is a framework's call", start, call.end(), help=help)
        foreign = _FRAMEWORKS.fullmatch(run[0]) and run[0].lower() not in TYPES
        whole = block is not None or (foreign and after not in ("(", "$"))
        word, length = (run[0], len(run[0])) if whole else _word(run[0])
        self.at = start + length
        name = Scalar(word, self.span(start, self.at))
        entries: tuple[tuple[Scalar, Value], ...] = ()
        if block is not None:
            entries = self.values(word, dict(zip("-", block, strict=False)))
        elif word == "input":
            entries = self.volume()
        elif word in TYPES:
            entries = self.values(word.upper(), _notation(word))
        else:  # reported with its neighbours by whoever knows all the types
            self.at = re.compile(r"[\w.$()*+%-]*(?<!-)", re.ASCII).match(text, run.end()).end()  # type: ignore[union-attr]
        span = self.span(start, self.at)
        return Mapping(((name, Mapping(entries, span)),), span)

    def values(self, word: str, notation: Table[str, str]) -> tuple[tuple[Scalar, Value], ...]:
        """The numbers behind a word: `3-64s2p1`; `notation` says which key a sign before a number stands for."""
        text = self.text
        entries: dict[str, tuple[Scalar, Value]] = {}
        while self.at < len(text):
            start = self.at
            character = text[start]
            direct = character.isdecimal() or character in "$("
            if direct and not entries:
                sign = ""
            elif character == "-" and not _ARROW.match(text, start) and text[start + 1 : start + 2].strip():
                sign = "-"
            elif character.isascii() and (character.isalpha() or direct):
                sign = character
            else:
                break
            key = notation.get(sign)
            if key is None:
                allowed = ", ".join(f"`{one}`" for one in notation if one) or "no suffix"
                what = f"the suffix `{sign}`" if sign else "a number"
                number = re.match(r"\d+", text[start:])
                help = (f"write `{word}-{number[0]}`",) if number and list(notation) == ["-"] else ()
                raise self.refuse(f"{word} does not take {what}; it takes {allowed}", start, help=help)
            if key in entries:
                raise self.refuse(f"{key} is given twice", start)
            self.at += len(sign)
            begin = self.at
            if text.startswith("(", begin):
                value = self.parenthesis()
                if found := _OTHER_SIDE.match(text, self.at):  # `($size)x1`, or `($size)x($size + 2)`
                    self.at = found.end()
                    value += "x" + (self.parenthesis() if found[1] else found[2])
            elif found := _VALUE.match(text, begin):
                self.at, value = found.end(), found[0]
                if text.startswith("x(", self.at):  # `7x($size)`
                    self.at += 1
                    value += "x" + self.parenthesis()
            else:
                raise self.refuse(f"a number is expected after `{sign}`", start)
            entries[key] = (Scalar(key, self.span(start, self.at)), Scalar(value, self.span(begin, self.at)))
        return tuple(entries.values())

    def volume(self) -> tuple[tuple[Scalar, Value], ...]:
        """The size behind INPUT: `[224x224x3]`, or nothing."""
        if not self.text.startswith("[", self.at):
            return ()
        start, end = self.at + 1, self.text.find("]", self.at)
        if end < 0:
            raise self.refuse("this `[` is not closed", self.at)
        parts = list(re.finditer(r"[^x\u00d7*\s]+", self.text[start:end]))
        if len(parts) != 3:
            raise self.refuse("the input is width x height x channels, like INPUT[224x224x3]", self.at, end + 1)
        self.at = end + 1
        spans = [self.span(start + part.start(), start + part.end()) for part in parts]
        return tuple(
            (Scalar(side, span), Scalar(part[0], span))
            for side, part, span in zip(("width", "height", "channels"), parts, spans, strict=True)
        )


class _Trial(_Parser):
    """Reads what would be proposed, and proposes nothing itself: it may be the same text again."""

    def instead(self, step: Value) -> tuple[str, ...]:
        return ()


def _foreign_call(text: str, start: int) -> re.Match[str] | None:
    """`MaxPool2d(2)`: one plain value in parentheses behind a word that is none of ours."""
    found = _PLAIN_CALL.match(text, start)
    return found if found and (_FRAMEWORKS.fullmatch(found[1]) or found[1].lower() not in TYPES) else None


@lru_cache(1024)
def _word(run: str) -> tuple[str, int]:
    """Split `CONV3` into the layer type `conv` and the length of its word; unknown words stay whole.

    `CONV1D3` is the type `conv1d`, `CONV1d3` a window of 1 with a dilation: suffixes are small letters.
    """
    for length in range(min(len(run), max(map(len, TYPES))), 0, -1):
        word = run[:length].lower()
        if word in TYPES and _REST.fullmatch(run, length):
            if length < len(run) and run[length - 1] == "d" and _FRAMEWORKS.fullmatch(word):
                continue
            return word, length
    letters = re.match(r"[A-Za-z_]+", run)
    length = letters.end() if letters and _REST.fullmatch(run, letters.end()) else len(run)
    return run[:length], length


@lru_cache(1024)
def _notation(type: str) -> dict[str, str]:
    return {key.notation: name for name, key in TYPES[type].keys.items() if key.notation is not None}
