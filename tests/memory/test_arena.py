"""Arenas: no two buffers that are alive together may overlap."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.memory import arena
from archcalc.memory.arena import arrange, side_by_side
from archcalc.memory.liveness import Buffer, highest, lifetimes, live

buffers = st.lists(
    st.builds(lambda size, first, more: Buffer(size, first, first + more), *[st.integers(0, 12)] * 3), max_size=20
)


def overlap(placed: Sequence[Buffer], offsets: Sequence[int]) -> bool:
    """Whether any two share a moment and a byte, by comparing all pairs."""
    for number, one in enumerate(placed):
        for other in range(number):
            two = placed[other]
            together = {*range(one.first, one.last + 1)} & {*range(two.first, two.last + 1)}
            bytes = {*range(offsets[number], offsets[number] + one.size)}
            if together and bytes & {*range(offsets[other], offsets[other] + two.size)}:
                return True
    return False


@settings(max_examples=80, deadline=None)
@given(buffers)
def test_nothing_overlaps_and_the_size_is_between_the_bounds(placed: list[Buffer]) -> None:
    for plan in (arrange(placed), side_by_side(placed)):
        assert not overlap(placed, plan.offsets)
        assert plan.bytes == max((at + one.size for at, one in zip(plan.offsets, placed, strict=True)), default=0)
        assert highest(live(placed, 30)).size <= plan.bytes <= plan.trivial == sum(one.size for one in placed)


def test_the_largest_goes_first_and_a_gap_is_filled() -> None:
    placed = [Buffer(4, 0, 1), Buffer(10, 1, 2), Buffer(6, 2, 3), Buffer(2, 1, 3)]
    assert arrange(placed).offsets == (10, 0, 10, 16)
    assert arrange(placed).bytes == 18
    # one behind the other in time: all at 0
    assert arrange([Buffer(3, 0, 0), Buffer(5, 1, 1), Buffer(4, 2, 2)]).offsets == (0, 0, 0)


def test_a_chain_needs_no_more_than_its_peak() -> None:
    inference = archcalc.load("zoo:vgg16").plan(convention="arena").inference
    assert inference.arena.bytes == inference.activations_peak_bytes == 2 * 224 * 224 * 64 * 4
    assert inference.arena.trivial == (15_237_608 + 7 * 7 * 512) * 4  # the adaptive pool has a buffer of its own


def test_too_many_long_lives_get_the_trivial_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = [Buffer(1, one, one + 1) for one in range(6)]
    assert arrange(placed).bytes == 2
    monkeypatch.setattr(arena, "MAX_LIFETIMES", 11)
    assert arrange(placed) == side_by_side(placed)


def test_buffers_are_those_of_the_execution() -> None:
    graph = archcalc.load("INPUT[4x4x1] -> CONV1-8 -> RELU -> POOL2").graph
    assert arrange(lifetimes(graph, [16, 128, 128, 32])).bytes == 160
