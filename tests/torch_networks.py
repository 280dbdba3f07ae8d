"""A graph in PyTorch's own operations, as one would write it, for tests that measure what PyTorch holds."""

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.graph import Graph, Node
from archcalc.layers import TYPES

torch = pytest.importorskip("torch")
checkpoint = pytest.importorskip("torch.utils.checkpoint").checkpoint
stochastic_depth = pytest.importorskip("torchvision").ops.stochastic_depth
F = torch.nn.functional


def image(x: Any) -> Any:
    """As N, C, H, W, if it was flat."""
    return x[..., None, None] if x.dim() == 2 else x


FOUR_AXES: tuple[str, ...] = ("conv", "dwconv", "deconv", "pool", "avgpool", "l2pool", "gap", "lrn", "upsample")
FOUR_AXES += (
    "group_norm",
    "instance_norm",
    "rms_norm",
    "l2_norm",
    "grn",
    "channel_mean",
    "channel_max",
    "dropout2d",
    "frozen_bn",
)
FOUR_AXES += ("sepconv", "ws_conv", "channel_conv", "conv1d", "pool1d", "avgpool1d")
FOUR_AXES += ("gmp", "scale", "shift", "pixel_shuffle", "pixel_unshuffle", "depth_to_space", "space_to_depth", "slice")
FOUR_AXES += ("adaptive_avgpool", "adaptive_pool", "pad", "crop", "shuffle", "layer_norm", "layer_scale")


KEEP_THEIR_OUTPUT = ("input", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "softmax", "celu", "log_softmax")
PARTS = ("split", "crop", "slice")


