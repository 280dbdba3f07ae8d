"""What PyTorch saves for the backward pass, by its own saved_tensors_hooks, against what is predicted.

Large networks are executed on the meta device: shapes and storages are real, no arithmetic is done.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch_networks import Network

import archcalc
from archcalc.language.specfile import zoo_names

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models
pytestmark = pytest.mark.torch


def saved_bytes(run: Callable[[], Any], own: Callable[[], list[Any]]) -> int:
    """Bytes of the unique storages saved while `run` runs, without those that are `own` afterwards."""
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
        several = result if isinstance(result, list | tuple) else [result]
        if all(isinstance(one, torch.Tensor) and one.device.type != "meta" for one in several):
            sum(one.sum() for one in several).backward()  # PyTorch refuses if something that is needed was overwritten
    for one in own():
        found.pop(one.untyped_storage()._cdata, None)
    total: int = sum(storage.nbytes() for storage in found.values())
    del result
    return total


def _own(network: Network) -> Callable[[], list[Any]]:
    return lambda: [*network.parameters, *network.buffers, *network.counters]


SHARED = """\
inputs: {one: 32x32x3, other: 32x32x3}
layers:
  - {repeat: 2, name: tower, from: [one, other], share: true, layers: ["[CONV3-8p1 -> BN -> RELU]*2 -> POOL2"]}
  - {repeat: 2, name: head, from: [tower1, tower2], share: true, layers: [CONV3-4p1]}
  - subtract: {inputs: [head1, head2]}
  - ABS -> GAP -> FC-3
  - upsample: {from: tower1, like: one, mode: bilinear, align_corners: true}
  - CONV1-2
  - crop: {size: 17x15}
