"""Folding: what is written is the same network, and short; on networks of the zoo, of other tools, and random ones."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from networks import Network, dump, networks, read, written_out

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.authoring.folding import fold, same_network
from archcalc.authoring.folding.order import branch_by_branch, regrown
from archcalc.graph import Graph, Node
from archcalc.language.program import read_document
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES

MODELS = Path(__file__).parents[3] / "shared" / "models"


def folded(graph: Graph) -> str:
    """The folded text, after making sure that it reads back as the same network without a finding."""
    text = fold(graph)
    document = read_document(text)
    assert [one.message for one in document.problems] == [], text
    grown = regrown(graph)
    assert any(same_network(document.graph, one) for one in (graph, grown, branch_by_branch(grown))), text
    return text


def layers(text: str, head: str = "input: 32x32x8\n") -> Graph:
    document = read_document(f"{head}layers:\n{text}")
    assert document.problems == ()
    return document.graph


@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo(name: str) -> None:
    net = archcalc.load(f"zoo:{name}")
    text = folded(net.graph)
    assert analyze(read_document(text).graph).totals == net.report.totals


@pytest.mark.parametrize(
    ("name", "most"),
    [("resnet50", 45), ("vgg16", 20), ("densenet121", 50), ("mobilenet_v2", 50), ("googlenet", 50), ("resnet152", 45)],
)
def test_lines(name: str, most: int) -> None:
    assert folded(archcalc.load(f"zoo:{name}").graph).count("\n") <= most


@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("onnx/light_resnet50.onnx", 45),
        ("onnx/light_vgg19.onnx", 20),
        ("onnx/light_densenet121.onnx", 50),
        ("onnx/light_inception_v1.onnx", 50),
        ("onnx/light_shufflenet.onnx", 50),
        ("keras/MobileNetV2.json", 50),
        ("keras/DenseNet121.json", 50),
        ("keras/ResNet50.json", 45),
        ("keras/VGG16.json", 20),
        ("darknet/pjr_yolov3.cfg", 60),  # three outputs, two routes back
        ("darknet/pjr_yolov3-tiny.cfg", 35),
    ],
)
def test_lines_of_files(file: str, most: int) -> None:
    if not (MODELS / file).is_file():
        pytest.skip("the file is not here")
    assert folded(archcalc.load(MODELS / file).graph).count("\n") <= most


def test_what_reaches_back_and_several_outputs_have_names() -> None:
    block = "  - add: [[], [CONV1-4 -> RELU -> CONV3-8p1 -> RELU -> CONV1-8]]\n  - RELU\n"
    text = folded(layers(block * 3 + "  - relu: {name: split}\n  - CONV1-3\n  - conv: {from: split, filters: 8, kernel_size: 1}\n"
                         + block * 2, "input: 32x32x8\noutputs: [conv10, relu15]\n"))  # fmt: skip
    *_, layers_of_all = text.partition("layers:\n")
    assert layers_of_all.startswith(
        '  - "[residual]*3"\n'
        "  - relu: {name: split}\n"
        "  - conv: {name: conv10, filters: 3, kernel_size: 1}\n"
        "  - conv: {from: split, filters: 8, kernel_size: 1}\n"
        "  - residual\n"
    )
    assert text.endswith("  - relu: {name: relu15}\noutputs: [conv10, relu15]\n")


def test_blocks_are_found_in_branches() -> None:
    pair = "add: [[], [CONV1-4 -> RELU -> CONV3-8p1 -> RELU -> CONV1-8]]"
    text = folded(layers(f"  - concat: [[], [{pair}, relu, {pair}, relu]]\n  - CONV1-8\n  - {pair}\n  - relu\n"))
    assert text.count("add:") == 1
    assert text.count("residual") == 3


def test_a_residual_network() -> None:
    block = "  - add: [[], [CONV1-{0} -> RELU -> CONV3-{0}p1 -> RELU -> CONV1-{1}]]\n  - RELU\n"
    text = folded(layers("".join(block.format(n, 8) for n in (4, 4, 6, 5))))
    assert text == (
        "archcalc: 1\n"
        "input: 32x32x8\n"
        "blocks:\n"
        "  residual:\n"
        "    vars: {filters: }\n"
        "    layers:\n"
        "      - add:\n"
        "          - []\n"
        "          - CONV1-($filters) -> RELU -> CONV3-($filters)p1 -> RELU -> CONV1-8\n"
        "      - RELU\n"
        "layers:\n"
        '  - "[residual-4]*2 -> residual-6 -> residual-5"\n'
    )


def test_numbers_that_change_together_are_one_variable_and_its_multiples() -> None:
    block = "  - add: [[CONV1-{2}s{1}], [CONV1-{0} -> RELU -> CONV3-{0}s{1}p1 -> RELU -> CONV1-{2}]]\n"
    text = folded(layers("".join(block.format(n, s, 4 * n) for n, s in ((4, 1), (8, 2), (6, 1))).replace("s1", "")))
    assert "vars: {stride: , filters: }" in text
    assert "CONV1-(4*$filters)s($stride)" in text
    assert text.count("- residual: {stride: ") == 3


def test_equal_calls_are_a_repeat() -> None:
    block = "  - concat: [[], [CONV1-{0} -> RELU -> CONV3-{1}p1]]\n"
    text = folded(layers("".join(block.format(a, b) for a, b in ((4, 2), (4, 2), (4, 2), (5, 3)))))
    assert "  - repeat: 3\n    layers: [dense: {filters: 4, filters2: 2}]\n" in text


def chain(*layers: tuple[str, tuple[int, ...], dict[str, Any]]) -> Graph:
    image = TYPES["input"](width=8, height=8, channels=4)
    nodes = [Node("x", image, ())]
    nodes += [Node(f"n{at}", TYPES[type](**values), inputs) for at, (type, inputs, values) in enumerate(layers, 1)]
    return Graph("", tuple(nodes))


def test_a_concat_that_grows_is_read_as_one_of_two() -> None:
    """As torchvision's DenseNet keeps a list: concat(a, b), then concat(a, b, c)."""
    parts: list[tuple[str, tuple[int, ...], dict[str, Any]]] = []
    outputs = [0]
    for _ in range(6):
        read_from = len(parts)
        parts += [("bn", (read_from,), {}), ("relu", (read_from + 1,), {}), ("tanh", (read_from + 2,), {})]
        outputs.append(len(parts))
        parts.append(("concat", tuple(outputs), {}))
    text = folded(chain(*parts))
    assert text.endswith("layers:\n  - repeat: 6\n    layers: [dense: {}]\n") or '"[dense]*6"' in text


