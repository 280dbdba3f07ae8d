"""Exported ONNX: read back it is the same network; the onnx package checks it, infers its shapes, and ONNX Runtime runs it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exports import network, refusal, types_in

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.authoring.export import Unwritable, names, writer
from archcalc.interop import readers
from archcalc.language.program import read_document
from archcalc.language.specfile import zoo_names
from archcalc.layers.base import Cost
from archcalc.verification.trace import trace

onnx = pytest.importorskip("onnx")

KINDS = {
    "adaptive_avgpool": "avgpool",
    "adaptive_pool": "pool",
    "layer_scale": "scale",
    "gmp": "pool",
    "gap": "avgpool",
}


def facts(report: Report) -> list[Any]:
    """What a layer is, reads, gives and costs.

    A flattening is implied by fc, dropping paths is nothing at inference, a separable convolution is two.
    """
    found = []
    for row in report.rows:
        layer = row.node.layer
        if layer.type == "sepconv":
            middle = row.output._replace(channels=layer.values()["multiplier"] * row.inputs[0].channels)
            cost = layer.pointwise().cost(middle, row.output)  # type: ignore[attr-defined]
            rest = Cost(*(a - b for a, b in zip(row.cost[:5], cost[:5], strict=True)))
            found += [("dwconv", row.inputs, middle, rest), ("conv", (middle,), row.output, cost)]
        elif layer.type not in ("flatten", "drop_path"):
            found.append((KINDS.get(layer.type, layer.type), row.inputs, row.output, row.cost))
    return found


def in_order(found: list[Any]) -> list[Any]:
    """Sorted: what is spelled out by several operators is read where it is used, which may be later."""
    return sorted(found, key=repr)


def exported(report: Report) -> Any:
    """The model, after making sure that it reads back as the same network and that onnx finds it right."""
    data = writer("onnx").write(report)
    found = readers()["onnx"].read(data, "net.onnx")
    assert found.problems == ()
    again = analyze(found.graph)
    assert again.problems == ()
    assert in_order(facts(again)) == in_order(facts(report))
    theirs = ("flatten", "drop_path", "shuffle")  # several operators, or none
    named, ours = (
        [
            row.node.name
            for row in one.rows
            if row.node.layer.type not in theirs and not row.node.name.endswith(".between")
        ]
        for one in (report, again)
    )
    assert sorted(ours) == sorted(named)
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    whole = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    shapes = {one.name: one.type.tensor_type.shape.dim for one in [*whole.graph.value_info, *whole.graph.output]}
    for row in report.rows[1:]:
        dims = [dim.dim_value for dim in shapes[row.node.name][1:]]
        if all(dims):
            expected = [row.output.channels, row.output.height, row.output.width]
            assert dims in (expected, expected[:1]), row.node.name
    return model


REFUSED = {
    "cyclegan": {"instance_norm", "pad"},
    "deeplabv3_resnet50": {"upsample"},
    "siamese": {"abs"},
    "ssd300_vgg16": {"l2_norm"},
    "unet_bilinear": {"upsample"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_of_the_zoo_cannot_be_said(name: str) -> None:
    assert types_in(refusal("onnx", network(f"zoo:{name}"))) == REFUSED[name]


@pytest.mark.parametrize("name", [one for one in zoo_names() if one not in REFUSED])
def test_the_zoo(name: str) -> None:
    exported(archcalc.load(f"zoo:{name}").report)


LAYERS = {
    "windows": "CONV3-8p1d2g2 -> DWCONV2s2m2 -> DECONV3-4s2p1o1 -> POOL2 -> AVGPOOL3s1p1 -> CONV3-4psame -> CONV3-4phalf",
    "activations": "RELU -> RELU6 -> SIGMOID -> TANH -> SILU -> ELU -> SELU -> GELU -> MISH -> HARDSWISH -> HARDSIGMOID -> LEAKY_RELU -> PRELU -> SOFTPLUS",
    "norms": "BN -> LRN5 -> LAYER_NORM -> SCALE -> SHIFT -> DROPOUT0.2",
    "moves": "SHUFFLE2 -> SLICE-2o1 -> SPLIT2-2 -> PAD1 -> CROP1 -> UPSAMPLE2",
    "columns": "GAP -> BN -> FC-8 -> RELU -> BN -> FC-4 -> SOFTMAX",
    "column to image": "FC-64 -> CONV1-8 -> GAP",
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS.keys())
def test_layers_run_in_onnx_runtime(layers: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    import numpy as np

    report = archcalc.load(f"INPUT[12x10x4] -> {layers}").report
    model = exported(report)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (image,), (result,) = session.get_inputs(), session.get_outputs()
    (given,) = session.run([result.name], {image.name: np.ones((2, 4, 10, 12), np.float32)})
    y = report.output
    assert given.shape in ((2, y.channels, y.height, y.width), (2, y.channels))


def test_joins_and_outputs_and_names() -> None:
    text = "INPUT[8x8x4] -> CONV3-4p1"
    report = archcalc.load(text).report
    model = exported(report)
    assert [node.name for node in model.graph.node if node.op_type == "Conv"] == ["conv1"]
    for join in ("add", "multiply", "concat", "subtract", "maximum"):
        spec = f"input: 8x8x4\nlayers: [{join}: [[], [CONV3-4p1]], fc: {{units: 3}}]"
        exported(analyze(read_document(spec).graph))


def test_what_has_no_operator_is_refused_at_once() -> None:
    report = archcalc.load("INPUT[8x8x4] -> L2POOL2 -> CHANNEL_MEAN -> L2POOL2").report
    why = "^ONNX has nothing that is exactly\n  l2pool: l2pool1, l2pool2\n  channel_mean: channel_mean1$"
    with pytest.raises(Unwritable, match=why):
        writer("onnx").write(report)


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    command = [sys.executable, "-m", "archcalc", "export", "zoo:resnet18", "--to", "onnx", "-o", str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert archcalc.load(out).report.totals == archcalc.load("zoo:resnet18").report.totals


WEIGHTED = [
    *(
        "lenet5",
        "cifar10_toy",
        "nin_cifar",
        "squeezenet1_1",
        "mobilenet_v3_small",
        "shufflenet_v2_x1_0",
        "dcgan",
        "resnet18",
        "convnext_tiny",
    ),
    "srresnet",
]


def in_onnx_runtime(data: bytes, image: Any, y: Any) -> float:
    """By how much of the largest value ONNX Runtime's result differs from what was computed here."""
    runtime = pytest.importorskip("onnxruntime")
    import numpy as np

    session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {session.get_inputs()[0].name: image.transpose(0, 3, 1, 2)})
    theirs = given.reshape(len(y), y.shape[3], y.shape[1], y.shape[2]).transpose(0, 2, 3, 1)
    return float(np.abs(theirs - y).max() / np.abs(y).max())


