"""An ONNX file as records: operators, initialisers by their dimensions, what it says about tensors.  Weights are not read.

Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).  External data are never opened.
"""

import struct
from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.interop._protobuf import BYTES, VARINT, Exceeded, Field, Malformed, Message
from archcalc.interop.reading import OVERSIZED, UNREADABLE
from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.interop import Data

T = TypeVar("T")

MAX_RANK = 8
MAX_OPERATORS = 100_000
MAX_ATTRIBUTE = 4096  # numbers in one attribute
MAX_VALUES = 4096  # of a tensor that is small enough to be a shape or a factor
MAX_DIMENSION = 2**31 - 1

FLOATS = {1: 4, 10: 2, 11: 8, 16: 2}  # data types whose values are weights: float, float16, double, bfloat16
_NUMBERS = {1: "f", 3: "b", 2: "B", 5: "h", 4: "H", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q"}
_LISTS = {4: "f", 5: "", 7: "", 10: "d", 11: ""}  # float_data, int32_data, int64_data, double_data, uint64_data


class Tensor(NamedTuple):
    """A tensor of the file: its dimensions and its type; `stored` is where its values are."""

    name: str
    dims: tuple[int, ...]
    type: int
    stored: "tuple[Message, Field] | None" = None

    @property
    def size(self) -> int:
        """How many values it has."""
        size = 1
        for one in self.dims:
            size *= one
        return size

    def values(self) -> list[Any] | None:
        """Its numbers, where they are few and in the file."""
        if self.size == 0:
            return []
        if self.stored is None or self.size > MAX_VALUES or self.type not in _NUMBERS:
            return None
        message, field = self.stored
        try:
            if field.number == 9:  # raw bytes, little endian
                found = list(struct.unpack_from(f"<{self.size}{_NUMBERS[self.type]}", *_bytes(message, field)))
            elif field.number == 4:
                found = list(message.floats(field, MAX_VALUES))
            elif field.number == 10:
                found = list(struct.unpack_from(f"<{self.size}d", *_bytes(message, field)))
            else:
                found = list(message.numbers(field, MAX_VALUES))
        except (struct.error, Malformed, Exceeded):
            return None
        return found if len(found) == self.size else None


class Operator(NamedTuple):
    """A node of the file."""

    type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str = ""

    @property
    def called(self) -> str:
        """The operator in a message and in the graph: its name, or else its first output's."""
        return self.name or next((one for one in self.outputs if one), "") or self.type


class OnnxFile(NamedTuple):
    """What a file says."""

    name: str
    opset: int
    operators: list[Operator]
    initializers: dict[str, Tensor]
    inputs: dict[str, tuple[int | str | None, ...] | None]  # by name; None as a dimension or at all: not said
    outputs: dict[str, tuple[int | str | None, ...] | None]
    functions: int = 0
    unread: tuple[tuple[Message, Field], ...] = ()  # what it says about other tensors

    def shapes(self) -> dict[str, tuple[int | str | None, ...] | None]:
        """The shapes of other tensors, which few networks need: read now."""
        reader = _Reader(Message(b""))
        return _guarded(lambda: dict(reader.value(graph.inner(field)) for graph, field in self.unread))


def looks_like_onnx(data: bytes) -> bool:
    """Whether these first bytes are a model's: its version, then only fields a model has, up to the graph."""
    if not data.startswith(b"\x08"):  # field 1, which every writer puts first; no text begins so
        return False
    kinds = {1: VARINT, 5: VARINT, **dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25), BYTES)}
    begun = Message(data, 0, len(data) + (1 << 40), [100_000])
    try:
        for field in begun.fields():
            if kinds.get(field.number) != field.wire:
                return False
            if field.number == 7:
                return True
    except (Malformed, Exceeded, IndexError):
        pass
    return False


def read_file(data: "Data") -> OnnxFile:
    """The records of a model; Refusal where it is damaged or too large."""
    return _guarded(_Reader(Message(data)).model)


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except Malformed as error:
        raise Refusal(UNREADABLE, f"the file is damaged: {error}", NOWHERE) from None
    except Exceeded:
        raise Refusal(OVERSIZED, "the file has more parts than the limit of its reader", NOWHERE) from None


