"""Exported ONNX: read back it is the same network; the onnx package checks it, infers its shapes, and ONNX Runtime runs it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.authoring.export import Unwritable, names, writer
from archcalc.interop import readers
from archcalc.language.program import read_document

onnx = pytest.importorskip("onnx")

POOLS = {"adaptive_avgpool": "avgpool", "adaptive_pool": "pool"}


def facts(report: Report) -> list[Any]:
    """What a layer is, reads, gives and costs; a flattening is implied by fc, and `rounding: exact` is floor that fits."""
    rows = [row for row in report.rows if row.node.layer.type != "flatten"]
    return [(POOLS.get(row.node.layer.type, row.node.layer.type), row.inputs, row.output, row.cost) for row in rows]


def exported(report: Report) -> Any:
    """The model, after making sure that it reads back as the same network and that onnx finds it right."""
    data = writer("onnx").write(report)
    found = readers()["onnx"].read(data, "net.onnx")
    assert found.problems == ()
    again = analyze(found.graph)
    assert again.problems == ()
    assert facts(again) == facts(report)
    theirs = ("flatten", "shuffle")  # several operators, or none
    named, ours = ([row.node.name for row in one.rows if row.node.layer.type not in theirs] for one in (report, again))
    assert ours == named
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


REFUSED = {"nin_cifar": "ONNX has nothing that is exactly conv (9)"}  # Caffe's rounding up


NETWORKS = [
    "alexnet", "alexnet_torchvision", "allcnn_c", "cifar10_toy", "densenet121", "googlenet", "googlenet_bvlc", "inception_v3",
    "inception_v4", "keras_mnist", "lenet5", "mobilenet_v1", "mobilenet_v2", "resnet101", "resnet152", "resnet18", "resnet34",
    "resnet50", "squeezenet1_0", "squeezenet1_1", "unet", "vgg11", "vgg13", "vgg16", "vgg16_bn", "vgg16_pattern", "vgg19", "zfnet",
]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
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
    report = archcalc.load("INPUT[8x8x4] -> L2POOL2 -> LAYER_SCALE -> L2POOL2").report
    with pytest.raises(Unwritable, match=r"^ONNX has nothing that is exactly l2pool \(2\), layer_scale \(1\)$"):
        writer("onnx").write(report)


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    command = [sys.executable, "-m", "archcalc", "export", "zoo:resnet18", "--to", "onnx", "-o", str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert archcalc.load(out).report.totals == archcalc.load("zoo:resnet18").report.totals
    bad = [sys.executable, "-m", "archcalc", "export", "zoo:nin_cifar", "--to", "onnx", "-o", str(tmp_path / "no.onnx")]
    result = subprocess.run(bad, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, f"archcalc: zoo:nin_cifar: {REFUSED['nin_cifar']}\n")
    assert not (tmp_path / "no.onnx").exists()


def test_formats_are_the_files() -> None:
    assert "onnx" in names()
