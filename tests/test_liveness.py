"""Lifetimes of buffers."""

from pathlib import Path

import archcalc
from archcalc.liveness import Buffer, buffers, live, owners, peak


def test_a_chain_needs_its_current_layer_and_the_next() -> None:
    graph = archcalc.load("INPUT[4x4x1] -> CONV1-8 -> CONV1-2 -> CONV1-4").graph
    own = owners(graph)
    assert own == [0, 1, 2, 3]
    found = buffers(graph, [16, 128, 32, 64], own)
    assert found == [Buffer(16, 0, 1), Buffer(128, 1, 2), Buffer(32, 2, 3), Buffer(64, 3, 3)]
    assert live(found, 4) == [16, 144, 160, 96]
    assert peak(live(found, 4)) == (160, 2)


def test_relu_overwrites_its_input_unless_told_otherwise() -> None:
    graph = archcalc.load("INPUT[4x4x1] -> CONV1-8 -> RELU -> CONV1-2").graph
    assert owners(graph) == [0, 1, 1, 3]
    assert owners(graph, inplace=False) == [0, 1, 2, 3]
    assert buffers(graph, [16, 128, 128, 32], owners(graph))[1] == Buffer(128, 1, 3)


def test_nothing_overwrites_the_image_but_a_view_of_it_costs_nothing() -> None:
    graph = archcalc.load("INPUT[4x4x1] -> RELU -> CONV1-2").graph
    assert owners(graph) == [0, 1, 2]
    graph = archcalc.load("INPUT[4x4x1] -> DROPOUT -> FLATTEN -> FC-2").graph
    assert owners(graph) == [0, 0, 0, 3]


def test_what_another_layer_still_reads_is_not_overwritten(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "input: 4x4x2\nlayers:\n- conv: {filters: 2, kernel_size: 1}\n- add: [[], [RELU, CONV1-2]]\n- RELU\n"
    )
    graph = archcalc.load(str(spec)).graph
    assert owners(graph) == [0, 1, 2, 3, 4, 4]
    assert [(one.first, one.last) for one in buffers(graph, [1] * 6, owners(graph))] == [
        (0, 1),
        (1, 4),
        (2, 3),
        (3, 4),
        (4, 5),
    ]
