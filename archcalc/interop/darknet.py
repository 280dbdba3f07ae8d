"""Darknet's cfg files: `[net]`, then a section a layer, as pjreddie/darknet and AlexeyAB/darknet read them.

Layers have no names but their numbers, so `[convolutional]` 3 is `conv3`, with `conv3.bn` and `conv3.leaky` behind it.
What differs from other tools: `pad=1` pads size/2; a max pool pads size - 1 in total, (size - 1)/2 of it on the left and
top, and rounds down; an activation that is not given is logistic; of keys given twice the first counts; a convolution
with batch norm has no bias but the norm's.  `cost` and the detection heads (`yolo`, `region`, `detection`) compute
nothing that has a size: what they read are the network's outputs.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.diagnostics import Diagnostic, Refusal, Span
from archcalc.graph import UNKNOWN
from archcalc.interop._darknet_cfg import Option, Section, parsed
from archcalc.interop.reading import (
    BAD_SETTING,
    DANGLING,
    INEXPRESSIBLE,
    NO_SIZE,
    OVERSIZED,
    UNREADABLE,
    Draft,
    Reading,
    made,
    text_of,
    typed,
)
from archcalc.layers import Layer
from archcalc.layers.conv import Conv
from archcalc.layers.deconv import TransposedConv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.local import Local
from archcalc.layers.norm import BatchNorm, Dropout, LocalResponseNorm
from archcalc.layers.pool import MaxPool
from archcalc.layers.reshape import Input
from archcalc.layers.upsampling import Upsample
from archcalc.reader.text import split_lines
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Darknet cfg"
LIMIT = 1 << 20  # bytes; the longest of the public ones has 40,000
RECURRENT = ("rnn", "gru", "lstm", "crnn", "conv_lstm", "history")
HEADS = ("yolo", "region", "detection", "iseg", "Gaussian_yolo", "contrastive")

# Type and keys of each activation; `linear` is none.  ramp is 1.1x above 0 and x/10 below it.
_ACTIVATIONS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "linear": (),
    "leaky": (("leaky_relu", {"slope": 0.1}),),
    "relie": (("leaky_relu", {"slope": 0.01}),),
    "ramp": (("leaky_relu", {"slope": 0.1 / 1.1}), ("scale", {"by": 1.1})),
    "logistic": (("sigmoid", {}),),
    "hardtan": (("hardtanh", {}),),
    "swish": (("silu", {}),),
    **{name: ((name, {}),) for name in ("relu", "relu6", "tanh", "elu", "selu", "gelu", "mish")},
}

_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:[#;][^\n]*)?\n)*[ \t]*\[(?:net|network)\]")
_LAYER = re.compile(rb"^[ \t]*\[(?:conv|conn|max|route|rnn|gru|lstm|crnn|local|deconv|dropout|avg|soft)", re.MULTILINE)


def recognises(data: bytes, path: str) -> bool:
    """A file whose first section is `[net]`, with a layer behind it."""
    return bool(_BEGINNING.match(data) and _LAYER.search(data))


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    if len(data) > LIMIT:
        raise Refusal(OVERSIZED, f"the file has more than {LIMIT >> 20} MiB, the limit", Span(1, 1, 1, 1))
    lines = split_lines(text_of(data))
    draft = Draft()
    sections = parsed(lines, draft.problems)
    if not sections:
        raise Refusal(UNREADABLE, "the file has no section", Span(1, 1, 1, 1))
    net = _Net(draft, sections[0], input)
    for section in sections[1:]:
        net.read(section)
    return draft.reading(net.outputs())


class _Net:
    """A network in the making: what each of Darknet's layers gives."""

    def __init__(self, draft: Draft, section: Section, input: Volume | None) -> None:
        self.draft = draft
        self.given: list[int] = []  # the node that layer n ends with
        self.bearers: dict[int, int] = {}  # the node that has layer n's weights
        self.heads: list[int] = []
        self.last = -1
        draft.problems.attempt(self._input, section, input)

    def _input(self, section: Section, input: Volume | None) -> None:
        if section.kind not in ("net", "network"):
            raise Refusal(UNREADABLE, f"the first section is [net], not [{section.kind}]", section.span)
        sizes = tuple(section.integer(key, 0) for key in ("width", "height", "channels"))
        if not any(sizes):  # a network of vectors
            sizes = (1, 1, section.integer("inputs", 0))
        volume = input or Volume(*sizes)
        if min(volume) < 1:
            message = "[net] gives no width, height and channels; give a size, like --input 416x416x3"
            raise Refusal(NO_SIZE, message, section.span)
        places = section.places(width="width", height="height", channels="channels")
        self.last = self.draft.add("input", made(Input, "input", section.span, places, **volume._asdict()))

    def read(self, section: Section) -> None:
        """Add a layer; one that cannot be read stands in the network as unknown."""
        index = len(self.given)
        method = _LAYERS.get(section.kind)
        if method is None:
            self.last = self.draft.missing(section.kind, f"{section.kind}{index}", (self.last,), section.span)
        elif self.draft.problems.attempt(method, self, section, index) is None:
            self.put(f"{section.kind}{index}", UNKNOWN, section.span)
        self.given.append(self.last)

    def outputs(self) -> list[int]:
        """What the heads read, or else what the last layer gives."""
        found = [one for one in dict.fromkeys(self.heads or [self.last]) if one >= 0]
        return [] if found == [len(self.draft.nodes) - 1] else found

    def put(
        self, name: str, layer: Layer, span: Span, places: dict[str, Span] | None = None, shares: int | None = None
    ) -> int:
        """Add a layer behind the last one."""
        self.last = self.draft.add(name, layer, (self.last,), span, places or {}, shares=shares)
        return self.last

    def volume(self, position: int) -> Volume | None:
        return self.draft.volumes[position] if position >= 0 else None

    def layer(self, index: int, here: int, span: Span) -> int:
        """What the layer gives that a number means: from the start, or back from here."""
        at = index + here if index < 0 else index
        if not 0 <= at < here:
            raise Refusal(DANGLING, f"layer {here} reads layer {at}, which does not stand before it", span)
        return self.given[at]

    def activated(self, section: Section, name: str, default: str = "logistic") -> bool:
        """Add the activation behind the last node."""
        word, span = section.options.get("activation", Option(default, section.span))
        if word not in _ACTIVATIONS:
            self.last = self.draft.missing(f"activation={word}", f"{name}.{word}", (self.last,), span)
            return True
        for type, values in _ACTIVATIONS[word]:
            label = f"{name}.{word}" if type != "scale" else f"{name}.{word}.scale"
            self.put(label, typed(type, label, span, **values), span)
        return True

    def normalized(self, section: Section, name: str) -> bool:
        """Add the batch norm behind the last node, if the section asks for one."""
        if not section.integer("batch_normalize", 0):
            return False
        self.put(f"{name}.bn", made(BatchNorm, name), section.span)
        return True


