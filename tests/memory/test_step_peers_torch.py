"""Plans of whole steps against PyTorch's own tracker of memory, against steps on the CPU that compute, and against a GPU's counters."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_steps_torch import SMALL, measured, phases
from torch_autocast import as_cuda
from torch_networks import Network
from torch_steps import whole_steps

import archcalc
from archcalc.memory.results import Training

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.distributed._tools.mem_tracker import MemTracker  # noqa: E402

pytestmark = pytest.mark.torch

PEERS = {"vgg11": "vgg11", "alexnet": "alexnet_torchvision", "squeezenet1_1": "squeezenet1_1", "resnet18": "resnet18"}


def tracked(name: str, optimizer: str, images: int) -> int:
    """The peak of the second step, as MemTracker sees it."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = getattr(models, name)(weights=None)
        algorithm = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1, foreach=True)
        x, target = torch.ones(images, 3, 224, 224), torch.zeros(images, dtype=torch.int64)
        tracker = MemTracker()
        tracker.track_external(model, algorithm, x, target)
        for turn in range(2):
            with tracker:
                out = model(x)
                loss = torch.nn.functional.cross_entropy(out, target)
                loss.backward()
                algorithm.step()
                algorithm.zero_grad()
            if turn == 0:
                tracker.reset_mod_stats()
        (found,) = (one["Total"] for one in tracker.get_tracker_snapshot("peak").values())
        return int(found)


@pytest.mark.parametrize(("optimizer", "ours"), [("SGD", "sgd"), ("Adam", "adam")])
@pytest.mark.parametrize("name", PEERS)
def test_the_tracker_of_pytorch(name: str, optimizer: str, ours: str) -> None:
    """To the byte, but where gradients are added up: while it looks, autograd does so in new memory, and without it, in place."""
    plan = archcalc.load(f"zoo:{PEERS[name]}").plan(batch=4, optimizer=ours, implementation="foreach")
    assert plan.training is not None
    theirs = tracked(name, optimizer, 4)
    if name == "resnet18":
        assert 0.99 * theirs < plan.training.total_bytes < theirs
    else:
        assert plan.training.total_bytes == theirs


COMPUTED = {
    "small": SMALL,
    "residual": "zoo:allcnn_c",
    "toy": "zoo:cifar10_toy",
    "digits": "zoo:keras_mnist",
}


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adagrad"])
@pytest.mark.parametrize("name", COMPUTED)
def test_steps_that_compute(name: str, optimizer: str, *, foreach: bool) -> None:
    """Real tensors instead of fake ones, in real memory."""
    network = archcalc.load(COMPUTED[name])
    there = Network(network.graph, torch.float32, "cpu")
    there.run(2)
    x = there.batch(2)
    out = there.forward(x)
    target = torch.zeros((2, *out.shape[2:]), dtype=torch.int64)
    del out
    algorithm = getattr(torch.optim, {"sgd": "SGD", "adam": "Adam", "adagrad": "Adagrad"}[optimizer])(
        there.parameters, lr=0.01, foreach=foreach
    )
    step = whole_steps(there.forward, [*there.parameters, *there.buffers, *there.counters], x, target, algorithm)
    plan = network.plan(batch=2, optimizer=optimizer, implementation="foreach" if foreach else "loop")
    assert plan.training is not None
    assert phases(plan.training) == measured(step)


@pytest.mark.parametrize("name", ["allcnn_c", "cifar10_toy", "keras_mnist"])
def test_steps_that_compute_under_autocast(name: str) -> None:
    """In bfloat16, by CUDA's rules."""
    network = archcalc.load(f"zoo:{name}")
    there = Network(network.graph, torch.float32, "cpu", like_cuda=True)
    with as_cuda():
        there.run(2)
        x = there.batch(2)
        target = torch.zeros((2, *there.forward(x).shape[2:]), dtype=torch.int64)
        algorithm = torch.optim.SGD(there.parameters, lr=0.01, foreach=True)
        own = [*there.parameters, *there.buffers, *there.counters]
        step = whole_steps(there.forward, own, x, target, algorithm, autocast="bfloat16")
    found = network.plan(batch=2, optimizer="sgd", device="cuda", dtype="mixed_bfloat16").training
    assert found is not None
    assert step.peak <= found.total_bytes <= 1.002 * step.peak


GPU = ["squeezenet1_1", "resnet18", "resnet50", "vgg16", "densenet121", "mobilenet_v2"]


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """Lines for a table, which is written where ARCHCALC_GPU_TABLE says."""
    lines = [
        "| network | optimizer | dtype | batch | predicted | allocated at most | ratio |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    yield lines
    if path := os.environ.get("ARCHCALC_GPU_TABLE"):
        Path(path).write_text("\n".join([torch.cuda.get_device_name(), "", *lines, ""]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", GPU)
def test_a_gpus_own_count(name: str, optimizer: str, dtype: str, table: list[str]) -> None:
    """torch.cuda.max_memory_allocated, in which workspaces of cuDNN are, too: what is predicted is the least it is."""
    network = archcalc.load(f"zoo:{name}")
    for images in (1, 32):
        found = network.plan(batch=images, optimizer=optimizer, device="cuda", dtype=dtype).training
        assert found is not None
        theirs = gpu(network, images, optimizer, autocast=dtype != "float32")
        said = predicted(found)
        table.append(f"| {name} | {optimizer} | {dtype} | {images} | {said:,} | {theirs:,} | {said / theirs:.4f} |")
        assert said <= 1.02 * theirs


def predicted(found: Training) -> int:
    assert found.allocated_bytes is not None
    return found.allocated_bytes


def gpu(network: archcalc.Architecture, images: int, optimizer: str, *, autocast: bool) -> int:
    """The most that is allocated in the third step."""
    there = Network(network.graph, torch.float32, "cuda")
    there.run(2)
    x = there.batch(images)
    target = torch.zeros(images, dtype=torch.int64, device="cuda")
    algorithm = getattr(torch.optim, {"sgd": "SGD", "adam": "Adam"}[optimizer])(there.parameters, lr=0.01)
    scaler = torch.amp.GradScaler("cuda", enabled=autocast)
    out: Any = None
    for _ in range(3):
        torch.cuda.reset_peak_memory_stats()
        with torch.autocast("cuda", enabled=autocast):
            out = there.forward(x)
            loss = torch.nn.functional.cross_entropy(out, target)
        scaler.scale(loss).backward()
        scaler.step(algorithm)
        scaler.update()
        algorithm.zero_grad()
    return int(torch.cuda.max_memory_allocated())
