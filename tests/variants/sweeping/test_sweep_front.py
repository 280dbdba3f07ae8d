"""The front against its definition; and it is the same however it is merged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.variants.sweeping.conditions import read_objectives
from archcalc.variants.sweeping.quantities import Wanted

np = pytest.importorskip("numpy")

FIGURES = ("params", "macs", "depth")


def rows(points: list[tuple[int, int, int]], first: int = 0) -> Any:
    from archcalc.variants.sweeping.front import Rows

    values = np.array(points, dtype=np.int64).reshape(-1, 3)
    numbers = np.arange(len(points)) + first
    return Rows(numbers, (numbers,), {Wanted(name): values[:, at] for at, name in enumerate(FIGURES)})


def dominates(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """As good in everything and better in something; of depth more is better."""
    costs = [(*each[:2], -each[2]) for each in (one, other)]
    return costs[0] != costs[1] and all(a <= b for a, b in zip(*costs, strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_a_front_is_what_nothing_dominates_in_any_order_of_merging(
    points: list[tuple[int, int, int]], cut: int
) -> None:
    from archcalc.variants.sweeping.front import Keep

    keep = Keep(read_objectives("params,macs,depth:max"), True)
    expected = {points.index(one) for one in points if not any(dominates(other, one) for other in points)}
    whole = keep.of(rows(points))
    assert set(whole.numbers.tolist()) == expected
    left, right = keep.of(rows(points[:cut])), keep.of(rows(points[cut:], min(cut, len(points))))
    for merged in (keep.merged(left, right), keep.merged(right, left)):
        assert merged.numbers.tolist() == whole.numbers.tolist()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60))
def test_the_best_by_one_figure_after_the_other(points: list[tuple[int, int, int]]) -> None:
    from archcalc.variants.sweeping.front import Keep

    keep = Keep(read_objectives("depth:max,params"), False, 5)
    expected = sorted(range(len(points)), key=lambda at: (-points[at][2], points[at][0], at))[:5]
    assert keep.of(rows(points)).numbers.tolist() == expected


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=8, max_size=60),
    st.integers(0, 60),
)
def test_a_quick_look_at_some_of_the_front_changes_nothing(points: list[tuple[int, int, int]], cut: int) -> None:
    from archcalc.variants.sweeping import front

    keep = front.Keep(read_objectives("params,macs,depth:max"), True)
    some, front.SOME = front.SOME, 3
    try:
        found = keep.merged(keep.of(rows(points[:cut])), rows(points[cut:], min(cut, len(points))))
    finally:
        front.SOME = some
    assert found.numbers.tolist() == keep.of(rows(points)).numbers.tolist()


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60),
    st.sampled_from(["macs", "params:max,depth", "params,macs,depth,weights"]),
)
def test_fronts_of_any_number_of_figures(points: list[tuple[int, int, int]], text: str) -> None:
    from archcalc.variants.sweeping.front import Keep

    found = rows(points)
    found.figures[Wanted("weights")] = found.figures[Wanted("params")] % 3
    objectives = read_objectives(text)
    values = [
        [int(found.figures[one.figure][at]) * (-1 if one.most else 1) for one in objectives]
        for at in range(len(points))
    ]
    expected = {
        values.index(one)
        for one in values
        if not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in values)
    }
    assert set(Keep(objectives, True).of(found).numbers.tolist()) == expected
