"""Exports to PyTorch: Python that a person would keep, without archcalc, which builds the same network and computes the same."""

import ast
from typing import Any

import pytest
from conftest import Golden
from exports import network, refusal, types_in

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.authoring.export import writer
from archcalc.graph import Graph, Node
from archcalc.language.program import read_document
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES
from archcalc.layers.reshape import Input
from archcalc.verification.trace import trace
from archcalc.volume import Pair


def source(report: Report) -> str:
    text = writer("pytorch").write(report).decode()
    tree = ast.parse(text)
    imports = {ast.unparse(one) for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)}
    assert imports <= {"import torch", "from torch import nn"}
    assert [one.name for one in tree.body if isinstance(one, ast.FunctionDef)][-1] == "build"
    assert all(len(line) <= 120 for line in text.split("\n"))
    return text


REFUSED = {"siamese": {"abs"}, "ssd300_vgg16": {"l2_norm"}}
ZOO = [name for name in zoo_names() if name not in REFUSED]


@pytest.mark.parametrize("name", REFUSED)
def test_what_of_the_zoo_cannot_be_said(name: str) -> None:
    assert types_in(refusal("pytorch", network(f"zoo:{name}"))) == REFUSED[name]


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo(name: str) -> None:
    text = source(network(f"zoo:{name}"))
    assert text.count("\n") < 20 + 2 * len(network(f"zoo:{name}").rows)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "se_resnext50", "densenet121"])
def test_how_it_looks(name: str, golden: Golden) -> None:
    golden(f"export/{name}.py.txt", source(network(f"zoo:{name}")))


REACHING_BACK = """
input: 16x16x3
layers:
  - conv: {filters: 8, kernel_size: 3, padding: 1, name: a/b}
  - relu
  - conv: {filters: 8, kernel_size: 3, padding: 1, name: class}
  - add: {inputs: [a/b, class]}
  - gap: {name: pooled}
  - fc: {units: 8, name: gate}
  - multiply: {inputs: [a/b, gate]}
  - concat: {inputs: [multiply1, class, a/b]}
  - CONV1-5
"""


def test_what_reaches_back_is_a_class(golden: Golden) -> None:
    golden("export/reaching_back.py.txt", source(analyze(read_document(REACHING_BACK).graph)))


def test_shared_and_frozen_layers_and_ends(golden: Golden) -> None:
    conv = TYPES["conv"](filters=4, kernel_size=Pair(1, 1))
    nodes = (
        Node("left", Input(width=8, height=8, channels=4), ()),
        Node("right", Input(width=8, height=8, channels=4), ()),
        Node("conv", conv, (0,)),
        Node("again", conv, (1,), shares=2),
        Node("relu", TYPES["relu"](), (3,), inplace=True),
        Node("frozen", conv, (4,), trainable=False),
        Node("add", TYPES["add"](), (2, 5)),
    )
    golden("export/shared.py.txt", source(analyze(Graph("Twins", nodes, (6, 4)))))


def test_what_pytorch_has_no_module_for_is_refused() -> None:
    why = "PyTorch has nothing that is exactly\n  local: local1\n  l2pool with padding: 1: l2pool1"
    assert refusal("pytorch", network("INPUT[8x8x4] -> LOCAL3-4 -> L2POOL4p1")) == why


# -- with PyTorch --------------------------------------------------------------------------------------


def built(report: Report) -> Any:
    values: dict[str, Any] = {}
    exec(compile(source(report), "net.py", "exec"), values)
    return values["build"]().eval()


@pytest.mark.torch
@pytest.mark.parametrize("name", ZOO)
def test_it_builds_the_network(name: str) -> None:
    """Parameters and buffers as PyTorch counts them; layer by layer as archcalc reads the module."""
    pytest.importorskip("torch")
    report = network(f"zoo:{name}")
    module = built(report)
    totals = report.totals
    assert sum(one.numel() for one in module.parameters()) == totals.params
    assert sum(one.numel() for key, one in module.named_buffers() if "num_batches" not in key) == totals.buffers
    again = archcalc.from_torch(module, report.rows[0].output).report
    assert (again.totals.params, again.totals.buffers, again.totals.macs) == (
        totals.params,
        totals.buffers,
        totals.macs,
    )
    assert again.output == report.output

    def shown(one: Report) -> list[Any]:
        rows = [row for row in one.rows if row.cost.params]
        return sorted((row.output, row.cost.params, row.cost.macs) for row in rows)

    if name != "xception":  # whose separable convolutions are two
        assert shown(again) == shown(report)


