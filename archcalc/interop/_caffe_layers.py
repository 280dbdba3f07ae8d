"""Caffe's layer types, each as layers of archcalc."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from archcalc.diagnostics import Refusal, Span
from archcalc.graph import UNKNOWN
from archcalc.interop._prototxt import Message
from archcalc.interop.reading import BAD_SETTING, INEXPRESSIBLE, Draft, made, typed
from archcalc.layers import TYPES, Layer
from archcalc.layers.activation import ELU, LeakyReLU
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.depthwise import DepthwiseConv
from archcalc.layers.further.deconv import TransposedConv
from archcalc.layers.norm import BatchNorm, Dropout, LocalResponseNorm
from archcalc.layers.pool import AveragePool, MaxPool
from archcalc.layers.reshape import Crop
from archcalc.reader.text import in_backticks
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

LOSSES = (
    *("SoftmaxWithLoss", "EuclideanLoss", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss", "ContrastiveLoss"),
    *("SigmoidCrossEntropyLoss", "SmoothL1Loss", "CenterLoss", "FocalLoss", "Accuracy", "Silence", "HDF5Output"),
)

OLD_NAMES = {  # of the format with `layers {`
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
}


class Here:
    """A layer of the file in its place, and where its nodes go."""

    def __init__(
        self, draft: Draft, layer: Message, name: str, inputs: list[int], tops: tuple[str, ...], span: Span
    ) -> None:
        self.draft, self.layer, self.name, self.inputs, self.tops, self.span = draft, layer, name, inputs, tops, span
        self.shares: int | None = None
        self.first = -1  # the node that has the weights

    def param(self, name: str) -> Message:
        return self.layer.message(name)

    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, of those that have one."""
        return tuple(one.word("name") for one in self.layer.messages("param") if one.texts("name"))

    def frozen(self, blobs: int) -> bool:
        """Whether so many parameters all have a learning rate of 0."""
        rates = [one.number("lr_mult", 1) for one in self.layer.messages("param")]
        rates = rates or [float(one.text) if one.text.isdigit() else 1.0 for one in self.layer.texts("blobs_lr")]
        return len(rates) >= blobs and not any(rates)

    def volume(self, number: int = 0) -> Volume | None:
        return self.draft.volumes[self.inputs[number]]

    def put(self, layer: Layer, places: dict[str, Span] | None = None, blobs: int = 0) -> list[int]:
        """Add the layer as a node of this name; `blobs` is how many parameters Caffe keeps for it."""
        bottoms = {one.text for one in self.layer.texts("bottom")}
        self.first = self.draft.add(
            self.name,
            layer,
            self.inputs,
            self.span,
            places or {},
            shares=self.shares,
            trainable=not (blobs and self.frozen(blobs)),
            inplace=True if layer.inplace and bottoms.intersection(self.tops) else None,
        )
        return [self.first]

    def plain(self, type: str, **values: Any) -> list[int]:
        """A layer without weights, by the name of its type."""
        return self.put(typed(type, self.name, self.span, **values))

    def unknown(self) -> list[int]:
        """What depends on a volume that is not known, for a reason that was said already."""
        return [self.draft.add(self.name, UNKNOWN, self.inputs, self.span)]

    def refuse(self, message: str, param: Message, key: str = "") -> Refusal:
        place = param.fields[key][0].span if key in param.fields else self.span
        return Refusal(INEXPRESSIBLE, f"{in_backticks(self.name)}: {message}", place)


def _pair(here: Here, param: Message, name: str, short: str, default: int | None) -> Pair:
    """A setting of both axes: `kernel_size: 3`, twice for height and width, or `kernel_h` and `kernel_w`."""
    both = param.integers(name)
    if len(both) > 2:
        raise here.refuse(f"`{name}` of {len(both)} axes", param, name)
    height, width = (both * 2)[:2] if len(both) == 1 else both or (default, default)
    height, width = param.integer(f"{short}_h", height or 0), param.integer(f"{short}_w", width or 0)
    if default is None and not (height and width) and not param.texts(name):
        raise Refusal(BAD_SETTING, f"{in_backticks(here.name)} needs `{name}`", here.span)
    return Pair(width, height)


def _sides(pair: Pair) -> Padding:
    return Padding(pair.width, pair.width, pair.height, pair.height)