def _convolutional(net: _Net, section: Section, index: int) -> bool:
    name = f"conv{index}"
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    across, down = section.integer("stride_x", stride), section.integer("stride_y", stride)
    dilation = section.integer("dilation", 1) if size > 1 else 1
    pad = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
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


def _deconvolutional(net: _Net, section: Section, index: int) -> bool:
    name = f"deconv{index}"
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    pad = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
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


def _local(net: _Net, section: Section, index: int) -> bool:
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


def _connected(net: _Net, section: Section, index: int) -> bool:
    name = f"fc{index}"
    places = section.places(units="output")
    bias = not section.integer("batch_normalize", 0)
    layer = made(FullyConnected, name, section.span, places, units=section.integer("output", 1), bias=bias)
    net.put(name, layer, section.span, places)
    net.normalized(section, name)
    return net.activated(section, name)


def _maxpool(net: _Net, section: Section, index: int) -> bool:
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


def _local_avgpool(net: _Net, section: Section, index: int) -> bool:
    """Lies as a max pool does, and counts no padding."""
    name = f"avgpool{index}"
    size, stride = section.integer("size", section.integer("stride", 1)), section.integer("stride", 1)
    total = section.integer("padding", size - 1)
    sides = Padding(total // 2, total - total // 2, total // 2, total - total // 2)
    window, step = Pair(size, size), Pair(stride, stride)
    keys = {"kernel_size": window, "stride": step, "padding": sides, "count_padding": False, "rounding": "floor"}
    return _plain(net, section, name, "avgpool", **keys)


def _avgpool(net: _Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"gap{index}", "gap")


def _crop(net: _Net, section: Section, index: int) -> bool:
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


def _softmax(net: _Net, section: Section, index: int) -> bool:
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


def _dropout(net: _Net, section: Section, index: int) -> bool:
    places = section.places(rate="probability")
    name = f"dropout{index}"
    layer = made(Dropout, name, section.span, places, rate=section.number("probability", 0.5))
    net.put(name, layer, section.span, places)
    return True


def _normalization(net: _Net, section: Section, index: int) -> bool:
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


def _route(net: _Net, section: Section, index: int) -> bool:
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


def _shortcut(net: _Net, section: Section, index: int) -> bool:
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


def _scale_channels(net: _Net, section: Section, index: int) -> bool:
    """Squeeze and excitation: another layer, times the last one's value for each channel."""
    return _with_another(net, section, index, "scale", "multiply")


def _sam(net: _Net, section: Section, index: int) -> bool:
    """Spatial attention: the last layer times another of the same size."""
    return _with_another(net, section, index, "sam", "multiply")


def _with_another(net: _Net, section: Section, index: int, word: str, type: str) -> bool:
    span = section.options.get("from", Option("", section.span)).span
    other = net.layer(section.integers("from")[0], index, span)
    name = f"{word}{index}"
    net.last = net.draft.add(name, typed(type, name), (other, net.last), section.span)
    return net.activated(section, name, "linear")


def _upsample(net: _Net, section: Section, index: int) -> bool:
    name = f"upsample{index}"
    if section.number("scale", 1) != 1:
        raise section.refuse("scale", f"{name}: values that are scaled while they are copied")
    stride, places = section.integer("stride", 2), section.places(factor="stride")
    layer = made(Upsample, name, section.span, places, factor=Pair(stride, stride))
    net.put(name, layer, section.span, places)
    return True


def _reorg(net: _Net, section: Section, index: int) -> bool:
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


def _batchnorm(net: _Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"bn{index}", "bn")


def _activation(net: _Net, section: Section, index: int) -> bool:
    return net.activated(section, f"activation{index}", "linear")


def _logistic(net: _Net, section: Section, index: int) -> bool:
    return _plain(net, section, f"logistic{index}", "sigmoid")


def _cost(net: _Net, section: Section, index: int) -> bool:
    """A loss is not a layer of the network."""
    return True


def _head(net: _Net, section: Section, index: int) -> bool:
    net.heads.append(net.last)
    return True


def _plain(net: _Net, section: Section, name: str, type: str, **values: Any) -> bool:
    net.put(name, typed(type, name, section.span, **values), section.span)
    return True


def _unknown(net: _Net, section: Section, name: str) -> bool:
    """What depends on a volume that is not known, for a reason that was said already."""
    net.put(name, UNKNOWN, section.span)
    return True


def _recurrent(net: _Net, section: Section, index: int) -> bool:
    name = f"{section.kind} (recurrent)"
    net.last = net.draft.missing(name, f"{section.kind}{index}", (net.last,), section.span)
    return True


def _sides(pad: int) -> Padding:
    return Padding(pad, pad, pad, pad)


_LAYERS: dict[str, Callable[[_Net, Section, int], bool]] = {
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
