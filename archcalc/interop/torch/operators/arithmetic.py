"""Sums and products of tensors, and tensors joined."""

from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import Layout, axis, broadcast, has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, Weight
from archcalc.layers import Layer
from archcalc.layers.merge import Add, Concat, Multiply
from archcalc.layers.norm import LayerScale


@operator("add", "radd", "iadd")
def add(call: Call) -> Value:
    if call.kwargs.get("alpha", 1) != 1:
        raise NotUnderstood("a weighted sum has no layer")
    return _joined(call, Add())


@operator("mul", "rmul", "imul", "multiply")
def multiply(call: Call) -> Value:
    for image, other in ((0, 1), (1, 0)):
        factor = call.args[other]
        if _is_tensor(factor) and isinstance(call.known(factor), Weight):
            return _scaled(call, call.as_value(call.args[image]), factor)
    return _joined(call, Multiply())


def _joined(call: Call, layer: Layer) -> Value:
    a, b = (call.as_value(one) for one in call.args[:2])
    layout = broadcast(a.layout, b.layout)
    if layout is None:
        raise NotUnderstood(f"it joins a tensor of axes {kinds(a.layout)} with one of axes {kinds(b.layout)}")
    return call.kept(layer, a, b, layout=layout)


def _scaled(call: Call, x: Value, factor: Any) -> Value:
    """A trained factor for every channel."""
    if factor.numel() != call.volume(x.node).channels or not along_channels(x.layout, factor, factor.numel()):
        raise NotUnderstood(f"a factor of shape {list(factor.shape)} has no layer")
    if not factor.requires_grad:
        raise NotUnderstood("a constant factor has no layer")
    return call.kept(LayerScale(), x, weights=(factor,))


def along_channels(layout: Layout, factor: Any, channels: int) -> bool:
    """Whether a tensor has one value for every channel of a tensor that lies like this."""
    places = [place for place, one in enumerate(layout) if has(one, "c", channels)]
    sizes = [1] * (len(layout) - factor.dim()) + list(factor.shape)
    return bool(places) and sizes == [channels if place == places[0] else 1 for place in range(len(layout))]


@operator("cat", "concat", "concatenate")
def cat(call: Call) -> Value:
    tensors = call.arg(0, "tensors")
    values = [call.as_value(one) for one in tensors]
    if len(values) == 1:
        return values[0]
    first = values[0].layout
    at = call.arg(1, "dim", 0) % len(first)
    if len(first) == 2:  # values made flat are joined as columns
        nodes = [call.trace.image(one, value) for one, value in zip(tensors, values, strict=True)]
        values = [Value(node, call.trace.canonical(node, 2)) for node in nodes]
    for one in values:
        rest = one.layout[:at] + one.layout[at + 1 :]
        if rest != first[:at] + first[at + 1 :] or not has(one.layout[at], "c", call.volume(one.node).channels):
            raise NotUnderstood(f"it joins tensors of axes {kinds(first)} along axis {at}")
    channels = sum(call.volume(one.node).channels for one in values)
    return call.kept(Concat(), *values, layout=(*first[:at], axis("c", channels), *first[at + 1 :]))


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "untyped_storage")
