"""Small constants of a file, and the operators that compute one from another: shapes, pads, scales, factors.

Files carry the arithmetic of shapes with them (Shape, Gather, Concat, ...); it is done here, on lists of at most a few
thousand numbers and under a budget.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import ceil, floor, prod, sqrt
from typing import Any

from archcalc.interop._onnx_file import MAX_VALUES, Operator, Tensor
from archcalc.records import NamedTuple

_GROWING = ("Add", "Sub", "Mul", "ReduceProd")  # whose results may have ever more digits
MAX_WORK = 2_000_000  # numbers that are computed for one file


class Const(NamedTuple):
    """A small tensor whose values are known."""

    dims: tuple[int, ...]
    values: tuple[Any, ...]

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Const":
        return cls((len(values),), tuple(values))

    @property
    def one(self) -> Any:
        """Its value where it has one."""
        return self.values[0] if len(self.values) == 1 else None


def stored(tensor: Tensor) -> Const | None:
    """The values of a tensor of the file, where they are few."""
    values = tensor.values()
    return None if values is None else Const(tensor.dims, tuple(values))


class Folding:
    """Computes constants from constants, within a budget."""

    def __init__(self) -> None:
        self.left = MAX_WORK

    def fold(self, op: Operator, inputs: Sequence[Const | None], opset: int) -> Const | None:
        """The result of an operator on constants; None where it is not known how, or where it is too much."""
        rule = FOLDED.get(op.type)
        if rule is None or not inputs or inputs[0] is None:
            return None
        size = sum(len(one.values) for one in inputs if one is not None) + 16
        self.left -= size
        if self.left < 0:
            return None
        try:
            found = rule(op, inputs, opset)
        except (ArithmeticError, ValueError, TypeError, IndexError, AttributeError, KeyError):
            return None
        if found is not None:
            self.left -= len(found.values)
            if (
                len(found.values) > MAX_VALUES
                or min(found.dims, default=0) < 0
                or prod(found.dims) != len(found.values)
            ):
                return None
            if op.type in _GROWING and any(abs(one) >> 63 for one in found.values if isinstance(one, int)):
                return None
        return found


def _indices(dims: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(one) for one in dims))


def _at(const: Const, index: Sequence[int]) -> Any:
    """The value at an index, which may be of a larger shape that this one is stretched to."""
    flat = 0
    for place, extent in zip(index[len(index) - len(const.dims) :], const.dims, strict=True):
        flat = flat * extent + (place if extent > 1 else 0)
    return const.values[flat]


def _spread(shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The shape that all are stretched to; ValueError where there is none or it is large."""
    rank = max(len(one) for one in shapes)
    dims = []
    for at in range(rank):
        sizes = {one[at - rank + len(one)] for one in shapes if at - rank + len(one) >= 0} - {1}
        if len(sizes) > 1:
            raise ValueError
        dims.append(sizes.pop() if sizes else 1)
    if prod(dims) > MAX_VALUES:
        raise ValueError
    return tuple(dims)


