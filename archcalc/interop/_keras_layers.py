"""Keras' layers as their calls have them, each as layers of archcalc."""

from collections.abc import Callable
from typing import Any

from archcalc.diagnostics import Refusal
from archcalc.graph import UNKNOWN
from archcalc.interop._keras_call import Call, shape_of
from archcalc.interop.reading import NO_SIZE, Draft, made, typed
from archcalc.layers import Layer
from archcalc.layers.activation import ELU, LeakyReLU
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.depthwise import DepthwiseConv
from archcalc.layers.further.deconv import TransposedConv
from archcalc.layers.further.upsample import Upsample
from archcalc.layers.norm import BatchNorm, Dropout
from archcalc.layers.pool import AveragePool, MaxPool
from archcalc.layers.reshape import Crop, Input, Pad
from archcalc.reader.text import in_backticks
from archcalc.reader.values import Padding
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

_ACTIVATIONS = {
    **{
        name: name
        for name in ("relu", "relu6", "sigmoid", "tanh", "softmax", "softplus", "elu", "selu", "gelu", "mish")
    },
    "silu": "silu",
    "swish": "silu",
    "log_softmax": "log_softmax",
}


class Spec(NamedTuple):
    """How a layer is called: its arguments in their order, those that are read, and who reads them."""

    arguments: tuple[str, ...]
    read: frozenset[str]
    add: "Callable[[Sequential, Call, str], None]"


class Sequential:
    """A network in the making: each layer reads the one before."""

    # Arguments of any layer that say nothing of sizes or costs.
    passed = frozenset(
        [
            *("name", "dtype", "trainable", "input_shape", "batch_input_shape", "input_dim", "input_length", "batch_size"),
            *(f"{one}_{what}" for one in ("kernel", "bias", "activity", "beta", "gamma", "depthwise", "pointwise", "moving_mean", "moving_variance", "alpha") for what in ("initializer", "regularizer", "constraint")),
            *("init", "W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint", "weights"),
            *("momentum", "seed", "data_format", "dim_ordering", "noise_shape", "sparse", "ragged", "fused", "virtual_batch_size"),
        ]
    )  # fmt: skip

    def __init__(self, draft: Draft, input: Volume | None) -> None:
        self.draft, self.size = draft, input
        self.last = -1
        self.counts: dict[str, int] = {}

    @property
    def volume(self) -> Volume | None:
        return self.draft.volumes[self.last]

    def read(self, calls: list[Call]) -> None:
        """Add the layers; one that cannot be read stands in the network as unknown."""
        for call in calls:
            spec = LAYERS.get(call.kind)
            if self.last < 0:
                self._input(call)
                if call.kind in ("Input", "InputLayer"):
                    continue
            name = self.named(call)
            if spec is None:
                self.last = self.draft.missing(call.kind or "a call", name, (self.last,), call.span)
                continue
            before = len(self.draft.nodes)
            try:
                spec.add(self, call, name)
            except Refusal as refusal:
                self.draft.problems.append(refusal.diagnostic)
                if len(self.draft.nodes) == before or self.volume is not None:
                    self.last = self.draft.add(name, UNKNOWN, (self.last,), call.span)

    def _input(self, call: Call) -> None:
        """The size of the first layer's input, or of `Input`, before its batch where there is one."""
        value = call.get("input_shape", "shape", "batch_input_shape", "batch_shape", "input_dim")
        place = call.place("input_shape", "shape", "batch_input_shape", "batch_shape", "input_dim")
        if isinstance(value, tuple) and call.get("input_shape", "shape") is None:
            value = value[1:]
        volume = shape_of((value,) if type(value) is int else value)
        if volume and call.get("data_format", "dim_ordering") in ("channels_first", "th"):
            volume = Volume(volume.channels, volume.width, volume.height)
        layer: Layer = UNKNOWN
        try:
            if not (self.size or volume):
                message = "the network does not say how large its input is; give a size, like --input 32x32x3"
                raise Refusal(NO_SIZE, message, place)
            layer = made(Input, "input", place, **(self.size or volume or Volume(1, 1, 1))._asdict())
        except Refusal as refusal:
            self.draft.problems.append(refusal.diagnostic)
        self.last = self.draft.add("input", layer, (), place)

    def named(self, call: Call) -> str:
        """As Keras names layers: `conv2d`, `conv2d_1`."""
        said = call.values.get("name")
        if isinstance(said, str) and said:
            return said
        short = _SNAKE.get(call.kind, call.kind.lower())
        count = self.counts.get(short, 0)
        self.counts[short] = count + 1
        return f"{short}_{count}" if count else short

    def put(self, name: str, layer: Layer, call: Call) -> None:
        trained = call.values.get("trainable") is not False
        self.last = self.draft.add(name, layer, (self.last,), call.span, trainable=trained)

    def plain(self, name: str, type: str, call: Call, **values: Any) -> None:
        self.put(name, typed(type, name, call.span, **values), call)

    def activate(self, name: str, call: Call) -> None:
        """The activation that a layer's call asks for."""
        word = call.word("activation", default="linear")
        if word == "linear":
            return
        if word not in _ACTIVATIONS:
            self.last = self.draft.missing(
                f"activation={word}", f"{name}.{word}", (self.last,), call.place("activation")
            )
            return
        self.plain(f"{name}.{word}", _ACTIVATIONS[word], call)


