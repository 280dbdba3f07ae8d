"""Darknet's layers, one function each: what a section adds to a network."""

from typing import Any

from archcalc.diagnostics import Diagnostic, Refusal
from archcalc.graph import UNKNOWN
from archcalc.interop._darknet_cfg import Option, Section
from archcalc.interop._darknet_net import Handler, Net
from archcalc.interop.reading import (
    BAD_SETTING,
    DANGLING,
    INEXPRESSIBLE,
    made,
    typed,
)
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.further.deconv import TransposedConv
from archcalc.layers.further.local import Local
from archcalc.layers.further.upsample import Upsample
from archcalc.layers.norm import Dropout, LocalResponseNorm
from archcalc.layers.pool import MaxPool
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

RECURRENT = ("rnn", "gru", "lstm", "crnn", "conv_lstm", "history")
HEADS = ("yolo", "region", "detection", "iseg", "Gaussian_yolo", "contrastive")


def _window(section: Section) -> tuple[int, int, int]:
    """Size, stride and padding of a convolution; `pad=1` is half the size."""
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    return size, stride, size // 2 if section.integer("pad", 0) else section.integer("padding", 0)


def _convolutional(net: Net, section: Section, index: int) -> bool:
    name = f"conv{index}"
    size, stride, pad = _window(section)
    across, down = section.integer("stride_x", stride), section.integer("stride_y", stride)
    dilation = section.integer("dilation", 1) if size > 1 else 1
    if dilation > 1 and 2 * pad != size - 1:  # Darknet computes the size as if the filter were not dilated
        raise section.refuse("dilation", f"{name}: a dilated filter of {size} with a padding of {pad}")
    sharing = section.integers("share_index") if "share_index" in section.options else []
    shared = net.bearers.get(sharing[0] if sharing[0] >= 0 else index + sharing[0]) if sharing else None
    if sharing and shared is None:
        message = f"{name} shares the weights of layer {sharing[0]}, which is no convolution before it"
        raise Refusal(DANGLING, message, section.options["share_index"].span)
    places = section.places(
        filters="filters", kernel_size="size", stride="stride", padding="pad", dilation="dilation", groups="groups"
    )
    layer = made(
        Conv,
        name,
        section.span,
        places,
        filters=section.integer("filters", 1),
        kernel_size=Pair(size, size),
        stride=Pair(across, down),
        padding=_sides(pad * dilation),
        dilation=Pair(dilation, dilation),
        groups=section.integer("groups", 1),
        bias=not section.integer("batch_normalize", 0),
        rounding="floor",
    )
    net.bearers[index] = net.put(name, layer, section.span, places, shares=shared)
    net.normalized(section, name)
    return net.activated(section, name)


def _deconvolutional(net: Net, section: Section, index: int) -> bool:
    name = f"deconv{index}"
    size, stride, pad = _window(section)
    places = section.places(filters="filters", kernel_size="size", stride="stride", padding="pad")
    layer = made(
        TransposedConv,
        name,
        section.span,
        places,
        filters=section.integer("filters", 1),
        kernel_size=Pair(size, size),
        stride=Pair(stride, stride),
        padding=_sides(pad),
        bias=not section.integer("batch_normalize", 0),
    )
    net.put(name, layer, section.span, places)
    net.normalized(section, name)
    return net.activated(section, name)


