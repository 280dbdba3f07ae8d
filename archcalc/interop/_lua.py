"""Lua that builds a network of literal calls -> modules, without running anything.

Read are `x = nn.Module(literals)`, `x:add(module)`, `return x` and numbers in variables; `require` and comments are
passed over.  Everything else, a loop or a function say, is a program, and refused where it stands.
"""

import re
from bisect import bisect_right

from archcalc.diagnostics import Refusal, Span
from archcalc.interop.reading import INEXPRESSIBLE, OVERSIZED, UNREADABLE
from archcalc.reader.text import in_backticks
from archcalc.records import NamedTuple
from archcalc.regex import regex

MAX_DEPTH = 64
MAX_TOKENS = 200_000

_TOKEN = regex(
    r"""(?P<space>\s++|--\[\[.*?\]\]|--(?!\[\[)[^\n]*+|;)
    |(?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?)
    |(?P<name>[A-Za-z_]\w*+)
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<sign>(?!--)[-+*/%(),.:={}\[\]])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_CONSTANTS: dict[str, "Literal"] = {"true": True, "false": False, "nil": None}

Literal = bool | int | float | str | None


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    span: Span


class Module:
    """A call that makes a module; containers are added to, and methods may set it up further: `:ceil()`."""

    __slots__ = ("arguments", "children", "methods", "name", "span", "spans")

    def __init__(self, name: str, arguments: "list[Literal | Module]", spans: list[Span], span: Span) -> None:
        self.name, self.arguments, self.spans, self.span = name, arguments, spans, span
        self.children: list[Module] = []
        self.methods: list[str] = []


class Program(NamedTuple):
    """The modules of a file by their variables, and the one that it returns, if it does."""

    modules: dict[str, Module]
    returned: Module | None


def parse(text: str) -> Program:
    """The modules that a text makes; Refusal where it does anything else."""
    return _Parser(text).program()


class _Parser:
    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.tokens = self._tokens(text)
        self.at = self.depth = 0
        self.values: dict[str, Literal | Module] = {}

    def _tokens(self, text: str) -> list[Token]:
        tokens, index = [], 0
        while index < len(text):
            found = _TOKEN.match(text, index)
            line = bisect_right(self.starts, index)
            column = index - self.starts[line - 1] + 1
            if found is None:
                wrong = f"{in_backticks(text[index])} means nothing"
                if text.startswith("--", index):
                    wrong = "a comment that is never closed"
                elif text[index] in ("'", '"'):
                    wrong = "a string that is not closed on its line"
                raise Refusal(UNREADABLE, wrong, Span(line, column, line, column + 1))
            index = found.end()
            kind = found.lastgroup or ""
            if kind != "space":
                tokens.append(Token(kind, found[0], found.start(), Span(line, column, line, column + len(found[0]))))
                if len(tokens) > MAX_TOKENS:
                    raise Refusal(OVERSIZED, f"more than {MAX_TOKENS:,} words and signs, the limit", tokens[-1].span)
        line = len(self.starts)
        tokens.append(Token("end", "", len(text), Span(line, 1, line, 1)))
        return tokens

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, text: str = "") -> Token:
        token = self.next
        if text and token.text != text:
            found = in_backticks(token.text) if token.text else "the end of the file"
            raise Refusal(UNREADABLE, f"{found} stands where `{text}` is expected", token.span)
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def program(self) -> Program:
        returned = None
        while self.next.kind != "end":
            token = self.take()
            if token.text == "local":
                token = self.take()
            if token.text == "return":
                value = self.expression()
                returned = value if isinstance(value, Module) else returned
            elif token.text == "require":
                while self.next.text == "(" or self.next.kind == "string":
                    self.take()
                if self.next.text == ")":
                    self.take()
            elif token.kind == "name" and self.next.text == "=":
                self.take()
                self.values[token.text] = self.assigned(token.text)
            elif token.kind == "name" and self.next.text == ":":
                self.at -= 1
                self.expression()
            else:
                message = (
                    f"{in_backticks(token.text)} begins a program; only `x = nn.Module(...)` and `x:add(...)` are read"
                )
                raise Refusal(INEXPRESSIBLE, message, token.span)
        return Program({key: one for key, one in self.values.items() if isinstance(one, Module)}, returned)

    def assigned(self, name: str) -> "Literal | Module":
        """The value of a variable; `nn = require 'nn'` has none that is needed."""
        if self.next.text != "require":
            return self.expression()
        self.take()
        while self.next.text in ("(", ")") or self.next.kind == "string":
            self.take()
        return None

    def expression(self) -> "Literal | Module":
        """Sums of products of literals, or a module."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal(OVERSIZED, f"nested deeper than {MAX_DEPTH} levels, the limit", self.next.span)
        value = self.product()
        while self.next.text in ("+", "-"):
            value = self.computed(value, self.take(), self.product())
        self.depth -= 1
        return value

    def product(self) -> "Literal | Module":
        value = self.value()
        while self.next.text in ("*", "/", "%"):
            value = self.computed(value, self.take(), self.value())
        return value

    def computed(self, a: "Literal | Module", sign: Token, b: "Literal | Module") -> Literal:
        """Whole numbers stay whole, and a division that leaves a rest is refused, since a size would have to be rounded."""
        whole = [one for one in (a, b) if isinstance(one, int) and not isinstance(one, bool) and abs(one) < 10**18]
        if len(whole) < 2:
            raise Refusal(INEXPRESSIBLE, "only whole numbers are computed with", sign.span)
        x, y = whole
        if sign.text in ("/", "%") and (not y or (sign.text == "/" and x % y)):
            raise Refusal(INEXPRESSIBLE, f"{x}{sign.text}{y} is not whole", sign.span)
        return {"+": x + y, "-": x - y, "*": x * y, "/": x // (y or 1), "%": x % (y or 1)}[sign.text]

    def value(self) -> "Literal | Module":
        token = self.take()
        if token.text == "-":
            found = self.value() if self.next.kind == "number" else None
            if not isinstance(found, int | float):
                raise Refusal(UNREADABLE, "a number stands behind a `-`", token.span)
            return -found
        if token.text == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if token.kind == "number":
            if not token.text.isdecimal():
                return float(token.text)
            if len(token.text) > 18:
                raise Refusal(OVERSIZED, "a number of more than 18 digits", token.span)
            return int(token.text)
        if token.kind == "string":
            return token.text[1:-1]
        if token.kind != "name":
            found = in_backticks(token.text) if token.text else "the end of the file"
            raise Refusal(UNREADABLE, f"{found} stands where a value is expected", token.span)
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        return self.called(token)

    def called(self, token: Token) -> "Literal | Module":
        """A variable, or the call of a module, with the methods behind it."""
        name = token.text
        while self.next.text == ".":
            self.take()
            name = self.take().text
        value: Literal | Module
        if self.next.text == "(":
            value = Module(name, *self.arguments(), token.span)
        elif name in self.values and name == token.text:
            value = self.values[name]
        else:
            raise Refusal(
                INEXPRESSIBLE, f"{in_backticks(name)} is no literal, and nothing before says what it is", token.span
            )
        while self.next.text == ":":
            self.take()
            method = self.take()
            arguments, _ = self.arguments()
            if not isinstance(value, Module):
                raise Refusal(UNREADABLE, f"{in_backticks(name)} is no module", method.span)
            if method.text != "add":
                value.methods.append(method.text)
            elif len(arguments) == 1 and isinstance(arguments[0], Module):
                value.children.append(arguments[0])
            else:
                raise Refusal(UNREADABLE, "`add` takes one module", method.span)
        return value

    def arguments(self) -> "tuple[list[Literal | Module], list[Span]]":
        self.take("(")
        found: list[Literal | Module] = []
        spans: list[Span] = []
        while self.next.text != ")":
            spans.append(self.next.span)
            found.append(self.expression())
            if self.next.text != ")":
                self.take(",")
        self.take(")")
        return found, spans
