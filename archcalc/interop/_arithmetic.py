"""ONNX's operators that work value by value: arithmetic, activations, and what of both spells out something else."""

from math import prod
from typing import Any

from archcalc.interop._axes import View
from archcalc.interop._constants import Const
from archcalc.interop._functions import ALONE
from archcalc.interop._network import Behind, Handler, Lazy, Missing, Network, Unsupported, Value, Weight
from archcalc.interop._onnx_file import Operator
from archcalc.layers import TYPES

_JOINS = {
    "Add": "add",
    "Sum": "add",
    "Mul": "multiply",
    "Sub": "subtract",
    "Div": "divide",
    "Max": "maximum",
    "Min": "minimum",
}
_CONSTANT = {"add": ("shift", 1.0), "sub": ("shift", -1.0), "mul": ("scale", 1.0), "div": ("scale", 0.0)}


def binary(net: Network, op: Operator) -> "Value | list[Value]":
    """Add, Sub, Mul, Div, Min, Max, Pow, Sum: of two images, of an image and a number, of an image and weights."""
    values = [net.value(name) for name in op.inputs]
    if any(isinstance(one, Missing) for one in values):
        raise Behind
    if not any(isinstance(one, View | Lazy) for one in values):
        return _of_weights(values)
    images = [one for one in values if isinstance(one, View | Lazy)]
    if len(values) == 2 and len(images) == 1:
        return _with_constant(net, op, values)
    if len(images) < len(values):
        raise Unsupported("of images and constants")
    bases = {one.base if isinstance(one, Lazy) else one for one in images}
    if (
        op.type in ("Mul", "Div")
        and len(images) == 2
        and len(bases) == 1
        and any(isinstance(one, Lazy) for one in images)
    ):
        return net.lazy(op, op.type.lower(), *images)
    if op.type not in _JOINS:
        raise Unsupported("of two images")
    return net.joined(op, _JOINS[op.type], [net.data(op, at) for at in range(len(values))])


def _with_constant(net: Network, op: Operator, values: list[Value]) -> Value:
    """An image and a number, or an image and weights per channel."""
    first = isinstance(values[0], View | Lazy)
    image, other = values if first else values[::-1]
    assert isinstance(image, View | Lazy)
    number = other.one if isinstance(other, Const) else None
    if number is not None:
        pair = (image, float(number)) if first else (float(number), image)
        return net.lazy(op, op.type.lower(), *pair)
    dims = other.dims if isinstance(other, Weight | Const) else ()
    data = net.data(op, 0 if first else 1)
    name = op.inputs[1 if first else 0]
    if op.type == "Add" and (merged := _as_bias(net, op, data, dims)):
        return merged
    if op.type not in ("Add", "Mul", "Sub", "Div") or (op.type == "Div" and not first):
        raise Unsupported("of an image and weights")
    if prod(dims) == 1:
        return net.pointwise(op, net.layer(*_affine(op, "layer")), data, [name])
    if not _per_channel(data, dims):
        raise Unsupported("of an image and weights that are not one per channel")
    type, _ = called = _affine(op, "channel")
    if op.type == "Mul" and "scale" not in TYPES:
        called = "layer_scale", op.called
    layer = net.layer(*called) if type in TYPES or called[0] == "layer_scale" else None
    if layer is None:
        raise Unsupported("by weights per channel")
    return net.pointwise(op, layer, data, [name])


def _affine(op: Operator, per: str) -> tuple[str, str]:
    return "shift" if op.type in ("Add", "Sub") else "scale", op.called


def _per_channel(data: View, dims: tuple[int, ...]) -> bool:
    """Whether weights that are stretched to an image have one value for every channel."""
    if len(dims) > len(data.dims):
        return False
    axes = data.axes[len(data.dims) - len(dims) :]
    return all(size == 1 or axis == "c" for size, axis in zip(dims, axes, strict=True)) and prod(dims) == data.of("c")


def _as_bias(net: Network, op: Operator, data: View, dims: tuple[int, ...]) -> View | None:
    """The bias of a convolution or fc without one whose result nobody else reads, written as an addition."""
    node = net.draft.nodes[data.node]
    source = op.inputs[0] if net.values.get(op.inputs[0]) == data else op.inputs[1]
    if (
        node.layer.type not in ("conv", "dwconv", "fc", "deconv")
        or node.layer.values()["bias"]
        or node.shares is not None
    ):
        return None
    if net.reads[source] != 1 or not _per_channel(data, dims) or data.node != len(net.draft.nodes) - 1:
        return None
    layer = type(node.layer)(**{**node.layer.values(), "bias": True})
    net.draft.nodes[data.node] = node._replace(layer=layer)
    return data


def _of_weights(values: list[Value]) -> Value:
    """Arithmetic on weights alone, like their standardization: weights, as large as the larger."""
    dims = [one.dims for one in values if isinstance(one, Weight | Const)]
    return Weight(max(dims, key=lambda one: (len(one), prod(one))))


def step(net: Network, one: Lazy, operands: tuple[View | float, ...]) -> View:
    """The node of a function's last operation."""
    op, name = one.op, one.operation
    views = [other for other in operands if isinstance(other, View)]
    numbers = [other for other in operands if not isinstance(other, View)]
    if len(views) > 1:
        return net.joined(op, _JOINS[op.type], views)
    (data,) = views
    if name in ("relu", "sigmoid", "tanh", "softplus", "mish", "gelu", "hardswish"):
        return net.pointwise(op, net.layer(name, op.called), data)
    if name == "clip":
        low, high = numbers
        return net.pointwise(op, net.layer("clamp", op.called, low=_finite(low), high=_finite(high)), data)
    if name in ("min", "max"):
        bound = {"high": numbers[0]} if name == "min" else {"low": numbers[0]}
        return net.pointwise(op, net.layer("clamp", op.called, **bound), data)
    if name in _CONSTANT and (isinstance(operands[0], View) or name in ("add", "mul")):
        type, sign = _CONSTANT[name]
        if name == "div" and not numbers[0]:
            raise Unsupported("by zero")
        return net.pointwise(op, net.layer(type, op.called, by=numbers[0] * sign if sign else 1 / numbers[0]), data)
    raise Unsupported("")