def test_branches_that_were_called_in_turn() -> None:
    graph = chain(
        ("tanh", (0,), {}), ("sigmoid", (0,), {}), ("relu", (1,), {}), ("elu", (2,), {}), ("add", (3, 4), {})
    )  # fmt: skip
    assert folded(graph).endswith("layers:\n  - add:\n      - TANH -> RELU\n      - SIGMOID -> ELU\n")


def test_what_is_not_nested_is_written_by_names() -> None:
    graph = chain(
        ("tanh", (0,), {}),
        ("sigmoid", (1,), {}),
        ("relu", (1,), {}),
        ("add", (2, 3), {}),
        ("add", (1, 4), {}),
        ("add", (2, 5), {}),
    )
    assert "inputs: [" in folded(graph)


def test_what_works_in_place_is_a_default_and_its_exceptions_are_written() -> None:
    block = "  - CONV3-8p1 -> BN\n  - relu: {inplace: true}\n"
    text = folded(layers(block * 3 + "  - relu: {inplace: false}\n  - FC-4\n"))
    assert text == (
        "archcalc: 1\n"
        "input: 32x32x8\n"
        "defaults:\n"
        "  relu: {inplace: true}\n"
        "layers:\n"
        '  - "[CONV3-8p1 -> BN -> RELU]*3"\n'
        "  - relu: {inplace: false}\n"
        "  - FC-4\n"
    )


def test_where_nothing_is_said_of_one_there_is_no_default_of_what_works_in_place() -> None:
    text = folded(layers("  - relu: {inplace: true}\n  - relu: {inplace: true}\n  - RELU\n"))
    assert text.endswith("layers:\n  - relu: {inplace: true}\n  - relu: {inplace: true}\n  - RELU\n")


def test_frozen_layers_are_folded() -> None:
    block = "  - conv: {{filters: {0}, kernel_size: 3, padding: 1, trainable: false}}\n  - bn: {{trainable: false}}\n  - RELU\n  - POOL2\n"
    text = folded(layers("".join(block.format(n) for n in (8, 16, 32, 32, 24)), "input: 128x128x8\n"))
    assert text.endswith("layers:\n  - block-8 -> block-16 -> [block-32]*2 -> block-24\n")
    assert "      - conv: {trainable: false, filters: $filters, kernel_size: 3, padding: 1}\n" in text


