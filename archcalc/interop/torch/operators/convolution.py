"""Convolutions, transposed ones and linear maps."""

from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import axis, has, kinds
from archcalc.interop.torch.operators._table import operator, pair
from archcalc.interop.torch.tracing import IMAGES, NotUnderstood, Value, Weight, made
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.further.deconv import TransposedConv
from archcalc.reader.values import Padding


def sides(value: Any, spatial: int) -> Padding:
    """PyTorch's padding, the same on both sides of an axis."""
    if isinstance(value, str):
        return Padding(mode=value) if value == "same" else Padding()
    both = pair(value, spatial)
    top = both.height if spatial == 2 else 0
    return Padding(both.width, both.width, top, top)


@operator("conv1d", "conv2d")
def conv(call: Call) -> Value:
    weight, bias = call.arg(1, "weight"), call.arg(2, "bias")
    spatial = weight.dim() - 2
    if spatial == 1 and (value := _over_channels(call)) is not None:
        return value
    keys: dict[str, Any] = {
        "kernel_size": pair(list(weight.shape[2:]), spatial),
        "stride": pair(call.arg(3, "stride", 1), spatial),
        "padding": sides(call.arg(4, "padding", 0), spatial),
        "rounding": "floor",
    }
    dilation, groups = pair(call.arg(5, "dilation", 1), spatial), call.arg(6, "groups", 1)
    kernel = call.known(weight)
    stored = isinstance(kernel, Weight) and kernel.sources and not any(map(call.trace.trained, kernel.sources))
    if stored and bias is None and groups == weight.shape[0] == call.result.shape[1] and dilation == (1, 1):
        return call.layer(made("blurpool", **keys), call.image(), weights=(weight,))
    keys.update(filters=weight.shape[0], dilation=dilation, groups=groups, bias=bias is not None)
    if isinstance(kernel, Weight) and (how := kernel.made) is not None and how.standard:
        layer = made("ws_conv", eps=how.eps, gain=how.gain is not None, **keys)
        return call.layer(layer, call.image(), weights=(how.kernel, how.gain, bias), computed=True)
    return call.layer(Conv(**keys), call.image(), weights=(weight, bias))


def _over_channels(call: Call) -> Value | None:
    """A filter that slides over the channels of one pixel."""
    weight, known = call.arg(1, "weight"), call.known(call.arg(0, "input"))
    size = weight.shape[2]
    if weight.shape[:2] != (1, 1) or not isinstance(known, Value):
        return None
    channels = call.volume(known.node).channels
    if known.layout[1] or not has(known.layout[2], "c", channels) or channels == 1:
        return None
    given = (call.arg(2, "bias"), *(pair(call.arg(n, name, d), 1).width for n, name, d in _STEPS))
    if given != (None, 1, 1) or sides(call.arg(4, "padding", 0), 1)[:2] != (size // 2, size // 2) or size % 2 == 0:
        raise NotUnderstood("a convolution of the channels that changes their number has no layer")
    return call.kept(made("channel_conv", kernel_size=size), known, weights=(weight,))


_STEPS = ((3, "stride", 1), (5, "dilation", 1))


@operator("conv_transpose1d", "conv_transpose2d")
def deconv(call: Call) -> Value:
    weight, bias, groups = call.arg(1, "weight"), call.arg(2, "bias"), call.arg(6, "groups", 1)
    spatial = weight.dim() - 2
    added = pair(call.arg(5, "output_padding", 0), spatial)
    layer = TransposedConv(
        filters=weight.shape[1] * groups,
        kernel_size=pair(list(weight.shape[2:]), spatial),
        stride=pair(call.arg(3, "stride", 1), spatial),
        padding=sides(call.arg(4, "padding", 0), spatial),
        dilation=pair(call.arg(7, "dilation", 1), spatial),
        output_padding=added if spatial == 2 else added._replace(height=0),
        groups=groups,
        bias=bias is not None,
    )
    return call.layer(layer, call.image(), weights=(weight, bias))


@operator("linear")
def linear(call: Call) -> Value:
    """Fully connected where it reads all values of an image, else a 1x1 convolution of the axis that is the channels."""
    weight, bias = call.arg(1, "weight"), call.arg(2, "bias")
    x = call.settled()
    volume, last = call.volume(x.node), x.layout[-1]
    units = weight.shape[0]
    weights = (weight, bias)
    if len(x.layout) == 2 and has(x.layout[0], "n", IMAGES) and {one.kind for one in last} <= set("chw"):
        return call.layer(FullyConnected(units=units, bias=bias is not None), x.node, weights=weights, reads=x.layout)
    if not has(last, "c", volume.channels):
        raise NotUnderstood(f"it maps an axis that is {kinds((last,)) or 'one position'}, not the channels")
    layer = Conv(filters=units, kernel_size=pair(1), bias=bias is not None, rounding="floor")
    return call.kept(layer, x, layout=(*x.layout[:-1], axis("c", units)), weights=weights)
