"""ONNX's operators that move values: reshape, transpose, slice, split, pad, resize, concat, and the constants they take."""

from math import prod

from archcalc.interop._axes import View, reshaped, transposed
from archcalc.interop._constants import Const, axes_of, slices
from archcalc.interop._network import Behind, Handler, Lazy, Missing, Network, Unsupported, Value, Weight, sized
from archcalc.interop._onnx_file import Operator, Tensor
from archcalc.layers import TYPES
from archcalc.reader.values import Padding
from archcalc.volume import Pair


def constant(net: Network, op: Operator) -> "Value | list[Value]":
    for key in ("value", "value_int", "value_float", "value_ints", "value_floats"):
        value = op.attributes.get(key)
        if isinstance(value, Tensor):
            return net.of_file(value)
        if isinstance(value, list):
            return Const.of(value)
        if value is not None:
            return Const((), (value,))
    raise Unsupported("of another kind")


def shape(net: Network, op: Operator) -> "Value | list[Value]":
    value = net.value(op.inputs[0])
    found = value.dims if isinstance(value, Const | Weight) else net.shape(op.inputs[0])
    if found is None:
        raise Behind
    rank = len(found)
    return Const.of(found[slice(op.attributes.get("start", 0), op.attributes.get("end", rank))])


def identity(net: Network, op: Operator) -> "Value | list[Value]":
    """What passes its input on: Identity, Cast, and Dropout's mask apart."""
    found = net.value(op.inputs[0])
    if isinstance(found, Missing):
        raise Behind
    return found


def dropout(net: Network, op: Operator) -> "Value | list[Value]":
    rate = op.attributes.get("ratio", 0.5)
    if net.has(op, 1):
        given = net.constant(op.inputs[1])
        if given is None or given.one is None:
            raise Unsupported("with a rate that is computed")
        rate = given.one
    return [net.pointwise(op, net.layer("dropout", op.called, rate=rate), net.data(op)), Missing()]


def _view(net: Network, op: Operator) -> "View | Weight":
    """The first input without a step that was put off, or weights."""
    found = net.value(op.inputs[0])
    if isinstance(found, Weight | Const):
        return Weight(found.dims)
    return net.data(op)