WITH_VALUES = [
    *(
        "lenet5",
        "cifar10_toy",
        "nin_cifar",
        "dcgan",
        "squeezenet1_1",
        "mobilenet_v3_small",
        "shufflenet_v2_x1_0",
        "resnet18",
    ),
    *("densenet121", "convnext_tiny", "googlenet", "efficientnet_b0", "se_resnext50"),
]
LAYERS = [
    "CONV3-8p1d1g2 -> DWCONV2s2m2 -> DECONV3-4s2p1o1 -> AVGPOOL3s1p1 -> CONV3-4psame -> POOL2s1psame -> FLATTEN -> RELU -> FC-5",
    "CONV3x1-8s1 -> BN -> SEPCONV3-6p1m2 -> PRELU -> LAYER_SCALE -> SCALE -> SHIFT -> LAYER_NORM -> FC-7 -> BN -> FC-3",
    "DECONV4-4s2psame -> LRN5 -> SHUFFLE2 -> SLICE-2o1 -> PAD1 -> CROP2 -> UPSAMPLE2 -> DECONV3-6s2p1o1g2 -> GAP",
    "FC-64 -> CONV1-8 -> GROUP_NORM2 -> L2POOL1 -> SOFTMAX",
    "CONV1-16 -> PIXEL_SHUFFLE2 -> SPLIT2-2 -> HARDTANH -> MISH -> GELU -> HARDSWISH -> HARDSIGMOID -> SELU -> ELU",
]


@pytest.mark.torch
@pytest.mark.parametrize(
    "spec", [*(f"zoo:{name}" for name in WITH_VALUES), *(f"INPUT[12x10x4] -> {one}" for one in LAYERS)]
)
def test_it_computes_what_verify_does(spec: str) -> None:
    torch = pytest.importorskip("torch")
    import numpy as np

    report = network(spec)
    module = built(report)
    stored = iter(
        [one for one in module.modules() if list(one.parameters(recurse=False)) or list(one.buffers(recurse=False))]
    )
    layers = list(trace(report))
    with torch.no_grad():
        for row, weights, _ in layers:
            arrays = [torch.from_numpy(np.ascontiguousarray(one)) for one in weights]
            for group in arranged(row, report, arrays):
                one = next(stored)
                buffers = [buffer for key, buffer in one.named_buffers(recurse=False) if "num_batches" not in key]
                for mine, theirs in zip([*one.parameters(recurse=False), *buffers], group, strict=True):
                    assert mine.shape == theirs.shape, row.node.name
                    mine.copy_(theirs)
        assert next(stored, None) is None
        given = module(torch.from_numpy(layers[0].output).permute(0, 3, 1, 2))
    y = layers[-1].output
    theirs = given.numpy() if given.dim() == 2 else given.permute(0, 2, 3, 1).numpy()
    assert float(np.abs(theirs.reshape(y.shape) - y).max()) < 1e-5 * float(np.abs(y).max())


def arranged(row: Any, report: Report, arrays: list[Any]) -> list[list[Any]]:
    """A layer's weights in PyTorch's order, for each module that it is."""
    layer = row.node.layer
    if not arrays:
        return []
    first, *others = arrays
    if layer.type in ("conv", "dwconv"):
        return [[first.permute(3, 2, 0, 1), *others]]
    if layer.type == "sepconv":
        return [[first.permute(2, 3, 0, 1).flatten(0, 1)[:, None]], [others[0].T[..., None, None], *others[1:]]]
    if layer.type == "deconv":
        return [[first.permute(0, 3, 1, 2), *others]]
    if layer.type == "fc":
        before, image = report.rows[row.node.inputs[0]], row.inputs[0]
        while before.node.layer.type in ("dropout", "relu"):
            before = report.rows[before.node.inputs[0]]
        if before.node.layer.type == "flatten":
            image = before.inputs[0]
        return [[first.reshape(image.height, image.width, image.channels, -1).permute(3, 2, 0, 1).flatten(1), *others]]
    if layer.type in ("scale", "shift", "layer_scale"):
        return [[first[:, None, None]]]
    return [arrays]
