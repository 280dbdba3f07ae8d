"""Operators that fewer networks have, and what is spelled out: layers, and figures as PyTorch itself measures them."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
from measured import capture, compared  # noqa: E402 - it imports torch
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812 - as everybody calls it

from archcalc.volume import Volume  # noqa: E402

pytestmark = pytest.mark.torch

CONV = nn.Conv2d
SHAPE = (3, 8, 8)


class Standardized(nn.Conv2d):
    """As timm's StdConv2d and ScaledStdConv2d have it."""

    def __init__(self, *args: Any, gain: bool = False, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1)) if gain else None

    def forward(self, x: Any) -> Any:
        flat, gain = self.weight.reshape(1, self.out_channels, -1), None
        if self.gain is not None:
            gain = (self.gain * 0.3).view(-1)
        weight = F.batch_norm(flat, None, None, weight=gain, training=True, momentum=0.0, eps=1e-5)
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias, self.stride, self.padding)


class ChannelGate(nn.Module):
    """ECA, arXiv:1910.03151, as its authors and as timm write it."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.first, self.conv = first, nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Any) -> Any:
        if self.first:
            y = F.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(-1, -2)
            y = self.conv(y).transpose(-1, -2).unsqueeze(-1)
            return x * y.sigmoid().expand_as(x)
        return x * self.conv(x.mean((2, 3)).view(x.shape[0], 1, -1)).sigmoid().view(x.shape[0], -1, 1, 1)


class ResponseNorm(nn.Module):
    """GRN, arXiv:2301.00808, with channels last, as its authors write it, or with addcmul, as timm does."""

    def __init__(self, channels: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.gamma, self.beta = (nn.Parameter(torch.zeros(channels)) for _ in range(2))

    def forward(self, x: Any) -> Any:
        if self.last:
            x = x.permute(0, 2, 3, 1)
            lengths = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
            relative = lengths / (lengths.mean(dim=-1, keepdim=True) + 1e-6)
            return (self.gamma * (x * relative) + self.beta + x).permute(0, 3, 1, 2)
        lengths = x.norm(p=2, dim=(2, 3), keepdim=True)
        relative = lengths / (lengths.mean(dim=1, keepdim=True) + 1e-6)
        gamma, beta = (one.view(1, -1, 1, 1) for one in (self.gamma, self.beta))
        return x + torch.addcmul(beta, gamma, x * relative)


class Blur(nn.Module):
    """Blur pooling, arXiv:1904.11486."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.filt: Any
        self.register_buffer("filt", (taps[:, None] * taps / 16).repeat(channels, 1, 1, 1))

    def forward(self, x: Any) -> Any:
        return F.conv2d(F.pad(x, [1] * 4, mode="reflect"), self.filt, stride=2, groups=len(self.filt))


class SplitAttention(nn.Module):
    """Of ResNeSt (arXiv:2004.08955), or over paths that are stacked, of SKNet (arXiv:1903.06586)."""

    def __init__(self, stacked: bool) -> None:
        super().__init__()
        self.stacked = stacked
        self.a, self.b = CONV(3, 8, 3, padding=1), CONV(3, 4 if stacked else 8, 3, padding=1)
        self.fc = CONV(4, 8, 1)

    def forward(self, x: Any) -> Any:
        n = x.shape[0]
        if self.stacked:
            paths = torch.stack([self.a(x)[:, :4], self.b(x)], dim=1)
        else:
            paths = self.a(x).reshape(n, 2, 4, *x.shape[2:])
        gate = self.fc(paths.sum(dim=1).mean((2, 3), keepdim=True))
        if self.stacked:
            gate = torch.softmax(gate.view(n, 2, 4, 1, 1), dim=1)
        else:
            gate = F.softmax(gate.view(n, 1, 2, -1).transpose(1, 2), dim=1).reshape(n, 2, 4, 1, 1)
        return (paths * gate).sum(dim=1).contiguous()


