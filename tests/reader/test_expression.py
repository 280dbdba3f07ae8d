"""Integer expressions: values as Python has them, and every refusal with its words, on both sides of each limit."""

import itertools

import pytest

from archcalc.diagnostics import Refusal, Span
from archcalc.reader.expression import MAX_DIGITS, MAX_NESTING, Place, evaluate, names_in

HERE = Span(1, 1, 1, 9)
VALUES = {"a": 7, "b": -3, "zero": 0}


def refused(text: str, variables: dict[str, int | Place] | None = None) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    with pytest.raises(Refusal) as caught:
        evaluate(text, VALUES if variables is None else variables, HERE)
    found = caught.value.diagnostic
    assert (found.code, found.span) == ("AC120", HERE)
    return found.message, found.notes, found.help


@pytest.mark.parametrize("operators", [*itertools.product(["+", "-", "*", "//", "%"], repeat=2)], ids=" ".join)
def test_two_operators_bind_as_in_python(operators: tuple[str, str]) -> None:
    first, second = operators
    for a, b, c in itertools.product((7, -3, 12), (2, 5, -4), (3, -2)):
        for text in (f"{a}{first}{b} {second} {c}", f"({a} {first} {b}){second}{c}", f"{a}{first}({b}{second}{c})"):
            if ("//" in text or "%" in text) and _divides_by_zero(text):
                assert refused(text)[0] == "division by zero"
            else:
                assert evaluate(text, {}, HERE) == eval(text)


def _divides_by_zero(text: str) -> bool:
    try:
        eval(text)
    except ZeroDivisionError:
        return True
    return False


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
def test_a_comparison_is_1_or_0_and_binds_last(sign: str) -> None:
    for left, right in ((1, 2), (2, 2), (3, 2)):
        assert evaluate(f"{left} + 0 {sign} {right} * 1", {}, HERE) == int(eval(f"{left} {sign} {right}"))
    assert evaluate(f"1 + (4 {sign} 4)", {}, HERE) == 1 + eval(f"4 {sign} 4")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$a", 7),
        (" $a*$b ", -21),
        ("--3", 3),
        ("---3", -3),
        ("1_000", 1000),
        ("- -$b", -3),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("2**-0", 1),
        ("(-1)**3", -1),
        ("(-1)**999999", -1),
        ("(-1)**1000000", 1),
        ("(-1)**5", -1),
        ("(-1)**999999999999999999", -1),
        ("1**999999999999999999", 1),
        ("1 - 501", -500),
        ("0**0", 1),
        ("0**7", 0),
        ("2**59", 576460752303423488),
        ("-2**59", -576460752303423488),
        ("3**2*2", 18),
        ("2*3**2", 18),
        ("1" + "0" * 17, 10**17),
        ("9" * 18, 10**18 - 1),
        ("-" + "9" * 18, 1 - 10**18),
        ("0" * 35 + "7", 7),
        ("(" * MAX_NESTING + "5" + ")" * MAX_NESTING, 5),
        ("+".join(["(1)"] * 40), 40),
        ("+".join(["1**1"] * 40), 40),
        ("**".join(["1"] * (MAX_NESTING + 1)), 1),
    ],
)
def test_values(text: str, value: int) -> None:
    assert evaluate(text, VALUES, HERE) == value


def test_limits() -> None:
    assert (MAX_NESTING, MAX_DIGITS) == (32, 18)


LARGE = f"a number here has more than {MAX_DIGITS} digits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression ends where a number is expected"),
        ("1 +", "the expression ends where a number is expected"),
        ("2**", "the expression ends where a number is expected"),
        ("-", "the expression ends where a number is expected"),
        ("+ 1", "`+` stands where a number is expected"),
        ("1 * )", "`)` stands where a number is expected"),
        ("(1", "a parenthesis is not closed"),
        ("(1 2)", "a parenthesis is not closed"),
        ("1 2 3", "`2` is not expected in `1 2 3`"),
        ("1)", "`)` is not expected in `1)`"),
        ("1 == 2 == 3", "`==` is not expected in `1 == 2 == 3`"),
        ("1" + " 2" * 19 + " ", "`2` is not expected in `1" + " 2" * 19 + " `"),  # 40 characters
        ("1" + " 2" * 20, "`2` is not expected in `1" + " 2" * 18 + "...`"),  # 41: 37 and three dots
        ("1 // 0", "division by zero"),
        ("1 % $zero", "division by zero"),
        ("2**-1", "2**-1 is a fraction"),
        ("1**-1", "1**-1 is a fraction"),
        ("2**60", LARGE),
        ("(-2)**60", LARGE),
        ("2**99999999999", LARGE),
        ("10**18", LARGE),
        ("999999999 * 9999999999", LARGE),
        ("9" * 18 + " + 1", LARGE),
        ("-" + "9" * 18 + " - 1", LARGE),
        ("1" + "0" * 18, LARGE),
        ("0" * 36 + "7", LARGE),
        ("(" * (MAX_NESTING + 1) + "5" + ")" * (MAX_NESTING + 1), f"more than {MAX_NESTING} parentheses are nested"),
        ("(1) + (1) + " + "(" * (MAX_NESTING + 1), f"more than {MAX_NESTING} parentheses are nested"),
        ("1**1 + 1**1 + " + "**".join(["1"] * (MAX_NESTING + 2)), f"more than {MAX_NESTING} powers are nested"),
        ("**".join(["1"] * (MAX_NESTING + 2)), f"more than {MAX_NESTING} powers are nested"),
        ("$c + 1", "`$c` is not defined"),
        ("1 + x", "`x` is not integer arithmetic"),
        ("1 + ~" + "y" * 30, "`~" + "y" * 19 + "` is not integer arithmetic"),
    ],
)
def test_refused(text: str, message: str) -> None:
    assert refused(text)[0] == message


def test_what_may_stand_there_is_said() -> None:
    has = ("an expression has numbers, $names, + - * // % **, comparisons and parentheses",)
    assert refused("1 . 2")[1:] == (has, ())
    assert refused("4/2")[1:] == (has, ("division is `//`, rounded down",))


def test_the_names_that_there_are() -> None:
    assert refused("$c")[1] == ("defined here: $a, $b, $zero",)
    assert refused("$c", {})[1] == ("defined here: none",)
    many: dict[str, int | Place] = {f"v{number:02}": number for number in range(22)}
    listed = ", ".join(f"$v{number:02}" for number in range(20))
    assert refused("$c", many)[1] == (f"defined here: {listed} and 2 more",)
    del many["v20"], many["v21"]
    assert refused("$c", many)[1] == (f"defined here: {listed}",)


def test_a_layer_is_no_number() -> None:
    assert refused("$side + 1", {"side": Place("c3", 2)})[0] == "`$side` is the layer `c3`, not a number"
    assert names_in("$side + 2*$k_2 - $3") == ["side", "k_2"]
