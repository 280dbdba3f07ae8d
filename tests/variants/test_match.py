"""What makes no difference between two networks, and what does."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import archcalc
from archcalc.cli import cli
from archcalc.language.specfile import zoo_names
from archcalc.variants.canonical import canonical
from archcalc.variants.match import match


def report(spec: str, tmp_path: Path) -> Any:
    """Of a pattern, or of a spec's layers on an image of 16x16x8."""
    if spec.startswith("INPUT"):
        return archcalc.load(spec).report
    path = tmp_path / f"spec{len([*tmp_path.iterdir()])}.yaml"
    path.write_text(f"input: 16x16x8\nlayers:\n{spec}")
    return archcalc.load(path).report


IMAGE = "INPUT[16x16x8] -> "
SAME = {
    "rounding where nothing is left over": (
        IMAGE + "POOL2 -> CONV3-4p1",
        "- pool: {kernel_size: 2, rounding: ceil}\n- conv: {filters: 4, kernel_size: 3, padding: 1, rounding: floor}\n",
    ),
    "padding by name": (IMAGE + "CONV3-4psame -> CONV5-4phalf", IMAGE + "CONV3-4p1 -> CONV5-4p2"),
    "a pool's stride": (IMAGE + "POOL2 -> AVGPOOL2s2", IMAGE + "POOL2s2 -> AVGPOOL2"),
    "depthwise": (IMAGE + "DWCONV3p1m2d2", IMAGE + "CONV3-16p1g8d2"),
    "the average of the image": (IMAGE + "GAP -> FC-3", IMAGE + "AVGPOOL16 -> FC-3"),
    "the average of the image, adaptive": (IMAGE + "GAP -> FC-3", IMAGE + "ADAPTIVE_AVGPOOL1 -> FC-3"),
    "flatten before fc": (IMAGE + "CONV3-4 -> FC-3", IMAGE + "CONV3-4 -> FLATTEN -> FC-3"),
    "flatten, dropout, fc": (IMAGE + "RELU -> DROPOUT -> FC-3", IMAGE + "RELU -> FLATTEN -> DROPOUT -> FC-3"),
    "flatten of one pixel": (IMAGE + "GAP -> BN -> FC-3", IMAGE + "GAP -> FLATTEN -> BN -> FC-3"),
    "eps and slope": (
        "- bn: {eps: 0.001}\n- leaky_relu: {slope: 0.2}\n", IMAGE + "BN -> LEAKY_RELU",
    ),
    "the order of a sum": (
        "- add: [[], [CONV3-8p1 -> BN], [CONV1-8]]\n", "- add: [[CONV1-8], [CONV3-8p1 -> BN], []]\n",
    ),
    "sums in sums": (
        "- add: [[], [CONV3-8p1], [CONV1-8]]\n", "- add: [[add: [[], [CONV3-8p1]]], [CONV1-8]]\n",
    ),
    "concats in concats": (
        "- concat: [[], [CONV3-8p1], [CONV1-8]]\n", "- concat: [[concat: [[], [CONV3-8p1]]], [CONV1-8]]\n",
    ),
    "names": ("- conv: {name: a, filters: 3, kernel_size: 1}\n- relu: {name: b}\n", IMAGE + "CONV1-3 -> RELU"),
    "upsampling by a factor or to a size": (IMAGE + "UPSAMPLE2x3", "- upsample: {size: 32x48}\n"),
    "a trained factor for every channel": (IMAGE + "SCALE -> CONV1-4", IMAGE + "LAYER_SCALE -> CONV1-4"),
    "a hard tanh that is a ReLU6": (IMAGE + "RELU6", "- hardtanh: {low: 0, high: 6}\n"),
}  # fmt: skip
DIFFERENT = {
    "filters": (IMAGE + "CONV3-4", IMAGE + "CONV3-5", "changed conv1"),
    "a bias": (IMAGE + "CONV3-4", "- conv: {filters: 4, kernel_size: 3, bias: false}\n", "changed conv1"),
    "rounding where something is left over": (
        "- pool: {kernel_size: 3, stride: 2, rounding: floor}\n",
        "- pool: {kernel_size: 3, stride: 2, rounding: ceil}\n",
        "changed pool1",
    ),
    "the side of the padding": (
        IMAGE + "CONV3-4s2psame",
        "- conv: {filters: 4, kernel_size: 3, stride: 2, padding: 1, rounding: floor}\n",
        "changed conv1",
    ),
    "an activation": (IMAGE + "CONV1-4 -> RELU", IMAGE + "CONV1-4 -> GELU", "added gelu1"),
    "one layer more": (IMAGE + "CONV1-4", IMAGE + "CONV1-4 -> RELU", "added relu1"),
    "one layer less": (IMAGE + "CONV1-4 -> RELU", IMAGE + "CONV1-4", "removed relu1"),
    "the order of a concat": (
        "- concat: [[], [CONV3-8p1]]\n- CONV1-2\n", "- concat: [[CONV3-8p1], []]\n- CONV1-2\n", "changed concat1",
    ),
    "what is read": (
        "- CONV3-8p1\n- add: [[], [RELU -> CONV3-8p1]]\n", "- CONV3-8p1\n- RELU\n- add: [[], [CONV3-8p1]]\n", "changed add1",
    ),
    "flatten before a norm": (IMAGE + "BN -> FC-3", IMAGE + "FLATTEN -> BN -> FC-3", "added flatten1"),
    "corners that are aligned": (
        "- upsample: {factor: 2, mode: bilinear}\n",
        "- upsample: {size: 32, mode: bilinear, align_corners: true}\n",
        "changed upsample1",
    ),
    "one factor for the layer": ("- scale: {per: layer}\n", IMAGE + "LAYER_SCALE", "added layer_scale1"),
    "an average of a part": (IMAGE + "GAP", IMAGE + "AVGPOOL8", "added avgpool1"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_makes_no_difference(name: str, tmp_path: Path) -> None:
    a, b = (report(one, tmp_path) for one in SAME[name])
    found = match(a, b)
    assert found.equal, found.changes
    assert match(b, a).equal
    assert found.a.totals == found.b.totals
    assert found.a.totals.params == a.totals.params
    assert found.a.totals.macs == a.totals.macs


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_makes_a_difference(name: str, tmp_path: Path) -> None:
    *specs, change = DIFFERENT[name]
    found = match(*(report(one, tmp_path) for one in specs))
    assert change in [f"{one.status} {one.row.node.name}" for one in found.changes]


def test_strict(tmp_path: Path) -> None:
    a, b = (report(one, tmp_path) for one in SAME["eps and slope"])
    found = match(a, b, strict=True)
    assert [(one.key, one.old, one.new) for change in found.changes for one in change.settings] == [
        ("eps", 0.001, 1e-05),
        ("slope", 0.2, 0.01),
    ]


@pytest.mark.parametrize("name", zoo_names())
def test_the_canonical_form_costs_the_same(name: str) -> None:
    """It is the same network: the same parameters, multiply-accumulates and results, and its form is itself."""
    given = archcalc.load(f"zoo:{name}").report
    found = canonical(given).report
    assert (found.totals.params, found.totals.buffers, found.totals.macs) == (
        given.totals.params,
        given.totals.buffers,
        given.totals.macs,
    )
    assert found.output == given.output
    assert canonical(found).report.graph.nodes == found.graph.nodes
    assert match(given, given).equal


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, ["match", *words], standalone_mode=False)


def test_the_command() -> None:
    result = run("zoo:lenet5", "zoo:lenet5")
    assert result.return_value == 0
    assert result.stdout == (
        "- zoo:lenet5: LeNet-5\n+ zoo:lenet5: LeNet-5\nequal: 12 layers, 61,706 params, 416,520 MACs\n"
    )
    assert run("zoo:vgg11", "zoo:vgg13").return_value == 1
    assert run("zoo:vgg11", "zoo:nothing").return_value == 2
    assert run("INPUT[10x10x3] -> CONV3-4s2", "zoo:vgg11").return_value == 2


# -- against PyTorch's own models -----------------------------------------------------------------------

ZOO = Path(__file__).parents[2] / "specs"
GROWING = (
    "convnext_tiny",
    "efficientnet_b0",
    "efficientnet_v2_s",
)  # rates of stochastic depth that grow with the depth
SEVERAL = ("fcn_resnet50", "deeplabv3_resnet50", "resnet50_fpn", "retinanet_resnet50_fpn", "ssd300_vgg16")
CLAIMED = [
    name
    for name in zoo_names()
    if "torchvision" in (ZOO / f"{name}.yaml").read_text(encoding="utf-8") and name not in (*SEVERAL, "alexnet")
]


def torchvisions(name: str) -> Any:
    """The model of torchvision that a spec says it is, without values."""
    models = pytest.importorskip("torchvision").models
    from archcalc.interop.torch.staging import made

    rest = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return made(lambda: models.get_model(name.removesuffix("_torchvision"), weights=None, **rest))


@pytest.mark.torch
@pytest.mark.parametrize("name", CLAIMED)
def test_the_zoo_is_torchvisions(name: str) -> None:
    spec = archcalc.load(f"zoo:{name}")
    model = archcalc.from_torch(torchvisions(name), spec.report.input).report
    found = match(spec.report, model, strict=name not in GROWING)
    assert found.equal, [(one.status, one.row.node.name, one.settings) for one in found.changes][:5]
    if name in GROWING:
        strict = match(spec.report, model, strict=True).changes
        assert {one.row.node.layer.type for one in strict} == {"drop_path"}


@pytest.mark.torch
@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50"])
def test_the_zoo_segments_as_torchvision(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    from archcalc.interop.torch.staging import made

    spec = archcalc.load(f"zoo:{name}")
    model = made(lambda: models.get_model(name, weights=None, weights_backbone=None))
    found = match(spec.report, archcalc.from_torch(model, spec.report.input).report, strict=True)
    assert found.equal, [(one.status, one.row.node.name, one.settings) for one in found.changes][:5]


def detector(name: str) -> Any:
    """A detector of torchvision from the image to what its heads' convolutions give, before that is cut into boxes."""
    models = pytest.importorskip("torchvision").models
    from torch import nn

    class Detector(nn.Module):  # type: ignore[misc,unused-ignore] # torch is an extra
        def __init__(self) -> None:
            super().__init__()
            whole = models.get_model(name, weights=None, weights_backbone=None)
            self.backbone = whole.backbone
            if name != "fasterrcnn_resnet50_fpn":
                self.classes, self.boxes = whole.head.classification_head, whole.head.regression_head

        def forward(self, x: Any) -> Any:
            levels = [*self.backbone(x).values()]
            if name == "fasterrcnn_resnet50_fpn":
                return levels
            if name == "ssd300_vgg16":
                heads = zip(self.boxes.module_list, self.classes.module_list, levels, strict=True)
                return [head(level) for *both, level in heads for head in both]
            classes = [self.classes.cls_logits(self.classes.conv(level)) for level in levels]
            return classes + [self.boxes.bbox_reg(self.boxes.conv(level)) for level in levels]

    return Detector


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("resnet50_fpn", "fasterrcnn_resnet50_fpn"),  # whose backbone it is
        ("retinanet_resnet50_fpn", "retinanet_resnet50_fpn"),
        ("ssd300_vgg16", "ssd300_vgg16"),
    ],
)
def test_the_zoo_detects_as_torchvision(name: str, theirs: str) -> None:
    pytest.importorskip("torchvision")
    from archcalc.interop.torch.staging import made

    spec = archcalc.load(f"zoo:{name}")
    report = archcalc.from_torch(made(detector(theirs)), spec.report.inputs[0].output).report
    found = match(spec.report, report, strict=True)
    assert found.equal, [(one.status, one.row.node.name, one.settings) for one in found.changes][:5]
    assert report.totals.macs == spec.report.totals.macs


@pytest.mark.torch
def test_a_difference_is_named_by_its_module(architecture: Any) -> None:
    models = pytest.importorskip("torchvision").models
    model = models.resnet18(weights=None)
    assert architecture("zoo:resnet18").matches(model)
    model.layer2[1].conv1.stride = (1, 1)
    model.layer3[0].relu = type(model.relu)()
    model.layer4[1].bn2 = __import__("torch").nn.Identity()
    with pytest.raises(AssertionError) as raised:
        architecture("zoo:resnet18").matches(model)
    text = str(raised.value)
    assert text.startswith("ResNet is not zoo:resnet18\n- zoo:resnet18: ResNet-18\n+ ResNet: ResNet\n")
    assert text.endswith("1 removed, 68 unchanged")
    assert "- conv5.basic2.bn2" in text
