"""The network of an ONNX file in the making: what every tensor of the file is, as its operators are read one by one.

A tensor is a View of a node (so that reshaping and transposing add nothing until someone needs them), a Lazy function of
one (so that an activation that is spelled out can be told as a whole), a Const, a Weight, or Missing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

from archcalc.interop._axes import View, is_image, rearranged, same_arrangement, view
from archcalc.interop._constants import Const, Folding, stored
from archcalc.interop._functions import ALONE, Tree, depth, recognised
from archcalc.interop._onnx_file import FLOATS, OnnxFile, Operator, Tensor
from archcalc.interop.reading import Draft, made
from archcalc.layers import TYPES, Layer
from archcalc.reader.values import Extents
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

MAX_DEPTH = 12  # operations in a function that is spelled out


class Weight(NamedTuple):
    """A tensor of the file that is large, or one computed from such: its dimensions, and whose values it has."""

    dims: tuple[int, ...]
    tensor: Tensor | None = None


class Lazy(NamedTuple):
    """A function of every value of a view; `operands` lead to it step by step."""

    base: View
    tree: Tree
    op: Operator
    operands: "tuple[Lazy | View | float, ...]"

    @property
    def operation(self) -> str:
        return str(self.tree[0]) if isinstance(self.tree, tuple) else ""


class Missing(NamedTuple):
    """A tensor of which nothing but perhaps its shape is known."""

    shape: tuple[int, ...] | None = None


Value: TypeAlias = "View | Lazy | Const | Weight | Missing"
Handler: TypeAlias = "Callable[[Network, Operator], Value | list[Value]]"


class Unsupported(Exception):
    """An operator that is known, set in a way that no layer has; says which in a few words."""


class Network:
    """A file's network so far."""

    def __init__(
        self, file: OnnxFile, step: "Callable[[Network, Lazy, tuple[View | float, ...]], View]", *, resized: bool
    ) -> None:
        """`step` gives the node of a function's last operation."""
        self.file, self.step, self.resized = file, step, resized
        self.draft = Draft(file.name if file.name not in ("main_graph", "torch-jit-export", "torch_jit") else "")
        self.values: dict[str, Value] = {}
        self.moved: dict[View, View] = {}  # rearranged values -> the layer that makes an image of them
        self.folding = Folding()
        self.batch = 1
        self.shapes: dict[str, tuple[int | str | None, ...] | None] | None = None
        self.reads = Counter(name for op in file.operators for name in op.inputs)
        self.reads.update(file.outputs.keys())
        self.read_by: dict[str, list[Operator]] = {}
        for op in file.operators:
            for name in op.inputs:
                self.read_by.setdefault(name, []).append(op)
        self.used: set[str] = set()  # initialisers
        self.owners: dict[tuple[str, ...], int] = {}  # names of weights -> the first node with them
        self.kept_shapes: dict[str, tuple[int, ...]] = {}  # of every tensor whose shape became known
        self.opaque: Counter[str] = Counter()

    # -- tensors -----------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """What a tensor is; a Refusal-free Missing for one that nobody gives."""
        found = self.values.get(name)
        if found is None:
            tensor = self.file.initializers.get(name)
            if tensor is None:
                return Missing()
            self.used.add(name)
            found = self.values[name] = self.of_file(tensor)
        return found

    def of_file(self, tensor: Tensor) -> Value:
        """A tensor of the file: weights, or numbers where it is an integer or one single value."""
        if tensor.type not in FLOATS or tensor.size <= 1:
            constant = stored(tensor)
            if constant is not None:
                return constant
        return Weight(tensor.dims, tensor)

    def constant(self, name: str) -> Const | None:
        """The values of a small tensor, weights among them."""
        found = self.value(name) if name else None
        if isinstance(found, Weight) and found.tensor is not None:
            return stored(found.tensor)
        return found if isinstance(found, Const) else None

    def weight(self, op: Operator, at: int) -> tuple[int, ...]:
        """The dimensions of an operator's weights."""
        found = self.value(op.inputs[at]) if len(op.inputs) > at else Missing()
        if isinstance(found, Weight | Const):
            return found.dims
        raise Unsupported("with weights that are computed")

    def has(self, op: Operator, at: int) -> bool:
        return len(op.inputs) > at and bool(op.inputs[at])

    def shape(self, name: str) -> tuple[int, ...] | None:
        found = self.values.get(name)
        if isinstance(found, Lazy):
            return found.base.shape
        if isinstance(found, View | Missing):
            return found.shape
        return found.dims if found is not None else None

    # -- nodes -------------------------------------------------------------------------------------

    def layer(self, type: str, name: str, **values: Any) -> Layer:
        """A layer of a type; Unsupported where there is no such type, Refusal where a value is out of range."""
        if type not in TYPES:
            raise Unsupported("")
        return made(TYPES[type], name, **values)

    def add(self, op: Operator, layer: Layer, inputs: Sequence[int], shared: Sequence[str] = ()) -> int:
        """A node; `shared` are the names of its weights, by which a later one is found to be the same."""
        owner = self.owners.setdefault(tuple(shared), len(self.draft.nodes)) if shared else None
        here = len(self.draft.nodes)
        shares = owner if owner is not None and owner < here and self.draft.nodes[owner].layer == layer else None
        if layer.type in ("add", "multiply", "concat") and len(inputs) == 1:
            return inputs[0]
        return self.draft.add(op.called, layer, inputs, shares=shares)

    def volume(self, node: int) -> Volume:
        """What a node gives; Unsupported where it does not fit, which the analysis says."""
        found = self.draft.volumes[node]
        if found is None:
            raise Unfitting
        return found

    def image(self, op: Operator, at: int = 0) -> View:
        """An input in the order n, c, h, w, or n, c where it is one column of values."""
        return self.settled(self.data(op, at), op)

    def data(self, op: Operator, at: int = 0) -> View:
        """An input as a view, after what was put off."""
        name = op.inputs[at] if len(op.inputs) > at else ""
        found = self.value(name)
        if isinstance(found, Lazy):
            found = self.values[name] = self.done(found)
        if isinstance(found, View):
            return found
        if isinstance(found, Missing):
            raise Behind
        raise Unsupported("of weights alone")

    def settled(self, one: View, op: Operator) -> View:
        """A view as an image of its own: what moved its values becomes a layer, one for all that read it."""
        if is_image(one):
            return one
        if one not in self.moved:
            self.moved[one] = self._settled(one, op)
        return self.moved[one]

    def _settled(self, one: View, op: Operator) -> View:
        if one.flat:
            node = self.add(op._replace(name=f"{op.called}.flatten"), TYPES["flatten"](), [one.node])
            return view(node, self.volume(node), self.batch, "nc")
        moved = rearranged(one)
        if moved is None:
            raise Unsupported("of values in another order")
        type, size = moved
        layer = self.layer(type, op.called, **sized(type, size))
        node = self.add(op._replace(name=f"{op.called}.{type}"), layer, [one.node])
        return view(node, self.volume(node), self.batch, "nchw")

    def result(self, node: int, like: View) -> View:
        """A node's output with as many dimensions as the view it was computed from."""
        return view(node, self.volume(node), self.batch, {4: "nchw", 3: "ncw", 2: "nc"}[len(like.dims)])

    def pointwise(self, op: Operator, layer: Layer, one: View, shared: Sequence[str] = ()) -> View:
        """A layer that treats every value, or every channel, alike: the order of the values stays."""
        return View(self.add(op, layer, [one.node], shared), one.dims)

    def joined(self, op: Operator, type: str, views: Sequence[View]) -> View:
        """A join of views, in the order they have in common or as images."""
        if not same_arrangement(views):
            views = [self.settled(one, op) for one in views]
        node = self.add(op, self.layer(type, op.called), [one.node for one in views])
        widest = max(views, key=lambda one: prod(one.shape))
        return View(node, widest.dims) if self.volume(node) == self.volume(widest.node) else self.result(node, widest)

    # -- functions that are spelled out ------------------------------------------------------------

    def lazy(self, op: Operator, name: str, *operands: "Lazy | View | float") -> Value:
        """A function of one value, put off until someone reads it."""
        base = next(one.base if isinstance(one, Lazy) else one for one in operands if not isinstance(one, float))
        trees = tuple("x" if isinstance(one, View) else one.tree if isinstance(one, Lazy) else one for one in operands)
        found = Lazy(base, (name, *trees), op, operands)
        return found if depth(found.tree) < MAX_DEPTH else self.done(found)

    def done(self, one: Lazy) -> View:
        """The nodes of a function: one where it is a known activation, else one a step."""
        name = one.op.outputs[0]
        found = self.values.get(name)
        if not isinstance(found, View | Missing):
            try:
                found = self._stepwise(one)
            except Unsupported as error:
                found = self.unknown(one.op, str(error))[0]
            self.values[name] = found
        if isinstance(found, View):
            return found
        raise Behind

    def _stepwise(self, one: Lazy) -> View:
        if one.operation not in ALONE or all(not isinstance(other, Lazy) for other in one.operands):
            known = recognised(one.tree)
            if known and known in TYPES:
                return self.pointwise(one.op, TYPES[known](), one.base)
        operands = tuple(self.done(other) if isinstance(other, Lazy) else other for other in one.operands)
        return self.step(self, one, operands)

    # -- what is not known -------------------------------------------------------------------------

    def unknown(self, op: Operator, why: str = "") -> list[Value]:
        """An operator that no layer stands for: opaque where the file says what it gives, else missing."""
        word = " ".join([op.domain + "." * bool(op.domain) + op.type, *([why] if why else [])])
        read: list[int] = []
        for name in op.inputs:
            found = self.value(name) if name else None
            if isinstance(found, Lazy):
                found = self.values[name] = self.done(found)
            if isinstance(found, View) and found.node not in read:
                read.append(found.node)
        values: list[Value] = []
        for name in op.outputs:
            shape = self.stated(name)
            volume = _volume_of(shape) if shape else None
            if "opaque" in TYPES and volume is not None and shape is not None and read and name and self.reads[name]:
                stored = sum(self.file.initializers[one].size for one in set(op.inputs) if self.is_weight(one))
                layer = made(TYPES["opaque"], op.called, volume=volume, what=op.type, params=stored, buffers=0)
                node = self.draft.add(op.called, layer, read)
                axes = {4: "nchw", 3: "ncw", 2: "nc", 1: "n"}[len(shape)]
                values.append(view(node, volume, self.batch, axes))
                self.opaque[word] += 1
            else:
                values.append(Missing(shape))
        if not any(isinstance(one, View) for one in values):
            self.draft.missing(word, op.called, read)
        return values

    def is_weight(self, name: str) -> bool:
        return name in self.file.initializers and self.file.initializers[name].type in FLOATS

    def stated(self, name: str) -> tuple[int, ...] | None:
        """The shape that the file says a tensor has, in so far as it holds for the input's size."""
        if self.resized:
            return None
        if self.shapes is None:
            self.shapes = {**self.file.shapes(), **self.file.outputs}
        found = self.shapes.get(name)
        if not found:
            return None
        shape = tuple(self.batch if at == 0 and not isinstance(one, int) else one for at, one in enumerate(found))
        return (
            tuple(one for one in shape if isinstance(one, int)) if all(isinstance(one, int) for one in shape) else None
        )


def sized(type: str, size: int) -> dict[str, Any]:
    """The key of a layer that has a single one, as a pair where it takes pairs; Unsupported where there is no such layer."""
    if type not in TYPES:
        raise Unsupported("")
    name, key = next(iter(TYPES[type].keys.items()))
    return {name: Pair(size, size) if key.kind.__class__ is Extents else size}


class Behind(Exception):
    """An operator whose input is missing: the reason was said where it went missing."""


class Unfitting(Exception):
    """An operator behind a layer that does not fit."""


def _volume_of(shape: tuple[int, ...]) -> Volume | None:
    """Channels first, as ONNX has images; None for what is no volume."""
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        return None
    _, channels, height, width = (*shape, 1, 1, 1)[:4] if len(shape) != 3 else (shape[0], shape[1], 1, shape[2])
    return Volume(width, height, channels)