class Network:
    """A graph in PyTorch's own operations, as one would write it.

    Parameters and buffers are made in the first pass.  `like_cuda` keeps dropout's mask as CUDA does, in bytes.
    """

    def __init__(
        self,
        graph: Graph,
        dtype: Any,
        device: str = "meta",
        *,
        inplace: bool = True,
        training: bool = True,
        like_cuda: bool = False,
    ) -> None:
        graph = analyze(graph).graph  # where sizes are another layer's, they are there
        self.graph, self.dtype, self.device, self.inplace = graph, dtype, device, inplace
        self.training, self.like_cuda = training, like_cuda
        self.parameters: list[Any] = []
        self.buffers: list[Any] = []
        self.counters: list[Any] = []  # batch norm's num_batches_tracked
        self.used = [0, 0, 0]
        self.trains = True
        self.readers = [len(one) for one in graph.readers()]
        for one in graph.outputs:
            self.readers[one] += 1  # whoever is given it
        self.first: dict[int, tuple[int, ...]] = {}  # by node, which parameters and buffers are its own

    def parameter(self, *shape: int) -> Any:
        return self.made(0, self.parameters, shape, self.dtype, trained=self.trains)

    def made(self, kind: int, kept: list[Any], shape: tuple[int, ...], dtype: Any, *, trained: bool = False) -> Any:
        number = self.used[kind]
        self.used[kind] += 1
        if number == len(kept):
            kept.append(torch.ones(shape, dtype=dtype, device=self.device, requires_grad=trained))
        return kept[number]

    def trained(self, layer: Any, x: Any) -> list[Any]:
        """Scale and shift of a normalization."""
        wanted = (layer.affine and layer.scale, layer.affine and layer.shift)
        return [self.parameter(x.shape[1]) if one else None for one in wanted]

    def statistics(self, layer: Any, x: Any) -> list[Any]:
        """Running mean and variance."""
        if not layer.statistics:
            return [None, None]
        found = [self.made(1, self.buffers, (x.shape[1],), self.dtype) for _ in range(2)]
        counter = self.made(2, self.counters, (), torch.int64)
        if self.training:
            counter.add_(1)
        return found

    def batch(self, images: int) -> Any:
        """Images for the input, or a list of them for several."""
        shapes: list[Any] = [node.layer for node in self.graph.nodes if node.layer.type == "input"]
        made = [
            torch.ones(images, one.channels, one.height, one.width, dtype=self.dtype, device=self.device)
            for one in shapes
        ]
        return made if len(made) > 1 else made[0]

    def run(self, batch: int) -> Any:
        return self.forward(self.batch(batch))

    def checkpointed(self, cuts: tuple[int, ...]) -> Callable[[Any], Any]:
        """The forward pass in segments that run again in the backward pass; the last does not."""
        ends = [0, *cuts, len(self.graph.nodes) - 1]

        def forward(x: Any) -> Any:
            self.used = [0, 0, 0]
            for first, last in pairwise(ends[:-1]):
                x = checkpoint(self.segment, x, first, last, tuple(self.used), use_reentrant=False)
            return self.segment(x, ends[-2], ends[-1], tuple(self.used))

        return forward

    def segment(self, x: Any, first: int, end: int, used: tuple[int, ...]) -> Any:
        """From the output of layer `first` to that of layer `end`."""
        self.used = list(used)
        outputs = {first: x}
        del x
        last = {one: position for position, node in enumerate(self.graph.nodes) for one in (position, *node.inputs)}
        for position in range(first + 1, end + 1):
            node = self.graph.nodes[position]
            outputs[position] = self.apply(node, [outputs[one] for one in node.inputs])
            for one in {position, *node.inputs}:
                if last[one] == position < end:
                    del outputs[one]
        return outputs[end]

    def forward(self, x: Any) -> Any:
        """What the network gives, several as a list; another output is let go after its last reader."""
        self.used = [0, 0, 0]
        last = {one: position for position, node in enumerate(self.graph.nodes) for one in (position, *node.inputs)}
        for one in self.graph.results():
            last[one] = len(self.graph.nodes)
        outputs = dict(enumerate(x if isinstance(x, list) else [x]))
        del x
        for position, node in enumerate(self.graph.nodes[len(outputs) :], len(outputs)):
            self.trains = node.trainable
            used = list(self.used)
            if node.shares is not None:
                self.used = list(self.first[node.shares])
            self.first[position] = tuple(self.used)
            outputs[position] = self.apply(node, [outputs[one] for one in node.inputs])
            if node.shares is not None:
                self.used = used
            for one in {position, *node.inputs}:
                if last[one] == position:
                    del outputs[one]
        found = [outputs[one] for one in self.graph.results()]
        return found if len(found) > 1 else found[0]

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
                weight = self.parameter(layer.units, x.shape[1])
                return F.linear(x, weight, self.parameter(layer.units) if layer.bias else None)
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
                gain = self.parameter(layer.filters).mul(1.0) if layer.gain else None
                weight = F.batch_norm(flat, None, None, gain, training=True, momentum=0.0).reshape_as(weight)
                bias = self.parameter(layer.filters) if layer.bias else None
                return F.conv2d(x, weight, bias, layer.stride[::-1], padding=1, groups=layer.groups)
            case "blurpool":
                kernel, channels = layer.kernel_size, x.shape[1]
                weight = self.made(1, self.buffers, (channels, 1, kernel.height, kernel.width), self.dtype)
                return F.conv2d(x, weight, None, layer.stride[::-1], padding=1, groups=channels)
            case "channel_conv":
                side = layer.kernel_size // 2
                y = F.conv1d(x.flatten(1)[:, None], self.parameter(1, 1, layer.kernel_size), padding=side)
                return y.transpose(1, 2)[..., None]
            case "upsample":
                corners = layer.align_corners if layer.mode == "bilinear" else None
                if layer.size is not None:
                    return F.interpolate(x, layer.size[::-1], mode=layer.mode, align_corners=corners)
                return F.interpolate(x, scale_factor=layer.factor[::-1], mode=layer.mode, align_corners=corners)
            case "adaptive_avgpool":
                return F.adaptive_avg_pool2d(x, [one or None for one in layer.size[::-1]])
            case "adaptive_pool":
                return F.adaptive_max_pool2d(x, [one or None for one in layer.size[::-1]])
            case "pad":
                p = layer.sides(archcalc.Volume(x.shape[3], x.shape[2], 1))
                mode = layer.mode if layer.mode in ("reflect", "replicate") else "constant"
                return F.pad(x, (p.left, p.right, p.top, p.bottom), mode)
            case "crop":
                c = layer.sides(archcalc.Volume(x.shape[3], x.shape[2], 1))
                return x[:, :, c.top : x.shape[2] - c.bottom, c.left : x.shape[3] - c.right]
            case "split":
                return x.chunk(layer.parts, 1)[layer.part - 1]
            case "shuffle":
                mixed = x.unflatten(1, (layer.groups, -1)).transpose(1, 2).contiguous()
                return mixed.flatten(1, 2)
            case "layer_norm":
                return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], *self.trained(layer, x)).permute(0, 3, 1, 2)
            case "frozen_bn":  # as torchvision.ops.FrozenBatchNorm2d has it
                stored = [self.made(1, self.buffers, (1, x.shape[1], 1, 1), self.dtype) for _ in range(4)]
                scale, shift, mean, variance = stored
                factor = scale * (variance + layer.eps).rsqrt()
                return x * factor + (shift - mean * factor)
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
                training = self.training or not layer.statistics
                return F.batch_norm(x, *self.statistics(layer, x), *self.trained(layer, x), training=training)
            case "lrn":
                return F.local_response_norm(x, layer.size)
            case "dropout":
                if self.like_cuda and self.training and layer.rate:
                    return torch.native_dropout(x, layer.rate, train=True)[0]
                return F.dropout(x, layer.rate, self.training)
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
            case "abs":
                return x.abs_() if self.inplace and self.overwrites(node) else x.abs()
            case "relu6" | "silu" | "hardswish" | "hardsigmoid" | "mish" | "hardtanh" as name:
                return getattr(F, name)(x, inplace=self.inplace and self.overwrites(node))
            case "tanh" | "sigmoid" as name:
                return getattr(torch, name)(x)
            case "gelu_tanh":
                return F.gelu(x, approximate="tanh")
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
