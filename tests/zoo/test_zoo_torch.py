"""Networks of the zoo against the same networks in PyTorch: parameters, MACs, every layer's volume, and the bytes that autograd saves."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import archcalc
from archcalc.volume import Volume

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models
timm = pytest.importorskip("timm")
nn = torch.nn
pytestmark = pytest.mark.torch


class Residual(nn.Module):  # type: ignore[misc,name-defined] # torch may be missing
    """The input plus the body."""

    def __init__(self, *body: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Any) -> Any:
        return x + self.body(x)


class Joined(nn.Module):  # type: ignore[misc,name-defined]
    """A level of a U-Net: down, what is below, up, and both as one."""

    def __init__(self, width: int, inside: Any, below: int) -> None:
        super().__init__()
        self.inside, self.pool, self.up = inside, nn.MaxPool2d(2), nn.ConvTranspose2d(below, width, 2, 2)
        self.down: Any = None

    def forward(self, x: Any) -> Any:
        skip = self.down(x)
        return torch.cat([skip, self.up(self.inside(self.pool(skip)))], 1)


class Segmented(nn.Module):  # type: ignore[misc,name-defined]
    """A segmentation network's result without its name."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Any) -> Any:
        return self.network(x)["out"]


def convolved(inside: int, out: int, size: int, activation: Any, stride: int = 1) -> list[Any]:
    return [nn.Conv2d(inside, out, size, stride, size // 2, bias=False), nn.BatchNorm2d(out), activation()]


def darknet53() -> Any:
    def leaky() -> Any:
        return nn.LeakyReLU(0.1, inplace=True)

    layers = convolved(3, 32, 3, leaky)
    for width, depth in ((32, 1), (64, 2), (128, 8), (256, 8), (512, 4)):
        layers += convolved(width, 2 * width, 3, leaky, 2)
        for _ in range(depth):
            body = [*convolved(2 * width, width, 1, leaky), *convolved(width, 2 * width, 3, leaky)]
            layers.append(Residual(*body))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000), nn.Softmax(1))


def dcgan() -> Any:
    """As PyTorch's DCGAN tutorial has it."""
    layers: list[Any] = []
    for inside, out, stride, padding in ((100, 512, 1, 0), (512, 256, 2, 1), (256, 128, 2, 1), (128, 64, 2, 1)):
        layers += [nn.ConvTranspose2d(inside, out, 4, stride, padding, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def cyclegan() -> Any:
    """ResnetGenerator of junyanz/pytorch-CycleGAN-and-pix2pix, written anew."""

    def normed(layer: Any, out: int) -> list[Any]:
        return [layer, nn.InstanceNorm2d(out), nn.ReLU(True)]

    layers = [nn.ReflectionPad2d(3), *normed(nn.Conv2d(3, 64, 7), 64)]
    layers += normed(nn.Conv2d(64, 128, 3, 2, 1), 128) + normed(nn.Conv2d(128, 256, 3, 2, 1), 256)
    for _ in range(9):
        first = [nn.ReflectionPad2d(1), *normed(nn.Conv2d(256, 256, 3), 256)]
        layers.append(Residual(*first, nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256)))
    layers += normed(nn.ConvTranspose2d(256, 128, 3, 2, 1, 1), 128) + normed(
        nn.ConvTranspose2d(128, 64, 3, 2, 1, 1), 64
    )
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh())


def srresnet() -> Any:
    body = [Residual(*convolved(64, 64, 3, nn.PReLU), *convolved(64, 64, 3, nn.PReLU)[:2]) for _ in range(16)]
    upscale = [one for _ in range(2) for one in (nn.Conv2d(64, 256, 3, 1, 1), nn.PixelShuffle(2), nn.PReLU())]
    whole = Residual(*body, *convolved(64, 64, 3, nn.PReLU)[:2])
    return nn.Sequential(nn.Conv2d(3, 64, 9, 1, 4), nn.PReLU(), whole, *upscale, nn.Conv2d(64, 3, 9, 1, 4))