class Blocks(nn.Module):
    """Space to depth by views, TResNet's way, and back by PixelShuffle's."""

    def forward(self, x: Any) -> Any:
        n, c, h, w = x.shape
        x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).contiguous()
        x = x.view(n, c * 4, h // 2, w // 2).relu()
        x = x.view(n, c, 2, 2, h // 2, w // 2).permute(0, 1, 4, 2, 5, 3)
        return x.reshape(n, c, h, w).sigmoid()


class Called(nn.Module):
    """A function, between two convolutions."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.a, self.b, self.function = CONV(3, 4, 1), CONV(4, 5, 1), function

    def forward(self, x: Any) -> Any:
        return self.b(self.function(self.a(x)))


def _between(*modules: Any, channels: int = 4) -> Any:
    return lambda: nn.Sequential(CONV(3, 4, 3, padding=1), *(one() for one in modules), CONV(channels, 5, 1))


def _called(function: Any) -> Any:
    return lambda: Called(function)


MODULES: dict[str, tuple[Any, list[str]]] = {
    "standardized": (_between(lambda: Standardized(4, 6, 3), channels=6), ["WS_CONV3-6"]),
    "standardized with a gain": (_between(lambda: Standardized(4, 6, 3, gain=True, bias=False), channels=6), ["WS_CONV3-6"]),
    "ECA of its authors": (_between(lambda: ChannelGate(first=True)), ["GAP", "CHANNEL_CONV3", "SIGMOID", "MULTIPLY"]),
    "ECA of timm": (_between(lambda: ChannelGate(first=False)), ["GAP", "CHANNEL_CONV3", "SIGMOID", "MULTIPLY"]),
    "GRN of its authors": (_between(lambda: ResponseNorm(4, last=True)), ["GRN"]),
    "GRN of timm": (_between(lambda: ResponseNorm(4, last=False)), ["GRN"]),
    "blur pool": (_between(lambda: Blur(4)), ["PAD1", "BLURPOOL3s2"]),
    "blocks": (_between(Blocks), ["SPACE_TO_DEPTH2", "RELU", "PIXEL_SHUFFLE2", "SIGMOID"]),
    "padding": (
        _between(lambda: nn.ReflectionPad2d(2), lambda: nn.ReplicationPad2d((1, 0, 2, 3))), ["PAD2", "PAD1,0,2,3"],
    ),
    "padding and cropping": (_called(lambda x: F.pad(x, (-1, 1, 2, -2))), ["CROP1,0,0,2", "PAD0,1,2,0"]),
    "lowest": (_called(lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=float("-inf")), 3, 2)), ["PAD1", "POOL3s2"]),
    "dilated pool": (_between(lambda: nn.MaxPool2d(2, 1, dilation=2)), ["POOL2s1d2"]),
    "dilated deconv": (_between(lambda: nn.ConvTranspose2d(4, 4, 3, 2, dilation=2)), ["DECONV3-4s2d2"]),
    "one slope": (_between(nn.PReLU), ["PRELU"]),
    "to a size": (_called(lambda x: F.interpolate(x, (5, 13))), ["UPSAMPLE to 13x5"]),
    "corners": (
        _between(lambda: nn.UpsamplingBilinear2d(scale_factor=2), lambda: nn.Upsample((3, 3), mode="bilinear")),
        ["UPSAMPLE2", "UPSAMPLE to 3"],
    ),
    "batch norm without statistics": (_between(lambda: nn.BatchNorm2d(4, track_running_stats=False)), ["BN"]),
    "layer norm without shift": (
        _called(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2)), ["LAYER_NORM"],
    ),
    "softmax of groups": (_called(lambda x: x.unflatten(1, (2, 2)).softmax(2).flatten(1, 2)), ["SOFTMAX"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str) -> None:
    factory, labels = MODULES[name]
    found = compared(factory, SHAPE)
    assert [node.layer.label for node in found.graph.nodes[2:-1]] == labels


@pytest.mark.parametrize("stacked", [False, True])
def test_split_attention(stacked: bool) -> None:
    found = compared(lambda: SplitAttention(stacked), SHAPE)
    softmax: Any
    (softmax,) = (node.layer for node in found.graph.nodes if node.layer.type == "softmax")
    assert (softmax.groups, softmax.across) == (2, True)


def test_a_generators_image_of_a_vector() -> None:
    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.up = nn.Linear(10, 8 * 4 * 4), nn.ConvTranspose2d(8, 3, 4, 2, 1)

        def forward(self, z: Any) -> Any:
            return self.up(self.fc(z).relu().view(-1, 8, 4, 4)).tanh()

    found = compared(Generator, (10,))
    assert [node.layer.label for node in found.graph.nodes[1:]] == [
        "FC-128", "RELU", "RESHAPE 4x4x8", "DECONV4-3s2", "TANH",
    ]  # fmt: skip


class Computed(nn.Module):
    """A convolution whose weights are computed of parameters in a way of its own."""

    def __init__(self, compute: Any) -> None:
        super().__init__()
        self.weight, self.compute = nn.Parameter(torch.ones(4, 3, 1, 1)), compute

    def forward(self, x: Any) -> Any:
        return F.conv2d(x, self.compute(self.weight))


@pytest.mark.parametrize(
    ("compute", "why"),
    [
        (lambda weight: weight * 0.5, "its weights are computed, by mul"),
        (lambda weight: weight[:2], "conv would have 6 weights, and they are made of 12 values"),
        (lambda weight: torch.cat([weight, weight]), "its weights are computed, by cat"),
        (torch.sigmoid, "its weights are computed, by sigmoid"),
    ],
)
def test_computed_weights_are_no_parameters_of_a_layer(compute: Any, why: str) -> None:
    """They would be counted wrongly, and so would what autograd keeps of how they are made."""
    found = capture(nn.Sequential(Computed(compute), nn.ReLU()), {"input": Volume(8, 8, 3)})
    layer: Any = found.graph.nodes[1].layer
    assert (layer.type, layer.params) == ("opaque", 12)
    assert why in found.findings[0].notes[0]


def test_an_unknown_operator_keeps_the_order_of_axes() -> None:
    """What stands between is opaque; what comes behind it, with channels last, still has its layer."""

    class Erf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(3, 6)

        def forward(self, x: Any) -> Any:
            return self.map(torch.erf(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)

    found = capture(Erf(), {"input": Volume(4, 5, 3)})
    assert [node.layer.label for node in found.graph.nodes[1:]] == ["OPAQUE erf", "CONV1-6"]


def test_arithmetic_that_is_nearly_grn_is_not() -> None:
    """The mean is over another axis."""

    class Nearly(ResponseNorm):
        def forward(self, x: Any) -> Any:
            lengths = x.norm(p=2, dim=(2, 3), keepdim=True)
            relative = lengths / (lengths.mean(dim=0, keepdim=True) + 1e-6)
            return x + torch.addcmul(self.beta.view(1, -1, 1, 1), self.gamma.view(1, -1, 1, 1), x * relative)

    found = capture(Nearly(3, last=False), {"input": Volume(8, 8, 3)})
    assert [node.layer.type for node in found.graph.nodes] == ["input", "opaque"]


def test_a_frozen_batch_norm_is_one_layer_whose_factors_autograd_keeps() -> None:
    """torchvision's detectors compute with its buffers in every pass; behind frozen layers nothing is kept."""
    misc = pytest.importorskip("torchvision").ops.misc

    def network() -> Any:
        return nn.Sequential(
            nn.Conv2d(3, 4, 1),
            misc.FrozenBatchNorm2d(4, eps=1e-3),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 5, 1),
            misc.FrozenBatchNorm2d(5),
            nn.Conv2d(5, 2, 1),
        )

    def stopped() -> Any:
        net = network()
        for one in net[0].parameters():
            one.requires_grad_(requires_grad=False)
        return net

    found = compared(network, (3, 8, 8))
    assert [node.layer.type for node in found.graph.nodes] == [
        "input",
        "conv",
        "frozen_bn",
        "relu",
        "conv",
        "frozen_bn",
        "conv",
    ]
    assert [node.layer.values().get("eps") for node in found.graph.nodes[2:6:3]] == [1e-3, 1e-5]
    assert found.graph.nodes[2].name == "model.1"
    compared(stopped, (3, 8, 8))
