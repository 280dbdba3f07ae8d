"""`outputs`, `inputs`, `share`, `inplace`, `trainable`, `freeze`: what they make of a network, and back to text."""

import pytest

import archcalc
from archcalc.architecture import Examination, examine
from archcalc.authoring.write import write
from archcalc.graph import Graph
from archcalc.language.specfile import SpecText

SPEC = """\
inputs: {image: 32x32x3, mask: 32x32x1}
layers:
  - concat: {inputs: [image, mask]}
  - conv: {name: c1, kernel_size: 3, filters: 8, padding: 1}
  - relu: {inplace: false}
  - conv: {name: p3, kernel_size: 3, filters: 8, padding: 1, trainable: false}
  - conv: {name: p4, kernel_size: 3, filters: 8, stride: 2, padding: 1, share: p3, rounding: floor}
  - repeat: 2
    name: head
    from: [p3, p4]
    share: true
    layers: [CONV3-8p1 -> BN -> RELU -> CONV3-4p1]
outputs: [head1, head2]
training: {freeze: [c1]}
"""


def read(text: str, input: str | None = None) -> Examination:
    return examine(SpecText("spec.yaml", text), input=input)


def wiring(graph: Graph) -> list[tuple[object, ...]]:
    return [
        (node.name, node.layer, node.inputs, node.shares, node.trainable, node.inplace) for node in graph.nodes
    ]  # fmt: skip


def test_all_of_it() -> None:
    found = read(SPEC)
    assert found.diagnostics == ()
    nodes = found.report.graph.nodes
    assert [node.name for node in nodes[:2]] == ["image", "mask"]
    assert [nodes[one].name for one in found.report.graph.outputs] == ["head1.conv2", "head2.conv2"]
    assert [(node.name, nodes[node.shares].name) for node in nodes if node.shares is not None] == [
        ("p4", "p3"),
        ("head2.conv1", "head1.conv1"),
        ("head2.bn1", "head1.bn1"),
        ("head2.conv2", "head1.conv2"),
    ]
    assert [node.name for node in nodes if not node.trainable] == ["c1", "p3"]
    assert [node.name for node in nodes if node.inplace is not None] == ["relu1"]
    conv, head = 3 * 3 * 4 * 8 + 8 + 3 * 3 * 8 * 8 + 8, 3 * 3 * 8 * 8 + 8 + 2 * 8 + 3 * 3 * 8 * 4 + 4
    assert found.report.totals.params == conv + head


def test_it_is_written_and_read_back() -> None:
    graph = read(SPEC).report.graph
    again = read(write(graph))
    assert again.diagnostics == ()
    assert wiring(again.report.graph) == wiring(graph)
    assert again.report.graph.outputs == graph.outputs


def test_a_block_shares_with_another_use_of_it() -> None:
    text = """\
input: 8x8x3
blocks:
  tower: {vars: {stride: 1}, layers: [conv: {kernel_size: 1, filters: 4, stride: $stride, rounding: floor}, bn, relu]}
layers:
  - tower: {name: left}
  - tower: {name: right, from: input, share: left, trainable: false, inplace: false, stride: 2}
outputs: [left, right]
"""
    found = read(text)
    assert found.diagnostics == ()
    assert found.report.totals.params == 3 * 4 + 4 + 2 * 4
    assert [node.shares for node in found.report.graph.nodes] == [None, None, None, None, 1, 2, None]
    assert [node.inplace for node in found.report.graph.nodes][-1] is False
    assert [str(row.output) for row in found.report.outputs] == ["[8x8x4]", "[4x4x4]"]


def test_inputs_from_outside() -> None:
    found = read(SPEC, "image=64x64x3,mask=64x64x1")
    assert [str(row.output) for row in found.report.inputs] == ["[64x64x3]", "[64x64x1]"]
    one, *_ = read(SPEC, "depth=64x64x1").diagnostics
    assert one.message == "there is no input `depth`; there are image, mask"


