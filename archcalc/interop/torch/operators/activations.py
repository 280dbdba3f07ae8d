"""Activations: element by element, so however a tensor lies."""

from collections.abc import Callable

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import fixed, has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, made
from archcalc.layers import Layer
from archcalc.layers.activation import (
    ELU,
    GELU,
    SELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)


def elementwise(call: Call, layer: Layer) -> Value:
    """A layer of single values; not of an axis that repeats one, which would be computed as often."""
    x = call.value()
    if any(one and not fixed(one) for one in x.layout):
        raise NotUnderstood("it works on a tensor that repeats its values")
    return call.kept(layer, x)


def _enter(layer: Callable[[], Layer], *names: str) -> None:
    operator(*names)(lambda call: elementwise(call, layer()))


_enter(ReLU, "relu")
_enter(ReLU6, "relu6")
_enter(SELU, "selu")
_enter(SiLU, "silu")
_enter(Tanh, "tanh")
_enter(Sigmoid, "sigmoid")
_enter(HardSwish, "hardswish")
_enter(HardSigmoid, "hardsigmoid")
_enter(lambda: made("mish"), "mish")


@operator("leaky_relu")
def leaky_relu(call: Call) -> Value:
    return elementwise(call, LeakyReLU(slope=float(call.arg(1, "negative_slope", 0.01))))


@operator("elu")
def elu(call: Call) -> Value:
    return elementwise(call, ELU(alpha=float(call.arg(1, "alpha", 1.0))))


@operator("gelu")
def gelu(call: Call) -> Value:
    return elementwise(call, GELU() if call.arg(1, "approximate", "none") == "none" else made("gelu_tanh"))


@operator("softplus")
def softplus(call: Call) -> Value:
    if call.arg(1, "beta", 1) != 1:
        raise NotUnderstood("a softplus of another beta has no layer")
    return elementwise(call, Softplus())


@operator("celu")
def celu(call: Call) -> Value:
    return elementwise(call, made("celu", alpha=float(call.arg(1, "alpha", 1.0))))


@operator("hardtanh")
def hardtanh(call: Call) -> Value:
    low, high = float(call.arg(1, "min_val", -1)), float(call.arg(2, "max_val", 1))
    return elementwise(call, ReLU6() if (low, high) == (0, 6) else made("hardtanh", low=low, high=high))


@operator("clamp", "clip", "clamp_min", "clamp_max")
def clamp(call: Call) -> Value:
    low, high = call.arg(1, "min"), call.arg(2, "max")
    if call.name == "clamp_max":
        low, high = None, low
    if any(not isinstance(one, int | float | None) for one in (low, high)):
        raise NotUnderstood("its bounds are tensors")
    keys = {name: float(one) for name, one in (("low", low), ("high", high)) if one is not None}
    return elementwise(call, made("clamp", **keys))


@operator("prelu")
def prelu(call: Call) -> Value:
    weight = call.arg(1, "weight")
    if weight.numel() == 1 and call.volume(call.value().node).channels > 1:
        return call.kept(PReLU(per="layer"), call.value(), weights=(weight,))
    return call.layer(PReLU(), call.image(), weights=(weight,))


@operator("softmax", "log_softmax")
def softmax(call: Call) -> Value:
    x = call.value()
    over = x.layout[call.arg(1, "dim")]
    channels = call.volume(x.node).channels
    if has(over, "c", channels):
        return call.kept(Softmax() if call.name == "softmax" else made("log_softmax"), x)
    if call.name == "softmax" and len(over) == 1 and over[0].kind == "c":
        ((_, stride, size),) = over
        if stride == 1:
            return call.kept(Softmax(groups=channels // size), x)
        if stride * size == channels:
            return call.kept(Softmax(groups=size, across=True), x)
    raise NotUnderstood(f"its axis is {kinds((over,)) or 'of one position'}, not the channels")
