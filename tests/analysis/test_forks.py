"""Forks and joins, against brute force: what every way from an input to a join passes."""

from hypothesis import given
from hypothesis import strategies as st
from networks import read

from archcalc.analysis.branches import LONGEST, Region, places, regions
from archcalc.graph import Graph, Node
from archcalc.layers.activation import ReLU
from archcalc.layers.merge import Add
from archcalc.layers.reshape import Input

IMAGE = Input(width=8, height=8, channels=4)


def graph(*inputs: tuple[int, ...]) -> Graph:
    nodes = [Node("input", IMAGE, ())]
    nodes += [Node(f"n{at}", Add() if len(one) > 1 else ReLU(), one) for at, one in enumerate(inputs, 1)]
    return Graph("", tuple(nodes))


def reaches(nodes: tuple[Node, ...], target: int, without: int) -> bool:
    """Whether an input reaches a node by a way around another one."""
    todo, seen = [target], set()
    while todo:
        at = todo.pop()
        if at == without or at in seen:
            continue
        if not nodes[at].inputs:
            return True
        seen.add(at)
        todo += nodes[at].inputs
    return False


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    inputs: list[tuple[int, ...]] = []
    for at in range(1, draw(st.integers(1, 14)) + 1):
        near = st.integers(max(0, at - 4), at - 1)
        inputs.append(tuple(draw(st.lists(near, min_size=1, max_size=3))))
    return graph(*inputs)


@given(graphs())
def test_a_fork_is_the_last_that_all_ways_pass(network: Graph) -> None:
    nodes = network.nodes
    for fork, join in regions(network):
        assert fork < join
        assert len(set(nodes[join].inputs)) > 1
        assert not reaches(nodes, join, fork)
        assert all(reaches(nodes, join, later) for later in range(fork + 1, join))
        assert not any(reaches(nodes, inside, fork) for inside in range(fork + 1, join))


@given(graphs())
def test_regions_lie_in_one_another_or_apart(network: Graph) -> None:
    found = regions(network)
    for a in found:
        for b in found:
            apart = a.join <= b.fork or b.join <= a.fork
            inside = (a.fork <= b.fork and b.join <= a.join) or (b.fork <= a.fork and a.join <= b.join)
            assert apart or inside


def test_a_residual_block() -> None:
    network = graph((0,), (1,), (2,), (3, 1), (4,))
    assert regions(network) == [Region(1, 4)]
    assert [[(one.begins, one.joins(at)) for one in around] for at, around in enumerate(places(network))] == [
        [],
        [],
        [(True, False)],
        [(False, False)],
        [(True, True)],
        [],
    ]


def test_a_fork_within_a_branch_begins_another_line() -> None:
    """Inception's branch that is split in two: n3 and n4 both read n2."""
    network = graph((0,), (1,), (2,), (2,), (1,), (3, 4, 5))
    assert [around[0].begins for around in places(network)[2:6]] == [True, False, True, True]


def test_what_crosses_or_is_far_away_is_not_drawn() -> None:
    far = graph((0,), *((at,) for at in range(1, LONGEST + 2)), (LONGEST + 2, 1))
    assert regions(far) == []
    near = graph((0,), *((at,) for at in range(1, LONGEST)), (LONGEST, 1))
    assert regions(near) == [Region(1, LONGEST + 1)]
    two = read("inputs: {a: 8x8x4, b: 8x8x4}\nlayers: [{add: {inputs: [a, b]}}, relu]\n").report
    assert regions(two.graph) == []


def test_a_network_of_hostile_joins_is_quick() -> None:
    """A long chain whose end is joined with its beginning, over and over: every join is looked at over a bounded way."""
    chain: list[tuple[int, ...]] = [(at,) for at in range(20_000)]
    network = graph(*chain, *((20_000, 1) for _ in range(20_000)))
    assert regions(network) == []