def with_weights(report: Report) -> float:
    *_, last = layers = list(trace(report, seed=3))
    data = writer("onnx").write(report, weights=True, seed=3)
    assert facts(analyze(readers()["onnx"].read(data, "net.onnx").graph)) == facts(report)
    return in_onnx_runtime(data, layers[0].output, last.output)


@pytest.mark.parametrize("name", WEIGHTED)
def test_with_weights_it_computes_what_verify_does(name: str) -> None:
    report = archcalc.load(f"zoo:{name}").report
    assert with_weights(report) < 1e-5


@pytest.mark.parametrize(
    "layers",
    [
        "CONV3-8p1d1g2 -> DWCONV2s2m2 -> DECONV3-4s2p1o1 -> AVGPOOL3s1p1 -> CONV3-4psame -> FC-5",
        "CONV3x1-8s1 -> BN -> SEPCONV3-6p1m2 -> PRELU -> LAYER_SCALE -> SCALE -> SHIFT -> LAYER_NORM -> FC-7 -> BN -> FC-3",
        "DECONV4-4s2psame -> LRN5 -> SHUFFLE2 -> SLICE-2o1 -> PAD1 -> CROP2 -> UPSAMPLE2 -> DECONV3-6s2p1o1g2 -> GAP",
        "FC-64 -> CONV1-8 -> SOFTMAX",
    ],
)
def test_weights_are_put_in_onnxs_order(layers: str) -> None:
    assert with_weights(archcalc.load(f"INPUT[12x10x4] -> {layers}").report) < 1e-5


def test_what_a_column_was_before_is_known_behind_activations() -> None:
    report = archcalc.load("INPUT[5x4x3] -> FLATTEN -> RELU -> DROPOUT -> FC-5").report
    *_, last = layers = list(trace(report))
    assert in_onnx_runtime(writer("onnx").write(report, weights=True), layers[0].output, last.output) < 1e-5


def test_what_was_flattened_has_another_order_in_onnx() -> None:
    report = archcalc.load("INPUT[4x4x4] -> FLATTEN -> BN -> FC-3").report
    writer("onnx").write(report)
    why = "^ONNX has nothing that is exactly bn of what was flattened, whose values have another order there: bn1$"
    with pytest.raises(Unwritable, match=why):
        writer("onnx").write(report, weights=True)


def test_formats_are_the_files() -> None:
    assert "onnx" in names()
