"""ONNX's operators for layers.

A function writes one layer; what it has to say that has no exact operator, it refuses.  Weights are asked for in the order in
which a layer draws its own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export._exact import Inexact, framed, only, pool_of, whole_factor
from archcalc.layers.conv import Conv
from archcalc.volume import Pair, Volume

if TYPE_CHECKING:
    from typing import Protocol

    from archcalc.analysis.analyze import Report, Row

    class Model(Protocol):
        """Where operators and constants go, and what is known of the tensors."""

        report: Report
        columns: list[bool]
        made: set[str]

        def node(self, type: str, inputs: Sequence[str], output: str, name: str, **attributes: Any) -> None: ...

        def ints(self, name: str, values: Sequence[int]) -> str: ...

        def floats(self, name: str, values: Sequence[float], *, scalar: bool = False) -> str: ...

        def stored(self, name: str, dims: Sequence[int], row: Row) -> None: ...


WINDOW = ("kernel_size", "stride", "padding", "rounding")


class Call:
    """A layer while it is written."""

    def __init__(self, model: "Model", row: "Row", name: str, reads: list[str]) -> None:
        self.model, self.row, self.name, self.reads = model, row, name, reads
        self.x: Volume = row.inputs[0]

    def op(self, type: str, inputs: Sequence[str], suffix: str = "", **attributes: Any) -> str:
        """An operator; without a suffix it gives the layer's result."""
        output = f"{self.name}{suffix}"
        self.model.node(type, inputs, output, output, **attributes)
        return output

    def join(self, type: str, **attributes: Any) -> None:
        """An operator of all inputs; of two at a time where it takes no more."""
        at, *others = self.reads
        if type not in ("Sub", "Div", "Mul"):
            self.op(type, self.reads, **attributes)
            return
        for number, other in enumerate(others, 1):
            at = self.op(type, [at, other], f".{number}" if number < len(others) else "", **attributes)

    def weight(self, part: str, *dims: int) -> str:
        """Weights; of a layer that shares them, the other's."""
        shares = self.row.node.shares
        owner = self.name if shares is None else self.model.report.graph.nodes[shares].name
        name = f"{owner}.{part}"
        if name not in self.model.made:
            self.model.made.add(name)
            self.model.stored(name, dims, self.row)
        return name

    def ints(self, part: str, *values: int) -> str:
        return self.model.ints(f"{self.name}.{part}", values)

    def number(self, part: str, value: float) -> str:
        return self.model.floats(f"{self.name}.{part}", [value], scalar=True)


def _windows(call: Call, layer: Any, stride: Pair) -> dict[str, Any]:
    """Kernel, strides and padding of a convolution or pool, what rounding up adds (`over`) left out."""
    kernel: Pair = layer.kernel_size
    found: dict[str, Any] = {"kernel_shape": [kernel.height, kernel.width], "strides": [stride.height, stride.width]}
    if layer.padding.mode == "same":
        return {**found, "auto_pad": "SAME_UPPER"}
    left, right, top, bottom, (wide, tall), _ = framed(layer, call.x)
    pads = [top, left, bottom - tall, right - wide]
    return {**found, "pads": pads} if any(pads) else found


