"""Pools over windows, to a given size, and over the whole image."""

from collections.abc import Sequence
from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import axis, has, kinds
from archcalc.interop.torch.operators._table import HANDLERS, operator, pair
from archcalc.interop.torch.operators.convolution import sides
from archcalc.interop.torch.tracing import IMAGES, NotUnderstood, Value, made
from archcalc.layers import Layer
from archcalc.layers.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from archcalc.layers.pool import AveragePool, GlobalAveragePool, L2Pool, MaxPool
from archcalc.volume import Pair, Rounding


def _windows(call: Call, spatial: int) -> dict[str, Any]:
    stride = call.arg(2, "stride")
    size = pair(call.arg(1, "kernel_size"), spatial)
    return {"kernel_size": size, "stride": pair(stride, spatial) if stride or stride == 0 else size}


@operator("max_pool1d", "max_pool2d")
def max_pool(call: Call) -> Value:
    spatial = int(call.name[-2])
    layer = MaxPool(
        **_windows(call, spatial),
        padding=sides(call.arg(3, "padding", 0), spatial),
        dilation=pair(call.arg(4, "dilation", 1), spatial),
        rounding=_rounding(call.arg(5, "ceil_mode", False)),
    )
    return call.layer(layer, call.image())


@operator("avg_pool1d", "avg_pool2d")
def average_pool(call: Call) -> Value:
    spatial = int(call.name[-2])
    if call.arg(6, "divisor_override") is not None:
        raise NotUnderstood("an average with a divisor of its own has no layer")
    layer = AveragePool(
        **_windows(call, spatial),
        padding=sides(call.arg(3, "padding", 0), spatial),
        rounding=_rounding(call.arg(4, "ceil_mode", False)),
        count_padding=call.arg(5, "count_include_pad", True),
    )
    return call.layer(layer, call.image())


@operator("lp_pool2d")
def l2_pool(call: Call) -> Value:
    if call.arg(1, "norm_type") != 2:
        raise NotUnderstood("of the power-average pools only that of squares has a layer")
    size, stride = pair(call.arg(2, "kernel_size")), call.arg(3, "stride")
    rounding = _rounding(call.arg(4, "ceil_mode", False))
    return call.layer(
        L2Pool(kernel_size=size, stride=pair(stride) if stride else size, rounding=rounding), call.image()
    )


@operator("adaptive_avg_pool1d", "adaptive_avg_pool2d")
def adaptive_average(call: Call) -> Value:
    node = call.image()
    size = _adaptive(call, node)
    return call.layer(GlobalAveragePool() if size == (1, 1) else AdaptiveAveragePool(size=size), node)


@operator("adaptive_max_pool1d", "adaptive_max_pool2d")
def adaptive_max(call: Call) -> Value:
    node = call.image()
    return call.layer(AdaptiveMaxPool(size=_adaptive(call, node)), node)


def _adaptive(call: Call, node: int) -> Pair:
    size = call.arg(1, "output_size")
    if call.name.endswith("1d"):
        return pair(size, 1)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    volume = call.volume(node)
    return Pair(volume.width if width is None else width, volume.height if height is None else height)


@operator("mean")
def mean(call: Call) -> Value:
    """Over width and height it is global average pooling."""
    return over_channels(call, "channel_mean") or over_image(call, GlobalAveragePool())


@operator("amax")
def largest(call: Call) -> Value:
    return over_channels(call, "channel_max") or over_image(call, made("gmp"))


@operator("max")
def max_over(call: Call) -> list[Value] | Value:
    """Of two tensors, or with positions along an axis; nobody's network goes on with these."""
    if isinstance(call.arg(1, "dim"), int):
        found = over_channels(call, "channel_max") or over_image(call, made("gmp"))
        return [found, found]
    return HANDLERS["maximum"](call) if len(call.args) > 1 else over_image(call, made("gmp"))  # type: ignore[return-value]


def over_channels(call: Call, type: str) -> Value | None:
    """A layer that leaves one channel, if it is over the axis that is the channels."""
    x = call.value()
    dims = call.arg(1, "dim")
    one = dims[0] if isinstance(dims, Sequence) and len(dims) == 1 else dims
    channels = call.volume(x.node).channels
    if not isinstance(one, int) or channels == 1 or not has(x.layout[one], "c", channels):
        return None
    at = one % len(x.layout)
    empty = ((),) if call.arg(2, "keepdim", False) else ()
    return call.kept(made(type), x, layout=(*x.layout[:at], *empty, *x.layout[at + 1 :]))


def over_image(call: Call, layer: Layer) -> Value:
    """A layer that leaves one value per channel, if it is over the axes that are width and height."""
    x = call.value()
    volume, layout = call.volume(x.node), x.layout
    dims = call.arg(1, "dim", range(len(layout)))
    taken = sorted(one % len(layout) for one in (dims if isinstance(dims, Sequence) else (dims,)))
    atoms = sorted(atom for one in taken for atom in layout[one])
    if atoms != sorted((*axis("h", volume.height), *axis("w", volume.width))):
        raise NotUnderstood(f"it reduces the axes {kinds(tuple(layout[one] for one in taken)) or 'of one position'}")
    if call.arg(2, "keepdim", False):
        kept = tuple(() if place in taken else one for place, one in enumerate(layout))
    else:
        kept = tuple(one for place, one in enumerate(layout) if place not in taken)
    if axis("n", IMAGES) not in kept:
        raise NotUnderstood("it mixes images")
    return call.kept(layer, x, layout=kept)


def _rounding(ceil: bool) -> Rounding:
    return "ceil" if ceil else "floor"
