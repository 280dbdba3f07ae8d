"""Keras 3: the JSON of a functional model, which `keras.models.model_from_json` loads.

Padding that Keras' layers do not have stands in a ZeroPadding2D before them, as in Keras' own ResNet; around a max pool only
where no value is negative, since there Keras pads with zeros.  A transposed convolution is cropped behind.  Names are
kept but for `/` and `.`, which Keras or one of its backends does not allow.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export._exact import Frame, Inexact, each, framed, never_negative, only, pool_of, whole_factor
from archcalc.volume import Pair

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

FORMAT = "Keras"
Key = tuple[str, int]  # a layer's name, and which of its calls


def write(report: "Report") -> bytes:
    """The JSON; Unwritable with every layer that Keras has nothing for."""
    model = _Model(report)
    each(FORMAT, report, model.layer)
    return (json.dumps(model.config(), indent=1) + "\n").encode()


class _Model:
    def __init__(self, report: "Report") -> None:
        self.report = report
        self.layers: dict[str, dict[str, Any]] = {}
        self.given: list[Key] = []  # what each node gives
        self.flat: list[bool] = []  # whether that is [N, C]
        self.names: list[str] = []
        self.positive = never_negative(report)
        self.images: dict[Key, Key] = {}  # [N, C] -> the same as [N, 1, 1, C]

    def config(self) -> dict[str, Any]:
        ends = self.report.graph.results()
        results = [[*self.given[at], 0] for at in ends]
        inputs = [[*self.given[at], 0] for at, row in enumerate(self.report.rows) if row.node.layer.type == "input"]
        config: dict[str, Any] = {"name": self.report.graph.name or "network", "trainable": True}
        config |= {"layers": list(self.layers.values()), "input_layers": inputs, "output_layers": results}
        module = "keras.src.models.functional"  # as Keras itself says
        return {"module": module, "class_name": "Functional", "config": config, "registered_name": "Functional"}

    def layer(self, row: "Row") -> None:
        """Write a layer; where that is refused it is taken as written, so that what stands behind is judged, too."""
        name = self.free(row.node.name)
        self.names.append(name)
        flat = row.output[:2] == (1, 1) and all(self.flat[one] for one in row.node.inputs)
        self.given.append((name, 0))
        self.flat.append(flat)
        handler = LAYERS.get(row.node.layer.type)
        if handler is None:
            raise Inexact
        self.given[-1], self.flat[-1] = handler(Call(self, row, name), row.node.layer)

    def free(self, name: str) -> str:
        """A name that Keras takes and that no layer has."""
        base = name.replace("/", "_").replace(".", "_").lstrip("_") or "layer"
        found, number = base, 1
        while found in self.layers or found in self.names:
            number += 1
            found = f"{base}_{number}"
        return found

    def add(self, kind: str, name: str, reads: list[Key], config: dict[str, Any], *, together: bool = False) -> Key:
        """A layer, or one more call of it; gives its key."""
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [*one, 0], "dtype": "float32", "shape": []}}
            for one in reads
        ]
        made = self.layers.setdefault(
            name,
            {
                "module": "keras.layers",
                "class_name": kind,
                "config": {"name": name, **config},
                "registered_name": None,
                "name": name,
                "inbound_nodes": [],
            },
        )
        if reads:
            made["inbound_nodes"].append({"args": [tensors] if together else tensors, "kwargs": {}})
        return name, max(0, len(made["inbound_nodes"]) - 1)


class Call:
    """A layer while it is written."""

    def __init__(self, model: _Model, row: "Row", name: str) -> None:
        self.model, self.row, self.name = model, row, name
        self.x, self.y = row.inputs[0] if row.inputs else row.output, row.output
        self.reads = [model.given[one] for one in row.node.inputs]
        self.flat = all(model.flat[one] for one in row.node.inputs) and bool(self.reads)

    def image(self, at: int = 0) -> Key:
        """What is read as [N, H, W, C]."""
        key = self.reads[at]
        if not self.model.flat[self.row.node.inputs[at]]:
            return key
        if key not in self.model.images:
            shape = [1, 1, self.row.inputs[at].channels]
            name = self.model.free(f"{key[0]}_image")
            self.model.images[key] = self.model.add("Reshape", name, [key], {"target_shape": shape})
        return self.model.images[key]

    def own(self, kind: str, reads: list[Key], *, together: bool = False, **config: Any) -> tuple[Key, bool]:
        """The layer itself, or where it shares weights one more call of the layer that has them."""
        shares = self.row.node.shares
        name = self.name if shares is None else self.model.names[shares]
        if not self.row.node.trainable:
            config["trainable"] = False
        key = self.model.add(kind, name, reads, config, together=together)
        return key, self.flat

    def before(self, kind: str, suffix: str, read: Key, **config: Any) -> Key:
        """A layer that stands before or behind the layer itself."""
        return self.model.add(kind, self.model.free(f"{self.name}{suffix}"), [read], config)

    def padded(self, frame: Frame, read: Key) -> Key:
        if not any(frame.sides):
            return read
        sides = [[frame.top, frame.bottom], [frame.left, frame.right]]
        return self.before("ZeroPadding2D", "_pad", read, padding=sides)

    def same(self, frame: Frame, size: Pair, stride: Pair, dilation: Pair = Pair(1, 1)) -> bool:
        """Whether the padding is TensorFlow's `same` of this input."""
        for extent, out, f, s, d, before, after in zip(
            self.x[:2],
            self.y[:2],
            size,
            stride,
            dilation,
            (frame.left, frame.top),
            (frame.right, frame.bottom),
            strict=True,
        ):
            total = max(0, (out - 1) * s + d * (f - 1) + 1 - extent)
            if out != -(-extent // s) or (before, after) != (total // 2, total - total // 2):
                return False
        return True


Handler = Callable[[Call, Any], tuple[Key, bool]]


def hw(pair: Pair) -> list[int]:
    return [pair.height, pair.width]


def image(call: Call, layer: Any) -> tuple[Key, bool]:
    shape = [None, layer.height, layer.width, layer.channels]
    config = {"batch_shape": shape, "dtype": "float32"}
    return call.model.add("InputLayer", call.name, [], config), False


def conv(call: Call, layer: Any) -> tuple[Key, bool]:
    depthwise = layer.type == "dwconv"
    size, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    if stride != (1, 1) and dilation != (1, 1):
        raise Inexact(f"{layer.type} with stride and dilation")
    if depthwise and stride.width != stride.height:
        raise Inexact("dwconv with different strides")
    frame, read = framed(layer, call.x), call.image()
    config: dict[str, Any] = {"kernel_size": hw(size), "strides": hw(stride), "dilation_rate": hw(dilation)}
    same = any(frame.sides) and call.same(frame, size, stride, dilation)
    if not same:
        read = call.padded(frame, read)
    config |= {"padding": "same" if same else "valid", "use_bias": layer.bias}
    if depthwise:
        return call.own("DepthwiseConv2D", [read], **config, depth_multiplier=layer.multiplier)[0], False
    return call.own("Conv2D", [read], filters=layer.filters, groups=layer.groups, **config)[0], False


def separable(call: Call, layer: Any) -> tuple[Key, bool]:
    frame, stride = framed(layer, call.x), layer.stride
    if stride.width != stride.height or (stride != (1, 1) and layer.dilation != (1, 1)):
        raise Inexact("sepconv with different strides, or with stride and dilation")
    same = any(frame.sides) and call.same(frame, layer.kernel_size, stride, layer.dilation)
    read = call.image() if same else call.padded(frame, call.image())
    config: dict[str, Any] = {
        "kernel_size": hw(layer.kernel_size),
        "strides": hw(stride),
        "dilation_rate": hw(layer.dilation),
    }
    config |= {"padding": "same" if same else "valid", "use_bias": layer.bias, "depth_multiplier": layer.multiplier}
    return call.own("SeparableConv2D", [read], filters=layer.filters, **config)[0], False


def transposed(call: Call, layer: Any) -> tuple[Key, bool]:
    """Without padding, and cropped behind."""
    only(layer, "filters", "kernel_size", "stride", "padding", "output_padding", "bias")
    config = {
        "filters": layer.filters,
        "kernel_size": hw(layer.kernel_size),
        "strides": hw(layer.stride),
        "use_bias": layer.bias,
    }
    if layer.padding.mode == "same":
        return call.own("Conv2DTranspose", [call.image()], **config, padding="same")[0], False
    (left, right), (top, bottom) = layer.cropped()
    if min(left, right, top, bottom) < 0 or any(f < s for f, s in zip(layer.kernel_size, layer.stride, strict=True)):
        raise Inexact("deconv with columns behind its last window")
    key, _ = call.own("Conv2DTranspose", [call.image()], **config, padding="valid")
    if not any((left, right, top, bottom)):
        return key, False
    return call.before("Cropping2D", "_crop", key, cropping=[[top, bottom], [left, right]]), False


def pool(call: Call, layer: Any) -> tuple[Key, bool]:
    """Padded with zeros; an average counts its padding or has none, a maximum has no value below 0 to lose to it."""
    only(layer, "kernel_size", "stride", "padding", "rounding", "count_padding")
    frame, read, maximum = framed(layer, call.x), call.image(), layer.type == "pool"
    size, stride = layer.kernel_size, layer.step
    config: dict[str, Any] = {"pool_size": hw(size), "strides": hw(stride), "padding": "valid"}
    kind = "MaxPooling2D" if maximum else "AveragePooling2D"
    if any(frame.sides):
        if call.same(frame, size, stride) and (maximum or not layer.count_padding):
            config["padding"] = "same"
        elif maximum and not call.model.positive[call.row.node.inputs[0]]:
            raise Inexact("pool with padding, of values below 0")
        elif not maximum and (not layer.count_padding or any(frame.over)):
            raise Inexact("avgpool that does not count its padding")
        else:
            read = call.padded(frame, read)
    return call.own(kind, [read], **config)[0], False


def adaptive(call: Call, layer: Any) -> tuple[Key, bool]:
    size = list(reversed(pool_of(layer, call.x, call.y)))
    kind = "AveragePooling2D" if layer.type == "adaptive_avgpool" else "MaxPooling2D"
    return call.own(kind, [call.image()], pool_size=size, strides=size, padding="valid")[0], False


def whole(kind: str) -> Handler:
    return lambda call, layer: (call.own(kind, [call.image()], keepdims=False)[0], True)


def fc(call: Call, layer: Any) -> tuple[Key, bool]:
    only(layer, "units", "bias")
    read = call.reads[0] if call.flat else call.before("Flatten", "_flatten", call.reads[0])
    return call.own("Dense", [read], units=layer.units, use_bias=layer.bias)[0], True


def flatten(call: Call, layer: Any) -> tuple[Key, bool]:
    return call.own("Flatten", [call.reads[0]])[0], True


def batch_norm(call: Call, layer: Any) -> tuple[Key, bool]:
    only(layer, "eps", "affine", "scale", "shift")
    scale, center = (layer.affine and one for one in (layer.scale, layer.shift))
    return call.own("BatchNormalization", call.reads, axis=-1, epsilon=layer.eps, scale=scale, center=center)


def layer_norm(call: Call, layer: Any) -> tuple[Key, bool]:
    only(layer, "eps")
    return call.own("LayerNormalization", call.reads, axis=-1, epsilon=layer.eps)


def plain(kind: str, *settings: tuple[str, Any], **keys: str) -> Handler:
    """A layer with settings as they are, and those from keys: theirs=ours."""

    def handler(call: Call, layer: Any) -> tuple[Key, bool]:
        only(layer, *keys.values())
        found = {theirs: getattr(layer, ours) for theirs, ours in keys.items()}
        return call.own(kind, call.reads[:1], **dict(settings), **found)

    return handler


def activation(word: str) -> Handler:
    return plain("Activation", ("activation", word))


def prelu(call: Call, layer: Any) -> tuple[Key, bool]:
    only(layer)
    return call.own("PReLU", call.reads, shared_axes=None if call.flat else [1, 2])


def join(kind: str, most: int = 0, **config: Any) -> Handler:
    def handler(call: Call, layer: Any) -> tuple[Key, bool]:
        only(layer)
        if most and len(call.reads) > most:
            raise Inexact(f"{layer.type} of {len(call.reads)} inputs")
        reads = call.reads if call.flat else [call.image(at) for at in range(len(call.reads))]
        return call.own(kind, reads, together=True, **config)

    return handler


def sides(kind: str, setting: str, key: str) -> Handler:
    def handler(call: Call, layer: Any) -> tuple[Key, bool]:
        only(layer, key, "size")
        p = layer.sides(call.x)
        around: dict[str, Any] = {setting: [[p.top, p.bottom], [p.left, p.right]]}
        return call.own(kind, [call.image()], **around)[0], False

    return handler


def upsample(call: Call, layer: Any) -> tuple[Key, bool]:
    only(layer, "factor", "size", "mode")
    factor = whole_factor(layer, call.x, call.y)
    return call.own("UpSampling2D", [call.image()], size=hw(factor), interpolation=layer.mode)[0], False


def rescaling(call: Call, layer: Any) -> tuple[Key, bool]:
    if layer.by is None:
        raise Inexact(f"{layer.type} that is trained")
    scale, offset = (layer.by, 0.0) if layer.type == "scale" else (1.0, layer.by)
    return call.own("Rescaling", call.reads, scale=scale, offset=offset)


LAYERS: dict[str, Handler] = {
    "input": image,
    "conv": conv,
    "dwconv": conv,
    "sepconv": separable,
    "deconv": transposed,
    "pool": pool,
    "avgpool": pool,
    "adaptive_avgpool": adaptive,
    "adaptive_pool": adaptive,
    "gap": whole("GlobalAveragePooling2D"),
    "gmp": whole("GlobalMaxPooling2D"),
    "fc": fc,
    "flatten": flatten,
    "bn": batch_norm,
    "layer_norm": layer_norm,
    "relu": plain("ReLU"),
    "relu6": plain("ReLU", ("max_value", 6.0)),
    "leaky_relu": plain("LeakyReLU", negative_slope="slope"),
    "prelu": prelu,
    "elu": plain("ELU", alpha="alpha"),
    "softmax": plain("Softmax", ("axis", -1)),
    "hardsigmoid": activation("hard_sigmoid"),
    "hardswish": activation("hard_silu"),
    **{one: activation(one) for one in ("sigmoid", "tanh", "softplus", "selu", "gelu", "silu", "mish", "log_softmax")},
    "dropout": plain("Dropout", rate="rate"),
    "concat": join("Concatenate", axis=-1),
    "add": join("Add"),
    "multiply": join("Multiply"),
    "subtract": join("Subtract", 2),
    "maximum": join("Maximum"),
    "minimum": join("Minimum"),
    "pad": sides("ZeroPadding2D", "padding", "padding"),
    "crop": sides("Cropping2D", "cropping", "cropping"),
    "upsample": upsample,
    "scale": rescaling,
    "shift": rescaling,
}