def _local(net: Net, section: Section, index: int) -> bool:
    """Locally connected.  `pad` keeps the size, (W - 1)/stride + 1."""
    name = f"local{index}"
    size, stride, pad = section.integer("size", 1), section.integer("stride", 1), section.integer("pad", 0)
    if pad and size % 2 == 0:
        raise section.refuse("pad", f"{name}: a window of {size} cannot be padded to keep the size")
    layer = made(
        Local,
        name,
        section.span,
        filters=section.integer("filters", 1),
        kernel_size=Pair(size, size),
        stride=Pair(stride, stride),
        padding=_sides(size // 2 if pad else 0),
        rounding="floor",
    )
    net.put(name, layer, section.span)
    return net.activated(section, name)


def _connected(net: Net, section: Section, index: int) -> bool:
    name = f"fc{index}"
    places = section.places(units="output")
    bias = not section.integer("batch_normalize", 0)
    layer = made(FullyConnected, name, section.span, places, units=section.integer("output", 1), bias=bias)
    net.put(name, layer, section.span, places)
    net.normalized(section, name)
    return net.activated(section, name)


def _maxpool(net: Net, section: Section, index: int) -> bool:
    """Pads size - 1 in all unless told otherwise: W + padding - size, over the stride, rounded down, and 1."""
    name = f"pool{index}"
    if section.integer("maxpool_depth", 0):
        raise section.refuse("maxpool_depth", f"{name}: a maximum over the channels")
    stride = section.integer("stride", 1)
    across, down = section.integer("stride_x", stride), section.integer("stride_y", stride)
    size = section.integer("size", stride)
    total = section.integer("padding", size - 1)
    before = total // 2
    places = section.places(kernel_size="size", stride="stride", padding="padding")
    layer = made(
        MaxPool,
        name,
        section.span,
        places,
        kernel_size=Pair(size, size),
        stride=Pair(across, down),
        padding=Padding(before, total - before, before, total - before),
        rounding="floor",
    )
    net.put(name, layer, section.span, places)
    return True


def _local_avgpool(net: Net, section: Section, index: int) -> bool:
    """Lies as a max pool does, and counts no padding."""
    name = f"avgpool{index}"
    size, stride = section.integer("size", section.integer("stride", 1)), section.integer("stride", 1)
    total = section.integer("padding", size - 1)
    sides = Padding(total // 2, total - total // 2, total // 2, total - total // 2)
    window, step = Pair(size, size), Pair(stride, stride)
    keys = {"kernel_size": window, "stride": step, "padding": sides, "count_padding": False, "rounding": "floor"}
    return _plain(net, section, name, "avgpool", **keys)


def _avgpool(net: Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"gap{index}", "gap")


def _crop(net: Net, section: Section, index: int) -> bool:
    """A crop in the middle, as at test time."""
    name = f"crop{index}"
    x = net.volume(net.last)
    if x is None:
        return _unknown(net, section, name)
    width, height = section.integer("crop_width", 1), section.integer("crop_height", 1)
    if not (1 <= width <= x.width and 1 <= height <= x.height):
        raise Refusal(BAD_SETTING, f"{name}: {width}x{height} cannot be cut out of {x.width}x{x.height}", section.span)
    if (width, height) == x[:2]:
        return True
    left, top = (x.width - width) // 2, (x.height - height) // 2
    sides = Padding(left, x.width - width - left, top, x.height - height - top)
    return _plain(net, section, name, "crop", cropping=sides)


def _softmax(net: Net, section: Section, index: int) -> bool:
    """Over all values, or over equal groups of them."""
    name = f"softmax{index}"
    x = net.volume(net.last)
    if x is None:
        return _unknown(net, section, name)
    for key in ("groups", "tree"):
        if key in section.options and (key == "tree" or section.integer(key, 1) != 1):
            message = f"{name} works on groups of classes; it is read as one over all, of the same size and cost"
            net.draft.problems.append(Diagnostic(INEXPRESSIBLE, message, section.options[key].span, "info"))
    if x[:2] != (1, 1) and not section.integer("spatial", 0):
        _plain(net, section, f"{name}.flatten", "flatten")
    return _plain(net, section, name, "softmax")


def _dropout(net: Net, section: Section, index: int) -> bool:
    places = section.places(rate="probability")
    name = f"dropout{index}"
    layer = made(Dropout, name, section.span, places, rate=section.number("probability", 0.5))
    net.put(name, layer, section.span, places)
    return True


def _normalization(net: Net, section: Section, index: int) -> bool:
    """Local response normalization; `alpha` counts for each channel, as here."""
    name = f"lrn{index}"
    layer = made(
        LocalResponseNorm,
        name,
        section.span,
        size=section.integer("size", 5),
        alpha=section.number("alpha", 0.0001),
        beta=section.number("beta", 0.75),
        k=section.number("kappa", 1),
    )
    net.put(name, layer, section.span)
    return True


def _route(net: Net, section: Section, index: int) -> bool:
    """Layers side by side, or of each one of `groups` equal parts of its channels."""
    name = f"route{index}"
    span = section.options.get("layers", Option("", section.span)).span
    read = [net.layer(one, index, span) for one in section.integers("layers")]
    groups, part = section.integer("groups", 1), section.integer("group_id", 0)
    if groups > 1:
        cut = []
        for number, one in enumerate(read):
            label = f"{name}.part{number}" if len(read) > 1 else name
            layer = typed("split", label, section.span, section.places(parts="groups"), parts=groups, part=part + 1)
            cut.append(net.draft.add(label, layer, (one,), section.span))
        read = cut
    net.last = read[0] if len(read) == 1 else net.draft.add(name, typed("concat", name), read, section.span)
    return True


def _shortcut(net: Net, section: Section, index: int) -> bool:
    """Adds another layer: every so many of its pixels where it is larger, and of its channels those that there are."""
    name = f"shortcut{index}"
    if section.options.get("weights_type", Option("none", section.span)).text != "none":
        raise section.refuse("weights_type", f"{name}: weights of a shortcut")
    if any(section.number(key, 1) != 1 for key in ("alpha", "beta")):
        raise section.refuse("alpha", f"{name}: factors of a shortcut")
    span = section.options.get("from", Option("", section.span)).span
    here = net.last
    read = [net.layer(one, index, span) for one in section.integers("from")]
    y = net.volume(here)
    known = [net.volume(one) for one in read]
    if y is None or None in known:
        net.last = net.draft.add(name, UNKNOWN, (here, *read), section.span)
        return net.activated(section, name, "linear")
    for number, (one, x) in enumerate(zip(read, known, strict=True)):
        assert x is not None
        step = max(1, x.width // y.width)
        if -(-x.width // step) != y.width or -(-x.height // step) != y.height:
            message = f"{name}: every {step}. pixel of {x} does not make {y.width}x{y.height}"
            raise Refusal(INEXPRESSIBLE, message, span)
        if step > 1:
            label = f"{name}.step{number}" if len(read) > 1 else f"{name}.step"
            pixels = made(MaxPool, label, kernel_size=Pair(1, 1), stride=Pair(step, step), rounding="floor")
            read[number] = net.draft.add(label, pixels, (one,), section.span)
    equal = all(one.channels == y.channels for one in known if one)
    layer = typed("add" if equal else "shortcut", name)
    net.last = net.draft.add(name, layer, (here, *read), section.span)
    return net.activated(section, name, "linear")


def _scale_channels(net: Net, section: Section, index: int) -> bool:
    """Squeeze and excitation: another layer, times the last one's value for each channel."""
    return _with_another(net, section, index, "scale", "multiply")


def _sam(net: Net, section: Section, index: int) -> bool:
    """Spatial attention: the last layer times another of the same size."""
    return _with_another(net, section, index, "sam", "multiply")


def _with_another(net: Net, section: Section, index: int, word: str, type: str) -> bool:
    span = section.options.get("from", Option("", section.span)).span
    other = net.layer(section.integers("from")[0], index, span)
    name = f"{word}{index}"
    net.last = net.draft.add(name, typed(type, name), (other, net.last), section.span)
    return net.activated(section, name, "linear")


def _upsample(net: Net, section: Section, index: int) -> bool:
    name = f"upsample{index}"
    if section.number("scale", 1) != 1:
        raise section.refuse("scale", f"{name}: values that are scaled while they are copied")
    stride, places = section.integer("stride", 2), section.places(factor="stride")
    layer = made(Upsample, name, section.span, places, factor=Pair(stride, stride))
    net.put(name, layer, section.span, places)
    return True


def _reorg(net: Net, section: Section, index: int) -> bool:
    """Pixels to channels, or with `reverse` back.  Darknet deals the values out in another order of its own."""
    name = f"reorg{index}"
    stride = section.integer("stride", 1)
    if section.integer("flatten", 0):
        raise section.refuse("flatten", f"{name}: an order of values that has no layer here")
    if extra := section.integer("extra", 0):  # copies the values and leaves room for others, which nobody writes
        x = net.volume(net.last)
        if x is None:
            return _unknown(net, section, name)
        volume = Volume(1, 1, x.size + extra)
        return _plain(net, section, name, "opaque", volume=volume, what="reorg", params=0, buffers=0, macs=0, flops=0)
    if stride == 1:
        return True
    type = "depth_to_space" if section.integer("reverse", 0) else "space_to_depth"
    layer = typed(type, name, section.span, section.places(factor="stride"), factor=stride)
    net.put(name, layer, section.span, section.places(factor="stride"))
    return True


def _batchnorm(net: Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"bn{index}", "bn")


def _activation(net: Net, section: Section, index: int) -> bool:
    return net.activated(section, f"activation{index}", "linear")


def _logistic(net: Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"logistic{index}", "sigmoid")


def _cost(net: Net, section: Section, index: int) -> bool:
    """A loss is not a layer of the network."""
    return True


def _head(net: Net, section: Section, index: int) -> bool:
    net.heads.append(net.last)
    return True


def _plain(net: Net, section: Section, name: str, type: str, **values: Any) -> bool:
    net.put(name, typed(type, name, section.span, **values), section.span)
    return True


def _unknown(net: Net, section: Section, name: str) -> bool:
    """What depends on a volume that is not known, for a reason that was said already."""
    net.put(name, UNKNOWN, section.span)
    return True


def _recurrent(net: Net, section: Section, index: int) -> bool:
    name = f"{section.kind} (recurrent)"
    net.last = net.draft.missing(name, f"{section.kind}{index}", (net.last,), section.span)
    return True


def _sides(pad: int) -> Padding:
    return Padding(pad, pad, pad, pad)


LAYERS: dict[str, Handler] = {
    **dict.fromkeys(("convolutional", "conv"), _convolutional),
    **dict.fromkeys(("deconvolutional", "deconv"), _deconvolutional),
    **dict.fromkeys(("connected", "conn"), _connected),
    **dict.fromkeys(("maxpool", "max"), _maxpool),
    **dict.fromkeys(("avgpool", "avg"), _avgpool),
    **dict.fromkeys(("softmax", "soft"), _softmax),
    **dict.fromkeys(("normalization", "lrn"), _normalization),
    **dict.fromkeys(RECURRENT, _recurrent),
    **dict.fromkeys(HEADS, _head),
    **dict.fromkeys(("reorg", "reorg3d", "reorg_old"), _reorg),
    "local": _local,
    "local_avgpool": _local_avgpool,
    "crop": _crop,
    "dropout": _dropout,
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _scale_channels,
    "sam": _sam,
    "upsample": _upsample,
    "batchnorm": _batchnorm,
    "activation": _activation,
    "logistic": _logistic,
    "cost": _cost,
}
