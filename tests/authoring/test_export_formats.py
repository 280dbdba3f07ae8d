"""Exports to Keras, Caffe and Darknet: read back they are the same network; what cannot be said is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from exports import network, read_back, refusal, structure, types_in
from runner import CliRunner

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.authoring.export import Unwritable, names, writer
from archcalc.cli import cli
from archcalc.graph import Graph, Node
from archcalc.language.program import read_document
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES
from archcalc.layers.reshape import Input
from archcalc.volume import Pair

# What stands around layers in one format and is no layer of another.
IGNORED = {
    "keras": ("flatten", "pad", "crop"),
    "caffe": ("flatten",),
    "darknet": ("flatten",),
}
# The networks of the zoo that a format cannot say, and the layers that are in the way.
REFUSED: dict[str, dict[str, set[str]]] = {
    "keras": {
        "alexnet": {"lrn"}, "convnext_tiny": {"layer_scale", "drop_path"}, "cyclegan": {"pad", "instance_norm"},
        "efficientnet_b0": {"drop_path"}, "efficientnet_v2_s": {"drop_path"}, "googlenet_bvlc": {"lrn"}, "nin_cifar": {"avgpool"},
        "shufflenet_v2_x1_0": {"shuffle", "split"}, "srresnet": {"prelu", "pixel_shuffle"}, "xception": {"pool"}, "zfnet": {"lrn"},
        "deeplabv3_resnet50": {"upsample"}, "siamese": {"abs"}, "ssd300_vgg16": {"l2_norm", "scale"}, "unet_bilinear": {"upsample"},
        "yolov8n_like": {"split"},
    },
    "caffe": {
        "convnext_tiny": {"layer_norm", "layer_scale", "drop_path", "gelu"}, "cyclegan": {"pad", "instance_norm", "deconv"},
        "efficientnet_b0": {"drop_path"}, "efficientnet_v2_s": {"drop_path"}, "fcn_resnet50": {"upsample"},
        "mobilenet_v3_large": {"hardswish", "hardsigmoid"}, "mobilenet_v3_small": {"hardswish", "hardsigmoid"},
        "shufflenet_v2_x1_0": {"shuffle", "split"}, "srresnet": {"prelu", "pixel_shuffle"}, "unet": {"crop"}, "xception": {"sepconv"},
        "deeplabv3_resnet50": {"upsample"}, "resnet50_fpn": {"an", "upsample"}, "retinanet_resnet50_fpn": {"upsample"},
        "siamese": {"abs"}, "ssd300_vgg16": {"l2_norm"}, "unet_bilinear": {"pad", "upsample"}, "yolov3": {"upsample"},
        "yolov8n_like": {"split", "upsample"},
    },
    "darknet": {
        "convnext_tiny": {"drop_path", "gelu", "layer_norm", "layer_scale"}, "cyclegan": {"deconv", "instance_norm", "pad"},
        "dcgan": {"deconv"}, "densenet121": {"conv"}, "densenet201": {"conv"}, "efficientnet_b0": {"drop_path"},
        "efficientnet_v2_s": {"bn", "conv", "drop_path", "dwconv"}, "fcn_resnet50": {"upsample"}, "googlenet": {"bn", "conv"},
        "inception_v3": {"avgpool", "bn", "conv"}, "inception_v4": {"avgpool", "bn", "conv"},
        "mobilenet_v3_large": {"bn", "conv", "dwconv", "hardsigmoid", "hardswish"},
        "mobilenet_v3_small": {"bn", "conv", "dwconv", "hardsigmoid", "hardswish"}, "nin_cifar": {"avgpool"},
        "shufflenet_v2_x1_0": {"shuffle"}, "srresnet": {"pixel_shuffle", "prelu"}, "unet": {"crop", "deconv"}, "unet_bn": {"deconv"},
        "xception": {"sepconv"},
        "deeplabv3_resnet50": {"upsample"}, "resnet50_fpn": {"an"}, "retinanet_resnet50_fpn": {"an"},
        "siamese": {"a", "abs", "conv", "fc", "subtract"}, "ssd300_vgg16": {"an", "l2_norm", "scale"},
        "unet_bilinear": {"pad", "upsample"}, "yolov3": {"an"}, "yolov8n_like": {"an", "bn", "conv"},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", zoo_names())
@pytest.mark.parametrize("format", REFUSED)
def test_the_zoo(format: str, name: str) -> None:
    report = network(f"zoo:{name}")
    why = refusal(format, report)
    if why:
        assert (format, name, types_in(why)) == (format, name, REFUSED[format].get(name))
        return
    assert name not in REFUSED[format]
    again = read_back(format, writer(format).write(report))
    totals = report.totals, again.totals
    assert totals[0].params == totals[1].params
    assert totals[0].macs == totals[1].macs
    ours, theirs = (structure(one, IGNORED[format]) for one in (report, again))
    if any(row.node.shares is not None for row in report.rows):  # Keras' reader takes calls in another order
        ours, theirs = (sorted((one[0], one[2], one[3]) for one in each) for each in (ours, theirs))
    assert ours == theirs


def graph_of(text: str) -> Graph:
    document = read_document(text)
    assert document.problems == ()
    return document.graph


# Layers on [12x10x4] that a format says exactly.
LAYERS = {
    "keras": [
        "CONV3-8p1d2 -> DWCONV2s2m2 -> DECONV3-4s2p1o1 -> CONV3-4psame -> CONV3-4phalf -> SEPCONV3-8p1",
        "RELU -> POOL2 -> AVGPOOL3s1p1 -> RELU -> RELU6 -> POOL2s1p1",
        "RELU -> SIGMOID -> TANH -> SILU -> ELU -> SELU -> GELU -> MISH -> HARDSWISH -> HARDSIGMOID -> LEAKY_RELU -> PRELU -> SOFTPLUS",
        "BN -> LAYER_NORM -> DROPOUT0.2 -> PAD1 -> CROP2 -> UPSAMPLE2 -> SOFTMAX",
        "GAP -> BN -> FC-8 -> RELU -> BN -> FC-4 -> SOFTMAX",
        "FC-64 -> CONV1-8 -> GAP",
    ],
    "caffe": [
        "CONV3x1-8d1 -> DWCONV2s2m2 -> DECONV2-4s2 -> POOL2 -> AVGPOOL2s1 -> CONV3-4p1g2 -> LRN5",
        "RELU -> SIGMOID -> TANH -> SILU -> ELU -> LEAKY_RELU -> PRELU -> SOFTPLUS -> RELU6 -> SCALE -> SHIFT -> DROPOUT0.2 -> SOFTMAX",
        "BN -> GAP -> FC-8 -> RELU -> FC-4",
    ],
    "darknet": [
        "CONV3-8p2d2 -> LEAKY_RELU -> CONV3-8p1g2 -> RELU -> DWCONV3p1 -> POOL2 -> AVGPOOL2s1 -> SPLIT2-2 -> UPSAMPLE2 -> LRN5 -> SOFTMAX",
        "BN -> SILU -> MISH -> SELU -> ELU -> TANH -> SIGMOID -> GAP -> FC-8 -> RELU6 -> DROPOUT0.2 -> FC-4",
    ],
}


@pytest.mark.parametrize(("format", "layers"), [(format, one) for format, all in LAYERS.items() for one in all])
def test_layers(format: str, layers: str) -> None:
    report = network(f"INPUT[12x10x4] -> {layers}")
    again = read_back(format, writer(format).write(report))
    seps = ("sepconv",)
    if any(row.node.layer.type in seps for row in report.rows):
        assert again.totals.params == report.totals.params
        assert again.output == report.output
        return
    assert structure(report, IGNORED[format]) == structure(again, IGNORED[format])


JOINS = """
input: 12x10x8
layers:
  - CONV3-8p1 -> RELU
  - add: [[], [CONV3-8p1 -> RELU], [CONV1-8]]
  - multiply: [[], [GAP -> FC-4 -> RELU -> FC-8 -> SIGMOID]]
  - concat: [[], [CONV1-4 -> RELU], [CONV3-4p1]]