class _Reader:
    def __init__(self, message: Message) -> None:
        self.message = message
        self.file = OnnxFile("", 1, [], {}, {}, {})
        self.unread: list[tuple[Message, Field]] = []

    def model(self) -> OnnxFile:
        opsets: dict[str, int] = {}
        graphs: list[Field] = []
        functions = 0
        for field in self.message.fields():
            if field.number == 7:
                graphs.append(field)
            elif field.number == 8:
                domain, version = "", 1
                inner = self.message.inner(field)
                for one in inner.fields():
                    if one.number == 1:
                        domain = inner.text(one)
                    elif one.number == 2:
                        version = inner.number(one)
                opsets[domain] = version
            elif field.number == 25:
                functions += 1
        if len(graphs) != 1:
            raise Malformed(f"it has {len(graphs)} graphs")
        self.graph(self.message.inner(graphs[0]))
        opset = opsets.get("", opsets.get("ai.onnx", 1))
        return self.file._replace(opset=opset, functions=functions, unread=tuple(self.unread))

    def graph(self, graph: Message) -> None:
        file = self.file
        for field in graph.fields():
            if field.number == 1:
                if len(file.operators) == MAX_OPERATORS:
                    message = f"the file has more than {MAX_OPERATORS:,} operators, the limit"
                    raise Refusal(OVERSIZED, message, NOWHERE)
                file.operators.append(self.operator(graph.inner(field)))
            elif field.number == 2:
                self.file = file = file._replace(name=graph.text(field))
            elif field.number == 5:
                tensor = self.tensor(graph.inner(field))
                file.initializers[tensor.name] = tensor
            elif field.number in (11, 12):
                name, dims = self.value(graph.inner(field))
                (file.inputs if field.number == 11 else file.outputs)[name] = dims
            elif field.number == 13:
                self.unread.append((graph, field))
            elif field.number == 15:
                raise Refusal(UNREADABLE, "sparse initialisers are not read", NOWHERE)

    def operator(self, node: Message) -> Operator:
        inputs, outputs, attributes = [], [], {}
        type = name = domain = ""
        for field in node.fields():
            if field.number == 1:
                inputs.append(node.text(field))
            elif field.number == 2:
                outputs.append(node.text(field))
            elif field.number == 3:
                name = node.text(field)
            elif field.number == 4:
                type = node.text(field)
            elif field.number == 5:
                key, value = self.attribute(node.inner(field))
                attributes[key] = value
            elif field.number == 7:
                domain = node.text(field)
        return Operator(type, name, tuple(inputs), tuple(outputs), attributes, "" if domain == "ai.onnx" else domain)

    def attribute(self, attribute: Message) -> tuple[str, Any]:
        name = ""
        value: Any = None
        ints: list[int] = []
        floats: list[float] = []
        kind = 0
        for field in attribute.fields():
            if field.number == 1:
                name = attribute.text(field)
            elif field.number == 2:
                value = shortest(attribute.float32(field))
            elif field.number == 3:
                value = attribute.number(field)
            elif field.number == 4:
                value = attribute.text(field)
            elif field.number == 5:
                value = self.tensor(attribute.inner(field))
            elif field.number == 7:
                floats += [shortest(one) for one in attribute.floats(field, MAX_ATTRIBUTE - len(floats))]
            elif field.number == 8:
                ints += attribute.numbers(field, MAX_ATTRIBUTE - len(ints))
            elif field.number == 20:
                kind = attribute.number(field)
            if max(len(ints), len(floats)) > MAX_ATTRIBUTE:
                raise Exceeded
        if kind == 7 or (ints and not kind):
            value = ints
        elif kind == 6 or (floats and not kind):
            value = floats
        elif value is None and kind in (1, 2):  # zero is not written
            value = 0.0 if kind == 1 else 0
        return name, value

    def tensor(self, tensor: Message) -> Tensor:
        name, type, stored, outside = "", 0, None, False
        dims: list[int] = []
        for field in tensor.fields():
            if field.number == 1:
                if len(dims) <= MAX_RANK:
                    try:
                        dims += tensor.numbers(field, MAX_RANK)
                    except Exceeded:
                        dims += [1] * (MAX_RANK + 1)
            elif field.number == 2:
                type = tensor.number(field)
            elif field.number == 8:
                name = tensor.text(field)
            elif field.number == 9 or field.number in _LISTS:
                stored = tensor, field
            elif field.number == 14:
                outside = tensor.number(field) == 1
        self.check(name or "a tensor", dims)
        return Tensor(name, tuple(dims), type, None if outside else stored)

    def value(self, value: Message) -> tuple[str, tuple[int | str | None, ...] | None]:
        """The name of a tensor and the shape the file says it has."""
        name, dims = "", None
        for field in value.fields():
            if field.number == 1:
                name = value.text(field)
            elif field.number == 2:
                type = value.inner(field)
                for one in type.fields():
                    if one.number == 1:
                        tensor = type.inner(one)
                        for two in tensor.fields():
                            if two.number == 2:
                                dims = self.shape(name or "a tensor", tensor.inner(two))
        return name, dims

    def shape(self, name: str, shape: Message) -> tuple[int | str | None, ...]:
        dims: list[int | str | None] = []
        for field in shape.fields():
            if field.number != 1:
                continue
            value: int | str | None = None
            dim = shape.inner(field)
            for one in dim.fields():
                if one.number == 1:
                    value = dim.number(one)
                elif one.number == 2:
                    value = dim.text(one)
            dims.append(value)
            if len(dims) > MAX_RANK:
                break
        self.check(name, [one for one in dims if isinstance(one, int) and one >= 0], len(dims))
        return tuple(one if not isinstance(one, int) or one >= 0 else None for one in dims)

    def check(self, name: str, dims: list[int], rank: int = 0) -> None:
        if max(len(dims), rank) > MAX_RANK:
            message = f"{name} has more than {MAX_RANK} dimensions, the limit"
            raise Refusal(OVERSIZED, message, NOWHERE)
        for one in dims:
            if not 0 <= one <= MAX_DIMENSION:
                raise Refusal(UNREADABLE, f"{name} has a dimension of {one:,}", NOWHERE)


def shortest(value: float) -> float:
    """The shortest decimal that is this 32-bit float: 1e-05 where the file has 9.999999747378752e-06."""
    if not isfinite(value):
        return value
    stored = struct.pack("<f", value)
    for digits in range(1, 9):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == stored:
                return short
        except OverflowError:  # rounded up beyond the largest
            continue
    return value


def _bytes(message: Message, field: Field) -> "tuple[Data, int]":
    if field.wire != BYTES or field.end - field.value > MAX_VALUES * 8:
        raise Malformed
    return message.data, field.value