def conv(call: Call, layer: Any) -> None:
    if layer.type == "dwconv":
        layer = layer.grouped(call.x.channels)
    only(layer, *WINDOW, "filters", "dilation", "groups", "bias")
    attributes = _windows(call, layer, layer.stride)
    over = framed(layer, call.x).over
    if any(over):  # the columns that rounding up adds are padding to a convolution
        pads = attributes.get("pads", [0] * 4)
        attributes["pads"] = [*pads[:2], pads[2] + over[1], pads[3] + over[0]]
    dilation: Pair = layer.dilation
    if dilation != (1, 1):
        attributes["dilations"] = [dilation.height, dilation.width]
    if layer.groups > 1:
        attributes["group"] = layer.groups
    width, height = layer.kernel_size
    weights = [call.weight("weight", layer.filters, call.x.channels // layer.groups, height, width)]
    weights += [call.weight("bias", layer.filters)] if layer.bias else []
    call.op("Conv", [*call.reads, *weights], **attributes)


def separable(call: Call, layer: Any) -> None:
    """A depthwise convolution, and one of 1x1 behind it."""
    only(layer, *WINDOW, "filters", "dilation", "multiplier", "bias")
    values = {name: getattr(layer, name) for name in (*WINDOW, "dilation")}
    middle = layer.multiplier * call.x.channels
    first = Conv(filters=middle, groups=call.x.channels, bias=False, **values)
    if any(framed(first, call.x).over):
        raise Inexact("sepconv that rounds up")
    attributes = _windows(call, first, layer.stride)
    if layer.dilation != (1, 1):
        attributes["dilations"] = [layer.dilation.height, layer.dilation.width]
    width, height = layer.kernel_size
    weights = [call.weight("depthwise", middle, 1, height, width), call.weight("weight", layer.filters, middle, 1, 1)]
    weights += [call.weight("bias", layer.filters)] if layer.bias else []
    between = call.op("Conv", [*call.reads, weights[0]], ".between", group=call.x.channels, **attributes)
    call.op("Conv", [between, *weights[1:]], kernel_shape=[1, 1])


def deconv(call: Call, layer: Any) -> None:
    """Cropped by `pads`; `same` crops the odd pixel at the end, as here."""
    only(layer, "filters", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups", "bias")
    kernel, stride = layer.kernel_size, layer.stride
    attributes: dict[str, Any] = {
        "kernel_shape": [kernel.height, kernel.width],
        "strides": [stride.height, stride.width],
    }
    added = layer.output_padding
    (left, right), (top, bottom) = layer.cropped()
    pads = [top, left, bottom + added.height, right + added.width]
    if min(pads) < 0:
        raise Inexact("deconv with columns behind its last window")
    if any(pads):
        attributes["pads"] = pads
    if any(added):
        attributes["output_padding"] = [added.height, added.width]
    if layer.dilation != (1, 1):
        attributes["dilations"] = [layer.dilation.height, layer.dilation.width]
    if layer.groups > 1:
        attributes["group"] = layer.groups
    width, height = layer.kernel_size
    weights = [call.weight("weight", call.x.channels, layer.filters // layer.groups, height, width)]
    weights += [call.weight("bias", layer.filters)] if layer.bias else []
    call.op("ConvTranspose", [*call.reads, *weights], **attributes)


def pool(call: Call, layer: Any) -> None:
    only(layer, *WINDOW, "dilation", "count_padding")
    attributes = _windows(call, layer, layer.step)
    if any(framed(layer, call.x).over):
        attributes["ceil_mode"] = 1
    dilation = getattr(layer, "dilation", Pair(1, 1))
    if dilation != (1, 1):
        attributes["dilations"] = [dilation.height, dilation.width]
    if layer.type == "avgpool" and ("pads" in attributes or "auto_pad" in attributes) and layer.count_padding:
        attributes["count_include_pad"] = 1
    call.op({"pool": "MaxPool", "avgpool": "AveragePool"}[layer.type], call.reads, **attributes)


def adaptive(call: Call, layer: Any) -> None:
    """The pool that it is where its windows are equal."""
    width, height = pool_of(layer, call.x, call.row.output)
    type = "AveragePool" if layer.type == "adaptive_avgpool" else "MaxPool"
    call.op(type, call.reads, kernel_shape=[height, width], strides=[height, width])


def fc(call: Call, layer: Any) -> None:
    only(layer, "units", "bias")
    reads = call.reads if call.model.columns[call.row.node.inputs[0]] else [call.op("Flatten", call.reads, ".flat")]
    weights = [call.weight("weight", layer.units, call.x.size)] + (
        [call.weight("bias", layer.units)] if layer.bias else []
    )
    call.op("Gemm", [*reads, *weights], transB=1)


def batch_norm(call: Call, layer: Any) -> None:
    only(layer, "eps")
    weights = [call.weight(part, call.x.channels) for part in ("weight", "bias", "mean", "variance")]
    call.op("BatchNormalization", [*call.reads, *weights], epsilon=layer.eps)


def lrn(call: Call, layer: Any) -> None:
    call.op("LRN", call.reads, size=layer.size, alpha=layer.alpha * layer.size, beta=layer.beta, bias=layer.k)


def clip(call: Call, layer: Any) -> None:
    call.op("Clip", [*call.reads, call.number("low", 0.0), call.number("high", 6.0)])


def silu(call: Call, layer: Any) -> None:
    call.op("Mul", [*call.reads, call.op("Sigmoid", call.reads, ".sigmoid")])


def prelu(call: Call, layer: Any) -> None:
    only(layer, "per")
    call.op("PRelu", [*call.reads, call.weight("weight", call.x.channels if layer.per == "channel" else 1, 1, 1)])


def dropout(call: Call, layer: Any) -> None:
    call.op("Dropout", [*call.reads, call.number("ratio", layer.rate)])


def pad(call: Call, layer: Any) -> None:
    only(layer, "padding", "size")
    p = layer.sides(call.x)
    call.op("Pad", [*call.reads, call.ints("pads", 0, 0, p.top, p.left, 0, 0, p.bottom, p.right)])


def crop(call: Call, layer: Any) -> None:
    only(layer, "cropping", "size")
    y, c = call.row.output, layer.sides(call.x)
    ends = call.ints("ends", c.top + y.height, c.left + y.width)
    call.op("Slice", [*call.reads, call.ints("starts", c.top, c.left), ends, call.ints("axes", 2, 3)])


def channels(call: Call, layer: Any) -> None:
    size = call.row.output.channels
    start = (layer.part - 1) * size if layer.type == "split" else layer.offset
    call.op("Slice", [*call.reads, call.ints("starts", start), call.ints("ends", start + size), call.ints("axes", 1)])


def layer_scale(call: Call, layer: Any) -> None:
    call.op("Mul", [*call.reads, call.weight("weight", call.x.channels, 1, 1)])


def drop_path(call: Call, layer: Any) -> None:
    """At inference it does nothing, and ONNX has no other word for it."""
    call.op("Identity", call.reads)


def shuffle(call: Call, layer: Any) -> None:
    x, g = call.x, layer.groups
    split = call.op("Reshape", [*call.reads, call.ints("to", 0, g, x.channels // g, x.height, x.width)], ".split")
    dealt = call.op("Transpose", [split], ".dealt", perm=[0, 2, 1, 3, 4])
    call.op("Reshape", [dealt, call.ints("back", 0, x.channels, x.height, x.width)])


def upsample(call: Call, layer: Any) -> None:
    only(layer, "factor", "size", "mode")
    factor = whole_factor(layer, call.x, call.row.output)
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
        raise Inexact(f"{layer.type} that is not trained")
    dims = (call.x.channels, 1, 1) if layer.per == "channel" else (1,)
    call.op(type, [*call.reads, call.weight("weight", *dims)])


def layer_norm(call: Call, layer: Any) -> None:
    only(layer, "eps")
    last = call.op("Transpose", call.reads, ".last", perm=[0, 2, 3, 1])
    weights = [call.weight("weight", call.x.channels), call.weight("bias", call.x.channels)]
    normed = f"{call.name}.normed"
    call.model.node("LayerNormalization", [last, *weights], normed, call.name, axis=-1, epsilon=layer.eps)
    call.model.node("Transpose", [normed], call.name, f"{call.name}.first", perm=[0, 3, 1, 2])


def depth(call: Call, layer: Any) -> None:
    factor = next(iter(layer.values().values()))
    size = factor.width if isinstance(factor, Pair) else factor
    if isinstance(factor, Pair) and factor.width != factor.height:
        raise Inexact(f"{layer.type} by different factors")
    if layer.type == "space_to_depth":
        call.op("SpaceToDepth", call.reads, blocksize=size)
    else:
        call.op("DepthToSpace", call.reads, blocksize=size, mode="CRD" if layer.type == "pixel_shuffle" else "DCR")


def attributed(type: str, **keys: str) -> Callable[[Call, Any], None]:
    """An operator with attributes from keys: attribute=key, or a number as it is."""

    def writer(call: Call, layer: Any) -> None:
        only(layer, *keys.values())
        call.op(type, call.reads, **{name: getattr(layer, key) for name, key in keys.items()})

    return writer


def fixed(type: str, **attributes: Any) -> Callable[[Call, Any], None]:
    """An operator with attributes that are always the same."""

    def writer(call: Call, layer: Any) -> None:
        only(layer)
        call.op(type, call.reads, **attributes)

    return writer


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
    "sepconv": (False, separable),
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
    "hardsigmoid": (True, fixed("HardSigmoid", alpha=1 / 6, beta=0.5)),
    "softmax": (True, fixed("Softmax", axis=1)),
    "log_softmax": (True, fixed("LogSoftmax", axis=1)),
    "dropout": (True, dropout),
    "pad": (False, pad),
    "crop": (False, crop),
    "split": (False, channels),
    "slice": (False, channels),
    "layer_scale": (False, layer_scale),
    "drop_path": (True, drop_path),
    "shuffle": (False, shuffle),
    "upsample": (False, upsample),
    "scale": (False, affine),
    "shift": (False, affine),
    "layer_norm": (False, layer_norm),
    "depth_to_space": (False, depth),
    "pixel_shuffle": (False, depth),
    "space_to_depth": (False, depth),
}