def unet_bn() -> Any:
    def double(inside: int, out: int) -> Any:
        relu = nn.ReLU
        return nn.Sequential(
            *convolved(inside, out, 3, lambda: relu(True)), *convolved(out, out, 3, lambda: relu(True))
        )

    inside = double(512, 1024)
    for width in (512, 256, 128, 64):
        level = Joined(width, inside, 2 * width)
        level.down = double(width // 2 if width > 64 else 3, width)
        inside = nn.Sequential(level, double(2 * width, width))
    return nn.Sequential(inside, nn.Conv2d(64, 1, 1))


def of_torchvision(name: str) -> Callable[[], Any]:
    return lambda: getattr(models, name)(weights=None)


def segmentation(name: str) -> Callable[[], Any]:
    build = getattr(models.segmentation, name)
    return lambda: Segmented(build(weights=None, weights_backbone=None, aux_loss=None))


NETWORKS: dict[str, Callable[[], Any]] = {
    **{
        name: of_torchvision(name)
        for name in (
            *("resnext50_32x4d", "wide_resnet50_2", "densenet201", "shufflenet_v2_x1_0", "efficientnet_b0"),
            *("efficientnet_v2_s", "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet1_0", "convnext_tiny"),
            *("regnet_y_400mf", "resnet18", "resnet50", "densenet121", "mobilenet_v2", "vgg16_bn"),
        )
    },
    "fcn_resnet50": segmentation("fcn_resnet50"),
    "se_resnext50": lambda: timm.create_model("seresnext50_32x4d"),
    "xception": lambda: timm.create_model("legacy_xception"),
    "darknet53": darknet53,
    "dcgan": dcgan,
    "cyclegan": cyclegan,
    "srresnet": srresnet,
    "unet_bn": unet_bn,
}
ON_THE_CPU = ("regnet_y_400mf",)  # computes in its constructor

LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
Layer = tuple[str, Volume, int]


def build(name: str) -> Any:
    with torch.device("cpu" if name in ON_THE_CPU else "meta"):
        return NETWORKS[name]().train()


def image(name: str, volume: Volume) -> Any:
    device = "cpu" if name in ON_THE_CPU else "meta"
    return torch.ones(2, volume.channels, volume.height, volume.width, device=device)


def theirs(network: Any, x: Any) -> tuple[Counter[Layer], int]:
    """Convolutions, linear layers and batch norms by output and parameters, and MACs for one image."""
    seen: Counter[Layer] = Counter()
    macs = 0

    def record(module: Any, inputs: Any, output: Any) -> None:
        nonlocal macs
        last = isinstance(module, nn.Linear)  # its channels are the last axis, also of an image
        _, *size = output.shape
        channels = size.pop(-1 if last else 0)
        height, width = size or (1, 1)
        kind = "bn" if isinstance(module, nn.BatchNorm2d) else "linear"
        seen[kind, Volume(width, height, channels), sum(one.numel() for one in module.parameters())] += 1
        if kind == "linear":
            places = inputs[0].shape[2:] if isinstance(module, nn.ConvTranspose2d) else (height, width)
            macs += module.weight.numel() * math.prod(places)

    for module in network.modules():
        if isinstance(module, (*LINEAR, nn.BatchNorm2d)):
            module.register_forward_hook(record)
    network(x)
    return seen, macs


def ours(report: archcalc.Report) -> Counter[Layer]:
    seen: Counter[Layer] = Counter()
    for row in report.rows:
        layer: Any = row.node.layer
        if layer.type == "sepconv":  # two convolutions
            middle = layer.between(row.inputs[0], row.output)
            depthwise = layer.kernel_size.area * middle.channels
            seen["linear", middle, depthwise] += 1
            seen["linear", row.output, row.cost.params - depthwise] += 1
        elif row.cost.macs:
            seen["linear", row.output, row.cost.params] += 1
        elif layer.type == "bn":
            seen["bn", row.output, row.cost.params] += 1
    return seen


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_macs_and_every_layer(name: str) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    network = build(name)
    layers, macs = theirs(network, image(name, report.input))
    assert ours(report) == layers
    assert report.totals.macs == macs
    assert report.totals.params == sum(one.numel() for one in network.parameters())
    running = [one.numel() for key, one in network.named_buffers() if not key.endswith("num_batches_tracked")]
    assert report.totals.buffers == sum(running)


@pytest.mark.parametrize("name", NETWORKS)
def test_bytes_that_autograd_saves(name: str) -> None:
    architecture = archcalc.load(f"zoo:{name}")
    network = build(name)
    x = image(name, architecture.analyze().input)
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = network(x)
    for one in (*network.parameters(), *network.buffers()):
        found.pop(one.untyped_storage()._cdata, None)
    predicted = architecture.plan(batch=2).training
    assert predicted is not None
    assert predicted.saved_activations_bytes == sum(storage.nbytes() for storage in found.values())
    del result


@pytest.mark.parametrize(
    "name", ["googlenet", "inception_v3", "efficientnet_b0", "efficientnet_v2_s", "mobilenet_v3_small"]
)
def test_what_is_added_to_the_variance(name: str) -> None:
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        network = getattr(models, name)(weights=None, **options)
    theirs = {one.eps for one in network.modules() if isinstance(one, nn.BatchNorm2d)}
    layers: list[Any] = [row.node.layer for row in archcalc.load(f"zoo:{name}").analyze().rows]
    assert {one.eps for one in layers if one.type == "bn"} == theirs
