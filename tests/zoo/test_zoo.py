"""The specs that ship: published figures, and the definitions they follow."""

from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.analysis.analyze import Row
from archcalc.language.specfile import zoo_folder, zoo_names
from archcalc.layers.base import Windowed
from archcalc.volume import Volume

FIGURES = {  # parameters, MACs
    "alexnet": (60_965_224, 724_406_816),
    "alexnet_torchvision": (61_100_840, 714_188_480),
    "allcnn_c": (1_369_738, 270_798_336),
    "cifar10_toy": (31_066, 32 * 32 * 12 * 27 + 16 * 16 * 12 * 10),
    "keras_mnist": (1_413_834, 89_466_496),
    "lenet5": (61_706, 416_520),
    "nin_cifar": (966_986, 222_486_528),
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg16_bn": (138_365_992, 15_470_264_320),
    "vgg16_pattern": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "zfnet": (62_357_608, 1_168_032_896),
}

SIZES = {  # widths after the layers that change them
    "alexnet": [227, 55, 27, 13, 6, 1],
    "alexnet_torchvision": [224, 55, 27, 13, 6, 1],
    "allcnn_c": [32, 16, 8, 6, 1],
    "cifar10_toy": [32, 16, 1],
    "keras_mnist": [28, 14, 7, 3, 1],
    "lenet5": [32, 28, 14, 10, 5, 1],
    "nin_cifar": [32, 16, 8, 1],
    "vgg16": [224, 112, 56, 28, 14, 7, 1],
    "zfnet": [224, 110, 55, 26, 13, 6, 1],
}

NOT_WHOLE = {  # (W - F + 2P)/S
    "alexnet_torchvision": ["217/4"],
    "allcnn_c": ["31/2", "15/2"],
    "keras_mnist": ["5/2"],
    "nin_cifar": ["29/2", "13/2"],
    "zfnet": ["219/2", "107/2", "23/2"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_parameters_and_macs(name: str) -> None:
    totals = archcalc.load(f"zoo:{name}").analyze().totals
    assert (totals.params, totals.macs) == FIGURES[name]


@pytest.mark.parametrize("name", SIZES)
def test_sizes_on_the_way(name: str) -> None:
    rows = archcalc.load(f"zoo:{name}").analyze().rows
    assert all(row.output.width == row.output.height for row in rows)
    assert list(dict.fromkeys(row.output.width for row in rows)) == SIZES[name]


@pytest.mark.parametrize("name", zoo_names())
def test_every_spec_is_clean_and_says_where_it_comes_from(name: str) -> None:
    path = Path(zoo_folder(), f"{name}.yaml")
    assert [one for one in archcalc.check(path) if not one.code.startswith("AC6")] == []  # advice aside
    document = archcalc.load(path).document
    assert document is not None
    assert document.lines[0].startswith("# ")
    keys = [key for key in document.entries if key != "expect"]  # one that extends another has its own keys first
    assert keys[:4] == ["archcalc", "name", "source", "year"]
    assert keys[4] in ("input", "inputs")
    assert max(map(len, document.lines)) <= 120


@pytest.mark.parametrize("name", FIGURES)
def test_rounding_stands_only_where_a_division_is_not_whole(name: str) -> None:
    architecture = archcalc.load(f"zoo:{name}")
    divisions = []
    for row in architecture.analyze().rows:
        if isinstance(row.node.layer, Windowed):
            width, _ = row.node.layer.windows(row.inputs[0])
            numerator = row.inputs[0].width + width.before + width.after - width.size
            if not width.same and numerator % width.stride:
                divisions.append(f"{numerator}/{width.stride}")
    assert divisions == NOT_WHOLE.get(name, [])
    assert architecture.document is not None
    assert any("rounding: " in line for line in architecture.document.lines) == bool(divisions)


def test_the_general_pattern_is_the_spec_written_out() -> None:
    pattern, written = (archcalc.load(f"zoo:{name}").graph for name in ("vgg16_pattern", "vgg16"))
    assert [(one.name, one.layer, one.inputs) for one in pattern.nodes] == [
        (one.name, one.layer, one.inputs) for one in written.nodes
    ]


TORCHVISION = {
    "alexnet_torchvision": "alexnet",
    "vgg11": "vgg11",
    "vgg13": "vgg13",
    "vgg16": "vgg16",
    "vgg16_bn": "vgg16_bn",
    "vgg19": "vgg19",
}
MODULES = {
    "Conv2d": "conv",
    "BatchNorm2d": "bn",
    "ReLU": "relu",
    "AdaptiveAvgPool2d": "adaptive_avgpool",
    "MaxPool2d": "pool",
    "Dropout": "dropout",
    "Linear": "fc",
}


@pytest.mark.torch
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_definition_layer_by_layer(name: str) -> None:
    """Types, output volumes, weights, biases and buffers, in the order in which torchvision runs them."""
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        network = getattr(models, TORCHVISION[name])(weights=None).eval()
        theirs: list[tuple[str, Volume, tuple[int, int, int]]] = []

        def record(module: Any, inputs: Any, output: Any) -> None:
            _, channels, *size = output.shape
            height, width = size or (1, 1)
            trained = {name: one.numel() for name, one in module.named_parameters()}
            kept = sum(one.numel() for one in module.buffers() if one.dim())  # not the number of batches seen
            sizes = trained.get("weight", 0), trained.get("bias", 0), kept
            theirs.append((MODULES[type(module).__name__], Volume(width, height, channels), sizes))

        for module in network.modules():
            if type(module).__name__ in MODULES:
                module.register_forward_hook(record)
            else:
                assert type(module).__name__ in ("AlexNet", "VGG", "Sequential")
        network(torch.empty(1, 3, 224, 224))
    ours = [_described(row) for row in archcalc.load(f"zoo:{name}").analyze().rows[1:]]
    assert ours == theirs


def _described(row: Row) -> tuple[str, Volume, tuple[int, int, int]]:
    """A row as the hook records a module; torchvision flattens before its dropout, which changes no count."""
    layer, cost = row.node.layer, row.cost
    output = Volume(1, 1, row.output.size) if layer.type == "dropout" else row.output
    return layer.type, output, (cost.weights, cost.biases, cost.buffers)
