"""Keras' layers, one function each: what they add to a network that is being read.

Sizes in a configuration are height first.  `same` is TensorFlow's; windows round down; a pool's padding never counts.
"""

from math import prod
from typing import Any

from archcalc.interop._functions import depth
from archcalc.interop._keras_place import ACTIVATIONS, MAX_STEPS, Handler, Place, Tensor, Unsupported, activated
from archcalc.layers import TYPES
from archcalc.reader.values import Padding
from archcalc.volume import Pair


def conv(p: Place) -> Tensor:
    x = p.tensor()
    values: dict[str, Any] = {"kernel_size": p.pair("kernel_size"), "stride": p.pair("strides"), "padding": p.padding,
              "dilation": p.pair("dilation_rate"), "bias": bool(p.get("use_bias", True)), "rounding": "floor"}  # fmt: skip
    groups, channels = p.get("groups", 1), p.volume(x).channels
    if groups == channels > 1 and p.get("filters", 0) % channels == 0:
        return p.layer("dwconv", multiplier=p.config["filters"] // channels, **values)
    return p.layer("conv", filters=p.get("filters", 0), groups=groups, **values)


def depthwise(p: Place) -> Tensor:
    return p.layer(
        "dwconv", kernel_size=p.pair("kernel_size"), stride=p.pair("strides"), padding=p.padding,
        dilation=p.pair("dilation_rate"), multiplier=p.get("depth_multiplier", 1), bias=bool(p.get("use_bias", True)), rounding="floor",
    )  # fmt: skip


def separable(p: Place) -> Tensor:
    """A depthwise convolution without a bias, and a 1x1 convolution."""
    x = p.tensor()
    node = p.add(
        "dwconv", [x], ".depthwise", kernel_size=p.pair("kernel_size"), stride=p.pair("strides"), padding=p.padding,
        dilation=p.pair("dilation_rate"), multiplier=p.get("depth_multiplier", 1), bias=False, rounding="floor",
    )  # fmt: skip
    bias = bool(p.get("use_bias", True))
    one = {"filters": p.get("filters", 0), "kernel_size": Pair(1, 1), "bias": bias, "rounding": "floor"}
    return activated(p, Tensor(p.add("conv", [Tensor(node, x.rank)], ".pointwise", **one), x.rank))


def transposed(p: Place) -> Tensor:
    """Windows smaller than their distance leave columns between them, which are added behind."""
    kernel, stride = p.pair("kernel_size"), p.pair("strides")
    if p.pair("dilation_rate") != (1, 1) or p.config.get("output_padding") is not None:
        raise Unsupported("with dilation or output padding")
    behind = (
        Pair(0, 0)
        if p.padding.mode
        else Pair(max(0, stride.width - kernel.width), max(0, stride.height - kernel.height))
    )
    return p.layer(
        "deconv", filters=p.get("filters", 0), kernel_size=kernel, stride=stride, padding=p.padding, output_padding=behind,
        groups=p.get("groups", 1), bias=bool(p.get("use_bias", True)),
    )  # fmt: skip


def dense(p: Place) -> Tensor:
    """Fully connected over the last axis: at every pixel of an image, which is a 1x1 convolution."""
    units, bias = p.get("units", 0), bool(p.get("use_bias", True))
    if p.tensor().rank == 2:
        return p.layer("fc", units=units, bias=bias)
    return p.layer("conv", filters=units, kernel_size=Pair(1, 1), bias=bias, rounding="floor")


def pool(type: str) -> Handler:
    def handler(p: Place) -> Tensor:
        kernel = p.pair("pool_size", 2)
        stride = p.pair("strides") if p.config.get("strides") is not None else kernel
        values: dict[str, Any] = {"kernel_size": kernel, "padding": p.padding, "rounding": "floor"}
        if stride != kernel:
            values["stride"] = stride
        if type == "avgpool" and p.padding.mode:
            values["count_padding"] = False
        return p.layer(type, **values)

    return handler


def whole(type: str) -> Handler:
    return lambda p: p.layer(type, rank=p.tensor().rank if p.get("keepdims", False) else 2)


def batch_norm(p: Place) -> Tensor:
    """Over the channels, which are last."""
    axis, rank = p.get("axis", -1), p.tensor().rank
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, rank - 1):
        raise Unsupported("over another axis than the last")
    scale, center = bool(p.get("scale", True)), bool(p.get("center", True))
    values: dict[str, Any] = {"eps": float(p.get("epsilon", 1e-3))}
    if not (center or scale):
        values["affine"] = False
    elif not (center and scale):
        values["shift" if scale else "scale"] = False
    return p.layer("bn", **values)


def layer_norm(p: Place) -> Tensor:
    axis = p.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, p.tensor().rank - 1) or not p.get("scale", True) or not p.get("center", True):
        raise Unsupported("over other axes, or without scale or shift")
    return p.layer("layer_norm", eps=float(p.get("epsilon", 1e-3)))


