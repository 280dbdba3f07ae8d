"""Small PyTorch modules as networks: their layers and names, and their figures as PyTorch itself measures them."""

import re
from typing import Any

import pytest

import archcalc

torch = pytest.importorskip("torch")
from measured import capture, compared  # noqa: E402 - it imports torch
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812 - as everybody calls it

pytestmark = pytest.mark.torch


def layers(found: Any) -> list[str]:
    return [f"{node.name} {node.layer.label}" for node in found.graph.nodes[1:]]


class Block(nn.Module):
    """ResNet's, with what people put into such a forward."""

    def __init__(self, channels: int, inplace: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        self.blocks = nn.ModuleList([Block(8), Block(8)])
        self.fc = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(self.stem(x), 2)
        for block in self.blocks:
            x = block(x)
        return self.fc(torch.flatten(x, 1))


def test_names_are_module_paths() -> None:
    found = compared(Small, (3, 16, 16))
    assert layers(found) == [
        "stem.0 CONV3-8s2",
        "stem.1 RELU",
        "pool POOL2",
        "blocks.0.conv1 CONV3-8",
        "blocks.0.bn1 BN",
        "blocks.0.relu RELU",
        "blocks.0.conv2 CONV3-8",
        "blocks.0.bn2 BN",
        "blocks.0.add ADD",
        "blocks.0.relu_2 RELU",
        "blocks.1.conv1 CONV3-8",
        "blocks.1.bn1 BN",
        "blocks.1.relu RELU",
        "blocks.1.conv2 CONV3-8",
        "blocks.1.bn2 BN",
        "blocks.1.add ADD",
        "blocks.1.relu_2 RELU",
        "fc FC-10",
    ]
    assert found.graph.nodes[4].path == ("blocks", "0")
    assert found.findings == ()


def test_inplace_is_each_modules_own() -> None:
    found = compared(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), Block(4, inplace=False), Block(4)), (3, 8, 8))
    inplace = {node.name: node.inplace for node in found.graph.nodes if node.layer.type == "relu"}
    assert inplace == {
        "model.1.relu": False, "model.1.relu_2": False, "model.2.relu": True, "model.2.relu_2": True,
    }  # fmt: skip


CONV = nn.Conv2d


class _Last(nn.Module):
    """ConvNeXt's way: channels last for a norm and two linear maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = CONV(3, 4, 1), nn.LayerNorm(4)
        self.up, self.down = nn.Linear(4, 8), nn.Linear(8, 4)
        self.gamma = nn.Parameter(torch.ones(4))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        y = self.down(F.gelu(self.up(self.norm(x.permute(0, 2, 3, 1)))))
        return x + (self.gamma * y).permute(0, 3, 1, 2)


class _Gate(nn.Module):
    """Squeeze and excitation as most write it: mean, two linear maps, view, expand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = CONV(8, 8, 3, padding=1)
        self.fc = nn.Sequential(nn.Linear(8, 2), nn.ReLU(inplace=True), nn.Linear(2, 8), nn.Sigmoid())

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        b, c, _, _ = x.size()
        gate = self.fc(x.mean((2, 3)).view(b, c)).view(b, c, 1, 1)
        return x * gate.expand_as(x)


