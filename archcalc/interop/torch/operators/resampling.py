"""Upsampling, padding and shuffles."""

import math
from fractions import Fraction
from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, made
from archcalc.layers.further.upsample import Upsample
from archcalc.layers.reshape import Crop, Pad, Shuffle
from archcalc.reader.values import Padding, Scaling
from archcalc.volume import Pair


@operator("interpolate", "upsample")
def interpolate(call: Call) -> Value:
    node = call.image()
    x, (height, width) = call.volume(node), call.result.shape[2:]
    mode = call.arg(3, "mode", "nearest")
    if mode not in ("nearest", "bilinear") or call.kwargs.get("antialias"):
        raise NotUnderstood(
            f"upsampling {mode}{', without aliasing,' if call.kwargs.get('antialias') else ''} has no layer"
        )
    to: dict[str, Any] = {"size": Pair(width, height)}
    scale = None if call.arg(5, "recompute_scale_factor") else call.arg(2, "scale_factor")
    if scale is not None:
        to = {"factor": _factor(scale)}  # the pixels' places follow from it, and not from what is left over
    elif not (width % x.width or height % x.height):
        to = {"factor": Pair(width // x.width, height // x.height)}
    return call.layer(Upsample(**to, mode=mode, align_corners=bool(call.arg(4, "align_corners"))), node)


def _factor(scale: Any) -> Pair | Scaling:
    """PyTorch's factor, or [of height, of width]."""
    down, across = (
        Fraction(one).limit_denominator(1000) for one in (scale if isinstance(scale, list | tuple) else (scale,) * 2)
    )
    if down.denominator == across.denominator == 1:
        return Pair(int(across), int(down))
    return Scaling(across.numerator, down.numerator, Pair(across.denominator, down.denominator))


@operator("pad")
def pad(call: Call) -> Value:
    node = call.image()
    sides = list(call.arg(1, "pad"))
    if len(sides) > 4 and any(sides[4:]):
        raise NotUnderstood("it pads channels")
    mode, value = call.arg(2, "mode", "constant"), call.arg(3, "value") or 0.0
    if mode == "constant":
        mode = {0.0: "zeros", -math.inf: "lowest"}.get(value, f"of {value:g}")
    if mode not in ("zeros", "lowest", "reflect", "replicate"):
        raise NotUnderstood(f"padding {mode} has no layer")
    left, right, top, bottom = (*sides, 0, 0, 0, 0)[:4]
    if min(sides) < 0:
        node = call.trace.emit(Crop(cropping=Padding(*(max(0, -one) for one in (left, right, top, bottom)))), (node,))
    if max(sides) > 0 or min(sides) == 0:
        layer = Pad(padding=Padding(*(max(0, one) for one in (left, right, top, bottom))), mode=mode)
        return call.layer(layer, node)
    return Value(node, call.trace.canonical(node, call.result.dim()))


@operator("pixel_shuffle", "pixel_unshuffle")
def pixel_shuffle(call: Call) -> Value:
    factor = call.arg(1, "upscale_factor" if call.name == "pixel_shuffle" else "downscale_factor")
    return call.layer(made(call.name, factor=factor), call.image())


@operator("channel_shuffle")
def channel_shuffle(call: Call) -> Value:
    return call.layer(Shuffle(groups=call.arg(1, "groups")), call.image())
