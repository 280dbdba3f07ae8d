"""Plans of steps in mixed precision against the storages that are alive under autocast with CUDA's rules."""

from pathlib import Path
from typing import Any

import pytest
from test_autograd_torch import ACTIVATIONS, JOINS, LAYERS
from test_steps_torch import measured, phases
from torch_autocast import as_cuda
from torch_networks import Network
from torch_steps import inference, measure

import archcalc
from archcalc.architecture import Architecture
from archcalc.memory.results import Training

torch = pytest.importorskip("torch")
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

F = torch.nn.functional
pytestmark = pytest.mark.torch

# Over the truth at their own moment: in single precision a map is counted that is there only where others hold it, too.
OVER = {"RMS_NORM": 1.16, "L2_NORM": 1.13, "L2_NORM -> SCALE": 1.12, "GRN": 1.08, "norms": 1.08, "constants": 1.09}


def results(device: str) -> list[Any]:
    """The types of what operations give that networks are made of."""
    x = torch.ones(2, 4, 8, 8, device=device, requires_grad=True)
    weight, scale = (torch.ones(*one, device=device, requires_grad=True) for one in ((4, 4, 3, 3), (4,)))
    h = F.conv2d(x, weight, padding=1)
    classes = torch.zeros(2, 64, dtype=torch.int64, device=device)
    return [
        one.dtype
        for one in (
            h, F.local_response_norm(h, 5), F.layer_norm(h, (8,)), F.softmax(h, 1), F.log_softmax(h, 1), F.gelu(h),
            F.interpolate(h, scale_factor=2), F.interpolate(h, scale_factor=2, mode="bilinear"), F.normalize(h),
            F.lp_pool2d(h, 2, 2), torch.cat([h, h], 1), torch.cat([h, x], 1), F.pad(h, (1, 1, 1, 1), "reflect"),
            F.group_norm(h, 2), F.rms_norm(h, (8,)), F.softplus(h), F.prelu(h, scale), F.instance_norm(h), h + x, h * h,
            F.batch_norm(h, None, None, scale, scale, training=True), h.mean(1), F.adaptive_avg_pool2d(h, 1),
            h * scale[:, None, None], F.cross_entropy(h.flatten(2), classes), torch.norm(h, p=2, dim=(2, 3)), F.elu(h),
            F.mish(h), F.silu(h), F.hardswish(h), F.max_pool2d(h, 2), F.avg_pool2d(h, 2), h.clamp(0, 1), h.max(1)[0],
            F.conv_transpose2d(h, weight), F.linear(h, torch.ones(3, 8, device=device)), torch.maximum(h, h), h / h,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_rules_are_those_of_cuda(dtype: str) -> None:
    """CUDA's own dispatch says which types there are, on tensors that claim to be there."""
    kind = getattr(torch, dtype)
    with FakeTensorMode(allow_non_fake_inputs=True):
        torch.set_autocast_dtype("cuda", kind)
        torch.set_autocast_enabled("cuda", True)
        try:
            theirs = results("cuda")
        finally:
            torch.clear_autocast_cache()
            torch.set_autocast_enabled("cuda", False)
        with as_cuda(), torch.autocast("cpu", dtype=kind):
            ours = results("cpu")
    assert ours == theirs
    assert {*theirs} == {kind, torch.float32}


def both(network: Architecture, images: int, dtype: str, optimizer: str = "sgd") -> tuple[Training, Any]:
    with as_cuda():
        step = measure(
            Network(network.graph, torch.float32, "cpu", like_cuda=True),
            images,
            optimizer,
            foreach=True,
            autocast=dtype,
        )
    found = network.plan(batch=images, optimizer=optimizer, device="cuda", dtype=f"mixed_{dtype}").training
    assert found is not None
    assert found.status == "complete"
    return found, step


def compare(network: Architecture, images: int, dtype: str, over: float = 1.01) -> None:
    """Statistics of batch norm are single precision on CUDA, and half here, so that a little more is predicted."""
    found, step = both(network, images, dtype)
    assert step.peak - 8 <= found.total_bytes <= over * step.peak
    for ours, theirs in zip(phases(found), measured(step), strict=True):
        assert ours >= theirs - 8


ZOO = ["alexnet", "cyclegan", "densenet121", "fcn_resnet50", "mobilenet_v2", "resnet18", "squeezenet1_1", "srresnet"]
ZOO += ["shufflenet_v2_x1_0", "unet", "vgg16"]


@pytest.mark.parametrize("name", ZOO)
def test_networks(name: str) -> None:
    compare(archcalc.load(f"zoo:{name}"), 2, "float16", 1.002)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("layer", [*LAYERS, *(one.upper() for one in ACTIVATIONS), "L2_NORM", "RMS_NORM", "GRN"])
def test_layers(layer: str, dtype: str) -> None:
    network = archcalc.load(f"INPUT[16x16x4] -> CONV3-4p1 -> {layer} -> GAP -> FC-2")
    compare(network, 8, dtype, OVER.get(layer, 1.01))


@pytest.mark.parametrize("join", sorted(JOINS.keys() - {"generator"}))
def test_joins(join: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"input: 16x16x3\nlayers:\n- CONV3-4p1\n- {JOINS[join]}\n- GAP -> FC-5\n")
    compare(archcalc.load(spec), 8, "float16", OVER.get(join, 1.02))


@pytest.mark.parametrize("name", ["alexnet", "convnext_tiny", "resnet18", "squeezenet1_1", "unet", "vgg16"])
def test_inference(name: str) -> None:
    """Weights in single precision and their copies: 6 bytes each, as autocast keeps these while it is on."""
    network = archcalc.load(f"zoo:{name}")
    with as_cuda():
        most, _ = inference(Network(network.graph, torch.float32, "cpu", training=False), 2, autocast="float16")
    found = network.plan(batch=2, device="cuda", dtype="mixed_float16").inference
    weights = 4 * network.report.totals.params
    assert found.total_bytes - weights - found.buffers_bytes == most
    if name in ("vgg16", "resnet18"):
        assert found.parameters_bytes > 1.4 * weights
