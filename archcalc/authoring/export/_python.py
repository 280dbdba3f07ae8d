"""Python text: calls whose numbers may be variables, and expressions broken into lines as a formatter would."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TypeAlias

from archcalc.authoring.folding.blocks import Text
from archcalc.authoring.folding.parts import Step
from archcalc.records import NamedTuple

WIDTH = 100


class Argument(NamedTuple):
    """An argument: a number that a variable may stand for, or a text as it is."""

    label: str
    value: int | str
    keyword: bool = False
    default: int | None = None  # where it is this number, nothing is written
    form: str = "{}"  # how it stands there


class Term(NamedTuple):
    """A call, and what is called on its result."""

    function: str
    arguments: tuple[Argument, ...] = ()
    after: str = ""

    def step(self, type: str) -> Step:
        texts = tuple(one.value if isinstance(one.value, str) else None for one in self.arguments)
        shape = (
            self.function,
            texts,
            tuple((one.label, one.keyword, one.default, one.form) for one in self.arguments),
            self.after,
        )
        return Step(
            type, self, shape, tuple((one.label, one.value) for one in self.arguments if isinstance(one.value, int))
        )

    def text(self, texts: Iterator[Text] | None) -> str:
        said = []
        for one in self.arguments:
            value = str(one.value)
            if isinstance(one.value, int):
                text = Text(one.value) if texts is None else next(texts)
                value = one.form.format(python(text))
                if not text.variable and text.value == one.default:
                    continue
            said.append(f"{one.label}={value}" if one.keyword else value)
        return f"{self.function}({', '.join(said)}){self.after}"


def python(text: Text) -> str:
    if not text.variable:
        return str(text.value)
    return text.variable if text.value == 1 else f"{text.value} * {text.variable}"


class Group(NamedTuple):
    """A call whose arguments are expressions: `nn.Sequential(...)`."""

    function: str
    items: "tuple[Expression, ...]"


Expression: TypeAlias = "str | Group"


def repeated(items: Sequence[Expression]) -> tuple[Expression, ...]:
    """Equal items in a row as one comprehension."""
    out: list[Expression] = []
    at = 0
    while at < len(items):
        times = 1
        while at + times < len(items) and items[at + times] == items[at]:
            times += 1
        one = items[at]
        if times > 1 and isinstance(one, str):
            out.append(f"*[{one} for _ in range({times})]")
        else:
            out += [one] * times
        at += times
    return tuple(out)


def lines(expression: Expression, before: str = "", behind: str = "", indent: int = 0) -> list[str]:
    """The expression in lines: short ones on one, else an item a line."""
    start = " " * indent + before
    whole = start + flat(expression) + behind
    if isinstance(expression, str):
        return [whole] if len(whole) <= WIDTH else _broken(expression, start, behind, indent)
    if len(whole) <= WIDTH and _short(expression):
        return [whole]
    out = [f"{start}{expression.function}("]
    for one in expression.items:
        out += lines(one, "", ",", indent + 4)
    return [*out, f"{' ' * indent}){behind}"]


def statement(target: str, expression: str, indent: int) -> list[str]:
    """`x = ...` or `return ...`, in brackets and filled into lines where it is long."""
    whole = " " * indent + f"{target} {expression}"
    if len(whole) <= WIDTH:
        return [whole]
    inner = " " * (indent + 4)
    filled = wrap(expression, WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False)
    return [" " * indent + f"{target} (", *filled, " " * indent + ")"]


def _broken(text: str, start: str, behind: str, indent: int) -> list[str]:
    """A call, or a comprehension of calls, with its arguments filled into lines."""
    inner = " " * (indent + 4)
    if text.startswith("*["):
        call, _, loop = text[2:-1].rpartition(" for ")
        return [f"{start}*[", *lines(call, "", "", indent + 4), f"{inner}for {loop}", f"{' ' * indent}]{behind}"]
    function, _, rest = text.partition("(")
    filled = [inner]
    for one in rest[:-1].split(", "):
        if len(filled[-1]) + len(one) > WIDTH:
            filled.append(inner)
        filled[-1] += f"{one}, "
    return [f"{start}{function}(", *(one.rstrip() for one in filled), f"{' ' * indent}){behind}"]


def flat(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    return f"{expression.function}({', '.join(flat(one) for one in expression.items)})"


def _short(group: Group) -> bool:
    return len(group.items) <= 2 and all(isinstance(one, str) for one in group.items)
