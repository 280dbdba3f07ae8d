"""What PyTorch saves for the backward pass, by its own saved_tensors_hooks, against what is predicted.

Large networks are executed on the meta device: shapes and storages are real, no arithmetic is done.
"""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.graph import Graph, Node
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models
stochastic_depth = pytest.importorskip("torchvision").ops.stochastic_depth
F = torch.nn.functional
pytestmark = pytest.mark.torch


def saved_bytes(run: Callable[[], Any], own: list[Any]) -> int:
    """Bytes of the unique storages saved while `run` runs, without those of `own` (which `run` may fill)."""
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
        if (last := result[-1]).device.type != "meta":
            last.sum().backward()  # PyTorch refuses if something that is needed was overwritten
    for one in own:
        found.pop(one.untyped_storage()._cdata, None)
    total: int = sum(storage.nbytes() for storage in found.values())
    del result
    return total


def image(x: Any) -> Any:
    """As N, C, H, W, if it was flat."""
    return x[..., None, None] if x.dim() == 2 else x


FOUR_AXES: tuple[str, ...] = ("conv", "dwconv", "deconv", "pool", "avgpool", "l2pool", "gap", "lrn", "upsample")
FOUR_AXES += ("group_norm", "instance_norm", "rms_norm", "l2_norm", "grn", "channel_mean", "channel_max", "dropout2d")
FOUR_AXES += ("sepconv", "ws_conv", "channel_conv", "conv1d", "pool1d", "avgpool1d")
FOUR_AXES += ("gmp", "scale", "shift", "pixel_shuffle", "pixel_unshuffle", "depth_to_space", "space_to_depth", "slice")
FOUR_AXES += ("adaptive_avgpool", "adaptive_pool", "pad", "crop", "shuffle", "layer_norm", "layer_scale")


KEEP_THEIR_OUTPUT = ("input", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "softmax", "celu", "log_softmax")
PARTS = ("split", "crop", "slice")