def reshape(net: Network, op: Operator) -> "Value | list[Value]":
    """With 0 for a dimension that stays and -1 for the rest."""
    found = _view(net, op)
    given = net.constant(op.inputs[1]) if net.has(op, 1) else None
    target = list(given.values) if given is not None else op.attributes.get("shape")
    if target is None:
        raise Unsupported("to a shape that is computed")
    dims = found.dims if isinstance(found, Weight) else found.shape
    if not op.attributes.get("allowzero"):
        target = [dims[at] if one == 0 and at < len(dims) else one for at, one in enumerate(target)]
    if isinstance(found, Weight):
        known = prod(one for one in target if one != -1)
        size = prod(dims)
        return found._replace(dims=tuple(size // known if one == -1 and known else one for one in target))
    return _moved(reshaped(found, target), "to a shape that cuts through height or channels")


def flatten(net: Network, op: Operator) -> "Value | list[Value]":
    found = net.data(op)
    axis = op.attributes.get("axis", 1)
    dims = found.shape
    return _moved(reshaped(found, [prod(dims[:axis]), prod(dims[axis:])]), "")


def squeeze(net: Network, op: Operator) -> "Value | list[Value]":
    found = _view(net, op)
    axes = axes_of(op, [None, net.constant(op.inputs[1]) if net.has(op, 1) else None])
    sizes = found.dims if isinstance(found, Weight) else found.shape
    rank = len(sizes)
    gone = {one % rank for one in axes} if axes is not None else {at for at in range(rank) if sizes[at] == 1}
    if any(sizes[at] != 1 for at in gone):
        raise Unsupported("of an axis that is not 1")
    kept = [at for at in range(rank) if at not in gone]
    if isinstance(found, Weight):
        return found._replace(dims=tuple(found.dims[at] for at in kept))
    return found._replace(dims=tuple(found.dims[at] for at in kept))


def unsqueeze(net: Network, op: Operator) -> "Value | list[Value]":
    found = _view(net, op)
    axes = axes_of(op, [None, net.constant(op.inputs[1]) if net.has(op, 1) else None])
    if axes is None:
        raise Unsupported("at axes that are computed")
    rank = len(found.dims) + len(axes)
    added = {one % rank for one in axes}
    if isinstance(found, Weight):
        sizes = iter(found.dims)
        return found._replace(dims=tuple(1 if at in added else next(sizes, 1) for at in range(rank)))
    rest = iter(found.dims)
    return found._replace(dims=tuple(() if at in added else next(rest, ()) for at in range(rank)))


def transpose(net: Network, op: Operator) -> "Value | list[Value]":
    found = _view(net, op)
    order = op.attributes.get("perm") or list(range(len(found.dims)))[::-1]
    if isinstance(found, Weight):
        if sorted(order) != list(range(len(found.dims))):
            raise Unsupported("of another rank")
        return found._replace(dims=tuple(found.dims[one] for one in order))
    return _moved(transposed(found, order), "of another rank")


def _moved(found: View | None, why: str) -> View:
    if found is None:
        raise Unsupported(why)
    return found


def concat(net: Network, op: Operator) -> "Value | list[Value]":
    values = [net.value(name) for name in op.inputs]
    if any(isinstance(one, Missing) for one in values):
        raise Behind
    if not any(isinstance(one, View | Lazy) for one in values):
        return _weights_together(op, values)
    if not all(isinstance(one, View | Lazy) for one in values):
        raise Unsupported("of images and constants")
    views = [net.data(op, at) for at in range(len(values))]
    views = [net.settled(one, op) if one.flat else one for one in views]
    axis = op.attributes.get("axis", 1) % max(1, len(views[0].dims))
    if len(views) == 1:
        return views[0]
    if any(one.axes[axis] not in "c1" or len(one.dims) != len(views[0].dims) for one in views) or axis == 0:
        raise Unsupported("along another axis than the channels")
    node = net.add(op, TYPES["concat"](), [one.node for one in views])
    volume = net.volume(node)
    first = views[0].dims
    whole = net.result(node, views[0]) if axis == 1 else None
    if whole is not None:
        return whole
    from archcalc.interop._axes import Atom

    return View(node, (*first[:axis], (Atom("c", volume.channels),), *first[axis + 1 :]))


def _weights_together(op: Operator, values: list[Value]) -> Value:
    dims = [list(one.dims) for one in values if isinstance(one, Weight | Const)]
    axis = op.attributes.get("axis", 0)
    if any(len(one) != len(dims[0]) for one in dims) or not -len(dims[0]) <= axis < len(dims[0]):
        raise Unsupported("of weights")
    dims[0][axis] = sum(one[axis] for one in dims)
    return Weight(tuple(dims[0]))


def split(net: Network, op: Operator) -> "Value | list[Value]":
    """Parts of the channels: sizes as an attribute before opset 13, an input since, or a number of parts."""
    data = _plain(net, op)
    axis = op.attributes.get("axis", 0) % max(1, len(data.dims))
    given = net.constant(op.inputs[1]) if net.has(op, 1) else None
    sizes = list(given.values) if given is not None else op.attributes.get("split")
    extent = data.shape[axis]
    if sizes is None:
        number = op.attributes.get("num_outputs", len(op.outputs))
        part = -(-extent // number)
        sizes = [part] * (number - 1) + [extent - part * (number - 1)]
    if sum(sizes) != extent or min(sizes) < 1 or len(sizes) < len(op.outputs):
        raise Unsupported("into other sizes than the channels have")
    found: list[Value] = []
    begin = 0
    for output, size in zip(op.outputs, sizes, strict=False):
        part = op._replace(name=f"{op.called}.{len(found)}" if op.name else output)
        found.append(_channels(net, part, data, axis, range(begin, begin + size)))
        begin += size
    return found


def _plain(net: Network, op: Operator) -> View:
    """The first input with an axis a dimension: where its values were rearranged, as an image."""
    data = net.data(op)
    return net.settled(data, op) if "?" in data.axes else data


def _channels(net: Network, op: Operator, data: View, axis: int, taken: range) -> View:
    """Some channels that lie side by side: one of equal parts where they are one, else a slice."""
    if data.axes[axis] != "c":
        raise Unsupported("of another axis than the channels")
    channels, size = data.of("c"), len(taken)
    if channels % size == 0 and taken.start % size == 0:
        layer = net.layer("split", op.called, parts=channels // size, part=taken.start // size + 1)
    else:
        layer = net.layer("slice", op.called, channels=size, offset=taken.start)
    node = net.add(op, layer, [data.node])
    net.volume(node)
    from archcalc.interop._axes import Atom

    return View(node, (*data.dims[:axis], (Atom("c", size),) if size > 1 else (), *data.dims[axis + 1 :]))


def take(net: Network, op: Operator) -> "Value | list[Value]":
    """Slice: of channels, or of the image, which is a crop."""
    found = net.value(op.inputs[0])
    if isinstance(found, Weight | Const):
        ranges = slices(op, [None, *(net.constant(one) for one in op.inputs[1:])], found.dims)
        if ranges is None:
            raise Unsupported("with bounds that are computed")
        return Weight(tuple(len(one) for one in ranges))
    data = _plain(net, op)
    ranges = slices(op, [None, *(net.constant(one) if one else None for one in op.inputs[1:])], data.shape)
    if ranges is None:
        raise Unsupported("with bounds that are computed")
    changed = [at for at, (one, extent) in enumerate(zip(ranges, data.shape, strict=True)) if one != range(extent)]
    if not changed:
        return data
    if any(ranges[at].step != 1 or not len(ranges[at]) for at in changed):
        raise Unsupported("with steps")
    if len(changed) == 1 and data.axes[changed[0]] == "c":
        return _channels(net, op, data, changed[0], ranges[changed[0]])
    if any(data.axes[at] not in "hw" for at in changed):
        raise Unsupported("of several axes")
    sides = {"h": (0, 0), "w": (0, 0)}
    for at in changed:
        sides[data.axes[at]] = ranges[at].start, data.shape[at] - ranges[at].stop
    cropping = Padding(*sides["w"], *sides["h"])
    data = net.settled(data, op)
    return net.result(net.add(op, net.layer("crop", op.called, cropping=cropping), [data.node]), data)


def pad(net: Network, op: Operator) -> "Value | list[Value]":
    """Pads as an attribute before opset 11, as an input since; below 0 they crop."""
    data = net.image(op)
    given = net.constant(op.inputs[1]) if net.has(op, 1) else None
    pads = list(given.values) if given is not None else op.attributes.get("pads", op.attributes.get("paddings"))
    rank = len(data.dims)
    if pads is None or (net.has(op, 1) and given is None):
        raise Unsupported("by sizes that are computed")
    axes = [one % rank for one in (net.constant(op.inputs[3]) or Const((), ())).values] if net.has(op, 3) else None
    axes = list(range(rank)) if axes is None else axes
    if len(pads) != 2 * len(axes):
        raise Unsupported("by another number of sizes")
    begin, end = [0] * rank, [0] * rank
    for at, axis in enumerate(axes):
        begin[axis], end[axis] = pads[at], pads[at + len(axes)]
    if any(begin[:2]) or any(end[:2]) or rank < 3:
        raise Unsupported("of channels")
    left, right = begin[-1], end[-1]
    top, bottom = (begin[2], end[2]) if rank == 4 else (0, 0)
    sides = [left, right, top, bottom]
    if not any(sides):
        return data
    mode = op.attributes.get("mode", "constant")
    value = net.constant(op.inputs[2]) if net.has(op, 2) else None
    filled = value.one if value is not None else op.attributes.get("value", 0.0)
    if max(sides) <= 0:
        layer = net.layer("crop", op.called, cropping=Padding(-left, -right, -top, -bottom))
    elif min(sides) < 0:
        raise Unsupported("that pads and crops")
    elif mode == "constant" and not filled:
        layer = net.layer("pad", op.called, padding=Padding(left, right, top, bottom))
    else:
        word = {"reflect": "reflect", "edge": "replicate"}.get(mode, "-inf" if filled == float("-inf") else "")
        kind = TYPES["pad"].keys.get("mode")
        if kind is None or word not in getattr(kind.kind, "options", ()):
            raise Unsupported(f"with {mode if mode != 'constant' else 'another value than 0'}")
        layer = net.layer("pad", op.called, padding=Padding(left, right, top, bottom), mode=word)
    return net.result(net.add(op, layer, [data.node]), data)


def resize(net: Network, op: Operator) -> "Value | list[Value]":
    """Resize and Upsample: by whole factors, nearest or bilinear between pixel centres."""
    data = net.image(op)
    if len(data.dims) != 4:
        raise Unsupported("of something that is no image")
    shape = data.shape
    scales: list[float] | None = None
    at = 1 if op.type == "Upsample" or net.file.opset < 11 else 2
    if "scales" in op.attributes:
        scales = op.attributes["scales"]
    elif net.has(op, at) and (given := net.constant(op.inputs[at])) is not None and given.values:
        scales = [float(one) for one in given.values]
    elif net.has(op, 3) and (given := net.constant(op.inputs[3])) is not None:
        scales = [size / extent for size, extent in zip(given.values, shape, strict=False)]
    if scales is None or len(scales) != 4 or scales[:2] != [1.0, 1.0]:
        raise Unsupported("to a size that is computed")
    mode = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}.get(
        op.attributes.get("mode", "nearest")
    )
    place = op.attributes.get("coordinate_transformation_mode", "half_pixel")
    if mode is None:
        raise Unsupported(f"with {op.attributes['mode']}")
    values: dict[str, object] = {"mode": mode}
    whole = [round(one) for one in scales[2:]]
    keys = TYPES["upsample"].keys
    if all(abs(a - b) < 1e-6 for a, b in zip(whole, scales[2:], strict=True)):
        values["factor"] = Pair(whole[1], whole[0])
    elif "size" in keys:
        values["size"] = Pair(
            *(int(extent * one + 1e-6) for extent, one in zip(shape[:1:-1], scales[:1:-1], strict=True))
        )
    else:
        raise Unsupported("by a factor that is not whole")
    if mode == "bilinear" and place == "align_corners":
        if "align_corners" not in keys:
            raise Unsupported("with aligned corners")
        values["align_corners"] = True
    elif mode == "bilinear" and place not in ("half_pixel", "pytorch_half_pixel"):
        raise Unsupported(f"with {place}")
    return net.result(net.add(op, net.layer("upsample", op.called, **values), [data.node]), data)


def depth_to_space(net: Network, op: Operator) -> "Value | list[Value]":
    data, size = net.image(op), op.attributes.get("blocksize", 1)
    type = "depth_to_space"
    if op.type == "SpaceToDepth":
        type = "space_to_depth"
    elif op.attributes.get("mode", "DCR") == "CRD":
        type = "pixel_shuffle"
    return net.result(net.add(op, net.layer(type, op.called, **sized(type, size)), [data.node]), data)


def of_shape(net: Network, op: Operator) -> "Value | list[Value]":
    """ConstantOfShape where the shape is large: weights without values, as the light test models have them."""
    given = net.constant(op.inputs[0])
    if given is None:
        raise Unsupported("with a shape that is computed")
    return Weight(tuple(int(one) for one in given.values))


def expand(net: Network, op: Operator) -> "Value | list[Value]":
    data, given = net.data(op), net.constant(op.inputs[1])
    if given is None or tuple(max(1, one) for one in given.values) != data.shape:
        raise Unsupported("of an image")
    return data


MOVES: dict[str, Handler] = {
    "Constant": constant,
    "Shape": shape,
    "Identity": identity,
    "Cast": identity,
    "CastLike": identity,
    "Dropout": dropout,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Slice": take,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": depth_to_space,
    "ConstantOfShape": of_shape,
    "Expand": expand,
}
