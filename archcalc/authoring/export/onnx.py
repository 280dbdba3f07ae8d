"""ONNX (opset 20): the operators, with weights of zeros that are made when the file is run, or with those of `verify`.

Without weights the file has a few kilobytes, and every ONNX tool can show it, infer its shapes and run it.  The batch is left
open.  Images are [N, C, H, W] and what is flattened has that order, so the weights of what reads it are put in it, too.
What ONNX has no exact operator for is refused: nothing is written that computes something else.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export._exact import Inexact, Unwritable, each, only
from archcalc.authoring.export._onnx_layers import JOINS, SIMPLE, WRITERS, Call
from archcalc.authoring.export._onnx_wire import attribute, field, number, text
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row
    from archcalc.forward.run import Array

FORMAT = "ONNX"
WEIGHTS = True  # whether a file can have them
OPSET, IR = 20, 9
MAX_BYTES = 2**31 - 1  # of a message
_FLOAT, _INT = 1, 7
_KEEPS_ORDER = frozenset(("dropout", "drop_path", "flatten", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh",
                          "sigmoid", "softplus", "hardswish", "hardsigmoid"))  # fmt: skip


def write(report: "Report", *, weights: bool = False, seed: int = 0) -> bytes:
    """The bytes of a model; Unwritable where a layer has no operator.

    `weights`: those that `verify` draws for the seed, for which the network is executed once.
    """
    model = Model(report)
    each(FORMAT, report, model.layer)
    if not weights:
        return model.encoded()
    if 4 * (report.totals.params + report.totals.buffers) > MAX_BYTES:
        raise Unwritable(FORMAT, [("the network", "weights of 2 GiB or more")])
    from archcalc.verification.trace import trace

    model = Model(report, weighted=True)
    drawn = trace(report, seed=seed)

    def layer(row: "Row") -> None:
        model.drawn = next(drawn).weights[::-1]
        model.layer(row)

    each(FORMAT, report, layer)
    return model.encoded()


class Model:
    """A model in the making; `drawn` are weights of the layer in work, the first one last."""

    def __init__(self, report: "Report", *, weighted: bool = False) -> None:
        self.report, self.weighted = report, weighted
        self.drawn: list[Array] = []
        self.nodes: list[bytes] = []
        self.constants: dict[str, bytes] = {}
        self.inputs: list[bytes] = []
        self.tensors: list[str] = []  # of every node
        self.columns: list[bool] = []  # whether it is [N, C]
        self.flattened: list[Volume | None] = []  # the image that a column of many pixels was, whose order it has
        self.made: set[str] = set()  # weights

    def encoded(self) -> bytes:
        outputs = [self.value(at) for at in self.report.graph.results()]
        graph = [field(1, one) for one in self.nodes]
        graph += [field(2, text(self.report.graph.name or "network"))]
        graph += [field(5, one) for one in self.constants.values()]
        graph += [field(11, one) for one in self.inputs] + [field(12, one) for one in outputs]
        opset = field(8, field(1, b"") + number(2, OPSET))
        return number(1, IR) + field(2, b"archcalc") + field(7, b"".join(graph)) + opset

    def layer(self, row: "Row") -> None:
        """Write a layer's operators; where that is refused it is taken as written, so that what is behind is judged, too."""
        self.tensors.append(row.node.name)
        self.columns.append(False)
        self.flattened.append(self.order(row))
        self.columns[-1] = self.operators(row)

    def order(self, row: "Row") -> Volume | None:
        """The image whose order of values a column has, channels first, where that is not the order of its channels."""
        inputs = row.node.inputs
        before = next((one for one in (self.flattened[at] for at in inputs) if one), None)
        if row.node.layer.type == "flatten" and before is None and row.inputs[0][:2] != (1, 1):
            return row.inputs[0]
        return before if row.node.layer.type in _KEEPS_ORDER else None

    def operators(self, row: "Row") -> bool:
        """The operators of a layer; whether what they give is [N, C]."""
        layer, name, inputs = row.node.layer, row.node.name, row.node.inputs
        if layer.type == "input":
            self.inputs.append(self.value(len(self.tensors) - 1, flat=False))
            return False
        if self.weighted and layer.type not in (*_KEEPS_ORDER, "fc") and any(self.flattened[one] for one in inputs):
            raise Inexact(f"{layer.type} of what was flattened, whose values have another order there")
        flat = all(self.columns[one] for one in inputs)
        reads = [self.tensors[one] for one in inputs]
        if layer.type in JOINS and not flat:
            reads = [self.image(one) for one in inputs]
        call = Call(self, row, name, reads)
        if layer.type in JOINS:
            only(layer)
            together: dict[str, Any] = {"axis": 1} if layer.type == "concat" else {}
            call.join(JOINS[layer.type], **together)
            return flat
        if layer.type in SIMPLE:
            only(layer)
            call.op(SIMPLE[layer.type], reads[:1])
            return flat
        if layer.type not in WRITERS or len(inputs) != 1:
            raise Inexact
        keeps, write_layer = WRITERS[layer.type]
        if not keeps and flat:
            call.reads = [self.image(inputs[0])]
        write_layer(call, layer)
        return layer.type in ("fc", "flatten") or (keeps and flat)

    def image(self, at: int) -> str:
        """A node's tensor as [N, C, H, W]."""
        tensor = self.tensors[at]
        if not self.columns[at]:
            return tensor
        result = f"{tensor}.image"
        if result not in self.made:
            self.made.add(result)
            self.node("Unsqueeze", [tensor, self.ints("axes.image", [2, 3])], result, result)
        return result

    def value(self, at: int, *, flat: bool | None = None) -> bytes:
        """What the file says of an input or output."""
        volume, column = self.report.rows[at].output, self.columns[at] if flat is None else flat
        sides = [volume.channels] if column else [volume.channels, volume.height, volume.width]
        dims = field(1, field(2, b"batch")) + b"".join(field(1, number(1, one)) for one in sides)
        return field(1, text(self.tensors[at])) + field(2, field(1, number(1, _FLOAT) + field(2, dims)))

    def node(self, type: str, inputs: Sequence[str], output: str, name: str, **attributes: Any) -> None:
        parts = [field(1, text(one)) for one in inputs] + [
            field(2, text(output)),
            field(3, text(name)),
            field(4, text(type)),
        ]
        parts += [field(5, attribute(key, value)) for key, value in attributes.items()]
        self.nodes.append(b"".join(parts))

    def stored(self, name: str, dims: Sequence[int], row: "Row") -> None:
        """Weights of these dimensions: zeros, or the next ones that were drawn for the layer."""
        if not self.weighted:
            self.node("ConstantOfShape", [self.ints(f"{name}.shape", dims)], name, name)
            return
        array = self.arranged(self.drawn.pop(), row)
        assert array.size == _product(dims), (name, array.shape, dims)
        self.tensor(name, dims, _FLOAT, array.astype("<f4").tobytes())

    def arranged(self, array: "Array", row: "Row") -> "Array":
        """Weights in ONNX's order: output before input channels, and these before height and width."""
        if row.node.layer.type == "deconv" and array.ndim == 4:
            return array.transpose(0, 3, 1, 2)
        if row.node.layer.type == "fc" and array.ndim == 2:
            image = self.flattened[row.node.inputs[0]] or row.inputs[0]
            return array.reshape(image.height, image.width, image.channels, -1).transpose(3, 2, 0, 1)
        if row.node.layer.type == "sepconv" and array.ndim > 1:
            return array.transpose(2, 3, 0, 1) if array.ndim == 4 else array.T
        return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array

    def tensor(self, name: str, dims: Sequence[int], kind: int, raw: bytes) -> str:
        sides = b"".join(number(1, one) for one in dims)
        self.constants[name] = sides + number(2, kind) + field(8, text(name)) + field(9, raw)
        return name

    def ints(self, name: str, values: Sequence[int]) -> str:
        """A constant of whole numbers."""
        return self.tensor(name, [len(values)], _INT, struct.pack(f"<{len(values)}q", *values))

    def floats(self, name: str, values: Sequence[float], *, scalar: bool = False) -> str:
        return self.tensor(name, [] if scalar else [len(values)], _FLOAT, struct.pack(f"<{len(values)}f", *values))


def _product(dims: Sequence[int]) -> int:
    size = 1
    for one in dims:
        size *= one
    return size
