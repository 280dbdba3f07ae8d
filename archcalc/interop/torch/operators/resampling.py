"""Upsampling, padding and shuffles."""

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, made
from archcalc.layers.reshape import Crop, Pad, Shuffle
from archcalc.layers.upsampling import Upsample
from archcalc.reader.values import Padding
from archcalc.volume import Pair


@operator("interpolate", "upsample")
def interpolate(call: Call) -> Value:
    node = call.image()
    x, (height, width) = call.volume(node), call.result.shape[2:]
    mode = call.arg(3, "mode", "nearest")
    if mode not in ("nearest", "bilinear") or call.arg(4, "align_corners"):
        raise NotUnderstood(
            f"upsampling {mode}{' with aligned corners' if call.arg(4, 'align_corners') else ''} has no layer"
        )
    if width % x.width or height % x.height:
        raise NotUnderstood(f"upsampling {x.width}x{x.height} to {width}x{height} has no layer")
    return call.layer(Upsample(factor=Pair(width // x.width, height // x.height), mode=mode), node)


@operator("pad")
def pad(call: Call) -> Value:
    node = call.image()
    sides = list(call.arg(1, "pad"))
    if len(sides) > 4 and any(sides[4:]):
        raise NotUnderstood("it pads channels")
    if call.arg(2, "mode", "constant") != "constant" or call.arg(3, "value"):
        raise NotUnderstood("padding other than by zeros has no layer")
    left, right, top, bottom = (*sides, 0, 0, 0, 0)[:4]
    if min(sides) < 0 < max(sides):
        raise NotUnderstood("it pads and crops at once")
    if min(sides) < 0:
        return call.layer(Crop(cropping=Padding(-left, -right, -top, -bottom)), node)
    return call.layer(Pad(padding=Padding(left, right, top, bottom)), node)


@operator("pixel_shuffle", "pixel_unshuffle")
def pixel_shuffle(call: Call) -> Value:
    factor = call.arg(1, "upscale_factor" if call.name == "pixel_shuffle" else "downscale_factor")
    return call.layer(made(call.name, factor=factor), call.image())


@operator("channel_shuffle")
def channel_shuffle(call: Call) -> Value:
    return call.layer(Shuffle(groups=call.arg(1, "groups")), call.image())