class Network:
    """A graph in PyTorch's own operations, as one would write it."""

    def __init__(self, graph: Graph, dtype: Any, device: str = "meta", *, inplace: bool = True) -> None:
        self.graph, self.dtype, self.device, self.inplace = graph, dtype, device, inplace
        self.parameters: list[Any] = []
        self.readers = graph.readers()

    def parameter(self, *shape: int) -> Any:
        made = torch.ones(shape, dtype=self.dtype, device=self.device, requires_grad=True)
        self.parameters.append(made)
        return made

    def trained(self, layer: Any, x: Any) -> list[Any]:
        """Scale and shift of a normalization."""
        wanted = (layer.affine and layer.scale, layer.affine and layer.shift)
        return [self.parameter(x.shape[1]) if one else None for one in wanted]

    def statistics(self, layer: Any, x: Any) -> list[Any]:
        """Running mean and variance."""
        if not layer.statistics:
            return [None, None]
        found = [torch.ones(x.shape[1], dtype=self.dtype, device=self.device) for _ in range(2)]
        self.parameters += found
        return found

    def run(self, batch: int) -> Any:
        shape: Any = self.graph.nodes[0].layer
        image = torch.ones(batch, shape.channels, shape.height, shape.width, dtype=self.dtype, device=self.device)
        outputs = [image]
        for node in self.graph.nodes[1:]:
            outputs.append(self.apply(node, [outputs[one] for one in node.inputs]))
        return outputs

    def padded(self, layer: Any, x: Any, value: float = 0.0) -> tuple[Any, tuple[int, int]]:
        """The input after the excess of lopsided padding, and what is left for the kernel: (height, width)."""
        fits = [
            w.fit(n)
            for w, n in zip(
                layer.windows(archcalc.Volume(x.shape[3], x.shape[2], 1)), (x.shape[3], x.shape[2]), strict=True
            )
        ]
        equal = [min(one.before, one.after) for one in fits]
        excess = [side - both for one, both in zip(fits, equal, strict=True) for side in (one.before, one.after)]
        return (F.pad(x, excess, value=value) if any(excess) else x), (equal[1], equal[0])

    def apply(self, node: Node, inputs: list[Any]) -> Any:
        layer: Any = node.layer
        if layer.type in FOUR_AXES or len({one.dim() for one in inputs}) > 1:
            inputs = [image(one) for one in inputs]
        x = inputs[0]
        match layer.type:
            case "conv":
                x, padding = self.padded(layer, x)
                kernel = layer.kernel_size
                weight = self.parameter(layer.filters, x.shape[1] // layer.groups, kernel.height, kernel.width)
                bias = self.parameter(layer.filters) if layer.bias else None
                return F.conv2d(x, weight, bias, layer.stride[::-1], padding, layer.dilation[::-1], layer.groups)
            case "fc":
                x = x.flatten(1)
                bias = self.parameter(layer.units) if layer.bias else None
                return F.linear(x, self.parameter(layer.units, x.shape[1]), bias)
            case "conv1d" | "pool1d" | "avgpool1d" as name:
                flat = TYPES[name.removesuffix("1d")](**layer.values())
                return self.apply(node._replace(layer=flat), inputs)
            case "pool" | "avgpool" | "l2pool":
                x, padding = self.padded(layer, x, -1e9 if layer.type == "pool" else 0.0)
                ceil = layer.rounding == "ceil"
                kernel, stride = layer.kernel_size[::-1], layer.step[::-1]
                if layer.type == "pool":
                    return F.max_pool2d(x, kernel, stride, padding, layer.dilation[::-1], ceil_mode=ceil)
                if layer.type == "avgpool":
                    return F.avg_pool2d(x, kernel, stride, padding, ceil, layer.count_padding)
                return F.lp_pool2d(x, 2, kernel, stride, ceil)
            case "dwconv":
                return self.apply(node._replace(layer=layer.grouped(x.shape[1])), inputs)
            case "deconv":
                weight = self.parameter(x.shape[1], layer.filters // layer.groups, *layer.kernel_size[::-1])
                bias = self.parameter(layer.filters) if layer.bias else None
                padding, added = (layer.padding.top, layer.padding.left), layer.output_padding[::-1]
                stride, dilation = layer.stride[::-1], layer.dilation[::-1]
                return F.conv_transpose2d(x, weight, bias, stride, padding, added, layer.groups, dilation)
            case "sepconv":
                x, padding = self.padded(layer, x)
                kernel, channels = layer.kernel_size, x.shape[1]
                weight = self.parameter(channels * layer.multiplier, 1, kernel.height, kernel.width)
                x = F.conv2d(x, weight, None, layer.stride[::-1], padding, layer.dilation[::-1], channels)
                bias = self.parameter(layer.filters) if layer.bias else None
                return F.conv2d(x, self.parameter(layer.filters, x.shape[1], 1, 1), bias)
            case "ws_conv":  # as timm's StdConv2d standardises
                kernel = layer.kernel_size
                weight = self.parameter(layer.filters, x.shape[1] // layer.groups, kernel.height, kernel.width)
                flat = weight.reshape(1, layer.filters, -1)
                weight = F.batch_norm(flat, None, None, training=True, momentum=0.0).reshape_as(weight)
                bias = self.parameter(layer.filters) if layer.bias else None
                return F.conv2d(x, weight, bias, layer.stride[::-1], padding=1, groups=layer.groups)
            case "channel_conv":
                side = layer.kernel_size // 2
                y = F.conv1d(x.flatten(1)[:, None], self.parameter(1, 1, layer.kernel_size), padding=side)
                return y.transpose(1, 2)[..., None]
            case "upsample":
                return F.interpolate(x, scale_factor=layer.factor[::-1], mode=layer.mode)
            case "adaptive_avgpool":
                return F.adaptive_avg_pool2d(x, layer.size[::-1])
            case "adaptive_pool":
                return F.adaptive_max_pool2d(x, layer.size[::-1])
            case "pad":
                p = layer.padding
                mode = layer.mode if layer.mode in ("reflect", "replicate") else "constant"
                return F.pad(x, (p.left, p.right, p.top, p.bottom), mode)
            case "crop":
                c = layer.cropping
                return x[:, :, c.top : x.shape[2] - c.bottom, c.left : x.shape[3] - c.right]
            case "split":
                return x.chunk(layer.parts, 1)[layer.part - 1]
            case "shuffle":
                mixed = x.unflatten(1, (layer.groups, -1)).transpose(1, 2).contiguous()
                return mixed.flatten(1, 2)
            case "layer_norm":
                return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], *self.trained(layer, x)).permute(0, 3, 1, 2)
            case "group_norm":
                return F.group_norm(x, layer.groups, *self.trained(layer, x))
            case "instance_norm":
                trained, statistics = self.trained(layer, x), self.statistics(layer, x)
                return F.instance_norm(x, *statistics, *trained, use_input_stats=True)
            case "rms_norm":
                scale = self.parameter(x.shape[1]) if layer.affine else None
                return F.rms_norm(x.permute(0, 2, 3, 1), x.shape[1:2], scale).permute(0, 3, 1, 2)
            case "l2_norm":
                return F.normalize(x, dim=1)
            case "grn":  # as facebookresearch/ConvNeXt-V2 has it
                x = x.permute(0, 2, 3, 1)
                gamma, beta = (self.parameter(1, 1, 1, x.shape[3]) for _ in range(2))
                lengths = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
                relative = lengths / (lengths.mean(dim=-1, keepdim=True) + 1e-6)
                return (gamma * (x * relative) + beta + x).permute(0, 3, 1, 2)
            case "drop_path":
                return stochastic_depth(x, layer.rate, "row")
            case "dropout2d":
                return F.dropout2d(x, layer.rate)
            case "channel_mean":
                return x.mean(1, keepdim=True)
            case "channel_max":
                return x.max(1, keepdim=True)[0]
            case "reshape":
                return x.reshape(len(x), layer.channels, layer.height, layer.width)
            case "layer_scale":
                return self.parameter(x.shape[1], 1, 1) * x
            case "gap":
                return F.adaptive_avg_pool2d(x, 1)
            case "bn":
                return F.batch_norm(x, *self.statistics(layer, x), *self.trained(layer, x), training=True)
            case "lrn":
                return F.local_response_norm(x, layer.size)
            case "dropout":
                return F.dropout(x, layer.rate)
            case "prelu":
                return F.prelu(x, self.parameter(x.shape[1] if layer.per == "channel" else 1))
            case "concat":
                return torch.cat(inputs, 1)
            case "add" | "multiply" | "subtract" | "divide" | "maximum" | "minimum" as name:
                return reduce({"add": torch.add, "multiply": torch.mul}.get(name) or getattr(torch, name), inputs)
            case "shortcut":
                y, other = inputs
                lacking = y.shape[1] - other.shape[1]
                return y + (F.pad(other, (0, 0, 0, 0, 0, lacking)) if lacking > 0 else other[:, : y.shape[1]])
            case "flatten":
                return x.flatten(1)
            case "relu" | "leaky_relu" | "elu" | "selu" | "celu" as name:
                return getattr(F, name)(x, inplace=self.inplace and self.overwrites(node))
            case "relu6" | "silu" | "hardswish" | "hardsigmoid" | "mish" | "hardtanh" as name:
                return getattr(F, name)(x, inplace=self.inplace and self.overwrites(node))
            case "tanh" | "sigmoid" as name:
                return getattr(torch, name)(x)
            case "gelu" | "softplus" as name:
                return getattr(F, name)(x)
            case "softmax" | "log_softmax" as name:
                parts = x if layer.groups == 1 else x.unflatten(1, (layer.groups, -1))
                y = getattr(F, name)(parts, 1 if layer.across or layer.groups == 1 else 2)
                return y if layer.groups == 1 else y.flatten(1, 2)
            case "clamp":
                return x.clamp(layer.low, layer.high)
            case "gmp":
                return F.adaptive_max_pool2d(x, 1)
            case "scale" | "shift":
                operand: Any = layer.by
                if operand is None:
                    shape = (x.shape[1], 1, 1) if layer.per == "channel" else (1,)
                    operand = self.parameter(*shape).requires_grad_(layer.trained)
                return x * operand if layer.type == "scale" else x + operand
            case "pixel_shuffle" | "pixel_unshuffle" as name:
                return getattr(F, name)(x, layer.factor)
            case "depth_to_space":
                n, c, h, w = x.shape
                r = layer.factor
                return x.view(n, r, r, c // r**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // r**2, h * r, w * r)
            case "space_to_depth":
                n, c, h, w = x.shape
                r = layer.factor
                return x.view(n, c, h // r, r, w // r, r).permute(0, 3, 5, 1, 2, 4).reshape(n, c * r**2, h // r, w // r)
            case "slice":
                return x[:, layer.offset : layer.offset + layer.channels]
        pytest.skip(f"no counterpart of {layer.type} here")

    def overwrites(self, node: Node) -> bool:
        """In place wherever PyTorch allows it: nobody else reads the input, and whoever made it does not need it."""
        before = self.graph.nodes[node.inputs[0]]
        return self.readers[node.inputs[0]] == 1 and before.layer.type not in (*KEEP_THEIR_OUTPUT, *PARTS)


def compare(spec: str, *, batch: int = 2, inplace: bool = True, dtype: str = "float32", device: str = "cpu") -> None:
    architecture = archcalc.load(spec)
    network = Network(architecture.graph, getattr(torch, dtype), device, inplace=inplace)
    found = saved_bytes(lambda: network.run(batch), network.parameters)
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
    with torch.device("meta"):
        model = build(weights=None, **rest)
        image = torch.ones(2, volume.channels, volume.height, volume.width)
    found = saved_bytes(lambda: [model(image)], [*model.parameters(), *model.buffers()])
    predicted = architecture.plan(batch=2).training
    assert predicted is not None
    assert predicted.saved_activations_bytes == found


@pytest.mark.parametrize("name", ["vgg16_bn", "resnet18", "squeezenet1_1", "mobilenet_v2"])
def test_mixed_precision(name: str) -> None:
    """Under autocast, the copies of the weights apart, which are counted with the parameters."""
    architecture = archcalc.load(f"zoo:{name}")
    planned = architecture.plan(batch=2, dtype="mixed_bfloat16").training
    whole = architecture.plan(batch=2).training
    assert planned is not None
    assert whole is not None
    network = Network(architecture.graph, torch.float32, "cpu")

    def run() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network.run(2)

    found = saved_bytes(run, network.parameters)
    copies = planned.parameters_bytes - whole.parameters_bytes
    assert planned.saved_activations_bytes + copies == found


ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "relu6", "silu", "hardswish", "hardsigmoid"]
ACTIVATIONS += ["mish", "hardtanh", "celu", "log_softmax"]
ACTIVATIONS += ["tanh", "sigmoid", "gelu", "softplus", "softmax", "prelu"]


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
