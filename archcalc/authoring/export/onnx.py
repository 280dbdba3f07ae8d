"""ONNX (opset 20) without weights: the operators, and weights of zeros that are made when the file is run.

So the file has a few kilobytes, and every ONNX tool can show it, infer its shapes and run it.  The batch is left open.
What ONNX has no exact operator for is refused: nothing is written that computes something else.
"""

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export import Unwritable
from archcalc.layers.merge import Merge
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

OPSET, IR = 20, 9
_FLOAT, _INT = 1, 7


class Inexact(Exception):
    """A layer set in a way that ONNX has nothing for."""


def write(report: "Report") -> bytes:
    """The bytes of a model; Unwritable where a layer has no operator."""
    return _Model(report).encoded()


class _Model:
    def __init__(self, report: "Report") -> None:
        self.report = report
        self.nodes: list[bytes] = []
        self.constants: dict[str, bytes] = {}
        self.inputs: list[bytes] = []
        self.tensors: list[str] = []  # of every node
        self.columns: list[bool] = []  # whether it is [N, C]
        self.made: set[str] = set()  # weights

    def encoded(self) -> bytes:
        refused = []
        for row in self.report.rows:
            name = row.node.name
            self.tensors.append(name)
            try:
                self.columns.append(self.layer(row))
            except Inexact:
                refused.append(row.node.layer.type)
                self.columns.append(False)
        if refused:
            raise Unwritable("ONNX", refused)
        outputs = [self.value(at) for at in self.report.graph.results()]
        graph = [field(1, one) for one in self.nodes]
        graph += [field(2, text(self.report.graph.name or "network"))]
        graph += [field(5, one) for one in self.constants.values()]
        graph += [field(11, one) for one in self.inputs] + [field(12, one) for one in outputs]
        opset = field(8, field(1, b"") + number(2, OPSET))
        return number(1, IR) + field(2, b"archcalc") + field(7, b"".join(graph)) + opset

    def layer(self, row: "Row") -> bool:
        """Write a layer's operators; whether what they give is [N, C]."""
        layer, name, inputs = row.node.layer, row.node.name, row.node.inputs
        if layer.type == "input":
            self.inputs.append(self.value(len(self.tensors) - 1, flat=False))
            return False
        flat = all(self.columns[one] for one in inputs)
        reads = [self.tensors[one] for one in inputs]
        if isinstance(layer, Merge) and layer.type in JOINS and not flat:
            reads = [self.image(one) for one in inputs]
        call = Call(self, row, name, reads)
        if isinstance(layer, Merge) and layer.type in JOINS:
            together: dict[str, Any] = {"axis": 1} if layer.type == "concat" else {}
            call.op(JOINS[layer.type], reads, **together)
            return flat
        if layer.type in SIMPLE:
            call.op(SIMPLE[layer.type], reads[:1])
            return flat
        if layer.type not in WRITERS:
            raise Inexact
        keeps, write_layer = WRITERS[layer.type]
        if not keeps and flat:
            call.reads = [self.image(inputs[0])]
        write_layer(call, layer)
        return layer.type in ("fc", "flatten") or (keeps and flat)

    def image(self, at: int) -> str:
        """A node's tensor as [N, C, H, W]."""
        tensor = self.tensors[at]
        if not self.columns[at]:
            return tensor
        result = f"{tensor}.image"
        if result not in self.made:
            self.made.add(result)
            self.node("Unsqueeze", [tensor, self.ints("axes.image", [2, 3])], result, result)
        return result

    def value(self, at: int, *, flat: bool | None = None) -> bytes:
        """What the file says of an input or output."""
        volume, column = self.report.rows[at].output, self.columns[at] if flat is None else flat
        sides = [volume.channels] if column else [volume.channels, volume.height, volume.width]
        dims = field(1, field(2, b"batch")) + b"".join(field(1, number(1, one)) for one in sides)
        return field(1, text(self.tensors[at])) + field(2, field(1, number(1, _FLOAT) + field(2, dims)))

    def node(self, type: str, inputs: Sequence[str], output: str, name: str, **attributes: Any) -> None:
        parts = [field(1, text(one)) for one in inputs] + [
            field(2, text(output)),
            field(3, text(name)),
            field(4, text(type)),
        ]
        parts += [field(5, attribute(key, value)) for key, value in attributes.items()]
        self.nodes.append(b"".join(parts))

    def ints(self, name: str, values: Sequence[int]) -> str:
        """A constant of whole numbers."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self.constants[name] = number(1, len(values)) + number(2, _INT) + field(8, text(name)) + field(9, raw)
        return name

    def floats(self, name: str, values: Sequence[float], *, scalar: bool = False) -> str:
        raw = struct.pack(f"<{len(values)}f", *values)
        dims = b"" if scalar else number(1, len(values))
        self.constants[name] = dims + number(2, _FLOAT) + field(8, text(name)) + field(9, raw)
        return name


class Call:
    """A layer while it is written."""

    def __init__(self, model: _Model, row: "Row", name: str, reads: list[str]) -> None:
        self.model, self.row, self.name, self.reads = model, row, name, reads
        self.x: Volume = row.inputs[0]

    def op(self, type: str, inputs: Sequence[str], suffix: str = "", **attributes: Any) -> str:
        """An operator; without a suffix it gives the layer's result."""
        output = f"{self.name}{suffix}"
        self.model.node(type, inputs, output, output, **attributes)
        return output

    def weight(self, part: str, *dims: int) -> str:
        """Weights of zeros; of a layer that shares them, the other's."""
        shares = self.row.node.shares
        owner = self.name if shares is None else self.model.report.graph.nodes[shares].name
        name = f"{owner}.{part}"
        if name not in self.model.made:
            self.model.made.add(name)
            self.model.node("ConstantOfShape", [self.model.ints(f"{name}.shape", dims)], name, name)
        return name

    def ints(self, part: str, *values: int) -> str:
        return self.model.ints(f"{self.name}.{part}", values)

    def number(self, part: str, value: float) -> str:
        return self.model.floats(f"{self.name}.{part}", [value], scalar=True)