outputs: [fc1, head1, crop1]
"""


@pytest.mark.parametrize("inplace", [False, True])
def test_shares_several_inputs_and_outputs(tmp_path: Path, *, inplace: bool) -> None:
    path = tmp_path / "shared.yaml"
    path.write_text(SHARED)
    compare(str(path), inplace=inplace)


def compare(spec: str, *, batch: int = 2, inplace: bool = True, dtype: str = "float32", device: str = "cpu") -> None:
    architecture = archcalc.load(spec)
    network = Network(architecture.graph, getattr(torch, dtype), device, inplace=inplace)
    found = saved_bytes(lambda: network.run(batch), _own(network))
    predicted = architecture.plan(batch=batch, dtype=dtype, inplace=inplace).training
    assert predicted is not None
    assert predicted.status == "complete"
    assert predicted.saved_activations_bytes == found


@pytest.mark.parametrize("name", zoo_names())
def test_every_network_of_the_zoo(name: str) -> None:
    compare(f"zoo:{name}", device="meta")


TORCHVISION = {
    name: getattr(models, name.removesuffix("_torchvision"))
    for name in zoo_names()
    if hasattr(models, name.removesuffix("_torchvision")) and name != "alexnet"  # the zoo's is the original
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision(name: str) -> None:
    """The networks as torchvision builds them, with what it does in place."""
    build = TORCHVISION[name]
    rest = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    architecture = archcalc.load(f"zoo:{name}")
    volume = architecture.report.input
    with torch.device("cpu" if name.startswith("regnet") else "meta"):  # regnets compute in their constructors
        model = build(weights=None, **rest)
        image = torch.ones(2, volume.channels, volume.height, volume.width)
    found = saved_bytes(lambda: model(image), lambda: [*model.parameters(), *model.buffers()])
    predicted = architecture.plan(batch=2).training
    assert predicted is not None
    assert predicted.saved_activations_bytes == found


@pytest.mark.parametrize("name", ["vgg16_bn", "resnet18", "squeezenet1_1", "mobilenet_v2"])
def test_mixed_precision(name: str) -> None:
    """Under autocast, the copies of the weights apart, which are counted with the parameters; those of biases are not saved."""
    architecture = archcalc.load(f"zoo:{name}", input="96x96x3")
    planned = architecture.plan(batch=2, dtype="mixed_bfloat16").training
    whole = architecture.plan(batch=2).training
    assert planned is not None
    assert whole is not None
    network = Network(architecture.graph, torch.float32, "cpu")

    def run() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network.run(2)

    found = saved_bytes(run, _own(network))
    biases = sum(row.cost.biases for row in architecture.report.rows if row.node.layer.type in ("conv", "dwconv", "fc"))
    copies = planned.parameters_bytes - whole.parameters_bytes - 2 * biases
    assert planned.saved_activations_bytes + copies == found


ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "relu6", "silu", "hardswish", "hardsigmoid"]
ACTIVATIONS += ["abs", "mish", "hardtanh", "celu", "log_softmax"]
ACTIVATIONS += ["tanh", "sigmoid", "gelu", "gelu_tanh", "softplus", "softmax", "prelu"]


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("before", ["CONV3-4p1", "CONV3-4p1 -> BN", "CONV3-4p1 -> TANH", "CONV3-4p1 -> POOL2"])
@pytest.mark.parametrize("layer", ACTIVATIONS)
def test_activations(layer: str, before: str, *, inplace: bool) -> None:
    compare(f"INPUT[8x8x3] -> {before} -> {layer.upper()} -> CONV3-5 -> {layer.upper()}", inplace=inplace)


LAYERS = [
    "POOL2", "POOL4s2p1", "AVGPOOL2", "L2POOL2", "GAP", "BN", "LRN5", "LRN4", "DROPOUT", "FLATTEN", "FC-7",
    "CONV3-6p1g2", "FLATTEN -> FC-3", "GAP -> FC-3 -> DROPOUT", "BN -> RELU -> DROPOUT -> POOL2", "DROPOUT0 -> RELU",
    "CONV4-6psame", "DWCONV3p1m2", "DECONV3-6s2p1o1g2", "UPSAMPLE2", "ADAPTIVE_AVGPOOL3", "ADAPTIVE_AVGPOOL1",
    "ADAPTIVE_POOL3", "PAD1", "PAD1 -> CONV3-2", "CROP1", "SPLIT2-1", "SPLIT2-2 -> RELU -> CONV1-2", "SHUFFLE2",
    "LAYER_SCALE", "LAYER_NORM -> CONV1-8 -> GELU -> CONV1-4 -> LAYER_SCALE", "BN -> RELU -> SPLIT2-1 -> BN",
    "GROUP_NORM2", "GROUP_NORM2 -> RELU", "INSTANCE_NORM -> RELU", "L2_NORM -> SCALE", "DROP_PATH0.2",
    "DROP_PATH0 -> RELU", "DROPOUT2D", "CHANNEL_MEAN", "CHANNEL_MAX", "RELU -> DROPOUT2D -> POOL2",
    "POOL2s1d2", "DECONV3-6s2d2p2o1", "SEPCONV3-6p1m2", "SEPCONV2-5", "WS_CONV3-6p1g2", "GAP -> CHANNEL_CONV3 -> SIGMOID",
    "GMP", "SCALE", "SHIFT", "SLICE-2o1", "SLICE-3 -> RELU -> CONV1-2", "PIXEL_SHUFFLE2", "DEPTH_TO_SPACE2",
    "PIXEL_UNSHUFFLE2", "SPACE_TO_DEPTH2 -> RELU", "SCALE -> SHIFT -> RELU", "BN -> SCALE -> SHIFT -> RELU",
    "CONV3-6s2psame", "POOL2s1psame", "RELU -> DROPOUT -> FLATTEN -> FC-9 -> RELU -> DROPOUT -> FC-2",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("layer", ["RMS_NORM", "RMS_NORM -> RELU", "GRN", "CONV1-8 -> GELU -> GRN -> CONV1-4"])
def test_layers_behind_a_convolution(layer: str, dtype: str) -> None:
    """On the image itself, which wants no gradient, PyTorch keeps less of these."""
    if "RMS_NORM" in layer and dtype == "bfloat16":
        pytest.skip("on the CPU PyTorch computes it in single precision and keeps wider copies")
    compare(f"INPUT[8x8x4] -> CONV3-4p1 -> {layer}", dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_behind_a_convolution_and_on_the_image(layer: str, dtype: str) -> None:
    if "LRN" in layer and dtype == "bfloat16":
        pytest.skip("PyTorch has no such LRN on the CPU")
    compare(f"INPUT[8x8x4] -> CONV3-4p1 -> {layer}", dtype=dtype)
    compare(f"INPUT[8x8x4] -> {layer} -> CONV1-2 -> RELU", dtype=dtype)


def test_sequences() -> None:
    compare("INPUT[32x1x4] -> CONV1D3-8p1 -> RELU -> POOL1D2 -> CONV1D4-8s2p1 -> BN -> RELU -> AVGPOOL1D2 -> FC-3")


JOINS = {
    "residual": "add: [[], ['CONV3-4p1 -> BN -> RELU -> CONV3-4p1 -> BN']]",
    "inception": "concat: ['CONV1-4 -> RELU', 'CONV1-2 -> RELU -> CONV3-4p1 -> RELU', 'POOL3s1p1 -> CONV1-4 -> RELU']",
    "dense": "concat: [[], ['BN -> RELU -> CONV3-4p1']]",
    "squeeze-excitation": "multiply: [[], ['GAP -> CONV1-2 -> RELU -> CONV1-4 -> SIGMOID']]",
    "three factors": "multiply: [[], ['CONV1-4 -> RELU'], [CONV1-4]]",
    "two activations of one map": "add: [[LEAKY_RELU], [RELU]]",
    "difference": "subtract: [[], ['CONV1-4 -> RELU'], [CONV1-4]]",
    "quotient": "divide: [[], ['CONV1-4 -> RELU'], [CONV1-4]]",
    "maximum": "maximum: [['CONV1-4 -> RELU'], [CONV1-4], [BN]]",
    "minimum": "minimum: [['CONV1-4 -> BN'], [CONV1-4]]",
    "global context": "add: [[], ['GAP -> CONV1-4']]",
    "spatial attention": "multiply: [[], ['CONV3-1p1 -> SIGMOID']]",
    "channels and pixels": "multiply: [['GAP -> CONV1-4 -> SIGMOID'], ['CONV3-1p1 -> SIGMOID'], []]",
    "shortcut to more": "shortcut: [[CONV1-6], []]",
    "shortcut to fewer": "shortcut: [[CONV1-3], [BN]]",
    "constants": "add: [[scale: {by: 0.5}], [shift: {by: -1}], [scale: {per: layer}], [scale: {trained: false}]]",
    "norms": "add: [[bn: {affine: false}], [bn: {statistics: false}], [bn: {shift: false}], [layer_norm: {shift: false}],"
    " [group_norm: {groups: 4, affine: false}], [instance_norm: {affine: true}], [rms_norm: {affine: false}],"
    " [instance_norm: {statistics: true}], [instance_norm: {affine: true, scale: false, statistics: true}]]",
    "padded": "add: [[pad: {padding: 2, mode: reflect}], [pad: {padding: 2, mode: replicate}], [pad: {padding: 2, mode: lowest}]]",
    "one slope": "add: [[prelu: {per: layer}], [prelu: {}]]",
    "softmaxes": "add: [[softmax: {groups: 2}], [softmax: {groups: 2, across: true}], [log_softmax: {groups: 2}]]",
    "split attention": "multiply: [[], ['GAP -> CONV1-4', softmax: {groups: 2, across: true}]]",
    "spatial attention of two": "multiply: [[], [concat: [[CHANNEL_MEAN], [CHANNEL_MAX]], 'CONV3-1p1 -> SIGMOID']]",
    "dropped path": "add: [[], ['CONV1-4 -> BN -> DROP_PATH0.1']]",
    "generator": "add: [[FC-64, reshape: {width: 4, height: 4, channels: 4}, 'DECONV4-4s2p1'], []]",
    "clamped": "add: [[clamp: {low: 0, high: 3}], [hardtanh: {low: -2}]]",
}


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("join", JOINS)
def test_joins(join: str, tmp_path: Path, *, inplace: bool) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"input: 8x8x3\nlayers:\n- CONV3-4p1 -> BN -> RELU\n- {JOINS[join]}\n- RELU -> POOL2 -> FC-5\n")
    compare(str(spec), inplace=inplace)
