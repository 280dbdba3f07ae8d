"""What varies, and conditions: their grammar, and the exact words for what cannot be read."""

from typing import Any

import pytest

from archcalc.diagnostics import Refusal
from archcalc.variants.sweeping.axes import axis_of, read_axis, read_space
from archcalc.variants.sweeping.conditions import read_condition, read_objectives
from archcalc.variants.sweeping.quantities import Wanted
from archcalc.variants.sweeping.space import Axis


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("width=16..32:8", ("width",), [[16, 24, 32]]),
        ("width = 1..3", ("width",), [[1, 2, 3]]),
        ("k=3,5,7", ("k",), [[3, 5, 7]]),
        ("k=1,4..6,9", ("k",), [[1, 4, 5, 6, 9]]),
        ("w=16..256:*2", ("w",), [[16, 32, 64, 128, 256]]),
        ("w=-2..1", ("w",), [[-2, -1, 0, 1]]),
        ("w=1_000", ("w",), [[1000]]),
        ("N=[1,1,2],[2,2,2]", ("N",), [[(1, 1, 2), (2, 2, 2)]]),
        ("N=[1]", ("N",), [[(1,)]]),
        ("input=224x224x3,160x96x1", ("input",), [[(224, 224, 3), (160, 96, 1)]]),
        ("(a,b)=(1,2),(3,4)", ("a", "b"), [[1, 3], [2, 4]]),
    ],
)
def test_axes(text: str, names: tuple[str, ...], values: list[Any]) -> None:
    found = read_axis(text)
    assert isinstance(found, Axis)
    assert found.names == names
    assert [list(one) for one in found.values] == values


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("width", "`width` varies nothing: NAME=VALUES is expected", 1),
        ("width=", "no values are listed", 7),
        ("width=1..", "`1..` stands where a whole number is expected", 7),
        ("width=8..2", "nothing is in a range from 8 up to 2", 7),
        ("width=1..9:0", "a range with steps of 0 never ends", 7),
        ("width=0..9:*2", "a range that multiplies begins at 1 at least, by 2 at least", 7),
        ("width=1,2,1", "1 is listed twice", 7),
        ("width=1,x", "`x` stands where a whole number is expected", 9),
        ("width=1,", "`1,` is no list of values", 7),
        ("width=1,[2,3]", "numbers and lists are mixed", 7),
        ("2wide=1", "`2wide` is no name of a variable", 1),
        ("(a,b)=(1,2),(3)", "[3] stands where 2 numbers in parentheses are expected", 7),
        ("(a,b)=$c", "an expression is for one name", 7),
        ("w=1234567890123456789", "a number has at most 18 digits", 3),
        ("w=(1,2", "`(1,2` is no list of values", 3),
    ],
)
def test_axes_that_cannot_be_read(text: str, message: str, column: int) -> None:
    with pytest.raises(Refusal) as error:
        read_axis(text)
    found = error.value.diagnostic
    assert (found.code, found.message, found.span.column) == ("AC830", message, column)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["wdth=1..3"], "the spec has no variable wdth (did you mean width?)"),
        (["zzzzzz=1..3"], "the spec has no variable zzzzzz; it has width, depth"),
        (["width=1..3", "width=4"], "width varies twice"),
        (["width=1..3", "depth=2*$none"], "`$none` is not defined"),
        (["width=1..3", "depth=$depth + 1"], "depth is made of itself"),
        (["input.depth=1..3"], "`input.depth` is no name of a variable"),
    ],
)
def test_spaces_that_do_not_fit_the_spec(texts: list[str], message: str) -> None:
    with pytest.raises(Refusal) as error:
        read_space([read_axis(text, line) for line, text in enumerate(texts, 1)], {"width": 1, "depth": 1})
    assert error.value.diagnostic.message == message


def test_what_follows_from_others_in_any_order() -> None:
    axes = [read_axis(one) for one in ("depth=$half + 1", "half=$width//2", "width=4..8:4")]
    space = read_space(axes, {"width": 1, "depth": 1})
    assert [space.point([at]) for at in range(space.size)] == [
        {"width": 4, "half": 2, "depth": 3},
        {"width": 8, "half": 4, "depth": 5},
    ]


def test_axes_from_python() -> None:
    assert axis_of("w", range(8, 33, 8)) == Axis(("w",), (range(8, 33, 8),))
    assert axis_of("w", [1, 2]) == Axis(("w",), ((1, 2),))
    assert axis_of("N", [[1, 2], [3, 4]]) == Axis(("N",), (((1, 2), (3, 4)),))
    assert axis_of(("a", "b"), [(1, 2), (3, 4)]) == Axis(("a", "b"), ((1, 3), (2, 4)))


VALUES: dict[Wanted | str, int] = {
    Wanted("params"): 5_000_000,
    Wanted("macs"): 7,
    Wanted("depth"): 50,
    Wanted("training_memory"): 3 * 2**30,
    Wanted("training_memory", 64): 11 * 2**30,
    "width": 64,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("params <= 5M", True),
        ("params < 5M", False),
        ("1M <= params <= 5_000_000", True),
        ("training_memory <= 11 GiB at batch 64", True),
        ("training_memory < 11GiB at batch 64", False),
        ("training_memory == 3 GiB", True),
        ("$width*2 == 128", True),
        ("$width // 10 % 4 != 2", False),
        ("params > 2*($width + 3) - -1", True),
        ("depth >= 50", True),
        ("macs - 7 == 0", True),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert bool(read_condition(text, 1, ["width"]).holds(VALUES.__getitem__)) is holds


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("params", "a comparison is expected here", 7),
        ("params <= 5Q", "`5Q` is no count, like `138_357_544` or `25.6M`", 11),
        ("params = 5M", "`=` is written ==", 8),
        ("param <= 5M", "`param` is no figure of a network", 1),
        ("params <= ", "the condition ends where a figure is expected", 10),
        ("(params <= 5M", "a parenthesis is not closed", 1),
        ("params <= $wide", "`$wide` does not vary", 11),
        ("params <= 5M at batch 3", "nothing here depends on the batch", 14),
        ("training_memory <= 5 GiB at batch 0", "a batch has at least one image", 1),
        (
            "training_memory <= 11G",
            "a bare G is 10^9 to some and 2^30 to others; write `11 GB` or `11 GiB`",
            20,
        ),
        ("params <= !", "`!` is not expected", 10),
    ],
)
def test_conditions_that_cannot_be_read(text: str, message: str, column: int) -> None:
    with pytest.raises(Refusal) as error:
        read_condition(text, 1, ["width"])
    found = error.value.diagnostic
    assert (found.code, found.message, found.span.column) == ("AC831", message, column)


def test_objectives() -> None:
    found = read_objectives("params, macs:min,receptive_field:max, training_memory at batch 8")
    assert [str(one) for one in found] == ["params", "macs", "receptive_field:max", "training_memory at batch 8"]
    for text, message in [
        ("params:least", "`:least` is neither :max nor :min"),
        ("params,params:max", "`params` is an objective already"),
        ("params,", "`` is no figure of a network"),
        ("depth at batch 3", "depth does not depend on the batch"),
    ]:
        with pytest.raises(Refusal) as error:
            read_objectives(text)
        assert error.value.diagnostic.message == message