def _windows(call: Call, layer: Any, kernel: Pair, stride: Pair) -> dict[str, Any]:
    if getattr(layer, "rounding", "exact") == "ceil" and layer.type not in ("pool", "avgpool"):
        raise Inexact
    found: dict[str, Any] = {"kernel_shape": [kernel.height, kernel.width], "strides": [stride.height, stride.width]}
    padding: Padding = layer.padding
    if padding.mode == "same":
        return {**found, "auto_pad": "SAME_UPPER"}
    if padding.mode == "half":
        sides = [(one.before, one.after) for one in layer.windows(call.x)]
        (left, right), (top, bottom) = sides
    else:
        left, right, top, bottom = padding[:4]
    if min(left, right, top, bottom) < 0:
        raise Inexact
    return {**found, "pads": [top, left, bottom, right]} if any((left, right, top, bottom)) else found


def conv(call: Call, layer: Any) -> None:
    if layer.type == "dwconv":
        layer = layer.grouped(call.x.channels)
    attributes = _windows(call, layer, layer.kernel_size, layer.stride)
    dilation: Pair = layer.dilation
    if dilation != (1, 1):
        attributes["dilations"] = [dilation.height, dilation.width]
    if layer.groups > 1:
        attributes["group"] = layer.groups
    width, height = layer.kernel_size
    weights = [call.weight("weight", layer.filters, call.x.channels // layer.groups, height, width)]
    weights += [call.weight("bias", layer.filters)] if layer.bias else []
    call.op("Conv", [*call.reads, *weights], **attributes)


def deconv(call: Call, layer: Any) -> None:
    attributes = _windows(call, layer, layer.kernel_size, layer.stride) if layer.padding.mode != "half" else {}
    if not attributes or getattr(layer, "dilation", (1, 1)) != (1, 1):
        raise Inexact
    if any(layer.output_padding):
        attributes["output_padding"] = [layer.output_padding.height, layer.output_padding.width]
    if layer.groups > 1:
        attributes["group"] = layer.groups
    width, height = layer.kernel_size
    weights = [call.weight("weight", call.x.channels, layer.filters // layer.groups, height, width)]
    weights += [call.weight("bias", layer.filters)] if layer.bias else []
    call.op("ConvTranspose", [*call.reads, *weights], **attributes)


def pool(call: Call, layer: Any) -> None:
    attributes = _windows(call, layer, layer.kernel_size, layer.step)
    if layer.rounding == "ceil":
        attributes["ceil_mode"] = 1
    dilation = getattr(layer, "dilation", Pair(1, 1))
    if dilation != (1, 1):
        attributes["dilations"] = [dilation.height, dilation.width]
    if layer.type == "avgpool" and layer.padding != Padding() and layer.count_padding:
        attributes["count_include_pad"] = 1
    call.op({"pool": "MaxPool", "avgpool": "AveragePool"}[layer.type], call.reads, **attributes)


def adaptive(call: Call, layer: Any) -> None:
    """The pool that it is where its windows are equal."""
    y = call.row.output
    if call.x.width % y.width or call.x.height % y.height:
        raise Inexact
    sides = [call.x.height // y.height, call.x.width // y.width]
    type = "AveragePool" if layer.type == "adaptive_avgpool" else "MaxPool"
    call.op(type, call.reads, kernel_shape=sides, strides=sides)


def fc(call: Call, layer: Any) -> None:
    reads = call.reads if call.model.columns[call.row.node.inputs[0]] else [call.op("Flatten", call.reads, ".flat")]
    weights = [call.weight("weight", layer.units, call.x.size)] + (
        [call.weight("bias", layer.units)] if layer.bias else []
    )
    call.op("Gemm", [*reads, *weights], transB=1)


def batch_norm(call: Call, layer: Any) -> None:
    plain = {name: key.default for name, key in layer.keys.items() if name != "eps"}
    if any(getattr(layer, name) != value for name, value in plain.items()):
        raise Inexact
    weights = [call.weight(part, call.x.channels) for part in ("weight", "bias", "mean", "variance")]
    call.op("BatchNormalization", [*call.reads, *weights], epsilon=layer.eps)


def lrn(call: Call, layer: Any) -> None:
    call.op("LRN", call.reads, size=layer.size, alpha=layer.alpha * layer.size, beta=layer.beta, bias=layer.k)


def clip(call: Call, layer: Any) -> None:
    call.op("Clip", [*call.reads, call.number("low", 0.0), call.number("high", 6.0)])


def silu(call: Call, layer: Any) -> None:
    call.op("Mul", [*call.reads, call.op("Sigmoid", call.reads, ".sigmoid")])


def prelu(call: Call, layer: Any) -> None:
    if any(getattr(layer, name) != key.default for name, key in layer.keys.items()):
        raise Inexact
    call.op("PRelu", [*call.reads, call.weight("weight", call.x.channels, 1, 1)])


def dropout(call: Call, layer: Any) -> None:
    call.op("Dropout", [*call.reads, call.number("ratio", layer.rate)])


def pad(call: Call, layer: Any) -> None:
    p: Padding = layer.padding
    if len(layer.keys) > 1 and any(
        getattr(layer, one) != key.default for one, key in layer.keys.items() if one != "padding"
    ):
        raise Inexact
    call.op("Pad", [*call.reads, call.ints("pads", 0, 0, p.top, p.left, 0, 0, p.bottom, p.right)])


def crop(call: Call, layer: Any) -> None:
    y = call.row.output
    if len(layer.keys) > 1 and layer.cropping is None:
        raise Inexact
    c: Padding = layer.cropping
    ends = call.ints("ends", c.top + y.height, c.left + y.width)
    call.op("Slice", [*call.reads, call.ints("starts", c.top, c.left), ends, call.ints("axes", 2, 3)])


def channels(call: Call, layer: Any) -> None:
    size = call.row.output.channels
    start = (layer.part - 1) * size if layer.type == "split" else layer.offset
    call.op("Slice", [*call.reads, call.ints("starts", start), call.ints("ends", start + size), call.ints("axes", 1)])


def shuffle(call: Call, layer: Any) -> None:
    x, g = call.x, layer.groups
    split = call.op("Reshape", [*call.reads, call.ints("to", 0, g, x.channels // g, x.height, x.width)], ".split")
    dealt = call.op("Transpose", [split], ".dealt", perm=[0, 2, 1, 3, 4])
    call.op("Reshape", [dealt, call.ints("back", 0, x.channels, x.height, x.width)])


def upsample(call: Call, layer: Any) -> None:
    factor = layer.factor
    other = [one for one in layer.keys if one not in ("factor", "mode")]
    if factor is None or any(getattr(layer, one) != layer.keys[one].default for one in other):
        raise Inexact
    scales = call.model.floats(f"{call.name}.scales", [1, 1, factor.height, factor.width])
    how: dict[str, Any] = (
        {"mode": "linear"} if layer.mode == "bilinear" else {"mode": "nearest", "nearest_mode": "floor"}
    )
    place = "half_pixel" if layer.mode == "bilinear" else "asymmetric"
    call.op("Resize", [*call.reads, "", scales], **how, coordinate_transformation_mode=place)


def affine(call: Call, layer: Any) -> None:
    type = "Mul" if layer.type == "scale" else "Add"
    if layer.by is not None:
        call.op(type, [*call.reads, call.number("by", layer.by)])
        return
    if not layer.trained:
        raise Inexact
    dims = (call.x.channels, 1, 1) if layer.per == "channel" else (1,)
    call.op(type, [*call.reads, call.weight("weight", *dims)])


def layer_norm(call: Call, layer: Any) -> None:
    if any(getattr(layer, name) != key.default for name, key in layer.keys.items() if name != "eps"):
        raise Inexact
    last = call.op("Transpose", call.reads, ".last", perm=[0, 2, 3, 1])
    weights = [call.weight("weight", call.x.channels), call.weight("bias", call.x.channels)]
    normed = f"{call.name}.normed"
    call.model.node("LayerNormalization", [last, *weights], normed, call.name, axis=-1, epsilon=layer.eps)
    call.model.node("Transpose", [normed], call.name, f"{call.name}.first", perm=[0, 3, 1, 2])


def depth(call: Call, layer: Any) -> None:
    factor = next(iter(layer.values().values()))
    size = factor.width if isinstance(factor, Pair) else factor
    if isinstance(factor, Pair) and factor.width != factor.height:
        raise Inexact
    if layer.type == "space_to_depth":
        call.op("SpaceToDepth", call.reads, blocksize=size)
    else:
        call.op("DepthToSpace", call.reads, blocksize=size, mode="CRD" if layer.type == "pixel_shuffle" else "DCR")


def attributed(type: str, **keys: str) -> Callable[[Call, Any], None]:
    """An operator with attributes from keys: attribute=key, or a number as it is."""
    return lambda call, layer: _put(call, type, {name: getattr(layer, key) for name, key in keys.items()})


def _put(call: Call, type: str, attributes: dict[str, Any]) -> None:
    call.op(type, call.reads, **attributes)


JOINS = {
    "concat": "Concat",
    "add": "Sum",
    "multiply": "Mul",
    "subtract": "Sub",
    "divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
}
SIMPLE = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus", "selu": "Selu", "hardswish": "HardSwish",
    "gelu": "Gelu", "mish": "Mish",
}  # fmt: skip

# Whether the layer leaves [N, C] as it is, and what writes it.
WRITERS: dict[str, tuple[bool, Callable[[Call, Any], None]]] = {
    "conv": (False, conv),
    "dwconv": (False, conv),
    "deconv": (False, deconv),
    "pool": (False, pool),
    "avgpool": (False, pool),
    "gap": (False, attributed("GlobalAveragePool")),
    "gmp": (False, attributed("GlobalMaxPool")),
    "adaptive_avgpool": (False, adaptive),
    "adaptive_pool": (False, adaptive),
    "fc": (True, fc),
    "flatten": (False, attributed("Flatten")),
    "bn": (True, batch_norm),
    "lrn": (False, lrn),
    "relu6": (True, clip),
    "silu": (True, silu),
    "elu": (True, attributed("Elu", alpha="alpha")),
    "celu": (True, attributed("Celu", alpha="alpha")),
    "leaky_relu": (True, attributed("LeakyRelu", alpha="slope")),
    "prelu": (False, prelu),
    "hardsigmoid": (True, lambda call, layer: _put(call, "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})),
    "softmax": (True, lambda call, layer: _put(call, "Softmax", {"axis": 1})),
    "log_softmax": (True, lambda call, layer: _put(call, "LogSoftmax", {"axis": 1})),
    "dropout": (True, dropout),
    "pad": (False, pad),
    "crop": (False, crop),
    "split": (False, channels),
    "slice": (False, channels),
    "shuffle": (False, shuffle),
    "upsample": (False, upsample),
    "scale": (False, affine),
    "shift": (False, affine),
    "layer_norm": (False, layer_norm),
    "depth_to_space": (False, depth),
    "pixel_shuffle": (False, depth),
    "space_to_depth": (False, depth),
}


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(at: int, data: bytes) -> bytes:
    return varint(at << 3 | 2) + varint(len(data)) + data


def number(at: int, value: int) -> bytes:
    return varint(at << 3) + varint(value)


def text(value: str) -> bytes:
    return value.encode()


def attribute(name: str, value: Any) -> bytes:
    """Name, value and the number of its kind."""
    head = field(1, text(name))
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return head + field(4, text(value)) + number(20, 3)
    return head + b"".join(number(8, one) for one in value) + number(20, 7)