def _elementwise(function: Callable[..., Any]) -> "Callable[[Operator, Sequence[Any], int], Const]":
    def rule(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
        dims = _spread([one.dims for one in inputs])
        return Const(dims, tuple(function(*(_at(one, index) for one in inputs)) for index in _indices(dims)))

    return rule


def _divide(a: Any, b: Any) -> Any:
    return int(a / b) if isinstance(a, int) and isinstance(b, int) else a / b


def _gather(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    data, index = inputs
    axis = op.attributes.get("axis", 0) % max(1, len(data.dims))
    dims = (*data.dims[:axis], *index.dims, *data.dims[axis + 1 :])
    rank = len(index.dims)
    values = []
    for at in _indices(dims):
        chosen = _at(index, at[axis : axis + rank]) % data.dims[axis]
        values.append(_at(data, (*at[:axis], chosen, *at[axis + rank :])))
    return Const(dims, tuple(values))


def _concat(op: Operator, inputs: Sequence[Any], opset: int) -> Const | None:
    if any(len(one.dims) != 1 for one in inputs):
        return None
    return Const.of([value for one in inputs for value in one.values])


def axes_of(op: Operator, inputs: Sequence[Const | None], at: int = 1) -> list[int] | None:
    """The axes of an operator: an attribute in old files, an input in newer ones."""
    if "axes" in op.attributes:
        return list(op.attributes["axes"])
    given = inputs[at] if len(inputs) > at else None
    return None if given is None else [int(one) for one in given.values]


def _squeeze(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    data, axes = inputs[0], axes_of(op, inputs)
    rank = len(data.dims)
    gone = {one % rank for one in axes} if axes is not None else {at for at in range(rank) if data.dims[at] == 1}
    return Const(values=data.values, dims=tuple(extent for at, extent in enumerate(data.dims) if at not in gone))


def _unsqueeze(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    data, axes = inputs[0], axes_of(op, inputs) or []
    rank = len(data.dims) + len(axes)
    added, rest = {one % rank for one in axes}, iter(data.dims)
    dims = tuple(1 if at in added else next(rest, 1) for at in range(rank))  # an axis that is named twice counts once
    return Const(values=data.values, dims=dims)


def _reshape(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    data = inputs[0]
    target = list(inputs[1].values if len(inputs) > 1 else op.attributes["shape"])
    target = [data.dims[at] if one == 0 else one for at, one in enumerate(target)]
    known = prod(one for one in target if one != -1)
    return Const(values=data.values, dims=tuple(len(data.values) // known if one == -1 else one for one in target))


def _transpose(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    data = inputs[0]
    order = op.attributes.get("perm") or list(range(len(data.dims)))[::-1]
    dims = tuple(data.dims[one] for one in order)
    back = [order.index(at) for at in range(len(order))]
    return Const(dims, tuple(_at(data, [index[one] for one in back]) for index in _indices(dims)))


def slices(op: Operator, inputs: Sequence[Const | None], dims: Sequence[int]) -> list[range] | None:
    """Which places a Slice takes along every axis."""
    given: list[list[int] | None] = [list(one.values) if one is not None else None for one in inputs[1:5]]
    given += [None] * (4 - len(given))
    starts, ends, axes, steps = given
    if starts is None:
        starts, ends, axes = (op.attributes.get(one) for one in ("starts", "ends", "axes"))
    if starts is None or ends is None:
        return None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        return None
    taken = [range(one) for one in dims]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -len(dims) <= axis < len(dims):
            return None
        extent = dims[axis]
        taken[axis] = range(*slice(start, end if step > 0 or end > -extent - 1 else None, step).indices(extent))
    return taken


def _slice(op: Operator, inputs: Sequence[Any], opset: int) -> Const | None:
    data = inputs[0]
    taken = slices(op, inputs, data.dims)
    if taken is None:
        return None
    dims = tuple(len(one) for one in taken)
    return Const(
        dims, tuple(_at(data, [one[at] for one, at in zip(taken, index, strict=True)]) for index in _indices(dims))
    )


def _cast(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    kind = float if op.attributes.get("to") in (1, 10, 11, 16) else bool if op.attributes.get("to") == 9 else int
    return inputs[0]._replace(values=tuple(kind(one) for one in inputs[0].values))  # type: ignore[no-any-return]


def _filled(op: Operator, inputs: Sequence[Any], opset: int) -> Const | None:
    dims = tuple(int(one) for one in inputs[0].values)
    value = op.attributes.get("value")
    number = (value.values() or [0.0])[0] if isinstance(value, Tensor) else 0.0
    return None if prod(dims) > MAX_VALUES else Const(dims, (number,) * prod(dims))


def _range(op: Operator, inputs: Sequence[Any], opset: int) -> Const | None:
    start, limit, delta = (one.one for one in inputs)
    count = max(0, ceil((limit - start) / delta))
    return None if count > MAX_VALUES else Const.of([start + delta * at for at in range(count)])


def _expand(op: Operator, inputs: Sequence[Any], opset: int) -> Const:
    dims = _spread([inputs[0].dims, [int(one) for one in inputs[1].values]])
    return Const(dims, tuple(_at(inputs[0], index) for index in _indices(dims)))


FOLDED: dict[str, Callable[[Operator, Sequence[Any], int], Const | None]] = {
    "Identity": lambda op, inputs, opset: inputs[0],
    "Add": _elementwise(lambda a, b: a + b),
    "Sub": _elementwise(lambda a, b: a - b),
    "Mul": _elementwise(lambda a, b: a * b),
    "Div": _elementwise(_divide),
    "Mod": _elementwise(lambda a, b: a % b),
    "Neg": _elementwise(lambda a: -a),
    "Sqrt": _elementwise(sqrt),
    "Floor": _elementwise(lambda a: float(floor(a))),
    "Ceil": _elementwise(lambda a: float(ceil(a))),
    "Min": _elementwise(min),
    "Max": _elementwise(max),
    "Equal": _elementwise(lambda a, b: a == b),
    "Greater": _elementwise(lambda a, b: a > b),
    "Less": _elementwise(lambda a, b: a < b),
    "Not": _elementwise(lambda a: not a),
    "And": _elementwise(lambda a, b: a and b),
    "Or": _elementwise(lambda a, b: a or b),
    "Where": _elementwise(lambda a, b, c: b if a else c),
    "Gather": _gather,
    "Concat": _concat,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Slice": _slice,
    "Cast": _cast,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Expand": _expand,
    "ReduceProd": lambda op, inputs, opset: Const((1,), (prod(inputs[0].values),)),
    "Shape": lambda op, inputs, opset: Const.of(inputs[0].dims),
    "Size": lambda op, inputs, opset: Const((), (len(inputs[0].values),)),
}
