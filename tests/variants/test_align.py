"""Alignment against the textbook's table, and its time."""

import random
import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.variants.align import common, longest_increase

letters = st.lists(st.sampled_from("abc"), max_size=12)


def longest_common(a: list[str], b: list[str]) -> int:
    """The length of a longest common subsequence, by dynamic programming."""
    row = [0] * (len(b) + 1)
    for one in a:
        diagonal = 0
        for column, other in enumerate(b, 1):
            above = row[column]
            row[column] = diagonal + 1 if one == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]


@given(letters, letters)
@settings(max_examples=300, deadline=None)
def test_as_long_as_the_table_says(a: list[str], b: list[str]) -> None:
    pairs = common(a, b)
    assert pairs is not None
    assert len(pairs) == longest_common(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))


@given(st.lists(st.integers(0, 50), max_size=10, unique=True))
def test_longest_increase(places: list[int]) -> None:
    found = [places[index] for index in longest_increase(places)]
    assert found == sorted(found)
    assert len(found) == longest_common([str(one) for one in places], [str(one) for one in sorted(places)])


def test_too_different_gives_up_or_goes_on_in_steps() -> None:
    a, b = ["a"] * 600, ["b"] * 600 + ["a"]
    assert common(a, b, give_up=True) is None
    assert common(a, b) is not None


def test_long_sequences_take_seconds_at_most() -> None:
    chance = random.Random(1)
    a = [chance.randrange(50) for _ in range(10_000)]
    b = [chance.randrange(50) for _ in range(10_000)]
    begin = time.process_time()
    pairs = common(a, b)
    assert time.process_time() - begin < 10
    assert pairs is not None
    assert len(pairs) > 1_000
