"""Output shapes of the branched networks, layer by layer, against torchvision's own definitions."""

from collections import Counter
from typing import Any

import pytest

import archcalc
from archcalc.volume import Volume

pytestmark = pytest.mark.torch

SIZES = {  # of the input
    "resnet18": 224,
    "resnet50": 224,
    "resnet101": 224,
    "googlenet": 224,
    "densenet121": 224,
    "mobilenet_v2": 224,
    "squeezenet1_0": 224,
    "squeezenet1_1": 224,
    "inception_v3": 299,
}

MODULES = {
    "Conv2d": ("conv", "dwconv"),
    "BatchNorm2d": ("bn",),
    "MaxPool2d": ("pool",),
    "AvgPool2d": ("avgpool",),
    "Linear": ("fc",),
    "Dropout": ("dropout",),
}
OURS = {ours: theirs for theirs, types in MODULES.items() for ours in types}

Layer = tuple[str, Volume, int]


def theirs(name: str, size: int) -> list[Layer]:
    """Type, output and parameters of torchvision's layers, in the order in which they run."""
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    seen: list[Layer] = []

    def record(module: Any, inputs: Any, output: Any) -> None:
        _, channels, *size = output.shape
        height, width = size or (1, 1)
        trained = sum(one.numel() for one in module.parameters())
        seen.append((type(module).__name__, Volume(width, height, channels), trained))

    with torch.device("meta"):
        network = getattr(models, name)(weights=None, **options).eval()
        for module in network.modules():
            if type(module).__name__ in MODULES:
                module.register_forward_hook(record)
        network(torch.empty(1, 3, size, size))
    return seen


def ours(name: str) -> list[Layer]:
    report = archcalc.load(f"zoo:{name}").analyze()
    layers = [(row.node.layer.type, row.output, row.cost.params) for row in report.rows]
    return [(OURS[type], output, params) for type, output, params in layers if type in OURS]


@pytest.mark.parametrize("name", SIZES)
def test_every_layer(name: str) -> None:
    found, expected = (Counter(layers) for layers in (ours(name), theirs(name, SIZES[name])))
    if name == "inception_v3":  # calls most of its pools as functions, which no hook sees
        found, expected = (
            Counter({layer: times for layer, times in one.items() if "Pool" not in layer[0]})
            for one in (found, expected)
        )
    assert found == expected


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121", "mobilenet_v2"])
def test_in_their_order(name: str) -> None:
    """A shortcut's convolution runs after the body, as the specs write it; the order of other branches differs."""
    assert ours(name) == theirs(name, SIZES[name])