MODULES = {
    "conv": (lambda: CONV(3, 6, (3, 5), (2, 1), (1, 2), (1, 2), bias=False), (3, 12, 16)),
    "conv same": (lambda: CONV(3, 6, 3, padding="same", dilation=2), (3, 9, 9)),
    "conv groups": (lambda: CONV(4, 8, 3, groups=4), (4, 9, 9)),
    "deconv": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), (4, 5, 7)),
    "fc": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(48, 5, bias=False)), (3, 4, 4)),
    "fc of a column": (lambda: nn.Sequential(nn.Linear(48, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Linear(5, 2)), (48,)),
    "1D": (lambda: nn.Sequential(nn.Conv1d(3, 4, 5, 2, 2), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2)), (3, 20)),
    "pools": (lambda: nn.Sequential(CONV(3, 4, 1), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, ceil_mode=True)), (3, 11, 11)),
    "average without padding": (
        lambda: nn.Sequential(CONV(3, 4, 1), nn.AvgPool2d(3, 1, 1, count_include_pad=False)), (3, 8, 8),
    ),
    "adaptive": (lambda: nn.Sequential(CONV(3, 4, 1), nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveMaxPool2d(1)), (3, 8, 9)),
    "l2 pool": (lambda: nn.Sequential(CONV(3, 4, 1), nn.LPPool2d(2, 2)), (3, 8, 8)),
    "lrn": (lambda: nn.Sequential(CONV(3, 8, 1), nn.LocalResponseNorm(5, k=2.0)), (3, 8, 8)),
    "layer norm, channels last": (_Last, (3, 6, 5)),
    "squeeze and excitation": (_Gate, (8, 6, 6)),
    "shuffle": (lambda: nn.Sequential(CONV(3, 8, 1), nn.ChannelShuffle(2), CONV(8, 4, 1)), (3, 6, 6)),
    "upsample": (lambda: nn.Sequential(CONV(3, 4, 1), nn.Upsample(scale_factor=2), CONV(4, 4, 1)), (3, 6, 6)),
    "pad": (lambda: nn.Sequential(CONV(3, 4, 1), nn.ZeroPad2d((1, 2, 0, 3)), CONV(4, 4, 3)), (3, 6, 6)),
    "dropout": (lambda: nn.Sequential(CONV(3, 4, 1), nn.Dropout(0.3), CONV(4, 4, 1)), (3, 6, 6)),
}  # fmt: skip
ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU, "leaky in place": lambda: nn.LeakyReLU(0.2, inplace=True), "elu in place": lambda: nn.ELU(inplace=True),
    "selu in place": lambda: nn.SELU(inplace=True), "gelu": nn.GELU, "gelu by tanh": lambda: nn.GELU(approximate="tanh"), "silu": nn.SiLU, "silu in place": lambda: nn.SiLU(inplace=True),
    "relu6": nn.ReLU6, "hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
    "softplus": nn.Softplus, "prelu": lambda: nn.PReLU(4), "softmax": lambda: nn.Softmax(dim=1),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str) -> None:
    factory, shape = MODULES[name]
    compared(factory, shape)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    compared(lambda: nn.Sequential(CONV(3, 4, 1), nn.BatchNorm2d(4), ACTIVATIONS[name](), CONV(4, 5, 1)), (3, 6, 6))


def test_the_volume_of_every_layer() -> None:
    """Against the shapes that hooks of PyTorch's own see."""
    found = compared(Small, (3, 16, 16))
    model, seen = Small().eval(), {}
    for path, one in model.named_modules():
        if not [*one.children()]:
            one.register_forward_hook(lambda _, __, y, path=path: seen.update({path: tuple(y.shape[1:])}))
    model(torch.zeros(1, 3, 16, 16))
    rows = {row.node.name: row.output for row in archcalc.from_torch(Small(), "16x16x3").report.rows}
    for path, shape in seen.items():
        volume = rows[path]
        assert (volume.channels, volume.height, volume.width)[: len(shape)] == shape, path
    assert len(seen) == 13
    assert len(found.graph.nodes) == 19


def test_from_torch_leaves_the_model_as_it_was() -> None:
    model = Small()
    before = dict(model.state_dict(keep_vars=True))
    values = {name: one.clone() for name, one in before.items()}
    assert model.training
    net = archcalc.from_torch(model, "16x16x3", name="mine")
    assert repr(net) == "<Architecture mine: mine, 19 layers>"
    assert model.training
    after = model.state_dict(keep_vars=True)
    assert all(after[name] is one for name, one in before.items())
    assert all(torch.equal(after[name], one) for name, one in values.items())
    assert net.plan(batch=4).training is not None


@pytest.mark.parametrize("given", ["16x16x3", archcalc.Volume(16, 16, 3), torch.zeros(1, 3, 16, 16), ["16x16x3"]])
def test_how_an_input_is_given(given: Any) -> None:
    assert archcalc.from_torch(Small(), given).report.input == (16, 16, 3)


def test_an_input_that_is_none() -> None:
    with pytest.raises(TypeError, match='an input is "224x224x3", a Volume or a tensor, not 224'):
        archcalc.from_torch(Small(), 224)


def test_a_model_that_fails_on_its_input() -> None:
    with pytest.raises(archcalc.SpecError) as raised:
        archcalc.from_torch(Small(), "17x20x3")
    (one,) = raised.value.diagnostics
    assert one.code == "AC824"
    assert re.fullmatch(
        r"the model fails in fc \(.*test_torch_capture\.py:\d+\): RuntimeError: mat1 and mat2 shapes cannot be multiplied .*",
        one.message,
    )


def test_what_is_no_module() -> None:
    with pytest.raises(archcalc.SpecError, match=r"int: error\[AC824\]: it is a int, not a torch.nn.Module"):
        archcalc.from_torch(3, "16x16x3")


def test_captures_of_one_model_are_equal() -> None:
    assert (
        capture(Small(), {"input": archcalc.Volume(16, 16, 3)}).graph
        == capture(Small(), {"input": archcalc.Volume(16, 16, 3)}).graph
    )
