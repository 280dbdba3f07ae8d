"""Plans of whole training steps against the storages that are alive during them, phase by phase and to the byte."""

from pathlib import Path
from typing import Any

import pytest
from test_autograd_torch import ACTIVATIONS, LAYERS
from torch_networks import Network
from torch_steps import Step, inference, measure

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.architecture import Architecture
from archcalc.language.specfile import zoo_names
from archcalc.memory.checkpointing import checkpointed
from archcalc.memory.plan import plan, retained, stepped
from archcalc.memory.results import Training
from archcalc.memory.settings import Settings

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


SEVERAL = {"resnet50_fpn", "retinanet_resnet50_fpn", "siamese", "ssd300_vgg16", "yolov3", "yolov8n_like"}  # ends


@pytest.mark.parametrize("name", sorted(set(zoo_names()) - {"convnext_tiny"} - SEVERAL))
def test_every_network_of_the_zoo(name: str) -> None:
    compare(archcalc.load(f"zoo:{name}"), 2, "adam")


def test_gradients_of_weights_in_another_order() -> None:
    """Behind a layer norm over channels the images' memory is ordered by pixel, and so are a convolution's gradients.

    That they are copied to the order of the weights no rule knows.
    """
    network = archcalc.load("zoo:convnext_tiny")
    step = measure(Network(network.graph, torch.float32, "cpu", like_cuda=True), 2, "adam", foreach=True)
    found = network.plan(batch=2, optimizer="adam", device="cuda").training
    assert found is not None
    assert phases(found)[::2] == measured(step)[::2]
    assert 0.999 * step.peak < found.total_bytes <= step.peak


# Where a few bytes are there a moment later than predicted: gradients of a second tensor of weights, of repeated scales.
LATER = {"SEPCONV3-6p1m2", "SEPCONV2-5", "INSTANCE_NORM -> affine", "RMS_NORM", "RMS_NORM -> RELU"}


@pytest.mark.parametrize("layer", [*LAYERS, *(one.upper() for one in ACTIVATIONS), "L2_NORM", "RMS_NORM", "GRN"])
def test_layers(layer: str) -> None:
    """The moment of the layer is the worst of the step."""
    network = archcalc.load(f"INPUT[16x16x4] -> CONV3-12p1 -> {layer} -> GAP -> FC-2")
    step = measure(Network(network.graph, torch.float32, "cpu", like_cuda=True), 8, foreach=True)
    found = network.plan(batch=8, optimizer="sgd", device="cuda").training
    assert found is not None
    if layer not in LATER:
        assert phases(found) == measured(step)
    assert step.peak <= found.total_bytes <= 1.2 * step.peak


MERGES = {
    "two factors": "multiply: [[], [CONV1-4]]",
    "three factors": "multiply: [[CONV1-4], [CONV1-4], [CONV1-4]]",
    "stretched factors": "multiply: [['GAP -> CONV1-4'], ['CONV3-1p1'], []]",
    "two quotients": "divide: [[CONV1-4], [CONV1-4], [CONV1-4]]",
    "stretched quotient": "divide: [[], ['GAP -> CONV1-4']]",
    "three differences": "subtract: [[CONV1-4], [CONV1-4], [CONV1-4]]",
    "maximum": "maximum: [[CONV1-4], [CONV1-4], [CONV1-4]]",
    "minimum": "minimum: [[CONV1-4], ['GAP -> CONV1-4']]",
    "filled shortcut": "shortcut: [[CONV1-6], [CONV1-4]]",
    "cut shortcut": "shortcut: [[CONV1-3], [CONV1-4]]",
    "stretched sum": "add: [[CONV1-4], ['GAP -> CONV1-4']]",
    "scales": "add: [[scale: {by: 0.5}], [shift: {by: -1}], [scale: {per: layer}], [scale: {trained: false}]]",
    "statistics": "instance_norm: {statistics: true}",
    "overwritten view": "instance_norm: {}\n- relu",
    "mirrored": "pad: {padding: 2, mode: reflect}",
    "slopes": "add: [[prelu: {per: layer}], [prelu: {}]]",
}


@pytest.mark.parametrize("merge", MERGES)
def test_merges(merge: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"input: 16x16x3\nlayers:\n- CONV3-4p1\n- {MERGES[merge]}\n- GAP -> FC-5\n")
    compare(archcalc.load(spec), 8)


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


@pytest.mark.parametrize(
    "name", ["vgg16", "alexnet_torchvision", "squeezenet1_1", "mobilenet_v2", "resnet18", "googlenet"]
)
def test_checkpoints(name: str) -> None:
    """The backward pass, which is the worst; the forward pass has batch norm's statistics for a moment more."""
    network, settings = archcalc.load(f"zoo:{name}"), Settings(4, optimizer="sgd", device="cuda")
    found = checkpointed(network.report, retained(network.report, settings))
    assert found is not None
    running = plan(network.report, settings).inference.buffers_bytes
    step = stepped(network.report, settings, found.retained, running)
    predicted = max(image * 4 + fixed for image, fixed in zip(step.image, step.fixed, strict=True))
    graph = Network(network.graph, torch.float32, "cpu", like_cuda=True)
    assert predicted == measure(graph, 4, "sgd", foreach=True, cuts=found.cuts).peak