def test_shared_weights_and_sizes_of_others_keep_their_names() -> None:
    head = "inputs: {left: 32x32x8, right: 32x32x8}\n"
    block = "  - add: [[], [CONV1-4 -> RELU -> CONV3-8p1]]\n"
    text = folded(layers(block * 3 + "  - conv: {name: a, filters: 8, kernel_size: 3, stride: 2, rounding: floor}\n"
                         "  - upsample: {like: left}\n  - conv: {name: b, from: right, filters: 8, kernel_size: 3, padding: 1}\n"
                         "  - conv: {name: c, filters: 8, kernel_size: 3, padding: 1, share: b}\n"
                         "  - add: {inputs: [upsample1, c]}\n", head))  # fmt: skip
    assert text == (
        "archcalc: 1\n"
        "inputs: {left: 32x32x8, right: 32x32x8}\n"
        "layers:\n"
        "  - repeat: 3\n"
        "    layers:\n"
        "      - add:\n"
        "          - []\n"
        "          - CONV1-4 -> RELU -> CONV3-8p1\n"
        "  - conv: {filters: 8, kernel_size: 3, stride: 2, rounding: floor}\n"
        "  - upsample: {name: upsample1, like: left}\n"
        "  - conv: {name: b, from: right, filters: 8, kernel_size: 3, padding: 1}\n"
        "  - conv: {name: c, share: b, filters: 8, kernel_size: 3, padding: 1}\n"
        "  - add: {inputs: [upsample1, c]}\n"
    )


def test_a_projection_that_some_have_is_a_variable() -> None:
    """The first block of a stage of ResNet; where there is no projection, its numbers are any."""
    block = "  - add: [{1}, [CONV3-{0}s{2}p1 -> BN -> RELU -> CONV3-{0}p1 -> BN]]\n  - RELU\n"
    rows = [(8, "[]", 1)] * 2
    for n in (16, 24):
        rows += [(n, f"[CONV1-{n}s2 -> BN]", 2), (n, "[]", 1)]
    text = folded(layers("".join(block.format(*row) for row in rows), "input: 32x32x8\nrounding: floor\n"))
    assert text == (
        "archcalc: 1\n"
        "input: 32x32x8\n"
        "rounding: floor\n"
        "blocks:\n"
        "  residual:\n"
        "    vars: {project: , filters: , stride: }\n"
        "    layers:\n"
        "      - add:\n"
        '          - "[CONV1-($filters)s2 -> BN]*project"\n'
        "          - CONV3-($filters)s($stride)p1 -> BN -> RELU -> CONV3-($filters)p1 -> BN\n"
        "      - RELU\n"
        "layers:\n"
        "  - repeat: 2\n"
        "    layers: [residual: {project: 0, filters: 8, stride: 1}]\n"
        "  - residual: {project: 1, filters: 16, stride: 2}\n"
        "  - residual: {project: 0, filters: 16, stride: 1}\n"
        "  - residual: {project: 1, filters: 24, stride: 2}\n"
        "  - residual: {project: 0, filters: 24, stride: 1}\n"
    )


def test_a_sum_that_only_some_make_is_a_variable() -> None:
    """MobileNetV2 adds a block's input only where stride and channels allow it."""
    body = "[CONV1-{0} -> BN -> RELU6 -> DWCONV3s{1}p1 -> BN -> RELU6 -> SHUFFLE2 -> BN -> SOFTMAX -> PRELU -> ELU -> CONV1-{2} -> BN -> TANH -> SIGMOID]"
    rows = [(16, 2, 16), (24, 1, 16), (16, 2, 24), (24, 1, 24), (32, 1, 24), (64, 2, 8), (60, 1, 8), (62, 1, 16)]
    text, before = "", 8
    for expanded, stride, filters in rows:
        one = body.format(expanded, stride, filters)
        text += f"  - add: [[], {one}]\n" if (stride, filters) == (1, before) else f"  - {one[1:-1]}\n"
        before = filters
    text = folded(layers(text, "input: 64x64x8\nrounding: floor\n"))
    assert "      - add:\n          - if: $skip\n            layers: []\n          - - CONV1" in text
    assert "  - residual: {skip: 0, filters: 16, stride: 2, filters2: 16}\n" in text
    assert text.count("CONV1") == 2


@given(networks)
@settings(max_examples=100, deadline=None)
def test_any_network(network: Network) -> None:
    found = read(dump({"input": "40x40x8", "rounding": "floor", "layers": written_out(network)}))
    graph = found.document.graph
    if len(graph.nodes) > 1 and found.report.complete:
        folded(graph)


def test_thousands_of_layers_take_seconds_at_most() -> None:
    import time

    text = "".join(f"  - add: [[], [CONV3-8p1 -> RELU -> CONV1-{8} -> BN]]\n  - CONV1-8\n" for _ in range(1_500))
    graph = layers(text)
    begin = time.process_time()
    assert fold(graph).count("\n") < 20
    assert time.process_time() - begin < 60  # of its own time: it is to end, on whatever machine
