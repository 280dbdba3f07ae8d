"""Conditions and objectives: `params <= 5M`, `training_memory <= 11 GiB at batch 64`, `$out >= 2*$width`; `macs`, `depth:max`."""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from archcalc import units
from archcalc.checks.figures import read_count
from archcalc.diagnostics import Refusal, Span, rule
from archcalc.language.suggest import nearest
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.variants.sweeping.quantities import QUANTITIES, Wanted

BAD_CONDITION = rule(
    "AC831",
    "a condition or an objective of a sweep cannot be read",
    """
    `--where` compares: figures of the network (docs/sweep.md lists them), variables as `$name`, numbers with
    their unit (`5M`, `11 GiB`), and what `+ - * //` and parentheses make of them.  Memory is of a batch: `training_memory <= 11
    GiB at batch 64`; without it the spec's.  `a <= b <= c` holds where both do.

    `--pareto` and `--best` take figures between commas, each with `:max` where more is better: `params,macs,receptive_field:max`.
    """,
)

MAX_NESTING = 32

_TOKEN = regex(
    r"\s*(?:(\d+(?:_\d+)*(?:\.\d+)?)[ \t]*([A-Za-z]*)|\$([A-Za-z_]\w*)|([A-Za-z_]\w*(?:\.[a-z]+)?)|(//|[<>=!]=|[-+*%()<>=]))",
    re.ASCII,
)
_AT = regex(r"\s+at\s+batch\s+(\d{1,9})\b", re.ASCII)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
_WORK = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod}

Values = Callable[[Wanted | str], Any]  # of a figure, or of a variable by its name
Expression = Callable[[Values], Any]


class Condition(NamedTuple):
    """`holds` gives truth values; `figures` and `variables` are what it asks for."""

    text: str
    holds: Expression
    figures: tuple[Wanted, ...]
    variables: tuple[str, ...]


class Objective(NamedTuple):
    """A figure of which less is better, or more."""

    figure: Wanted
    most: bool = False

    def __str__(self) -> str:
        return f"{self.figure}{':max' if self.most else ''}"


def read_condition(text: str, line: int, variables: Sequence[str]) -> Condition:
    """A condition from its text; Refusal (AC831) with a place in it."""
    return _Parser(text, line, variables).condition()


def read_objectives(text: str, line: int = 1) -> tuple[Objective, ...]:
    """Objectives between commas."""
    found: list[Objective] = []
    start = 0
    for part in text.split(","):
        name, colon, way = part.partition(":")
        end = start + len(part)
        if colon and way.strip() not in ("max", "min"):
            raise _refused(f"`:{way.strip()}` is neither :max nor :min", line, start + len(name), end)
        at = _AT.search(name)
        figure = _figure(name[: at.start()] if at else name, line, start, int(at[1]) if at else None)
        if any(one.figure == figure for one in found):
            raise _refused(f"`{figure}` is an objective already", line, start, end)
        found.append(Objective(figure, way.strip() == "max"))
        start = end + 1
    return tuple(found)


def _figure(text: str, line: int, start: int, batch: int | None) -> Wanted:
    name = text.strip()
    at = start + len(text) - len(text.lstrip())
    if name not in QUANTITIES:
        meant = nearest(name, QUANTITIES)
        help = (f"did you mean `{meant}`?",) if meant else ()
        note = f"there are {', '.join(QUANTITIES)}"
        span = Span(line, at + 1, line, at + max(1, len(name)) + 1)
        raise Refusal(BAD_CONDITION, f"`{name}` is no figure of a network", span, help=help, notes=(note,))
    if batch is not None and not QUANTITIES[name].bytes:
        raise _refused(f"{name} does not depend on the batch", line, at, at + len(name))
    if batch == 0:
        raise _refused("a batch has at least one image", line, at, at + len(text))
    return Wanted(name, batch)


