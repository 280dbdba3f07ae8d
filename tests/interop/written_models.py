"""Networks as people write them: of tutorials and papers, in the styles that are about, written anew for the tests.

NETWORKS has for every name what makes one, and the shapes of its inputs: C, H, W, or C, L, or C.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

Shape = tuple[int, ...]
NETWORKS: dict[str, tuple[Callable[[], Any], tuple[Shape, ...]]] = {}


def network(name: str, *shapes: Shape) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def enter(factory: Callable[[], Any]) -> Callable[[], Any]:
        NETWORKS[name] = factory, shapes
        return factory

    return enter


# -- first networks ---------------------------------------------------------------------------------


@network("tutorial", (3, 32, 32))
class Tutorial(nn.Module):
    """One pool for two places, and view with the numbers spelled out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


@network("mnist", (1, 28, 28))
class Mnist(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout2d(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(self.dropout1(x), 1)
        return F.log_softmax(self.fc2(self.dropout2(F.relu(self.fc1(x)))), dim=1)


@network("sequential of names", (3, 32, 32))
def named() -> Any:
    layers: OrderedDict[str, Any] = OrderedDict()
    channels = 3
    for stage, width in enumerate([32, 64, 128], 1):
        layers[f"conv{stage}"] = nn.Conv2d(channels, width, 3, padding="same")
        layers[f"bn{stage}"] = nn.BatchNorm2d(width)
        layers[f"act{stage}"] = nn.ELU(inplace=True)
        layers[f"pool{stage}"] = nn.MaxPool2d(2)
        channels = width
    layers["flat"] = nn.Flatten()
    layers["fc"] = nn.Linear(128 * 4 * 4, 10)
    layers["prob"] = nn.Softmax(dim=-1)
    return nn.Sequential(layers)


@network("autoencoder", (1, 28, 28))
class Autoencoder(nn.Module):
    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 7 * 7, hidden),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(hidden, 32 * 7 * 7), nn.Unflatten(1, (32, 7, 7)), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


@network("speech commands", (1, 8000))
class Speech(nn.Module):
    """Along a sequence; the last pool is as long as what is left of it."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, width, kernel_size=80, stride=16), nn.BatchNorm1d(width)
        self.pool = nn.MaxPool1d(4)
        self.conv2, self.bn2 = nn.Conv1d(width, 2 * width, kernel_size=3), nn.BatchNorm1d(2 * width)
        self.fc1 = nn.Linear(2 * width, 35)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(F.relu(self.bn2(self.conv2(x))))
        x = F.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)
        return F.log_softmax(self.fc1(x), dim=2)


# -- classifiers of papers ---------------------------------------------------------------------------


class BasicBlock(nn.Module):
    """With a shortcut that is an empty Sequential where nothing changes, and a gate if wished."""

    def __init__(self, channels: int, width: int, stride: int = 1, gate: Any = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.gate = gate(width) if gate else None
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Any) -> Any:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.gate is not None:
            out = self.gate(out)
        out += self.shortcut(x)
        return F.relu(out)


class Cifar(nn.Module):
    def __init__(self, gate: Any = None) -> None:
        super().__init__()
        self.in_planes = 16
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = self._make_layer(16, 2, 1, gate)
        self.layer2 = self._make_layer(32, 2, 2, gate)
        self.layer3 = self._make_layer(64, 2, 2, gate)
        self.linear = nn.Linear(64, 10)

    def _make_layer(self, planes: int, blocks: int, stride: int, gate: Any) -> Any:
        layers = []
        for one in [stride] + [1] * (blocks - 1):
            layers.append(BasicBlock(self.in_planes, planes, one, gate))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        return self.linear(out.view(out.size(0), -1))


NETWORKS["resnet for cifar"] = Cifar, ((3, 32, 32),)


class SELayer(nn.Module):
    def __init__(self, channel: int, reduction: int = 4) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction, bias=False), nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel, bias=False), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


NETWORKS["squeeze and excitation"] = lambda: Cifar(SELayer), ((3, 32, 32),)


class ChannelAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, x: Any) -> Any:
        average = self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1))))
        largest = self.fc2(F.relu(self.fc1(F.adaptive_max_pool2d(x, 1))))
        return torch.sigmoid(average + largest)


class SpatialAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Any) -> Any:
        average = torch.mean(x, dim=1, keepdim=True)
        largest, _ = torch.max(x, dim=1, keepdim=True)
        return torch.sigmoid(self.conv(torch.cat([average, largest], dim=1)))


class Cbam(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ca, self.sa = ChannelAttention(channels), SpatialAttention()

    def forward(self, x: Any) -> Any:
        x = self.ca(x) * x
        return self.sa(x) * x


NETWORKS["cbam"] = lambda: Cifar(Cbam), ((3, 32, 32),)


@network("dense", (3, 32, 32))
class Dense(nn.Module):
    """A list of features that grows after it was joined."""

    def __init__(self, growth: int = 12) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1, bias=False)
        self.layers = nn.ModuleList()
        for number in range(4):
            width = 24 + number * growth
            self.layers.append(
                nn.Sequential(
                    nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, growth, 3, padding=1, bias=False)
                )
            )
        self.transition = nn.Sequential(nn.Conv2d(24 + 4 * growth, 36, 1), nn.AvgPool2d(2))
        self.classifier = nn.Linear(36, 10)

    def forward(self, x: Any) -> Any:
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        x = self.transition(torch.cat(features, 1))
        return self.classifier(x.mean([2, 3]))


class InvertedResidual(nn.Module):
    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: float) -> None:
        super().__init__()
        hidden = max(8, int(inp * expand_ratio + 4) // 8 * 8)
        self.identity = stride == 1 and inp == oup
        layers: list[Any] = []
        if expand_ratio != 1:
            layers += [nn.Conv2d(inp, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, oup, 1, bias=False), nn.BatchNorm2d(oup),
        ]  # fmt: skip
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        return x + self.conv(x) if self.identity else self.conv(x)


@network("mobile", (3, 64, 64))
def mobile() -> Any:
    blocks = [InvertedResidual(16, 24, 2, 4), InvertedResidual(24, 24, 1, 4), InvertedResidual(24, 40, 2, 6)]
    stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(0.2), nn.Linear(40, 10))


class ShuffleUnit(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False), nn.BatchNorm2d(half),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        x1, x2 = x.chunk(2, dim=1)
        out = torch.cat((x1, self.branch(x2)), dim=1)
        n, c, h, w = out.size()
        return out.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


@network("shuffle", (3, 32, 32))
def shuffle() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, 2, 1),
        ShuffleUnit(24),
        ShuffleUnit(24),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )


@network("inception", (3, 64, 64))
class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(3, 16, kernel_size=1)
        self.branch5x5_1, self.branch5x5_2 = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 24, kernel_size=5, padding=2)
        self.branch_pool = nn.Conv2d(3, 8, kernel_size=1)
        self.factored = nn.Sequential(nn.Conv2d(3, 8, (1, 7), padding=(0, 3)), nn.Conv2d(8, 8, (7, 1), padding=(3, 0)))
        self.fc = nn.Linear(56, 10)

    def forward(self, x: Any) -> Any:
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        outputs = [
            self.branch1x1(x),
            self.branch5x5_2(F.relu(self.branch5x5_1(x))),
            self.branch_pool(pooled),
            self.factored(x),
        ]
        x = F.relu(torch.cat(outputs, 1), inplace=True)
        x = F.adaptive_avg_pool2d(x, (1, 1)).squeeze(3).squeeze(2)
        return self.fc(x)


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim), requires_grad=True)

    def forward(self, x: Any) -> Any:
        shortcut = x
        x = self.dwconv(x)
        x = x.permute(0, 2, 3, 1)
        x = self.pwconv2(self.act(self.pwconv1(self.norm(x))))
        x = self.gamma * x
        return shortcut + x.permute(0, 3, 1, 2)


@network("convnext", (3, 32, 32))
def convnext() -> Any:
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), ConvNeXtBlock(16), ConvNeXtBlock(16))


# -- images from images ------------------------------------------------------------------------------


class DoubleConv(nn.Module):
    def __init__(self, inc: int, outc: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(inc, outc, 3, padding=1, bias=False), nn.BatchNorm2d(outc), nn.ReLU(inplace=True),
            nn.Conv2d(outc, outc, 3, padding=1, bias=False), nn.BatchNorm2d(outc), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return self.double_conv(x)


class Up(nn.Module):
    """Pads what was upsampled to the size of the skip."""

    def __init__(self, inc: int, outc: int, bilinear: bool) -> None:
        super().__init__()
        if bilinear:
            self.up: Any = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(inc, inc // 2, kernel_size=2, stride=2)
        self.conv = DoubleConv(inc if not bilinear else inc + outc, outc)

    def forward(self, x1: Any, x2: Any) -> Any:
        x1 = self.up(x1)
        dy, dx = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self, bilinear: bool) -> None:
        super().__init__()
        widths = [16, 32, 64]
        self.inc = DoubleConv(3, widths[0])
        self.downs = nn.ModuleList(DoubleConv(a, b) for a, b in pairwise(widths))
        self.ups = nn.ModuleList(Up(b, a, bilinear) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.outc = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: Any) -> Any:
        skips = [self.inc(x)]
        for down in self.downs:
            skips.append(down(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        return self.outc(x)


NETWORKS["unet"] = lambda: UNet(bilinear=False), ((3, 45, 52),)
NETWORKS["unet, bilinear"] = lambda: UNet(bilinear=True), ((3, 45, 52),)


class AttentionGate(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.w_g = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.w_x = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.psi = nn.Sequential(nn.Conv2d(inner, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())
        self.relu = nn.ReLU(inplace=True)

    def forward(self, g: Any, x: Any) -> Any:
        return x * self.psi(self.relu(self.w_g(g) + self.w_x(x)))


@network("attention gate", (8, 16, 16), (8, 16, 16))
def attention_gate() -> Any:
    return AttentionGate(8, 4)


class ResnetBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        block = [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), nn.InstanceNorm2d(dim), nn.ReLU(True)]
        block += [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), nn.InstanceNorm2d(dim)]
        self.conv_block = nn.Sequential(*block)

    def forward(self, x: Any) -> Any:
        return x + self.conv_block(x)


@network("cyclegan", (3, 64, 64))
class CycleGan(nn.Module):
    def __init__(self, ngf: int = 16) -> None:
        super().__init__()
        model = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), nn.InstanceNorm2d(ngf), nn.ReLU(True)]
        for power in range(2):
            wide = ngf * 2**power
            model += [nn.Conv2d(wide, wide * 2, 3, stride=2, padding=1), nn.InstanceNorm2d(wide * 2), nn.ReLU(True)]
        model += [ResnetBlock(ngf * 4) for _ in range(3)]
        for power in (2, 1):
            wide = ngf * 2**power
            up = nn.ConvTranspose2d(wide, wide // 2, 3, stride=2, padding=1, output_padding=1)
            model += [up, nn.InstanceNorm2d(wide // 2), nn.ReLU(True)]
        model += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*model)

    def forward(self, x: Any) -> Any:
        return self.model(x)


@network("patch discriminator", (3, 64, 64))
def patches() -> Any:
    sequence = [nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for width in (32, 64):
        sequence += [nn.Conv2d(width // 2, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*sequence, nn.Conv2d(64, 1, 4, 1, 1))


@network("dcgan", (100, 1, 1))
class Generator(nn.Module):
    def __init__(self, nz: int = 100, ngf: int = 16, nc: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 8, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 8), nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 4), nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 2), nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, nc, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip

    def forward(self, noise: Any) -> Any:
        return self.main(noise)


@network("dcgan discriminator", (3, 32, 32))
class Discriminator(nn.Module):
    def __init__(self, ndf: int = 16) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(3, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 2), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 8, 1, 0, bias=False), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, image: Any) -> Any:
        return self.main(image).view(-1, 1).squeeze(1)


class SrBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU()
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)

    def forward(self, x: Any) -> Any:
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


@network("srresnet", (3, 24, 24))
class SrResNet(nn.Module):
    def __init__(self, scale_factor: int = 4) -> None:
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(3, 16, 9, padding=4), nn.PReLU())
        self.residuals = nn.Sequential(*[SrBlock(16) for _ in range(2)])
        self.block7 = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16))
        ups: list[Any] = []
        for _ in range(int(math.log2(scale_factor))):
            ups += [nn.Conv2d(16, 64, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()]
        self.block8 = nn.Sequential(*ups, nn.Conv2d(16, 3, 9, padding=4))

    def forward(self, x: Any) -> Any:
        first = self.block1(x)
        return (torch.tanh(self.block8(first + self.block7(self.residuals(first)))) + 1) / 2


class ConvLayer(nn.Module):
    def __init__(self, inc: int, outc: int, size: int, stride: int, upsample: int = 0) -> None:
        super().__init__()
        self.upsample = upsample
        self.reflection_pad = nn.ReflectionPad2d(size // 2)
        self.conv2d = nn.Conv2d(inc, outc, size, stride)

    def forward(self, x: Any) -> Any:
        if self.upsample:
            x = F.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


@network("style transfer", (3, 64, 64))
class Style(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.in1 = ConvLayer(3, 8, 9, 1), nn.InstanceNorm2d(8, affine=True)
        self.conv2, self.in2 = ConvLayer(8, 16, 3, 2), nn.InstanceNorm2d(16, affine=True)
        self.deconv1, self.in3 = ConvLayer(16, 8, 3, 1, upsample=2), nn.InstanceNorm2d(8, affine=True)
        self.deconv2 = ConvLayer(8, 3, 9, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Any) -> Any:
        y = self.relu(self.in1(self.conv1(x)))
        y = self.relu(self.in2(self.conv2(y)))
        y = self.relu(self.in3(self.deconv1(y)))
        return self.deconv2(y)


class Aspp(nn.Module):
    def __init__(self, inc: int, outc: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(inc, outc, 1, bias=False)])
        self.convs.extend(nn.Conv2d(inc, outc, 3, padding=rate, dilation=rate, bias=False) for rate in rates)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inc, outc, 1, bias=False), nn.ReLU())
        self.project = nn.Sequential(nn.Conv2d(outc * (len(rates) + 2), outc, 1), nn.ReLU(), nn.Dropout(0.5))

    def forward(self, x: Any) -> Any:
        size = x.shape[-2:]
        found = [conv(x) for conv in self.convs]
        found.append(F.interpolate(self.pool(x), size=size, mode="bilinear", align_corners=False))
        return self.project(torch.cat(found, dim=1))


@network("atrous pyramid", (3, 33, 33))
class DeepLab(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU())
        self.classifier = nn.Sequential(Aspp(16, 8, (2, 4)), nn.Conv2d(8, 5, 1))

    def forward(self, x: Any) -> Any:
        input_shape = x.shape[-2:]
        x = self.classifier(self.backbone(x))
        return {"out": F.interpolate(x, size=input_shape, mode="bilinear", align_corners=False)}


# -- several inputs and results ----------------------------------------------------------------------


@network("siamese", (1, 28, 28), (1, 28, 28))
class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU())
        self.fc = nn.Sequential(nn.Linear(16 * 8 * 8, 32), nn.ReLU(inplace=True), nn.Linear(32, 8))
        self.out = nn.Linear(8, 1)

    def forward_once(self, x: Any) -> Any:
        x = self.cnn(x)
        return self.fc(x.view(x.size()[0], -1))

    def forward(self, one: Any, two: Any) -> Any:
        a, b = self.forward_once(one), self.forward_once(two)
        return torch.sigmoid(self.out((a - b) ** 2))


class ConvBlock(nn.Module):
    def __init__(self, inc: int, outc: int, k: int = 1, s: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inc, outc, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(outc, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Any) -> Any:
        return self.act(self.bn(self.conv(x)))


class SplitBlock(nn.Module):
    """Halves, one of which goes on through blocks, all of which are joined; lists and generators."""

    def __init__(self, channels: int, n: int) -> None:
        super().__init__()
        self.c = channels // 2
        self.cv1, self.cv2 = ConvBlock(channels, channels), ConvBlock((2 + n) * self.c, channels)
        self.m = nn.ModuleList(
            nn.Sequential(ConvBlock(self.c, self.c, 3), ConvBlock(self.c, self.c, 3)) for _ in range(n)
        )

    def forward(self, x: Any) -> Any:
        y = list(self.cv1(x).split((self.c, self.c), 1))
        y.extend(m(y[-1]) for m in self.m)
        return self.cv2(torch.cat(y, 1))


class PyramidPool(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cv1, self.cv2 = ConvBlock(channels, channels // 2), ConvBlock(channels * 2, channels)
        self.m = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)

    def forward(self, x: Any) -> Any:
        x = self.cv1(x)
        y1 = self.m(x)
        y2 = self.m(y1)
        return self.cv2(torch.cat((x, y1, y2, self.m(y2)), 1))


@network("detector with three heads", (3, 64, 96))
class Detector(nn.Module):
    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBlock(3, 16, 3, 2), ConvBlock(16, 16, 3, 2))
        self.p3 = nn.Sequential(ConvBlock(16, 32, 3, 2), SplitBlock(32, 2))
        self.p4 = nn.Sequential(ConvBlock(32, 48, 3, 2), SplitBlock(48, 1))
        self.p5 = nn.Sequential(ConvBlock(48, 64, 3, 2), PyramidPool(64))
        self.up = nn.Upsample(scale_factor=2)
        self.m4, self.m3 = ConvBlock(64 + 48, 48), ConvBlock(48 + 32, 32)
        self.heads = nn.ModuleList(nn.Conv2d(width, 3 * (5 + classes), 1) for width in (32, 48, 64))

    def forward(self, x: Any) -> Any:
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        m4 = self.m4(torch.cat([self.up(p5), p4], 1))
        m3 = self.m3(torch.cat([self.up(m4), p3], 1))
        return [head(one) for head, one in zip(self.heads, (m3, m4, p5), strict=True)]


@network("feature pyramid", (3, 64, 64))
class Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (8, 16, 32)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(4, b), nn.ReLU())
            for a, b in zip((3, 8, 16), widths, strict=True)
        )
        self.inner = nn.ModuleList(nn.Conv2d(width, 12, 1) for width in widths)
        self.outer = nn.ModuleList(nn.Conv2d(12, 12, 3, padding=1) for _ in widths)

    def forward(self, x: Any) -> Any:
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        last = self.inner[-1](found[-1])
        results = [self.outer[-1](last)]
        for at in (1, 0):
            lateral = self.inner[at](found[at])
            last = lateral + F.interpolate(last, size=lateral.shape[-2:], mode="nearest")
            results.insert(0, self.outer[at](last))
        return OrderedDict(zip(("p2", "p3", "p4"), results, strict=True))


@network("two tasks, frozen stem", (3, 32, 32))
class Tasks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveMaxPool2d(4))
        for one in self.features.parameters():
            one.requires_grad = False
        self.age, self.kind = nn.Linear(128, 1), nn.Sequential(nn.Linear(128, 16), nn.Tanh(), nn.Linear(16, 3))

    def forward(self, x: Any) -> Any:
        x = self.features(x).flatten(start_dim=1)
        return {"age": self.age(x), "kind": self.kind(x)}
