"""Lifetimes: the chain by hand, branches, and an O(n^2) oracle over random graphs."""

from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.diagnostics import Span
from archcalc.graph import Graph, Node
from archcalc.layers.activation import ReLU
from archcalc.layers.merge import Add
from archcalc.layers.norm import BatchNorm
from archcalc.layers.reshape import Input
from archcalc.memory.liveness import Buffer, lifetimes, overwrites, peak


def graph_of(pattern: str) -> Graph:
    return archcalc.load(pattern).graph


def test_a_chain_needs_two_neighbours_at_a_time() -> None:
    graph = graph_of("INPUT[8x8x1] -> CONV3-2p1 -> RELU -> POOL2 -> FC-3")
    buffers = lifetimes(graph, [64, 128, 128, 32, 3])
    # the ReLU works in the convolution's buffer, so that lives until the pool has read it
    assert buffers == [Buffer(64, 0, 1), Buffer(128, 1, 3), Buffer(32, 3, 4), Buffer(3, 4, 4)]
    assert peak(buffers, [0] * 5) == (192, 1)
    assert peak(buffers, [0, 0, 0, 33, 0]) == (193, 3)


def test_a_relu_whose_input_is_read_again_has_its_own_buffer() -> None:
    relu = Node("relu", ReLU(), (0,), Span(1, 1, 1, 1))
    graph = Graph(
        "",
        (Node("input", Input(width=1, height=1, channels=1), (), Span(1, 1, 1, 1)), relu, _add((0, 1)), _add((2, 2))),
    )
    assert overwrites(graph) == [False, False, False, False]
    assert lifetimes(graph, [1, 1, 1, 1]) == [Buffer(1, 0, 2), Buffer(1, 1, 2), Buffer(1, 2, 3), Buffer(1, 3, 3)]


def test_the_last_reader_overwrites() -> None:
    nodes = (
        Node("input", Input(width=1, height=1, channels=1), (), Span(1, 1, 1, 1)),
        Node("bn", BatchNorm(), (0,), Span(1, 1, 1, 1)),
        Node("relu", ReLU(), (0,), Span(1, 1, 1, 1)),
        _add((1, 2)),
    )
    assert overwrites(Graph("", nodes)) == [False, False, True, False]


def _add(inputs: tuple[int, ...]) -> Node:
    return Node("add", Add(), inputs, Span(1, 1, 1, 1))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = [Node("input", Input(width=1, height=1, channels=1), (), Span(1, 1, 1, 1))]
    for _ in range(draw(st.integers(0, 12))):
        source = st.integers(0, len(nodes) - 1)
        kind = draw(st.sampled_from(["relu", "bn", "add"]))
        if kind == "add":
            nodes.append(_add((draw(source), draw(source))))
        else:
            layer = ReLU() if kind == "relu" else BatchNorm()
            nodes.append(Node(kind, layer, (draw(source),), Span(1, 1, 1, 1)))
    return Graph("", tuple(nodes))


@settings(max_examples=80, deadline=None)
@given(graphs(), st.data())
def test_peak_against_counting_values_step_by_step(graph: Graph, data: st.DataObject) -> None:
    """The oracle executes: it holds names of memory, and drops what no later node mentions."""
    nodes = graph.nodes
    sizes = [data.draw(st.integers(1, 9))] * len(nodes) if len(nodes) < 3 else data.draw(_sizes(graph))
    extra = data.draw(st.lists(st.integers(0, 5), min_size=len(nodes), max_size=len(nodes)))
    memory: dict[int, object] = {}
    size_of: dict[object, int] = {}
    most = 0
    for step, node in enumerate(nodes):
        read_later = {source for later in nodes[step + 1 :] for source in later.inputs}
        if node.layer.inplace and node.inputs[0] not in read_later:
            memory[step] = memory[node.inputs[0]]
        else:
            memory[step] = object()
            size_of[memory[step]] = sizes[step]
        most = max(most, sum(size_of[one] for one in set(memory.values())) + extra[step])
        for one in [one for one in memory if one not in read_later]:
            del memory[one]
    assert peak(lifetimes(graph, sizes), extra).size == most


def _sizes(graph: Graph) -> st.SearchStrategy[list[int]]:
    """A size for every node; what works in place has its input's."""

    def settle(sizes: list[int]) -> list[int]:
        for step, inplace in enumerate(overwrites(graph)):
            if inplace:
                sizes[step] = sizes[graph.nodes[step].inputs[0]]
        return sizes

    return st.lists(st.integers(1, 9), min_size=len(graph.nodes), max_size=len(graph.nodes)).map(settle)