class _Parser:
    def __init__(self, text: str, line: int, variables: Sequence[str]) -> None:
        self.line, self.text, self.known, self.depth = line, text, variables, 0
        at = _AT.search(text)
        self.batch = int(at[1]) if at else None
        if at and not text[at.end() :].strip():
            text = text[: at.start()]
        elif at:
            raise _refused("`at batch` ends a condition", line, at.start() + 1, at.end())
        self.figures: dict[Wanted, None] = {}
        self.variables: dict[str, None] = {}
        self.bytes = any(one.bytes and re.search(rf"\b{name}\b", text) for name, one in QUANTITIES.items())
        self.tokens: list[tuple[re.Match[str], int]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _refused(f"`{text[position:].strip()[:20]}` is not expected", line, position, len(text))
            self.tokens.append((match, match.start() + len(match[0]) - len(match[0].lstrip())))
            position = match.end()
        self.end = len(text)
        self.tokens.reverse()

    def sign(self) -> str | None:
        return self.tokens[-1][0][5] if self.tokens else None

    def condition(self) -> Condition:
        sides = [self.sum()]
        signs = []
        while (sign := self.sign()) in _COMPARE:
            self.tokens.pop()
            signs.append(_COMPARE[str(sign)])
            sides.append(self.sum())
        if self.tokens or not signs:
            begin = self.tokens[-1][1] if self.tokens else self.end
            wrong = (
                "`=` is written =="
                if self.tokens and self.text[begin:].startswith("=")
                else "a comparison is expected here"
            )
            raise _refused(wrong, self.line, begin, max(begin + 1, self.end))

        def holds(values: Values) -> Any:
            found = [one(values) for one in sides]
            result: Any = True
            for compare, left, right in zip(signs, found, found[1:], strict=False):
                result = compare(left, right) & result
            return result

        if self.batch is not None and not any(one.batch for one in self.figures):
            raise _refused("nothing here depends on the batch", self.line, self.text.rfind("at "), len(self.text))
        return Condition(self.text.strip(), holds, tuple(self.figures), tuple(self.variables))

    def sum(self) -> Expression:
        return self._chain(self.product, ("+", "-"))

    def product(self) -> Expression:
        return self._chain(self.atom, ("*", "//", "%"))

    def _chain(self, part: Callable[[], Expression], signs: tuple[str, ...]) -> Expression:
        found = part()
        while (sign := self.sign()) in signs:
            self.tokens.pop()
            found = _applied(str(sign), found, part())
        return found

    def atom(self) -> Expression:
        if not self.tokens:
            raise _refused("the condition ends where a figure is expected", self.line, self.end, self.end + 1)
        match, begin = self.tokens.pop()
        number, unit, variable, name, sign = match.groups()
        if number:
            value = self.number(number, unit, begin, match.end())
            return lambda values: value
        if variable:
            if variable not in self.known:
                meant = nearest(variable, self.known)
                help = (f"did you mean `${meant}`?",) if meant else ()
                span = Span(self.line, begin + 1, self.line, match.end() + 1)
                raise Refusal(BAD_CONDITION, f"`${variable}` does not vary", span, help=help)
            self.variables[variable] = None
            return lambda values: values(variable)
        if name:
            batch = self.batch if name in QUANTITIES and QUANTITIES[name].bytes else None
            figure = _figure(name, self.line, begin, batch)
            self.figures[figure] = None
            return lambda values: values(figure)
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise _refused(f"more than {MAX_NESTING} parentheses are nested", self.line, begin, begin + 1)
        if sign == "-":
            inner = self.atom()
            self.depth -= 1
            return lambda values: -inner(values)
        if sign != "(":
            raise _refused(f"`{sign}` stands where a figure is expected", self.line, begin, match.end())
        inner = self.sum()
        if self.sign() != ")":
            raise _refused("a parenthesis is not closed", self.line, begin, begin + 1)
        self.tokens.pop()
        self.depth -= 1
        return inner

    def number(self, number: str, unit: str, begin: int, end: int) -> int:
        try:
            if not unit and "." not in number:
                if len(number) > 18:
                    raise ValueError("a number has at most 18 digits")
                return int(number)
            return (
                units.read_size(f"{number} {unit}")
                if self.bytes or unit.lower().endswith("b")
                else read_count(number + unit)
            )
        except ValueError as error:
            raise _refused(str(error), self.line, begin, end) from None


def _applied(sign: str, left: Expression, right: Expression) -> Expression:
    def value(values: Values) -> Any:
        from archcalc.variants.sweeping.evaluate import worked

        return worked(_WORK[sign], left(values), right(values))

    return value


def _refused(message: str, line: int, begin: int, end: int) -> Refusal:
    return Refusal(BAD_CONDITION, message, Span(line, begin + 1, line, max(end, begin + 1) + 1))


def asked(
    conditions: Sequence[Condition], objectives: Sequence[Objective], more: Sequence[Wanted]
) -> tuple[Wanted, ...]:
    """All figures that are asked for, once."""
    found = [*more, *(one.figure for one in objectives), *(figure for one in conditions for figure in one.figures)]
    return tuple(dict.fromkeys(found))