def _padding(call: Call, default: str = "valid") -> Padding:
    word = call.word("padding", "border_mode", default=default).lower()
    if word not in ("valid", "same"):
        raise call.refuse(f"padding {in_backticks(word)}", "padding", "border_mode")
    return Padding(mode="same" if word == "same" else "")


def _kernel(call: Call) -> Pair:
    """`kernel_size`, or rows and columns as numbers of their own, as Keras 1 had them."""
    if "nb_row" in call.values:
        return Pair(call.integer("nb_col"), call.integer("nb_row"))
    return call.pair("kernel_size")


def _stride(call: Call) -> Pair:
    return call.pair("strides", "subsample", default=1)


def _conv(net: Sequential, call: Call, name: str) -> None:
    layer = made(
        Conv,
        name,
        call.span,
        call.places,
        filters=call.integer("filters", "nb_filter"),
        kernel_size=_kernel(call),
        stride=_stride(call),
        padding=_padding(call),
        dilation=call.pair("dilation_rate", default=1),
        groups=call.integer("groups", default=1),
        bias=call.boolean("use_bias", "bias", default=True),
        rounding="floor",
    )
    net.put(name, layer, call)
    net.activate(name, call)


def _deconv(net: Sequential, call: Call, name: str) -> None:
    """Valid gives (W - 1)S + max(F, S), same W*S."""
    if call.get("output_padding") is not None or call.pair("dilation_rate", default=1) != (1, 1):
        raise call.refuse("output_padding and dilation_rate", "output_padding", "dilation_rate")
    kernel, stride, padding = _kernel(call), _stride(call), _padding(call)
    if not padding.mode and (kernel.width < stride.width or kernel.height < stride.height):
        raise call.refuse("windows smaller than their distance", "strides")
    values: dict[str, Any] = {"filters": call.integer("filters"), "kernel_size": kernel, "stride": stride}
    values["padding"] = padding
    bias = call.boolean("use_bias", default=True)
    net.put(name, made(TransposedConv, name, call.span, call.places, **values, bias=bias), call)
    net.activate(name, call)


def _depthwise_layer(call: Call, name: str, bias: bool) -> Layer:
    values: dict[str, Any] = {
        "kernel_size": _kernel(call),
        "stride": _stride(call),
        "padding": _padding(call),
        "dilation": call.pair("dilation_rate", default=1),
        "multiplier": call.integer("depth_multiplier", default=1),
        "rounding": "floor",
    }
    return made(DepthwiseConv, name, call.span, **values, bias=bias)


def _depthwise(net: Sequential, call: Call, name: str) -> None:
    net.put(name, _depthwise_layer(call, name, call.boolean("use_bias", default=True)), call)
    net.activate(name, call)


def _separable(net: Sequential, call: Call, name: str) -> None:
    """A depthwise convolution without bias, and one of 1x1."""
    net.put(f"{name}.depthwise", _depthwise_layer(call, name, bias=False), call)
    values: dict[str, Any] = {"filters": call.integer("filters"), "bias": call.boolean("use_bias", default=True)}
    net.put(name, made(Conv, name, call.span, kernel_size=Pair(1, 1), **values), call)
    net.activate(name, call)


def _pool(net: Sequential, call: Call, name: str) -> None:
    """The stride is the window's extent unless given; an average never counts padding."""
    kernel = call.pair("pool_size", default=2)
    step = kernel if call.get("strides") is None else call.pair("strides")
    values: dict[str, Any] = {"kernel_size": kernel, "stride": step, "padding": _padding(call), "rounding": "floor"}
    if call.kind.startswith("Max"):
        net.put(name, made(MaxPool, name, call.span, call.places, **values), call)
    else:
        net.put(name, made(AveragePool, name, call.span, call.places, **values, count_padding=False), call)