"""


@pytest.mark.parametrize("format", REFUSED)
def test_joins(format: str) -> None:
    report = analyze(graph_of(JOINS))
    again = read_back(format, writer(format).write(report))
    assert structure(report, IGNORED[format]) == structure(again, IGNORED[format])


def small(**further: Any) -> Graph:
    """Two convolutions, of which the second has these fields."""
    conv = TYPES["conv"](filters=4, kernel_size=Pair(1, 1))
    nodes = (
        Node("image", Input(width=8, height=8, channels=4), ()),
        Node("/a/conv", conv, (0,)),
        Node("b", conv, (1,))._replace(**further),
    )
    return Graph("", nodes)


@pytest.mark.parametrize("format", ["keras", "caffe"])
def test_shared_and_frozen_layers(format: str) -> None:
    for further in ({"shares": 1}, {"trainable": False}):
        report = analyze(small(**further))
        again = read_back(format, writer(format).write(report))
        assert structure(report, ()) == structure(again, ())


def test_names_are_kept_as_far_as_a_format_takes_them() -> None:
    report = analyze(small())
    assert [row.node.name for row in read_back("caffe", writer("caffe").write(report)).rows] == [
        "image",
        "/a/conv",
        "b",
    ]
    assert [row.node.name for row in read_back("keras", writer("keras").write(report)).rows] == ["image", "a_conv", "b"]
    assert "# /a/conv\n[convolutional]" in writer("darknet").write(report).decode()


def test_several_outputs() -> None:
    report = analyze(small()._replace(outputs=(1, 2)))
    assert read_back("keras", writer("keras").write(report)).graph.results() == (1, 2)
    why = "Caffe has nothing that is exactly an output that another layer reads: /a/conv"
    assert refusal("caffe", report) == why
    assert (
        refusal("darknet", report)
        == "Darknet has nothing that is exactly an output that is not the last layer: /a/conv"
    )


# What is in the way, on [12x10x4] after RELU where that is said; every reason at once, with every layer.
REASONS = [
    ("keras", "LRN5 -> CONV3-4 -> LRN5", "Keras has nothing that is exactly lrn: lrn1, lrn2"),
    ("keras", "POOL3s1p1", ""),  # Keras' `same`
    ("keras", "POOL2s1p1", "Keras has nothing that is exactly pool with padding, of values below 0: pool1"),
    ("keras", "RELU -> POOL2s1p1", ""),
    ("keras", "SPLIT2-1 -> L2POOL2", "Keras has nothing that is exactly\n  split: split1\n  l2pool: l2pool1"),
    ("caffe", "DECONV3-4s2p1o1", "Caffe has nothing that is exactly deconv with output_padding: 1: deconv1"),
    ("caffe", "CONV2-4psame", "Caffe has nothing that is exactly conv with more padding on one side: conv1"),
    ("caffe", "PAD1 -> UPSAMPLE2", "Caffe has nothing that is exactly\n  pad: pad1\n  upsample: upsample1"),
    ("darknet", "CONV3x1-4", "Darknet has nothing that is exactly conv whose window is not square: conv1"),
    ("darknet", "CONV3-4d2", "Darknet has nothing that is exactly conv that is dilated and does not keep the size: conv1"),
    ("darknet", "AVGPOOL3s1p1", "Darknet has nothing that is exactly avgpool that counts its padding: avgpool1"),
    ("darknet", "LEAKY_RELU", ""),
    ("darknet", "GELU", "Darknet has nothing that is exactly gelu: gelu1"),
    ("darknet", "FLATTEN -> SOFTMAX", "Darknet has nothing that is exactly flatten that another layer than fc reads: flatten1"),
    ("darknet", "FLATTEN -> RELU -> FC-3", ""),
]  # fmt: skip


@pytest.mark.parametrize(("format", "layers", "why"), REASONS)
def test_reasons(format: str, layers: str, why: str) -> None:
    assert refusal(format, network(f"INPUT[12x10x4] -> {layers}")) == why


def test_many_layers_are_counted() -> None:
    report = network("INPUT[8x8x4] -> [LRN5]*20")
    names = ", ".join(f"lrn{number}" for number in range(1, 13))
    with pytest.raises(Unwritable, match=f"^Keras has nothing that is exactly lrn: {names} and 8 more$"):
        writer("keras").write(report)


def test_no_key_is_passed_over() -> None:
    """A key of a layer that a writer does not write, with another value than its default, is refused."""
    spec = "input: 8x8x4\nlayers: [softmax: {groups: 2}, upsample: {factor: 2, mode: bilinear, align_corners: true}]"
    report = analyze(graph_of(spec))
    for format in ("keras", "onnx"):
        why = "\n  softmax with groups: 2: softmax1\n  upsample with align_corners: true: upsample1"
        assert refusal(format, report).endswith(why)


def test_what_is_json_is_a_config_of_keras() -> None:
    found = json.loads(writer("keras").write(network("INPUT[8x8x4] -> CONV3-4")))
    assert found["class_name"] == "Functional"
    assert [one["class_name"] for one in found["config"]["layers"]] == ["InputLayer", "Conv2D"]


def test_the_command(tmp_path: Path) -> None:
    def run(*more: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["export", *more], standalone_mode=False)
        return (2, str(result.exception)) if result.exception else (result.return_value, result.output)

    for format in names():
        out = tmp_path / f"net.{format}"
        assert run("zoo:lenet5", "--to", format, "-o", str(out)) == (0, "")
        if format != "pytorch":  # which a command reads as torch:net:build
            assert archcalc.load(out).report.totals.params == 61_706
    why = "archcalc: zoo:alexnet: Keras has nothing that is exactly lrn: lrn1, lrn2\n"
    assert run("zoo:alexnet", "--to", "keras", "-o", str(tmp_path / "no")) == (1, why)
    assert not (tmp_path / "no").exists()
    code, errors = run("zoo:alexnet", "--to", "keras", "--weights", "-o", "-")
    assert (code, errors.splitlines()[-1]) == (
        2,
        "--weights: keras files are written without; ONNX can have them",
    )
