"""Sums, products and the like, of tensors and with stored values or numbers."""

from collections.abc import Sequence
from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import Layout, broadcast, fixed, has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, Weight, made
from archcalc.layers import Layer
from archcalc.layers.merge import Add, Multiply
from archcalc.layers.norm import LayerScale
from archcalc.layers.reshape import Split


@operator("add", "radd", "iadd")
def add(call: Call) -> Value:
    if call.kwargs.get("alpha", 1) != 1:
        raise NotUnderstood("a weighted sum has no layer")
    return _combined(call, Add(), "shift")


@operator("sub", "subtract", "isub")
def subtract(call: Call) -> Value:
    if call.kwargs.get("alpha", 1) != 1:
        raise NotUnderstood("a weighted difference has no layer")
    if isinstance(call.args[1], int | float):
        return _affine(call, "shift", call.value(), -call.args[1])
    return _combined(call, made("subtract"), "")


@operator("rsub")
def subtract_from(call: Call) -> Value:
    """A number minus the tensor."""
    if not isinstance(call.args[1], int | float):
        raise NotUnderstood("a weighted difference has no layer")
    return _affine(call, "shift", _affine(call, "scale", call.value(), -1.0), call.args[1])


@operator("mul", "rmul", "imul", "multiply")
def multiply(call: Call) -> Value:
    return _combined(call, Multiply(), "scale")


@operator("div", "true_divide", "divide", "truediv", "itruediv")
def divide(call: Call) -> Value:
    if call.kwargs.get("rounding_mode"):
        raise NotUnderstood("a rounded quotient has no layer")
    if isinstance(call.args[1], int | float):
        return _affine(call, "scale", call.value(), 1 / call.args[1])
    return _combined(call, made("divide"), "")


@operator("neg", "negative")
def negative(call: Call) -> Value:
    return _affine(call, "scale", call.value(), -1.0)


@operator("square", "pow", "ipow")
def square(call: Call) -> Value:
    if call.name != "square" and call.args[1] != 2:
        raise NotUnderstood("of the powers only the second has a layer")
    x = call.value()
    return call.kept(Multiply(), x, x)


@operator("maximum")
def maximum(call: Call) -> Value:
    return _combined(call, made("maximum"), "")


@operator("minimum")
def minimum(call: Call) -> Value:
    return _combined(call, made("minimum"), "")


def _combined(call: Call, join: Layer, stored: str) -> Value:
    """Two tensors of the image joined, or one with stored values or a number."""
    for image, other in ((0, 1), (1, 0)):
        operand = call.arg(other, "other")
        if not hasattr(operand, "untyped_storage"):
            if isinstance(operand, int | float) and not isinstance(operand, bool) and stored:
                return _affine(call, stored, call.value(image), operand)
        elif isinstance(call.known(operand), Weight):
            if not stored:
                raise NotUnderstood("its second operand is no image")
            return _stored(call, stored, call.value(image), operand)
    a, b = call.value(0), call.value(1, "other")
    layout = broadcast(a.layout, b.layout)
    if layout is None:
        raise NotUnderstood(f"it joins a tensor of axes {kinds(a.layout)} with one of axes {kinds(b.layout)}")
    return call.kept(join, a, b, layout=layout)


def _affine(call: Call, type: str, x: Value, number: float) -> Value:
    if any(one and not fixed(one) for one in x.layout):
        raise NotUnderstood("it works on a tensor that repeats its values")
    return call.kept(made(type, by=float(number)), x)


def _stored(call: Call, type: str, x: Value, operand: Any) -> Value:
    """With a value for every channel, or with one for all."""
    channels = call.volume(x.node).channels
    trained = any(call.trace.trained(source) for source in call.trace.sources((operand,)))
    if operand.numel() == 1 and operand.dim() <= len(x.layout):
        if not call.trace.sources((operand,)):
            if operand.device.type == "meta":
                raise NotUnderstood("it combines the image with a number that is computed")
            return _affine(call, type, x, float(operand))
        return call.kept(made(type, per="layer", trained=trained), x, weights=(operand,))
    if not along_channels(x.layout, operand, channels):
        raise NotUnderstood(f"stored values of shape {list(operand.shape)} have no layer here")
    if type == "scale" and trained:
        return call.kept(LayerScale(), x, weights=(operand,))
    return call.kept(made(type, trained=trained), x, weights=(operand,))


def along_channels(layout: Layout, factor: Any, channels: int) -> bool:
    """Whether a tensor has one value for every channel of a tensor that lies like this."""
    places = [place for place, one in enumerate(layout) if has(one, "c", channels)]
    sizes = [1] * (len(layout) - factor.dim()) + list(factor.shape)
    return any(sizes == [channels if one == place else 1 for one in range(len(layout))] for place in places)


@operator("sum")
def total(call: Call) -> Value:
    """Over equal parts of the channels: their sum."""
    x = call.value()
    given = call.arg(1, "dim")
    dims = given if isinstance(given, Sequence) else (given,)
    volume = call.volume(x.node)
    if len(dims) != 1 or dims[0] is None or len(x.layout[dims[0]]) != 1:
        raise NotUnderstood("a sum over these axes has no layer")
    at = dims[0] % len(x.layout)
    (atom,) = x.layout[at]
    if atom.kind != "c" or atom.stride * atom.size != volume.channels or atom.stride == 1:
        raise NotUnderstood(f"a sum over the axis {kinds((x.layout[at],))} has no layer")
    parts = [call.trace.emit(Split(parts=atom.size, part=part + 1), (x.node,)) for part in range(atom.size)]
    empty = ((),) if call.arg(2, "keepdim", False) else ()
    layout = (*x.layout[:at], *empty, *x.layout[at + 1 :])
    return call.kept(Add(), *(Value(one, layout) for one in parts), layout=layout)
