"""Plans of whole training steps against the storages that are alive during them, phase by phase and to the byte."""

from pathlib import Path
from typing import Any

import pytest
from torch_networks import Network
from torch_steps import Step, inference, measure

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.architecture import Architecture
from archcalc.language.specfile import zoo_names
from archcalc.memory.autograd import retain
from archcalc.memory.checkpointing import checkpointed
from archcalc.memory.plan import Settings, Training, plan, stepped

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def phases(found: Training) -> tuple[int, int, int]:
    forward = found.moments_forward + 1  # and the loss
    return max(found.live[:forward]), max(found.live[forward:-1]), found.live[-1]


def measured(step: Step) -> tuple[int, int, int]:
    return step.forward[0], step.backward[0], step.step[0]


def compare(
    network: Architecture, images: int, optimizer: str = "sgd", *, foreach: bool = True, **options: Any
) -> None:
    """As on CUDA, where dropout's mask is of bytes."""
    kept = options.pop("kept", False)
    step = measure(
        Network(network.graph, torch.float32, "cpu", like_cuda=True),
        images,
        optimizer,
        kept=kept,
        foreach=foreach,
        **options,
    )
    found = network.plan(
        batch=images,
        optimizer=optimizer,
        device="cuda",
        implementation="foreach" if foreach else "loop",
        weight_decay="weight_decay" in options,
        keep_gradients=kept,
    ).training
    assert found is not None
    assert phases(found) == measured(step)
    assert found.total_bytes == step.peak


# Not exact over a whole step, or not compared yet, as docs/memory.md says: their backward passes have temporaries that no
# rule knows (of the truth, batch 2 with Adam, convnext_tiny is predicted at 0.935 and cyclegan at 0.999).
NOT_COMPARED = {
    *("convnext_tiny", "cyclegan", "darknet53", "dcgan", "densenet201", "efficientnet_b0", "efficientnet_v2_s"),
    *("fcn_resnet50", "mnasnet1_0", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_y_400mf", "resnext50_32x4d"),
    *("se_resnext50", "shufflenet_v2_x1_0", "srresnet", "unet_bn", "wide_resnet50_2", "xception"),
}


@pytest.mark.parametrize("name", sorted(set(zoo_names()) - NOT_COMPARED))
def test_every_network_of_the_zoo(name: str) -> None:
    compare(archcalc.load(f"zoo:{name}"), 2, "adam")


SMALL = "INPUT[8x8x3] -> CONV3-8p1 -> BN -> RELU -> POOL2 -> FC-40 -> RELU -> DROPOUT -> FC-5"


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("decay", [{}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("optimizer", ["sgd", "sgd-momentum", "adam", "adamw", "rmsprop", "adagrad", "adadelta"])
def test_optimizers(optimizer: str, decay: Any, *, foreach: bool, kept: bool) -> None:
    for images in (1, 32):
        compare(archcalc.load(SMALL), images, optimizer, foreach=foreach, kept=kept, **decay)


def test_frozen_layers() -> None:
    """ResNet-18 but its last layer, and all but its first."""
    for trained in (("fc1",), ("conv1", "fc1")):
        graph = archcalc.load("zoo:resnet18").graph
        nodes = tuple(node._replace(trainable=node.name in trained) for node in graph.nodes)
        report = analyze(graph._replace(nodes=nodes))
        found = plan(report, Settings(4, optimizer="sgd-momentum", device="cuda")).training
        assert found is not None
        network = Network(report.graph, torch.float32, "cpu", like_cuda=True)
        assert phases(found) == measured(measure(network, 4, "sgd-momentum", foreach=True))


JOINS = {
    "residual": "add: [[], ['CONV3-4p1 -> BN -> RELU -> CONV3-4p1 -> BN']]",
    "three branches": "add: [[], [CONV3-4p1], [CONV1-4]]",
    "inception": "concat: ['CONV1-4 -> RELU', 'CONV1-2 -> RELU -> CONV3-4p1 -> RELU', 'POOL3s1p1 -> CONV1-4 -> RELU']",
    "dense": "concat: [[], ['BN -> RELU -> CONV3-4p1']]",
    "nested": "concat: [[], [add: [[], [CONV3-4p1]]]]",
}


@pytest.mark.parametrize("join", JOINS)
def test_joins(join: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"input: 8x8x3\nlayers:\n- CONV3-4p1 -> BN -> RELU\n- {JOINS[join]}\n- RELU -> POOL2 -> FC-5\n")
    compare(archcalc.load(spec), 3)


@pytest.mark.parametrize("name", zoo_names())
def test_inference(name: str) -> None:
    network = archcalc.load(f"zoo:{name}")
    found, _ = inference(Network(network.graph, torch.float32, "cpu", training=False), 2)
    assert network.plan(batch=2).inference.activations_peak_bytes == found


@pytest.mark.parametrize("name", ["vgg16", "alexnet_torchvision", "squeezenet1_1", "mobilenet_v2"])
def test_checkpoints(name: str) -> None:
    """The backward pass, which is the worst; the forward pass has batch norm's statistics for a moment more."""
    network, settings = archcalc.load(f"zoo:{name}"), Settings(4, optimizer="sgd", device="cuda")
    found = checkpointed(network.report, retain(network.report, settings.precision, device="cuda"))
    assert found is not None
    running = plan(network.report, settings).inference.buffers_bytes
    step = stepped(network.report, settings, found.retained, running)
    predicted = max(image * 4 + fixed for image, fixed in zip(step.image, step.fixed, strict=True))
    graph = Network(network.graph, torch.float32, "cpu", like_cuda=True)
    assert predicted == measure(graph, 4, "sgd", foreach=True, cuts=found.cuts).peak