_PLACES = {
    "filters": "num_output",
    "kernel_size": "kernel_size",
    "stride": "stride",
    "padding": "pad",
    "groups": "group",
}


def _convolution(here: Here) -> list[int]:
    param = here.param("convolution_param")
    _axis(here, param)
    bias = param.boolean("bias_term", default=True)
    values: dict[str, Any] = {
        "kernel_size": _pair(here, param, "kernel_size", "kernel", None),
        "stride": _pair(here, param, "stride", "stride", 1),
        "padding": _sides(_pair(here, param, "pad", "pad", 0)),
        "bias": bias,
    }
    dilation = _pair(here, param, "dilation", "dilation", 1)
    kind = here.layer.word("type")
    places = param.places(**_PLACES)
    filters = param.integer("num_output", 0)
    if kind in ("Deconvolution", "DECONVOLUTION"):
        if dilation != (1, 1):
            raise here.refuse("a dilated deconvolution", param, "dilation")
        values |= {"filters": filters, "groups": param.integer("group", 1)}
        return here.put(made(TransposedConv, here.name, here.span, places, **values), places, 1 + bias)
    values |= {"dilation": dilation, "rounding": "floor"}
    if "epthwise" in kind:
        x = here.volume()
        if x is None:
            return here.unknown()
        if filters % x.channels:
            raise here.refuse(f"{filters} filters on {x.channels} channels", param, "num_output")
        layer = made(DepthwiseConv, here.name, here.span, places, multiplier=filters // x.channels, **values)
        return here.put(layer, places, 1 + bias)
    values |= {"filters": filters, "groups": param.integer("group", 1)}
    return here.put(made(Conv, here.name, here.span, places, **values), places, 1 + bias)


def _inner_product(here: Here) -> list[int]:
    param = here.param("inner_product_param")
    _axis(here, param)
    bias, places = param.boolean("bias_term", default=True), param.places(units="num_output")
    units = param.integer("num_output", 0)
    layer = made(FullyConnected, here.name, here.span, places, units=units, bias=bias)
    return here.put(layer, places, 1 + bias)


def _axis(here: Here, param: Message, key: str = "axis") -> None:
    if param.integer(key, 1) not in (1, -3):
        raise here.refuse("along an axis other than the channels'", param, key)


def _pooling(here: Here) -> list[int]:
    """Rounds up unless `round_mode: FLOOR`, or a fork's `ceil_mode: false`, says otherwise."""
    param = here.param("pooling_param")
    method = param.word("pool", "MAX")
    if method not in ("MAX", "AVE"):
        return [here.draft.missing(f"Pooling {method}", here.name, here.inputs, here.span)]
    if param.boolean("global_pooling", default=False):
        return here.plain("gap") if method == "AVE" else here.plain("adaptive_pool", size=Pair(1, 1))
    floor = param.word("round_mode", "CEIL") in ("FLOOR", "1") or not param.boolean("ceil_mode", default=True)
    kernel, stride = _pair(here, param, "kernel_size", "kernel", None), _pair(here, param, "stride", "stride", 1)
    pad = _pair(here, param, "pad", "pad", 0)
    x = here.volume()
    if x and not floor and pad == (0, 0):
        for extent, size, step in zip(x[:2], kernel, stride, strict=True):
            if step and extent >= size and -(-(extent - size) // step) * step >= extent:
                raise here.refuse("the last window lies behind the image, and without padding Caffe keeps it", param)
    type = MaxPool if method == "MAX" else AveragePool
    rounding = "floor" if floor else "ceil"
    places = param.places(kernel_size="kernel_size", stride="stride", padding="pad")
    values = {"kernel_size": kernel, "stride": stride, "padding": _sides(pad), "rounding": rounding}
    return here.put(made(type, here.name, here.span, places, **values), places)


def _lrn(here: Here) -> list[int]:
    param = here.param("lrn_param")
    size = param.integer("local_size", 5)
    if param.word("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        return _within(here)
    alpha, beta, k = param.number("alpha", 1.0), param.number("beta", 0.75), param.number("k", 1.0)
    places = param.places(size="local_size", alpha="alpha", beta="beta", k="k")
    values = {"size": size, "alpha": alpha / max(1, size), "beta": beta, "k": k}
    return here.put(made(LocalResponseNorm, here.name, here.span, places, **values), places)


def _within(here: Here) -> list[int]:
    """A normalization that gives a volume like its input's, trains nothing, and has no layer here."""
    x = here.volume()
    if x is None:
        return here.unknown()
    return here.plain("opaque", volume=x, what="LRN within channels", params=0, buffers=0, macs=0)


def _batch_norm(here: Here) -> list[int]:
    param = here.param("batch_norm_param")
    places = param.places(eps="eps")
    eps = param.number("eps", 1e-5)
    return here.put(made(BatchNorm, here.name, here.span, places, affine=False, eps=eps, counted=True), places)


def _scale(here: Here) -> list[int]:
    """A factor for each channel, and with `bias_term` a shift; with two bottoms their product."""
    param = here.param("scale_param")
    if len(here.inputs) > 1:
        return here.plain("multiply")
    _axis(here, param)
    if param.integer("num_axes", 1) != 1:
        raise here.refuse("a factor for more than the channels", param, "num_axes")
    return _per_channel(here, "scale", param.boolean("bias_term", default=False))


def _bias(here: Here) -> list[int]:
    return here.plain("add") if len(here.inputs) > 1 else _per_channel(here, "shift", more=False)


def _per_channel(here: Here, type: str, more: bool) -> list[int]:
    found = here.put(typed(type, here.name, here.span, per="channel"), blobs=1 + more)
    if not more:
        return found
    shares = None if here.shares is None else here.shares + 1
    layer, name = typed("shift", here.name, per="channel"), f"{here.name}.bias"
    return [here.draft.add(name, layer, found, here.span, shares=shares, trainable=not here.frozen(2))]


def _relu(here: Here) -> list[int]:
    param = here.param("relu_param")
    if slope := param.number("negative_slope", 0):
        places = param.places(slope="negative_slope")
        return here.put(made(LeakyReLU, here.name, here.span, places, slope=slope), places)
    return here.plain("relu")


def _prelu(here: Here) -> list[int]:
    param = here.param("prelu_param")
    if param.boolean("channel_shared", default=False):
        raise here.refuse("one slope for all channels", param, "channel_shared")
    return here.put(typed("prelu", here.name, here.span), blobs=1)


def _elu(here: Here) -> list[int]:
    return here.put(made(ELU, here.name, here.span, alpha=here.param("elu_param").number("alpha", 1.0)))


def _clip(here: Here) -> list[int]:
    param = here.param("clip_param")
    low, high = param.number("min", 0), param.number("max", 0)
    if (low, high) == (0, 6):
        return here.plain("relu6")
    return here.plain("clamp", low=low, high=high)


def _power(here: Here) -> list[int]:
    """(shift + scale * x)^power, with a power of 1."""
    param = here.param("power_param")
    scale, shift = param.number("scale", 1), param.number("shift", 0)
    if param.number("power", 1) != 1:
        raise here.refuse("a power other than 1", param, "power")
    last = here.plain("scale", by=scale)
    if not shift:
        return last
    return [here.draft.add(f"{here.name}.shift", typed("shift", here.name, by=shift), last, here.span)]


def _dropout(here: Here) -> list[int]:
    param = here.param("dropout_param")
    places = param.places(rate="dropout_ratio")
    layer = made(Dropout, here.name, here.span, places, rate=param.number("dropout_ratio", 0.5))
    return here.put(layer, places)


def _softmax(here: Here) -> list[int]:
    _axis(here, here.param("softmax_param"))
    return here.plain("softmax")


def _flatten(here: Here) -> list[int]:
    _axis(here, here.param("flatten_param"))
    return here.plain("flatten")


def _reshape(here: Here) -> list[int]:
    """To one column of values, or to the volume that is there already; another one only where there is a layer for it."""
    param = here.param("reshape_param")
    x, dims = here.volume(), param.message("shape").integers("dim")
    if x is None:
        return here.unknown()
    if param.integer("axis", 0) or param.integer("num_axes", -1) != -1 or not 2 <= len(dims) <= 4:
        raise here.refuse("a shape that is no volume", param, "shape")
    known = [(one or size) for one, size in zip(dims[1:], (x.channels, x.height, x.width), strict=False)]
    rest = 1
    for one in known:
        rest *= one if one > 0 else 1
    channels, height, width = (*(one if one > 0 else x.size // max(1, rest) for one in known), 1, 1)[:3]
    if width == height == 1:
        return here.plain("flatten")
    if (width, height, channels) == x:
        return here.inputs[:1]
    if "reshape" not in TYPES:
        raise here.refuse(f"values of {x} in another order, {width}x{height}x{channels}", param, "shape")
    return here.plain("reshape", width=width, height=height, channels=channels)


def _concat(here: Here) -> list[int]:
    param = here.param("concat_param")
    _axis(here, param)
    _axis(here, param, "concat_dim")
    return here.inputs if len(here.inputs) == 1 else here.plain("concat")


def _eltwise(here: Here) -> list[int]:
    param = here.param("eltwise_param")
    operation = param.word("operation", "SUM")
    if len(here.inputs) == 1:
        return here.inputs
    if operation in ("PROD", "0"):
        return here.plain("multiply")
    if operation in ("MAX", "2"):
        return here.plain("maximum")
    factors = param.numbers("coeff")
    if factors and len(factors) != len(here.inputs):
        message = f"{in_backticks(here.name)}: {len(factors)} factors for {len(here.inputs)} bottoms"
        raise Refusal(BAD_SETTING, message, param.fields["coeff"][0].span)
    if factors == [1, -1]:
        return here.plain("subtract")
    for number, factor in enumerate(factors):
        if factor != 1:
            name = f"{here.name}.scale{number}"
            layer = typed("scale", name, here.span, by=factor)
            here.inputs[number] = here.draft.add(name, layer, [here.inputs[number]], here.span)
    return here.plain("add")


def _slice(here: Here) -> list[int]:
    """Ranges of channels, one a top."""
    param = here.param("slice_param")
    _axis(here, param)
    _axis(here, param, "slice_dim")
    points, count = param.integers("slice_point"), len(here.tops)
    if count == 1:
        return here.inputs[:1]
    x = here.volume()
    if x is None:
        return here.unknown()
    if points and len(points) != count - 1:
        message = f"{in_backticks(here.name)}: {len(points)} points make {len(points) + 1} parts, not {count}"
        raise Refusal(BAD_SETTING, message, param.span)
    edges = [0, *points, x.channels]
    sizes = [after - before for before, after in pairwise(edges)]
    equal = not points or len(set(sizes)) == 1
    found = []
    for number, top in enumerate(here.tops):
        name = f"{here.name}.{top}"
        if equal:
            layer = typed("split", name, here.span, parts=count, part=number + 1)
        else:
            layer = typed("slice", name, here.span, channels=sizes[number], offset=edges[number])
        found.append(here.draft.add(name, layer, here.inputs, here.span))
    return found


def _crop(here: Here) -> list[int]:
    """The first bottom cut to the size of the second, from an offset on."""
    param = here.param("crop_param")
    if len(here.inputs) != 2 or param.integer("axis", 2) != 2:
        raise here.refuse("a crop of more than width and height", param, "axis")
    x, y = here.volume(0), here.volume(1)
    if x is None or y is None:
        return here.unknown()
    top, left = (param.integers("offset") * 2 or [0, 0])[:2]
    sides = Padding(left, x.width - y.width - left, top, x.height - y.height - top)
    here.inputs = here.inputs[:1]
    return here.inputs if sides == Padding() else here.put(made(Crop, here.name, here.span, cropping=sides))


def _split(here: Here) -> list[int]:
    """One blob under several names."""
    return here.inputs[:1]


def _activation(type: str) -> Callable[[Here], list[int]]:
    return lambda here: here.plain(type)


LAYERS: dict[str, Callable[[Here], list[int]]] = {
    **dict.fromkeys(
        ("Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution", "DepthwiseConv"), _convolution
    ),
    "InnerProduct": _inner_product,
    "Pooling": _pooling,
    "LRN": _lrn,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "Bias": _bias,
    "ReLU": _relu,
    "PReLU": _prelu,
    "ELU": _elu,
    "Clip": _clip,
    "Power": _power,
    "Dropout": _dropout,
    "Softmax": _softmax,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Concat": _concat,
    "Eltwise": _eltwise,
    "Slice": _slice,
    "Crop": _crop,
    "Split": _split,
    "Sigmoid": _activation("sigmoid"),
    "TanH": _activation("tanh"),
    "ReLU6": _activation("relu6"),
    "Swish": _activation("silu"),
    "SeLu": _activation("selu"),
    "Mish": _activation("mish"),
    "BNLL": _activation("softplus"),
    "LogSoftmax": _activation("log_softmax"),
}