def _global(net: Sequential, call: Call, name: str) -> None:
    net.plain(name, "gap" if call.kind.startswith("GlobalA") else "gmp", call)


def _dense(net: Sequential, call: Call, name: str) -> None:
    """On an image a 1x1 convolution: the same weights at every pixel."""
    units, bias = call.integer("units", "output_dim"), call.boolean("use_bias", "bias", default=True)
    x = net.volume
    if x is not None and x[:2] != (1, 1):
        layer: Layer = made(Conv, name, call.span, filters=units, kernel_size=Pair(1, 1), bias=bias)
    else:
        layer = made(FullyConnected, name, call.span, call.places, units=units, bias=bias)
    net.put(name, layer, call)
    net.activate(name, call)


def _batch_norm(net: Sequential, call: Call, name: str) -> None:
    scale, center = call.boolean("scale", default=True), call.boolean("center", default=True)
    if call.get("axis", default=-1) not in (-1, 3, (-1,), (3,)):
        raise call.refuse("along an axis other than the last", "axis")
    layer = made(BatchNorm, name, call.span, scale=scale, shift=center, eps=call.number("epsilon", default=1e-3))
    net.put(name, layer, call)


def _dropout(net: Sequential, call: Call, name: str) -> None:
    net.put(name, made(Dropout, name, call.span, rate=call.number("rate", "p", default=0.5)), call)


def _sides(call: Call, *names: str) -> Padding:
    """A number, (height, width), or ((top, bottom), (left, right))."""
    value = call.get(*names)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, tuple) and len(one) == 2 for one in value):
        (top, bottom), (left, right) = value
        if all(type(one) is int for one in (top, bottom, left, right)):
            return Padding(left, right, top, bottom)
    sides = call.pair(*names, default=1)
    return Padding(sides.width, sides.width, sides.height, sides.height)


def _pad(net: Sequential, call: Call, name: str) -> None:
    net.put(name, made(Pad, name, call.span, padding=_sides(call, "padding")), call)


def _crop(net: Sequential, call: Call, name: str) -> None:
    sides = _sides(call, "cropping") if call.get("cropping") is not None else Padding()
    net.put(name, made(Crop, name, call.span, cropping=sides), call)


def _upsample(net: Sequential, call: Call, name: str) -> None:
    mode = call.word("interpolation", default="nearest")
    if mode not in ("nearest", "bilinear"):
        raise call.refuse(f"interpolation {in_backticks(mode)}", "interpolation")
    net.put(name, made(Upsample, name, call.span, factor=call.pair("size", default=2), mode=mode), call)


def _flatten(net: Sequential, call: Call, name: str) -> None:
    net.plain(name, "flatten", call)


def _reshape(net: Sequential, call: Call, name: str) -> None:
    shape = call.get("target_shape", "dims")
    if isinstance(shape, tuple) and len(shape) == 1:
        net.plain(name, "flatten", call)
    elif net.volume is None or shape_of(shape) != net.volume:
        raise call.refuse("to an image", "target_shape")


def _activation(net: Sequential, call: Call, name: str) -> None:
    word = call.word("activation")
    if word in _ACTIVATIONS:
        net.plain(name, _ACTIVATIONS[word], call)
    elif word != "linear":
        net.last = net.draft.missing(f"activation={word}", name, (net.last,), call.place("activation"))


def _relu(net: Sequential, call: Call, name: str) -> None:
    largest, slope = call.get("max_value"), call.number("negative_slope", default=0)
    if call.number("threshold", default=0) or (largest is not None and (slope or largest != 6)):
        raise call.refuse("a threshold, or a largest value other than 6", "threshold", "max_value")
    if slope:
        net.put(name, made(LeakyReLU, name, call.span, slope=slope), call)
    else:
        net.plain(name, "relu" if largest is None else "relu6", call)


def _leaky(net: Sequential, call: Call, name: str) -> None:
    net.put(name, made(LeakyReLU, name, call.span, slope=call.number("negative_slope", "alpha", default=0.3)), call)


def _prelu(net: Sequential, call: Call, name: str) -> None:
    if call.get("shared_axes") != (1, 2):
        raise call.refuse("a slope for every value; shared_axes=[1, 2] has one for every channel", "shared_axes")
    net.plain(name, "prelu", call)


def _elu(net: Sequential, call: Call, name: str) -> None:
    net.put(name, made(ELU, name, call.span, alpha=call.number("alpha", default=1.0)), call)


