"""What only looks at a tensor in another way, or takes a part of it."""

from collections.abc import Sequence
from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import Atom, axis, has, kinds, rearranged, reshaped, shuffled, side_by_side
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import IMAGES, NotUnderstood, Value, made
from archcalc.layers.reshape import Split

_RESHAPES = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "ravel")
_COPIES = (
    "contiguous",
    "clone",
    "detach",
    "to",
    "float",
    "type_as",
    "type",
    "cpu",
    "cuda",
    "alias",
    "identity",
    "data",
)
_ORDERS = ("permute", "movedim", "moveaxis", "transpose", "swapaxes", "swapdims", "t", "T", "mT")
_EXPANSIONS = ("expand", "expand_as", "broadcast_to")
VIEWS = frozenset((*_RESHAPES, *_COPIES, *_ORDERS, *_EXPANSIONS, "getitem", "chunk", "split", "unbind", "narrow"))


@operator(*_RESHAPES)
def view(call: Call) -> Value:
    x = call.value()
    if call.name == "view" and not isinstance(call.arg(1, "size", 0), int | list | tuple):
        raise NotUnderstood("it reads the bits as another type")
    layout = reshaped(x.layout, tuple(call.result.shape))
    if layout is None:
        raise NotUnderstood(f"it cuts the axes {kinds(x.layout)} into {list(call.result.shape)}")
    volume = call.volume(x.node)
    if not side_by_side(layout, volume, IMAGES) and (found := rearranged(layout, volume, IMAGES)):
        return call.layer(made(found[0], factor=found[1]), x.node)  # before another view hides it
    return Value(x.node, layout)


@operator(*_COPIES)
def same(call: Call) -> Value:
    return call.value()


@operator(*_ORDERS)
def permute(call: Call) -> Value:
    x = call.value()
    order = _order(call, len(x.layout))
    return Value(x.node, tuple(x.layout[one] for one in order))


def _order(call: Call, rank: int) -> list[int]:
    """For every axis of the result, which one it was."""
    given = call.args[1:] or tuple(call.kwargs[name] for name in call.kwargs if name != "input")
    if call.name in ("t", "T"):
        return [*range(rank)][::-1]
    order = [*range(rank)]
    if call.name == "mT":
        given = -2, -1
    if call.name == "permute":
        dims = given[0] if isinstance(given[0], Sequence) else given
        return [one % rank for one in dims]
    if call.name in ("movedim", "moveaxis"):
        source, target = ([one % rank for one in (axes if isinstance(axes, Sequence) else (axes,))] for axes in given)
        rest = iter([one for one in order if one not in source])
        places = dict(zip(target, source, strict=True))
        return [places[one] if one in places else next(rest) for one in order]
    first, second = (one % rank for one in given)
    order[first], order[second] = order[second], order[first]
    return order


@operator(*_EXPANSIONS)
def expand(call: Call) -> Value:
    """An axis of one position may repeat it."""
    x = call.value()
    sizes = tuple(call.result.shape)
    layout = ((),) * (len(sizes) - len(x.layout)) + x.layout
    return Value(
        x.node,
        tuple((Atom("*", 1, size),) if not one and size > 1 else one for one, size in zip(layout, sizes, strict=True)),
    )


@operator("chunk", "split", "tensor_split", "split_with_sizes")
def split(call: Call) -> list[Value]:
    x = call.value()
    at = call.arg(2, "dim", 0) % len(x.layout)
    if shuffled(x.layout, call.volume(x.node), IMAGES):
        call.image()
        x = call.value()
    sizes = [one.shape[at] for one in call.result]
    begins = [sum(sizes[:number]) for number in range(len(sizes))]
    return [channels(call, x, at, begin, size) for begin, size in zip(begins, sizes, strict=True)]


def channels(call: Call, x: Value, at: int, begin: int, size: int) -> Value:
    """Some neighbouring channels, along the axis that they are."""
    whole = call.volume(x.node).channels
    if not has(x.layout[at], "c", whole):
        raise NotUnderstood(f"it cuts an axis that is {kinds((x.layout[at],)) or 'one position'}, not the channels")
    if size == whole:
        return x
    even = whole % size == 0 and begin % size == 0
    layer = Split(parts=whole // size, part=begin // size + 1) if even else made("slice", channels=size, offset=begin)
    return call.kept(layer, x, layout=(*x.layout[:at], axis("c", size), *x.layout[at + 1 :]))


@operator("getitem")
def getitem(call: Call) -> Value:
    """Slices of channels; axes of one position come and go."""
    x = call.value()
    layout = list(x.layout)
    index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    if any(hasattr(one, "untyped_storage") or isinstance(one, list) for one in index):
        raise NotUnderstood("it is indexed by a tensor")
    named = sum(one is not None and one is not Ellipsis for one in index)
    filled: list[Any] = []
    for one in index:
        filled += [slice(None)] * (len(layout) - named) if one is Ellipsis else [one]
    filled += [slice(None)] * (len(layout) - sum(one is not None for one in filled))
    value, at = x, 0
    for one in filled:
        layout = list(value.layout)
        if one is None:
            layout.insert(at, ())
            value = Value(value.node, tuple(layout))
        elif isinstance(one, int):
            if layout[at]:
                raise NotUnderstood("it takes one position of an axis")
            value = Value(value.node, tuple(layout[:at] + layout[at + 1 :]))
            continue
        elif isinstance(one, slice):
            value = _sliced(call, value, at, one)
        at += 1
    return value


def _sliced(call: Call, x: Value, at: int, index: slice) -> Value:
    size = 1
    for atom in x.layout[at]:
        size *= atom.size
    begin, end, step = index.indices(size)
    if (begin, end, step) == (0, size, 1):
        return x
    if step != 1:
        raise NotUnderstood("it leaves out positions")
    return channels(call, x, at, begin, end - begin)
