"""Integer arithmetic over variables: `4*$width`, `($stride + 1) // 2`, `$i == 1`.  No other evaluation exists."""

import operator
import re
from collections.abc import Mapping

from archcalc.diagnostics import Refusal, Span, rule
from archcalc.records import NamedTuple
from archcalc.regex import regex

MAX_DIGITS = 18
MAX_NESTING = 32
MAX_EXPONENT = 60  # 2**60 has 19 digits
MAX_NAMES = 20  # that a message lists

BAD_EXPRESSION = rule(
    "AC120",
    "an expression cannot be evaluated",
    """
    A scalar that holds `$name` is integer arithmetic: `+ - * // % **`, parentheses, numbers and `$names`.
    Names come from `vars`, from a block's parameters, and `$i` is the number of a repeat's pass, from 1.
    Division is `//`, rounded down; there are no fractions, functions or other operators.  Every
    intermediate result has at most 18 digits.  A comparison (`== != < <= > >=`) is 1 or 0, so that
    `[..]*($stride == 1)` is there or not, and `1 + ($i == 1)` is 2 in a repeat's first pass.

        vars: {width: 64}
        layers:
          - conv: {filters: 4*$width, kernel_size: 1}
    """,
)


class Place(NamedTuple):
    """A layer that a block's variable stands for: its name as it is written, and its position, -1 while nobody knows."""

    text: str
    node: int


Environment = Mapping[str, int | Place]

_TOKEN = regex(r"\s*(?:(\d+(?:_\d+)*)|\$([A-Za-z_]\w*)|(//|\*\*|[=!<>]=|[-+*%()<>]))", re.ASCII)
_NAME = regex(r"\$([A-Za-z_]\w*)", re.ASCII)


_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Token(NamedTuple):
    kind: str  # "number", "name", or the operator itself
    text: str


def names_in(text: str) -> list[str]:
    """The variables a text mentions."""
    return _NAME.findall(text)


def evaluate(text: str, variables: Environment, span: Span) -> int:
    """The value of an expression; Refusal (AC120) on bad syntax, an unknown name, or too large a number."""
    parser = _Parser(_tokens(text, span), variables, span)
    value = parser.comparison()
    if parser.tokens:
        whole = text if len(text) <= 40 else text[:37] + "..."
        raise Refusal(BAD_EXPRESSION, f"`{parser.tokens[-1].text}` is not expected in `{whole}`", span)
    return value


def _tokens(text: str, span: Span) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Refusal(
                BAD_EXPRESSION,
                f"`{text[position:].strip()[:20]}` is not integer arithmetic",
                span,
                notes=("an expression has numbers, $names, + - * // % **, comparisons and parentheses",),
                help=("division is `//`, rounded down",) if text.startswith("/", position) else (),
            )
        number, name, sign = match.groups()
        if number:
            found.append(_Token("number", number))
        elif name:
            found.append(_Token("name", name))
        else:
            found.append(_Token(sign, sign))
        position = match.end()
    return found[::-1]


class _Parser:
    """Recursive descent over a reversed token list; the depth of parentheses is bounded."""

    def __init__(self, tokens: list[_Token], variables: Environment, span: Span) -> None:
        self.tokens, self.variables, self.span, self.depth = tokens, variables, span, 0

    def comparison(self) -> int:
        value = self.sum()
        if self.tokens and self.tokens[-1].kind in _COMPARISONS:
            compare = _COMPARISONS[self.tokens.pop().kind]
            value = int(compare(value, self.sum()))
        return value

    def sum(self) -> int:
        value = self.product()
        while self.tokens and self.tokens[-1].kind in "+-":
            sign = 1 if self.tokens.pop().kind == "+" else -1
            value = self.bounded(value + sign * self.product())
        return value

    def product(self) -> int:
        value = self.factor()
        while self.tokens and self.tokens[-1].kind in ("*", "//", "%"):
            sign = self.tokens.pop().kind
            right = self.factor()
            if sign == "*":
                value = self.bounded(value * right)
            elif right == 0:
                raise Refusal(BAD_EXPRESSION, "division by zero", self.span)
            else:
                value = value // right if sign == "//" else value % right
        return value

    def factor(self) -> int:
        """A number, negated or to a power; `-2**2` is -4 and `2**3**2` is 2**9, as in Python."""
        sign = 1
        while self.tokens and self.tokens[-1].kind == "-":
            self.tokens.pop()
            sign = -sign
        if not self.tokens:
            raise Refusal(BAD_EXPRESSION, "the expression ends where a number is expected", self.span)
        value = self.atom()
        if self.tokens and self.tokens[-1].kind == "**":
            self.tokens.pop()
            self.depth += 1
            if self.depth > MAX_NESTING:
                raise Refusal(BAD_EXPRESSION, f"more than {MAX_NESTING} powers are nested", self.span)
            value = self.power(value, self.factor())
            self.depth -= 1
        return sign * value

    def power(self, value: int, exponent: int) -> int:
        """Refused before it is computed where it has too many digits: 2 has 18 of them by the 60th power."""
        if exponent < 0:
            raise Refusal(BAD_EXPRESSION, f"{value}**{exponent} is a fraction", self.span)
        if exponent >= MAX_EXPONENT and abs(value) > 1:
            raise self.too_large()
        return self.bounded(value**exponent)

    def atom(self) -> int:
        token = self.tokens.pop()
        if token.kind == "number":
            return self.number(token.text)
        if token.kind == "name":
            if token.text not in self.variables:
                raise self.unknown(token.text)
            found = self.variables[token.text]
            if isinstance(found, Place):
                message = f"`${token.text}` is the layer `{found.text}`, not a number"
                raise Refusal(BAD_EXPRESSION, message, self.span)
            return found
        if token.kind != "(":
            message = f"`{token.text}` stands where a number is expected"
            raise Refusal(BAD_EXPRESSION, message, self.span)
        self.depth += 1
        if self.depth > MAX_NESTING:
            message = f"more than {MAX_NESTING} parentheses are nested"
            raise Refusal(BAD_EXPRESSION, message, self.span)
        value = self.comparison()
        if not self.tokens or self.tokens.pop().kind != ")":
            raise Refusal(BAD_EXPRESSION, "a parenthesis is not closed", self.span)
        self.depth -= 1
        return value

    def number(self, text: str) -> int:
        if len(text) > 2 * MAX_DIGITS:
            raise self.too_large()
        return self.bounded(int(text))

    def bounded(self, value: int) -> int:
        if not -(10**MAX_DIGITS) < value < 10**MAX_DIGITS:
            raise self.too_large()
        return value

    def too_large(self) -> Refusal:
        return Refusal(BAD_EXPRESSION, f"a number here has more than {MAX_DIGITS} digits", self.span)

    def unknown(self, name: str) -> Refusal:
        names = sorted(self.variables)
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        known = ", ".join(f"${one}" for one in names[:MAX_NAMES]) + more or "none"
        return Refusal(BAD_EXPRESSION, f"`${name}` is not defined", self.span, notes=(f"defined here: {known}",))