def _softmax(net: Sequential, call: Call, name: str) -> None:
    if call.get("axis", default=-1) not in (-1, 3):
        raise call.refuse("along an axis other than the last", "axis")
    net.plain(name, "softmax", call)


def _rescaling(net: Sequential, call: Call, name: str) -> None:
    net.plain(name, "scale", call, by=call.number("scale", default=1))
    if offset := call.number("offset", default=0):
        net.plain(f"{name}.shift", "shift", call, by=offset)


def _nothing(net: Sequential, call: Call, name: str) -> None:
    """What does something at training only, and owns nothing."""


_COMMON = ("name", "trainable", "input_shape", "batch_input_shape", "input_dim", "data_format", "dim_ordering")


def _spec(
    add: "Callable[[Sequential, Call, str], None]", arguments: str = "", more: str = "", unread: str = ""
) -> Spec:
    """`arguments` in their order, further ones by name, and those in the order that are not read."""
    ordered = tuple(arguments.split())
    return Spec(ordered, frozenset([*ordered, *more.split(), *_COMMON]) - frozenset(unread.split()), add)


_CONV = "strides padding data_format dilation_rate groups activation use_bias"
_OLD = "nb_filter nb_row nb_col border_mode subsample bias"
LAYERS: dict[str, Spec] = {
    "Input": _spec(_nothing, "shape", "batch_shape"),
    "InputLayer": _spec(_nothing, "shape", "batch_shape"),
    "Conv2D": _spec(_conv, f"filters kernel_size {_CONV}", _OLD),
    "Convolution2D": _spec(_conv, f"filters kernel_size {_CONV}", _OLD),
    "Conv2DTranspose": _spec(
        _deconv, "filters kernel_size strides padding data_format dilation_rate activation use_bias", "output_padding"
    ),
    "DepthwiseConv2D": _spec(
        _depthwise, "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias"
    ),
    "SeparableConv2D": _spec(
        _separable,
        "filters kernel_size strides padding data_format dilation_rate depth_multiplier activation use_bias",
    ),
    **{
        name: _spec(_pool, "pool_size strides padding data_format", "border_mode")
        for name in ("MaxPooling2D", "MaxPool2D", "AveragePooling2D", "AvgPool2D")
    },
    **{
        name: _spec(_global, "data_format")
        for name in ("GlobalAveragePooling2D", "GlobalAvgPool2D", "GlobalMaxPooling2D", "GlobalMaxPool2D")
    },
    "Dense": _spec(_dense, "units activation use_bias", "output_dim bias"),
    "Flatten": _spec(_flatten, "data_format"),
    "Reshape": _spec(_reshape, "target_shape", "dims"),
    "Dropout": _spec(_dropout, "rate noise_shape seed", "p", "noise_shape seed"),
    "SpatialDropout2D": _spec(_dropout, "rate data_format seed", "p", "seed"),
    "BatchNormalization": _spec(_batch_norm, "axis momentum epsilon center scale", unread="momentum"),
    "Activation": _spec(_activation, "activation"),
    "ReLU": _spec(_relu, "max_value negative_slope threshold"),
    "LeakyReLU": _spec(_leaky, "negative_slope", "alpha"),
    "PReLU": _spec(_prelu, "", "shared_axes"),
    "ELU": _spec(_elu, "alpha"),
    "Softmax": _spec(_softmax, "axis"),
    "ZeroPadding2D": _spec(_pad, "padding data_format"),
    "Cropping2D": _spec(_crop, "cropping data_format"),
    "UpSampling2D": _spec(_upsample, "size data_format interpolation"),
    "Rescaling": _spec(_rescaling, "scale offset"),
    **{
        name: _spec(_nothing, "a b c", "stddev", "a b c stddev")
        for name in ("GaussianNoise", "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast")
    },
}
_SNAKE = {
    "MaxPooling2D": "max_pooling2d",
    "MaxPool2D": "max_pooling2d",
    "AveragePooling2D": "average_pooling2d",
    "AvgPool2D": "average_pooling2d",
    "Convolution2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "BatchNormalization": "batch_normalization",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "GlobalMaxPooling2D": "global_max_pooling2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "ReLU": "re_lu",
    "SeparableConv2D": "separable_conv2d",
    "ZeroPadding2D": "zero_padding2d",
    "UpSampling2D": "up_sampling2d",
    "LeakyReLU": "leaky_re_lu",
    "SpatialDropout2D": "spatial_dropout2d",
    "PReLU": "p_re_lu",
}