def normalization(p: Place) -> Tensor:
    """By the data's mean and variance, which are kept (with a count) unless the configuration states them."""
    x = p.tensor()
    volume = p.volume(x)
    kept = 2 * volume.channels + 1 if p.config.get("mean") is None else 0
    return p.layer("opaque", volume=volume, what="Normalization", params=0, buffers=kept, macs=0, flops=2 * volume.size)


def rescaling(p: Place) -> Tensor:
    """By numbers; by a list of them, one per channel, which are stored nowhere."""
    scale, offset = p.get("scale", 1.0), p.get("offset", 0.0)
    if not all(isinstance(one, int | float) for one in (scale, offset)):
        volume = p.volume(p.tensor())
        return p.layer("opaque", volume=volume, what="Rescaling", params=0, buffers=0, macs=0, flops=2 * volume.size)
    x = p.tensor()
    if scale != 1:
        x = Tensor(p.add("scale", [x], by=float(scale)), x.rank)
    if offset:
        x = Tensor(p.add("shift", [x], ".offset" if scale != 1 else "", by=float(offset)), x.rank)
    return x


def activation(p: Place) -> Tensor:
    x = p.tensor()
    word = p.get("activation", "linear")
    kind = ACTIVATIONS.get(word) if isinstance(word, str) else None
    if word == "linear":
        return x
    if kind is None or kind not in TYPES:
        raise Unsupported(f"`{str(word)[:30]}`")
    if word == "leaky_relu":
        return Tensor(p.add(kind, [x], slope=0.2), x.rank)
    return Tensor(p.add(kind, [x]), x.rank)


def plain(type: str, **keys: tuple[str, Any]) -> Handler:
    """A layer with keys from the configuration: (Keras' name, default)."""

    def handler(p: Place) -> Tensor:
        values = {ours: p.get(theirs, default) for ours, (theirs, default) in keys.items()}
        return Tensor(p.add(type, [p.tensor()], **values), p.tensor().rank)

    return handler


def relu(p: Place) -> Tensor:
    """With a limit, a slope or a threshold; behind arithmetic it may be part of a hard sigmoid."""
    x = p.inputs[0]
    top, slope, threshold = p.config.get("max_value"), p.get("negative_slope", 0.0), p.get("threshold", 0.0)
    if not isinstance(x, Tensor) or threshold:
        raise Unsupported("with a threshold")
    if slope:
        if top is not None:
            raise Unsupported("with a slope and a limit")
        return Tensor(p.add("leaky_relu", [p.tensor()], slope=float(slope)), x.rank)
    if top is None:
        return Tensor(p.add("relu", [p.tensor()]), x.rank)
    return lazy(p, "clip", x, 0.0, float(top))


def leaky(p: Place) -> Tensor:
    slope = float(p.config.get("negative_slope", p.config.get("alpha", 0.3)))
    return Tensor(p.add("leaky_relu", [p.tensor()], slope=slope), p.tensor().rank)


def prelu(p: Place) -> Tensor:
    """Slopes per channel: shared along height and width."""
    x = p.tensor()
    volume = p.volume(x)
    shared = p.get("shared_axes", []) or []
    if x.rank == 4 and sorted(shared) != [1, 2] and volume[:2] != (1, 1):
        raise Unsupported("with a slope for every value")
    return Tensor(p.add("prelu", [x]), x.rank)


def softmax(p: Place) -> Tensor:
    x = p.tensor()
    if p.get("axis", -1) not in (-1, x.rank - 1):
        raise Unsupported("over another axis than the last")
    return Tensor(p.add("softmax", [x]), x.rank)


def same(p: Place) -> Tensor:
    """A layer that does nothing but in training."""
    return p.tensor()


def flatten(p: Place) -> Tensor:
    x = p.tensor()
    return Tensor(x.node if p.volume(x)[:2] == (1, 1) else p.add("flatten", [x]), 2)


