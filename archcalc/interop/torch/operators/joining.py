"""Tensors side by side."""

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import Atom, axis, has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value
from archcalc.layers.merge import Concat


@operator("cat", "concat", "concatenate")
def cat(call: Call) -> Value:
    """Channels on top of each other, wherever their axis lies; values that were made flat are columns of channels."""
    tensors = call.arg(0, "tensors")
    values = [call.as_value(one) for one in tensors]
    first = values[0].layout
    at = call.arg(1, "dim", 0) % len(first)
    if len(first) == 2 and at == 1:
        nodes = [call.trace.image(one, value) for one, value in zip(tensors, values, strict=True)]
        values = [Value(node, call.trace.canonical(node, 2)) for node in nodes]
        first = values[0].layout
    if len(values) == 1:
        return values[0]
    for one in values:
        rest = one.layout[:at] + one.layout[at + 1 :]
        if rest != first[:at] + first[at + 1 :] or not has(one.layout[at], "c", call.volume(one.node).channels):
            raise NotUnderstood(f"it joins tensors of axes {kinds(first)} along axis {at}")
    channels = sum(call.volume(one.node).channels for one in values)
    return call.kept(Concat(), *values, layout=(*first[:at], axis("c", channels), *first[at + 1 :]))


@operator("stack")
def stack(call: Call) -> Value:
    """Images side by side on an axis of their own, which is one of channels that their volumes are joined along."""
    values = [call.as_value(one) for one in call.arg(0, "tensors")]
    first, at = values[0].layout, call.arg(1, "dim", 0) % (len(values[0].layout) + 1)
    channels = call.volume(values[0].node).channels
    places = [place for place, one in enumerate(first) if has(one, "c", channels)]
    if len(values) == 1 or channels == 1 or len(places) != 1 or any(one.layout != first for one in values):
        raise NotUnderstood(f"it stacks tensors of axes {kinds(first)}")
    return call.kept(Concat(), *values, layout=(*first[:at], (Atom("c", channels, len(values)),), *first[at:]))
