"""Numbers of a trace against plain integers: the same program on both, at every point whose guards hold."""

import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.symbolic import largest, plain
from archcalc.variants.sweeping.numbers import Number, Trace, polynomial_of
from archcalc.volume import Volume, Window

np = pytest.importorskip("numpy")

Program = Callable[[Any, Any], Any]


def at_every_point(program: Program, width: int, height: int) -> int:
    """Trace the program at points until every point has a structure, and compare; the number of structures."""
    from archcalc.variants.sweeping.evaluate import Arrays

    x, y = (one.ravel() for one in np.meshgrid(np.arange(width), np.arange(height)))
    pending = np.arange(len(x))
    structures = 0
    while len(pending):
        first = pending[0]
        trace = Trace()
        one, other = trace.axis(0, width - 1, int(x[first])), trace.axis(1, height - 1, int(y[first]))
        value = program(one, other)
        arrays = Arrays(trace.atoms, lambda column: (x, y)[column], (width - 1, height - 1))
        mask = np.ones(len(x), dtype=bool)
        for guard in trace.conditions():
            mask &= arrays.holds(guard)
        assert mask[first]
        values = np.broadcast_to(arrays(polynomial_of(value)), x.shape)
        for point in np.flatnonzero(mask):
            assert values[point] == program(int(x[point]), int(y[point])), (x[point], y[point])
        pending = pending[~mask[pending]]
        structures += 1
    return structures


@pytest.mark.parametrize(
    ("program", "structures"),
    [
        (lambda x, y: x * y + 3 * x - 7, 1),
        (lambda x, y: (4 * x + 8) // 4 - (5 * x + 3) // 5, 1),
        (lambda x, y: (x + 3) % 4 * 10 + (x + 3) // 4, 1),
        (lambda x, y: -(-(x + 5) // (y + 2)), 1),
        (lambda x, y: divmod(x - 20, -3)[1], 1),
        (lambda x, y: (8 * x * (y + 1)) // (4 * (y + 1)), 1),
        (lambda x, y: largest([x, y, 5, x + 1]), 1),
        (lambda x, y: max(y, x), 2),
        (max, 2),
        (lambda x, y: sum(range(y)) + len([0] * y), 9),
        (lambda x, y: x + 1 if x + 1 > 0 else y, 1),
        (lambda x, y: int(x == 3), 2),
        (lambda x, y: abs(x - y), 2),
        (lambda x, y: (x + y) ** 2 - x * x - y * y - 2 * x * y, 1),
        (lambda x, y: 2**70 * x + y, 1),
        (lambda x, y: {x: 1, x + 0: 2}[x], 1),
    ],
)
def test_programs(program: Program, structures: int) -> None:
    assert at_every_point(program, 13, 9) == structures


def test_a_window_has_one_structure_for_all_sizes_where_it_rounds() -> None:
    def sizes(x: Any, y: Any) -> Any:
        return (
            Window(3, 2, 1, 1, rounding="floor").fit(x + 8).size * 1000 + Window(2, 2, rounding="floor").fit(y + 8).size
        )

    assert at_every_point(sizes, 40, 12) == 1


OPERATIONS = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
    max,
    min,
    operator.lt,
    operator.eq,
)


@st.composite
def programs(draw: Any) -> Program:
    steps = draw(
        st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10)
    )
    constants = draw(st.tuples(st.integers(-9, 9), st.integers(1, 40)))

    def program(x: Any, y: Any) -> Any:
        values = [x, y, *constants]
        for work, left, right in steps:
            one, other = values[left % len(values)], values[right % len(values)]
            if work in (operator.floordiv, operator.mod):
                values.append(work(one, other) if other else 0)
            else:
                found = work(one, other)
                values.append(int(found) if isinstance(found, bool) else found)
        return largest(values[-3:])

    return program


@given(programs())
def test_random_programs(program: Program) -> None:
    at_every_point(program, 7, 6)


def test_a_number_is_an_int_to_whom_asks_and_a_message_says_one_networks() -> None:
    trace = Trace()
    x: Any = trace.axis(0, 9, 4)
    assert isinstance(x, int)
    assert not isinstance(x, bool)
    assert repr(type(x)) == repr(Number)
    assert (str(x), f"{x + 1:,}", plain(Volume(x, x + 1, 3))) == ("4", "5", Volume(4, 5, 3))
    assert trace.conditions() == ()
    with pytest.raises(ZeroDivisionError):
        x // (x - 4)


def test_equal_numbers_are_one_object_and_what_is_the_same_for_all_is_an_integer() -> None:
    trace = Trace()
    x: Any = trace.axis(0, 9, 4)
    assert (x + 1) * (x - 1) is x * x - 1
    assert type(x - x) is int
    assert type((2 * x + 1) % 2) is int
    assert list(product([x], [1])) == [(x, 1)]


def test_a_peak_leaves_out_what_is_never_the_largest() -> None:
    trace = Trace()
    x: Any = trace.axis(0, 9, 4)
    y: Any = trace.axis(1, 9, 4)
    assert largest([x, x + y, 2 * x + y, y]) is 2 * x + y
    assert [len(one.parts) for one in trace.atoms if one.kind == "most"] == []
    largest([x + 3, y + 1, x + 2])
    assert [len(one.parts) for one in trace.atoms if one.kind == "most"] == [2]
