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


def leaky(inside: int, out: int, size: int = 1) -> list[Any]:
    return convolved(inside, out, size, lambda: nn.LeakyReLU(0.1, inplace=True))


class YOLOv3(nn.Module):  # type: ignore[misc,name-defined]
    """From yolov3.cfg: layers 36 and 61 are what the smaller heads join."""

    def __init__(self) -> None:
        super().__init__()
        layers = list(darknet53().children())[:-4]
        ends = [at for at, one in enumerate(layers) if isinstance(one, nn.Conv2d) and one.stride == (2, 2)]
        self.first, self.second = nn.Sequential(*layers[: ends[3]]), nn.Sequential(*layers[ends[3] : ends[4]])
        self.third = nn.Sequential(*layers[ends[4] :])
        self.necks, self.heads, self.ups = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for width, inside in ((512, 1024), (256, 768), (128, 384)):
            one, two = leaky(inside, width), leaky(width, 2 * width, 3)
            three, four = leaky(2 * width, width), leaky(width, 2 * width, 3)
            self.necks.append(nn.Sequential(*one, *two, *three, *four, *leaky(2 * width, width)))
            self.heads.append(nn.Sequential(*leaky(width, 2 * width, 3), nn.Conv2d(2 * width, 255, 1)))
            self.ups.append(
                nn.Sequential(*leaky(width, width // 2), nn.Upsample(scale_factor=2)) if width > 128 else None
            )

    def forward(self, x: Any) -> list[Any]:
        c3 = self.first(x)
        c4 = self.second(c3)
        x, found = self.third(c4), []
        for neck, head, up, side in zip(self.necks, self.heads, self.ups, (c4, c3, None), strict=True):
            x = neck(x)
            found.append(head(x))
            x = torch.cat([up(x), side], 1) if side is not None else x
        return found


class Detector(nn.Module):  # type: ignore[misc,name-defined]
    """A torchvision detector without what it does to images and to boxes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        model = getattr(models.detection, name)(weights=None, weights_backbone=None)
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x: Any) -> Any:
        return self.head(list(self.backbone(x).values()))


def resnet50_fpn() -> Any:
    build = models.detection.backbone_utils.resnet_fpn_backbone
    return build(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5)


class Siamese(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        layers: list[Any] = []
        for inside, out, size, halved in ((1, 64, 10, 1), (64, 128, 7, 1), (128, 128, 4, 1), (128, 256, 4, 0)):
            layers += [nn.Conv2d(inside, out, size), nn.ReLU(True), *([nn.MaxPool2d(2)] * halved)]
        self.tower = nn.Sequential(*layers, nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid())
        self.score = nn.Sequential(nn.Linear(4096, 1), nn.Sigmoid())

    def forward(self, one: Any, other: Any) -> Any:
        return self.score((self.tower(one) - self.tower(other)).abs())


class Up(nn.Module):  # type: ignore[misc,name-defined]
    """A level of the U-Net of milesial/Pytorch-UNet, written anew."""

    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.both = doubled(inside, out, inside // 2)

    def forward(self, x: Any, side: Any) -> Any:
        x = self.up(x)
        rows, columns = side.shape[2] - x.shape[2], side.shape[3] - x.shape[3]
        x = nn.functional.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return self.both(torch.cat([side, x], 1))


def doubled(inside: int, out: int, middle: int = 0) -> Any:
    def relu() -> Any:
        return nn.ReLU(True)

    middle = middle or out
    return nn.Sequential(*convolved(inside, middle, 3, relu), *convolved(middle, out, 3, relu))


class UNetBilinear(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 512)
        self.downs = nn.ModuleList(map(doubled, (3, *widths), widths))
        self.ups = nn.ModuleList(map(Up, (1024, 512, 256, 128), (256, 128, 64, 64)))
        self.last = nn.Conv2d(64, 2, 1)

    def forward(self, x: Any) -> Any:
        sides = []
        for at, down in enumerate(self.downs):
            x = down(x if at == 0 else nn.functional.max_pool2d(x, 2))
            sides.append(x)
        for up, side in zip(self.ups, sides[-2::-1], strict=True):
            x = up(x, side)
        return self.last(x)


def unit(inside: int, out: int, size: int = 3, stride: int = 1) -> Any:
    conv = nn.Conv2d(inside, out, size, stride, size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out, eps=0.001), nn.SiLU(inplace=True))


class Gathered(nn.Module):  # type: ignore[misc,name-defined]
    """Two halves, and what every bottleneck makes of the second, joined."""

    def __init__(self, inside: int, width: int, depth: int = 1, *, add: bool = True) -> None:
        super().__init__()
        half = width // 2
        self.first, self.last = unit(inside, width, 1), unit((2 + depth) * half, width, 1)
        bodies = [[unit(half, half), unit(half, half)] for _ in range(depth)]
        self.m = nn.ModuleList((Residual if add else nn.Sequential)(*body) for body in bodies)

    def forward(self, x: Any) -> Any:
        found = list(self.first(x).chunk(2, 1))
        for one in self.m:
            found.append(one(found[-1]))
        return self.last(torch.cat(found, 1))


class YOLOv8nLike(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(unit(3, 16, 3, 2), unit(16, 32, 3, 2), Gathered(32, 32))
        self.c3 = nn.Sequential(unit(32, 64, 3, 2), Gathered(64, 64, 2))
        self.c4 = nn.Sequential(unit(64, 128, 3, 2), Gathered(128, 128, 2))
        self.c5 = nn.Sequential(unit(128, 256, 3, 2), Gathered(256, 256))
        self.narrow, self.wide = unit(256, 128, 1), unit(512, 256, 1)
        self.n4, self.p3 = Gathered(384, 128, add=False), Gathered(192, 64, add=False)
        self.d3, self.p4 = unit(64, 64, 3, 2), Gathered(192, 128, add=False)
        self.d4, self.p5 = unit(128, 128, 3, 2), Gathered(384, 256, add=False)
        heads = [(inside, hidden) for hidden in (64, 80) for inside in (64, 128, 256)]
        self.heads = nn.ModuleList(
            nn.Sequential(unit(inside, hidden), unit(hidden, hidden), nn.Conv2d(hidden, hidden, 1))
            for inside, hidden in heads
        )

    def forward(self, x: Any) -> list[Any]:
        def up(x: Any, side: Any) -> Any:
            return torch.cat([nn.functional.interpolate(x, scale_factor=2), side], 1)

        c3 = self.c3(self.stem(x))
        c4 = self.c4(c3)
        pooled = [self.narrow(self.c5(c4))]
        for _ in range(3):
            pooled.append(nn.functional.max_pool2d(pooled[-1], 5, 1, 2))
        c5 = self.wide(torch.cat(pooled, 1))
        n4 = self.n4(up(c5, c4))
        p3 = self.p3(up(n4, c3))
        p4 = self.p4(torch.cat([self.d3(p3), n4], 1))
        p5 = self.p5(torch.cat([self.d4(p4), c5], 1))
        return [head(one) for head, one in zip(self.heads, 2 * (p3, p4, p5), strict=True)]


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
    "deeplabv3_resnet50": segmentation("deeplabv3_resnet50"),
    "yolov3": YOLOv3,
    "resnet50_fpn": resnet50_fpn,
    "retinanet_resnet50_fpn": lambda: Detector("retinanet_resnet50_fpn"),
    "ssd300_vgg16": lambda: Detector("ssd300_vgg16"),
    "siamese": Siamese,
    "unet_bilinear": UNetBilinear,
    "yolov8n_like": YOLOv8nLike,
}
ON_THE_CPU = ("regnet_y_400mf",)  # computes in its constructor

LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
Layer = tuple[str, Volume, int]


def build(name: str) -> Any:
    with torch.device("cpu" if name in ON_THE_CPU else "meta"):
        return NETWORKS[name]().train()


def images(name: str, report: archcalc.Report) -> list[Any]:
    """Two images for every input."""
    device = "cpu" if name in ON_THE_CPU else "meta"
    volumes = [row.output for row in report.inputs]
    return [torch.ones(2, one.channels, one.height, one.width, device=device) for one in volumes]


def theirs(network: Any, inputs: list[Any]) -> tuple[Counter[Layer], int]:
    """Convolutions, linear layers and batch norms by output and parameters, and MACs for one image.  Weights used again count once."""
    seen: Counter[Layer] = Counter()
    macs = 0
    used: set[Any] = set()

    def record(module: Any, inputs: Any, output: Any) -> None:
        nonlocal macs
        last = isinstance(module, nn.Linear)  # its channels are the last axis, also of an image
        _, *size = output.shape
        channels = size.pop(-1 if last else 0)
        height, width = size or (1, 1)
        kind = "bn" if isinstance(module, nn.BatchNorm2d) else "linear"
        params = 0 if module in used else sum(one.numel() for one in module.parameters())
        used.add(module)
        seen[kind, Volume(width, height, channels), params] += 1
        if kind == "linear":
            places = inputs[0].shape[2:] if isinstance(module, nn.ConvTranspose2d) else (height, width)
            macs += module.weight.numel() * math.prod(places)

    for module in network.modules():
        if isinstance(module, (*LINEAR, nn.BatchNorm2d)):
            module.register_forward_hook(record)
    network(*inputs)
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
    layers, macs = theirs(network, images(name, report))
    assert ours(report) == layers
    assert report.totals.macs == macs
    assert report.totals.params == sum(one.numel() for one in network.parameters())
    running = [one.numel() for key, one in network.named_buffers() if not key.endswith("num_batches_tracked")]
    assert report.totals.buffers == sum(running)


@pytest.mark.parametrize("name", NETWORKS)
def test_bytes_that_autograd_saves(name: str) -> None:
    architecture = archcalc.load(f"zoo:{name}")
    network = build(name)
    inputs = images(name, architecture.analyze())
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = network(*inputs)
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