def _finite(bound: float) -> float | None:
    return bound if abs(bound) < 1e38 else None


def unary(name: str) -> Handler:
    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        found = net.value(op.inputs[0])
        if not isinstance(found, View | Lazy):
            return _same(found)
        value = net.lazy(op, name, found)
        alone = name in ALONE and isinstance(found, View) and not _begins(net, op)
        return net.done(value) if isinstance(value, Lazy) and alone else value

    return handler


def _begins(net: Network, op: Operator) -> bool:
    """Whether an activation may be a part of one that is spelled out: x * sigmoid(x), x * tanh(softplus(x))."""
    for reader in net.read_by.get(op.outputs[0], ()):
        if (reader.type == "Mul" and op.inputs[0] in reader.inputs) or (op.type, reader.type) == ("Softplus", "Tanh"):
            return True
    return False


def _same(found: Value) -> Value:
    if isinstance(found, Missing):
        raise Behind
    return found if isinstance(found, Weight) else Weight(found.dims) if isinstance(found, Const) else found


def clip(net: Network, op: Operator) -> "Value | list[Value]":
    """With the bounds as attributes before opset 11, and as inputs since."""
    low, high = (
        net.constant(op.inputs[at]) if net.has(op, at) else op.attributes.get(name)
        for at, name in ((1, "min"), (2, "max"))
    )
    bounds = [one.one if isinstance(one, Const) else one for one in (low, high)]
    if any(one is None and net.has(op, at) for at, one in enumerate(bounds, 1)):
        raise Unsupported("by bounds that are computed")
    found = net.value(op.inputs[0])
    if not isinstance(found, View | Lazy):
        return _same(found)
    ends = [float(one) if one is not None else end for one, end in zip(bounds, (-3.5e38, 3.5e38), strict=True)]
    value = net.lazy(op, "clip", found, *ends)
    return net.done(value) if isinstance(value, Lazy) and isinstance(found, View) else value


def hardsigmoid(net: Network, op: Operator) -> "Value | list[Value]":
    found = net.value(op.inputs[0])
    if not isinstance(found, View | Lazy):
        return _same(found)
    value = net.lazy(op, "hardsigmoid", found, op.attributes.get("alpha", 0.2), op.attributes.get("beta", 0.5))
    return net.done(value) if isinstance(value, Lazy) and isinstance(found, View) and not _begins(net, op) else value


def activation(type: str, **defaults: tuple[str, Any]) -> Handler:
    """A layer of its own, with keys from attributes: (attribute, default)."""

    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        values = {key: op.attributes.get(name, default) for key, (name, default) in defaults.items()}
        return net.pointwise(op, net.layer(type, op.called, **values), net.data(op))

    return handler


def softmax(type: str) -> Handler:
    """Over one axis since opset 13; before, over that axis and all behind it."""

    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        data = net.data(op)
        old = net.file.opset < 13
        axis = op.attributes.get("axis", 1 if old else -1) % max(1, len(data.dims))
        behind = data.axes[axis:] if old else data.axes[axis]
        if behind.strip("1") not in ("c", ""):
            if not data.flat:
                words = {"h": "the height", "w": "the width"}
                raise Unsupported(f"over {words.get(behind.strip('1'), 'all values')}")
            data = net.settled(data, op)
        return net.pointwise(op, net.layer(type, op.called), data)

    return handler


def prelu(net: Network, op: Operator) -> "Value | list[Value]":
    data, dims = net.data(op), net.weight(op, 1)
    if prod(dims) == data.of("c") and (prod(dims) == 1 or _per_channel(data, dims)):
        return net.pointwise(op, net.layer("prelu", op.called), data, [op.inputs[1]])
    if prod(dims) == 1 and (values := [key for key in ("shared", "per") if key in TYPES["prelu"].keys]):
        word = {"shared": True, "per": "layer"}[values[0]]
        return net.pointwise(op, net.layer("prelu", op.called, **{values[0]: word}), data, [op.inputs[1]])
    raise Unsupported("with slopes that are not one per channel")


def gelu(net: Network, op: Operator) -> "Value | list[Value]":
    return net.pointwise(op, net.layer("gelu", op.called), net.data(op))


ARITHMETIC: dict[str, Handler] = {
    **dict.fromkeys(["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum"], binary),
    **{
        name: unary(name.lower())
        for name in (
            "Relu",
            "Sigmoid",
            "Tanh",
            "Softplus",
            "Erf",
            "Exp",
            "Neg",
            "Sqrt",
            "Abs",
            "HardSwish",
            "Mish",
            "Softsign",
        )
    },
    "Clip": clip,
    "HardSigmoid": hardsigmoid,
    "Gelu": gelu,
    "LeakyRelu": activation("leaky_relu", slope=("alpha", 0.01)),
    "Elu": activation("elu", alpha=("alpha", 1.0)),
    "Celu": activation("celu", alpha=("alpha", 1.0)),
    "Selu": activation("selu"),
    "PRelu": prelu,
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
}