def reshape(p: Place) -> Tensor:
    """Nothing where only dimensions of one come or go."""
    x, target = p.tensor(), p.get("target_shape", [])
    volume = p.volume(x)
    if not isinstance(target, list) or not all(isinstance(one, int) for one in target) or not target:
        raise Unsupported("to a shape that is not known")
    known = prod(one for one in target if one != -1)
    sizes = [volume.size // known if one == -1 and known else one for one in target]
    now = [volume.height, volume.width, volume.channels][-max(1, x.rank - 1) :]
    if [one for one in sizes if one != 1] == [one for one in now if one != 1] and sizes[-1] == volume.channels:
        return Tensor(x.node, len(sizes) + 1)
    if len(sizes) == 1 and sizes[0] == volume.size:
        return Tensor(p.add("flatten", [x]), 2)
    raise Unsupported("into another volume")


def pad(p: Place) -> Tensor:
    left, right, top, bottom = _sides(p, "padding", 1)
    return p.layer("pad", padding=Padding(left, right, top, bottom))


def crop(p: Place) -> Tensor:
    left, right, top, bottom = _sides(p, "cropping", 0)
    return p.layer("crop", cropping=Padding(left, right, top, bottom))


def _sides(p: Place, key: str, default: int) -> tuple[int, int, int, int]:
    """A number, a pair for height and width, or two pairs; in 1D a pair of sides."""
    value = p.get(key, default)
    if isinstance(value, int):
        value = [value, value]
    if isinstance(value, list) and p.tensor().rank == 3 and len(value) == 2:
        sides = [value, [0, 0]]
        (left, right), (top, bottom) = sides
    else:
        pairs = [[one, one] if isinstance(one, int) else one for one in value]
        if len(pairs) != 2 or any(not isinstance(one, list) or len(one) != 2 for one in pairs):
            raise Unsupported("")
        (top, bottom), (left, right) = pairs
    if not all(isinstance(one, int) for one in (left, right, top, bottom)):
        raise Unsupported("")
    return left, right, top, bottom


def upsample(p: Place) -> Tensor:
    word = p.get("interpolation", "nearest")
    if word not in ("nearest", "bilinear"):
        raise Unsupported(f"with {str(word)[:20]}")
    return p.layer("upsample", factor=p.pair("size", 2), mode=word)


def join(type: str, tree: str = "") -> Handler:
    """Of tensors; with a number it is arithmetic, which may spell out an activation."""

    def handler(p: Place) -> Tensor:
        numbers = [one for one in p.inputs if not isinstance(one, Tensor)]
        if len(p.inputs) == 2 and len(numbers) == 1 and tree and isinstance(p.inputs[0], Tensor):
            return lazy(p, tree, p.inputs[0], float(numbers[0]))
        if numbers:
            if len(p.inputs) == 2 and len(numbers) == 1 and tree in ("add", "mul") and isinstance(p.inputs[1], Tensor):
                return lazy(p, tree, p.inputs[1], float(numbers[0]))
            raise Unsupported("of numbers")
        tensors = [p.tensor(at) for at in range(len(p.inputs))]
        if len(tensors) < 2:
            return tensors[0]
        return Tensor(p.add(type, tensors), max(one.rank for one in tensors))

    return handler


def scaled_sum(p: Place) -> Tensor:
    """InceptionResNetV2's own: the first tensor and a fixed share of the second."""
    first, second = p.tensor(0), p.tensor(1)
    share = Tensor(p.add("scale", [second], ".scale", by=float(p.get("scale", 1.0))), second.rank)
    return Tensor(p.add("add", [first, share]), first.rank)


def concatenate(p: Place) -> Tensor:
    tensors = [p.tensor(at) for at in range(len(p.inputs))]
    rank = tensors[0].rank
    if p.get("axis", -1) not in (-1, rank - 1):
        raise Unsupported("along another axis than the last")
    return tensors[0] if len(tensors) == 1 else Tensor(p.add("concat", tensors), rank)


def lazy(p: Place, operation: str, x: Tensor, *numbers: float) -> Tensor:
    """Arithmetic that is put off until someone reads it."""
    if depth(x.tree) >= MAX_STEPS:
        x = p.settled(x)
    return Tensor(x.node, x.rank, (operation, x.tree, *numbers), (*x.names, p.name))


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(["Conv2D", "Conv1D", "Convolution2D"], conv),
    **dict.fromkeys(["DepthwiseConv2D", "DepthwiseConv1D"], depthwise),
    **dict.fromkeys(["SeparableConv2D", "SeparableConv1D"], separable),
    **dict.fromkeys(["Conv2DTranspose", "Conv1DTranspose"], transposed),
    "Dense": dense,
    **dict.fromkeys(["MaxPooling2D", "MaxPooling1D"], pool("pool")),
    **dict.fromkeys(["AveragePooling2D", "AveragePooling1D"], pool("avgpool")),
    **dict.fromkeys(["GlobalAveragePooling2D", "GlobalAveragePooling1D"], whole("gap")),
    **dict.fromkeys(["GlobalMaxPooling2D", "GlobalMaxPooling1D"], whole("gmp")),
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "Normalization": normalization,
    "Rescaling": rescaling,
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky,
    "PReLU": prelu,
    "ELU": plain("elu", alpha=("alpha", 1.0)),
    "Softmax": softmax,
    **dict.fromkeys(["Dropout", "SpatialDropout2D", "AlphaDropout"], plain("dropout", rate=("rate", 0.5))),
    **dict.fromkeys(["GaussianNoise", "GaussianDropout", "ActivityRegularization"], same),
    "Flatten": flatten,
    "Reshape": reshape,
    **dict.fromkeys(["ZeroPadding2D", "ZeroPadding1D"], pad),
    **dict.fromkeys(["Cropping2D", "Cropping1D"], crop),
    **dict.fromkeys(["UpSampling2D", "UpSampling1D"], upsample),
    **dict.fromkeys(["Concatenate", "Concat"], concatenate),
    "Add": join("add", "add"),
    "Subtract": join("subtract", "sub"),
    "Multiply": join("multiply", "mul"),
    "Divide": join("divide", "div"),
    "TrueDivide": join("divide", "div"),
    "Maximum": join("maximum"),
    "Minimum": join("minimum"),
    "CustomScaleLayer": scaled_sum,
    "LayerScale": lambda p: p.layer("layer_scale"),
    "StochasticDepth": same,
}
