"""ONNX's layers with windows or weights: convolutions, pools, matrix products, normalizations."""

from math import prod
from typing import Any

from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.interop._axes import Atom, View
from archcalc.interop._network import Handler, Network, Unsupported, Value
from archcalc.interop._onnx_file import Operator
from archcalc.interop.reading import BAD_SETTING
from archcalc.layers import TYPES
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume, Window


def _pair(op: Operator, name: str, rank: int, default: int = 1) -> Pair:
    """Values per axis, which ONNX has height first."""
    values = op.attributes.get(name) or [default] * rank
    if not isinstance(values, list) or len(values) != rank or not all(isinstance(one, int) for one in values):
        raise Refusal(BAD_SETTING, f"{op.called}: {name} has {rank} whole numbers, not {values}", NOWHERE)
    return Pair(values[0], 1 if default else 0) if rank == 1 else Pair(values[1], values[0])


def _padding(op: Operator, rank: int, x: Volume, kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    """`pads` are all beginnings, then all ends; `auto_pad` says it in words."""
    word = op.attributes.get("auto_pad", "NOTSET")
    if word == "SAME_UPPER":
        return Padding(mode="same")
    if word == "SAME_LOWER":  # the odd pixel on the left and top
        fits = [
            Window(f, s, dilation=d, same=True).fit(extent)
            for f, s, d, extent in zip(kernel, stride, dilation, x, strict=False)
        ]
        (right, left), (bottom, top) = ((one.before, one.after) for one in fits)
        return Padding(left, right, top, bottom)
    pads = op.attributes.get("pads") if word in ("NOTSET", "") else None
    if pads is None:
        return Padding()
    if len(pads) != 2 * rank:
        raise Refusal(BAD_SETTING, f"{op.called}: pads has {2 * rank} whole numbers, not {pads}", NOWHERE)
    if rank == 1:
        return Padding(pads[0], pads[1], 0, 0)
    return Padding(pads[1], pads[3], pads[0], pads[2])


def _spatial(op: Operator, data: View) -> int:
    rank = len(data.dims) - 2
    if rank not in (1, 2):
        raise Unsupported(f"in {rank} dimensions")
    return rank


def conv(net: Network, op: Operator) -> "Value | list[Value]":
    """Conv: a dwconv where every channel is a group of its own."""
    data, dims = net.image(op), net.weight(op, 1)
    rank = _spatial(op, data)
    if len(dims) != rank + 2:
        raise Unsupported("with weights of another rank")
    x, group = net.volume(data.node), op.attributes.get("group", 1)
    _check_channels(op, dims[1] * group, x)
    kernel = Pair(dims[2], 1) if rank == 1 else Pair(dims[3], dims[2])
    stride, dilation = _pair(op, "strides", rank), _pair(op, "dilations", rank)
    values: dict[str, Any] = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": _padding(op, rank, x, kernel, stride, dilation),
        "dilation": dilation,
        "bias": net.has(op, 2),
        "rounding": "floor",
    }
    if group == x.channels > 1 and dims[0] % group == 0:
        layer = net.layer("dwconv", op.called, multiplier=dims[0] // group, **values)
    else:
        layer = net.layer("conv", op.called, filters=dims[0], groups=group, **values)
    return net.result(net.add(op, layer, [data.node], _shared(net, op, op.inputs[1:])), data)


def conv_transpose(net: Network, op: Operator) -> "Value | list[Value]":
    data, dims = net.image(op), net.weight(op, 1)
    rank = _spatial(op, data)
    if len(dims) != rank + 2 or _pair(op, "dilations", rank) != (1, 1) or op.attributes.get("output_shape"):
        raise Unsupported("dilated, or to a stated shape")
    x, group = net.volume(data.node), op.attributes.get("group", 1)
    _check_channels(op, dims[0], x)
    kernel = Pair(dims[2], 1) if rank == 1 else Pair(dims[3], dims[2])
    stride = _pair(op, "strides", rank)
    if op.attributes.get("auto_pad") == "SAME_LOWER":
        raise Unsupported("with SAME_LOWER")
    layer = net.layer(
        "deconv",
        op.called,
        filters=dims[1] * group,
        kernel_size=kernel,
        stride=stride,
        padding=_padding(op, rank, x, kernel, stride, Pair(1, 1)),
        output_padding=_pair(op, "output_padding", rank, 0),
        groups=group,
        bias=net.has(op, 2),
    )
    return net.result(net.add(op, layer, [data.node], _shared(net, op, op.inputs[1:])), data)


def _check_channels(op: Operator, wanted: int, x: Volume) -> None:
    if wanted != x.channels:
        message = f"{op.called}: its weights are for {wanted} channels, and its input has {x.channels}"
        raise Refusal(BAD_SETTING, message, NOWHERE)


def _shared(net: Network, op: Operator, names: tuple[str, ...]) -> list[str]:
    """The names of an operator's weights, which another with the same names shares."""
    return [one for one in names if one]


def pool(type: str) -> Handler:
    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        """With a stride of 1 unless it is given."""
        data = net.image(op)
        rank = _spatial(op, data)
        x, kernel, stride = net.volume(data.node), _pair(op, "kernel_shape", rank), _pair(op, "strides", rank)
        dilation = _pair(op, "dilations", rank)
        values: dict[str, Any] = {
            "kernel_size": kernel,
            "rounding": "ceil" if op.attributes.get("ceil_mode") else "floor",
        }
        if stride != kernel:
            values["stride"] = stride
        if dilation != (1, 1):
            if "dilation" not in TYPES[type].keys:
                raise Unsupported("dilated")
            values["dilation"] = dilation
        values["padding"] = padding = _padding(op, rank, x, kernel, stride, dilation)
        if type == "avgpool" and padding != Padding():
            values["count_padding"] = bool(op.attributes.get("count_include_pad", 0))
        if type == "l2pool" and op.attributes.get("p", 2) != 2:
            raise Unsupported("of another power than 2")
        found = net.result(net.add(op, net.layer(type, op.called, **values), [data.node]), data)
        if len(op.outputs) > 1 and op.outputs[1] and net.reads[op.outputs[1]]:
            raise Unsupported("with indices")
        return found

    return handler


def global_pool(type: str) -> Handler:
    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        data = net.image(op)
        node = net.add(op, _whole_image(net, op, type), [data.node])
        return net.result(node, data)

    return handler


def _whole_image(net: Network, op: Operator, type: str) -> Any:
    if type == "gmp" and "gmp" not in TYPES:
        return net.layer("adaptive_pool", op.called, size=Pair(1, 1))
    return net.layer(type, op.called)


def reduce(type: str) -> Handler:
    """ReduceMean and ReduceMax over width and height."""

    def handler(net: Network, op: Operator) -> "Value | list[Value]":
        from archcalc.interop._constants import axes_of

        data = net.data(op)
        axes = axes_of(op, [None, net.constant(op.inputs[1]) if net.has(op, 1) else None])
        rank = len(data.dims)
        if axes is None:
            raise Unsupported("over all axes")
        reduced = {one % rank for one in axes}
        letters = data.axes
        left = [at for at in range(rank) if at not in reduced and at]
        if 0 in reduced or any(letters[at] not in "c1" for at in left) or any("c" in letters[at] for at in reduced):
            merged = all(atom.axis in "hw" for at in reduced for atom in data.dims[at])
            if not merged or any(letters[at] not in "c1" for at in left):
                raise Unsupported("over other axes than width and height")
        node = net.add(op, _whole_image(net, op, type), [data.node])
        net.volume(node)
        keep = op.attributes.get("keepdims", 1)
        return View(
            node, tuple(() if at in reduced else dim for at, dim in enumerate(data.dims) if keep or at not in reduced)
        )

    return handler


def gemm(net: Network, op: Operator) -> "Value | list[Value]":
    """A x B + C: fully connected where B are weights."""
    data, dims = net.data(op), net.weight(op, 1)
    if len(dims) != 2 or not data.flat or op.attributes.get("transA"):
        raise Unsupported("of something else than one row an image")
    units, size = dims if op.attributes.get("transB") else dims[::-1]
    return _connected(net, op, data, units, size, bias=net.has(op, 2))


def matmul(net: Network, op: Operator) -> "Value | list[Value]":
    """By weights: fully connected for one row an image, a 1x1 convolution for a row a pixel."""
    data, dims = net.data(op), net.weight(op, 1)
    if len(dims) != 2:
        raise Unsupported("by weights of another rank")
    size, units = dims
    if data.flat:
        return _connected(net, op, data, units, size, bias=False)
    if data.axes[-1:] != "c" or any(letter not in "nhw1" for letter in data.axes[:-1]):
        raise Unsupported("along another axis than the channels")
    _check_channels(op, size, net.volume(data.node))
    layer = net.layer("conv", op.called, filters=units, kernel_size=Pair(1, 1), bias=False, rounding="floor")
    node = net.add(op, layer, [data.node], [op.inputs[1]])
    return View(node, (*data.dims[:-1], (Atom("c", units),) if units > 1 else ()))


def _connected(net: Network, op: Operator, data: View, units: int, size: int, *, bias: bool) -> View:
    x = net.volume(data.node)
    if size != x.size:
        message = f"{op.called}: its weights are for {size} values, and its input has {x.size}"
        raise Refusal(BAD_SETTING, message, NOWHERE)
    node = net.add(op, net.layer("fc", op.called, units=units, bias=bias), [data.node], _shared(net, op, op.inputs[1:]))
    net.volume(node)
    return View(node, (data.dims[0], (Atom("c", units),) if units > 1 else ()))


def batch_norm(net: Network, op: Operator) -> "Value | list[Value]":
    data = net.data(op)
    if data.axes[1:2] not in ("c", "1"):
        data = net.settled(data, op)
    dims = net.weight(op, 1)
    if prod(dims) != data.of("c"):
        _check_channels(op, prod(dims), net.volume(data.node))
    names = op.inputs[1:5]
    shared = list(names) if len(set(names)) == len(names) else []  # untrained ones have their zeros and ones in common
    layer = net.layer("bn", op.called, eps=op.attributes.get("epsilon", 1e-5))
    return [net.pointwise(op, layer, data, shared), *[_missing()] * 4]


def _missing() -> Value:
    from archcalc.interop._network import Missing

    return Missing()


def lrn(net: Network, op: Operator) -> "Value | list[Value]":
    """Alpha is divided by the size, as in Caffe; here it is not."""
    size = op.attributes.get("size", 0)
    if size < 1:
        raise Refusal(BAD_SETTING, f"{op.called}: size cannot be {size}", NOWHERE)
    data = net.image(op)
    alpha = float(f"{op.attributes.get('alpha', 1e-4) / size:.9g}")
    layer = net.layer(
        "lrn", op.called, size=size, alpha=alpha, beta=op.attributes.get("beta", 0.75), k=op.attributes.get("bias", 1.0)
    )
    return net.pointwise(op, layer, data)


def layer_norm(net: Network, op: Operator) -> "Value | list[Value]":
    """Over the channels at every position."""
    data, dims = net.data(op), net.weight(op, 1)
    axis = op.attributes.get("axis", -1) % max(1, len(data.dims))
    if axis != len(data.dims) - 1 or data.axes[axis] != "c" or not net.has(op, 2) or prod(dims) != data.of("c"):
        raise Unsupported("over other axes than the channels")
    layer = net.layer("layer_norm", op.called, eps=op.attributes.get("epsilon", 1e-5))
    return net.pointwise(op, layer, data)


def instance_norm(net: Network, op: Operator) -> "Value | list[Value]":
    data = net.image(op)
    layer = net.layer("instance_norm", op.called, eps=op.attributes.get("epsilon", 1e-5))
    return net.pointwise(op, layer, data)


def group_norm(net: Network, op: Operator) -> "Value | list[Value]":
    data, dims = net.image(op), net.weight(op, 1)
    if prod(dims) != data.of("c"):
        raise Unsupported("with one scale a group")
    values = {"groups": op.attributes.get("num_groups", 1), "eps": op.attributes.get("epsilon", 1e-5)}
    return net.pointwise(op, net.layer("group_norm", op.called, **values), data)


WINDOWS: dict[str, Handler] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": pool("pool"),
    "AveragePool": pool("avgpool"),
    "LpPool": pool("l2pool"),
    "GlobalAveragePool": global_pool("gap"),
    "GlobalMaxPool": global_pool("gmp"),
    "ReduceMean": reduce("gap"),
    "ReduceMax": reduce("gmp"),
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_norm,
    "LRN": lrn,
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
}