def test_outputs_are_expected_by_the_names_they_are_given() -> None:
    """`head1` is a pass of a repeat, whose last layer is called head1.conv2."""
    found = read(SPEC + "expect: {output: {head1: 32x32x4, head2: 32x32x4}}\n")
    (one,) = found.diagnostics
    assert (one.code, one.message) == (
        "AC401",
        "output of head2 is [16x16x4], expected [32x32x4]: width: 16 (50%) less, height: 16 (50%) less",
    )


def test_all_passes_are_outputs() -> None:
    graph = read(SPEC.replace("outputs: [head1, head2]", "outputs: [p4, head*]")).report.graph
    assert [graph.nodes[one].name for one in graph.outputs] == ["p4", "head1.conv2", "head2.conv2"]


WRONG = [
    ("outputs: [p3, p9]", "AC303", "no layer is named `p9`"),
    ("outputs: [p3, p3]", "AC101", "`p3` is an output already"),
    ("outputs: {p3: 1}", "AC101", "outputs is a list of names, not a mapping"),
    ("input: 3x3x3", "AC101", "a spec has `input` or `inputs`, not both"),
    ("training: {freeze: [c9]}", "AC303", "no layer or block is named `c9`"),
]


@pytest.mark.parametrize(("line", "code", "message"), WRONG, ids=lambda one: str(one)[:20])
def test_what_is_wrong_at_the_ends(line: str, code: str, message: str) -> None:
    text = SPEC.replace("outputs: [head1, head2]\ntraining: {freeze: [c1]}\n", f"{line}\n")
    assert (code, message) in [(one.code, one.message) for one in read(text).diagnostics]


LAYERS = [
    ("conv: {kernel_size: 1, filters: 4, share: zz}", "AC303", "no layer is named `zz`"),
    ("conv: {kernel_size: 1, filters: 4, share: c1}", "AC308", "conv1 cannot share these weights: kernel_size differs: 1 here, 3 there"),
    ("relu: {inplace: maybe}", "AC104", "`maybe` stands where true or false is expected"),
    ("{repeat: 3, from: [c1, c1], layers: [relu]}", "AC131", "`from` has 2 names for 3 passes"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "message"), LAYERS, ids=lambda one: str(one)[:20])
def test_what_is_wrong_in_a_layer(line: str, code: str, message: str) -> None:
    text = f"input: 8x8x3\nlayers:\n  - conv: {{name: c1, kernel_size: 3, filters: 4}}\n  - {line}\n"
    assert (code, message) in [(one.code, one.message) for one in read(text).diagnostics]


def test_names_that_cannot_be_written_are_referred_to_by_near_ones() -> None:
    graph = archcalc.load("INPUT[8x8x3] -> CONV3-4p1 -> RELU -> CONV3-4p1").graph
    nodes = list(graph.nodes)
    nodes[1] = nodes[1]._replace(name="a b" * 60)
    nodes[3] = nodes[3]._replace(inputs=(1,))
    again = read(write(graph._replace(nodes=tuple(nodes), outputs=(2, 3))))
    assert again.diagnostics == ()
    assert [node.inputs for node in again.report.graph.nodes] == [(), (0,), (1,), (1,)]
    assert again.report.graph.outputs == (2, 3)


def test_defaults_say_which_types_work_in_place() -> None:
    """A layer's own word comes first, then its block's, then that of `defaults`."""
    found = read(
        "input: 8x8x3\n"
        "defaults: {relu: {inplace: true}, dropout: {inplace: false}}\n"
        "blocks: {quiet: [RELU, relu: {inplace: true}]}\n"
        "layers: [RELU, relu: {inplace: false}, quiet: {inplace: false}, DROPOUT, TANH]\n"
    )
    assert found.diagnostics == ()
    assert [node.inplace for node in found.report.graph.nodes] == [None, True, False, False, True, False, None]
    assert wiring(read(write(found.report.graph)).report.graph) == wiring(found.report.graph)
