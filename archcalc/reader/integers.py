"""Whole numbers as a spec writes them, and the refusal of a value that is not what its key takes."""

import re

from archcalc.diagnostics import Edit, Refusal, rule
from archcalc.reader.expression import Environment, evaluate
from archcalc.reader.nodes import Scalar, Value, shown
from archcalc.regex import regex

MAX_EXPRESSION = 1000  # characters of a number, an expression or a volume

BAD_VALUE = rule(
    "AC104",
    "a value is not what the key takes",
    """
    Numbers are written plainly: `64`, `1_000`, `-1`.  What YAML 1.1 would read in a way of its own (`017`
    as octal, `1:30` as 90, `1e3` as a float or a string, `0x1F`, `no` as false) is refused rather than
    guessed.  A pair is `7x1`, width x height, or `{width: 7, height: 1}`; a list is refused since
    frameworks order it height first.
    """,
)

_INTEGER = regex(r"[-+]?(?:0|[1-9]\d*(?:_\d+)*)", re.ASCII)
_TRAPS = (  # compiled when something is wrong
    (r"[-+]?0[oO]?\d+", "is octal to some readers and decimal to others"),
    (r"[-+]?0[xX][\da-fA-F_]+", "is hexadecimal; numbers are decimal here"),
    (r"[-+]?0[bB][01_]+", "is binary; numbers are decimal here"),
    (r"\d+(?::\d+)+", "is a number of base 60 to YAML 1.1"),
    (r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+", "is in scientific notation; write it out"),
    (r"(?i)yes|no|on|off|y|n|true|false", "is a truth value to YAML 1.1"),
    (r"[-+]?\d*\.\d*", "is a fraction"),
)


def bad(node: Value, message: str, *notes: str, help: tuple[str, ...] = (), instead: str = "") -> Refusal:
    """The refusal of a value; `instead` is what it can only mean."""
    edits = (Edit(node.span, instead),) if instead and node.span.line == node.span.end_line else ()
    return Refusal(BAD_VALUE, message, node.span, notes=notes, help=help, edits=edits)


def whole_number(node: Value, variables: Environment, words: str = "a whole number") -> int:
    """An integer or an expression, at most 18 digits."""
    if not isinstance(node, Scalar):
        raise bad(node, f"{shown(node)} stands where {words} is expected")
    text = node.text.strip()
    if text[:1] == "$" and isinstance(value := variables.get(text[1:]), int):
        return value
    if _INTEGER.fullmatch(text):
        if len(text) > 24 or abs(int(text)) >= 10**18:
            raise bad(node, "a number has at most 18 digits")
        return int(text)
    if len(text) > MAX_EXPRESSION:
        raise bad(node, f"a value has at most {MAX_EXPRESSION:,} characters")
    if "$" in text:
        return evaluate(text, variables, node.span)
    for trap, why in _TRAPS:
        if re.fullmatch(trap, text):
            raise bad(node, f"{shown(node)} {why}; here stands {words}")
    if re.fullmatch(r"[\d\s+*/%()-]+", text) and re.search(r"\d\s*[-+*/%]", text):
        try:
            result = evaluate(text, {}, node.span)
        except Refusal:
            pass
        else:
            raise bad(
                node, f"{shown(node)} is arithmetic without a variable", help=(f"write {result}",), instead=str(result)
            )
    raise bad(node, f"{shown(node)} stands where {words} is expected")
