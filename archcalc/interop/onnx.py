"""ONNX models (.onnx): the network without its weights.

The `onnx` package is not used.  It is 30 MB with protobuf and NumPy, 0.2 s of every start; its parser copies the whole file
into memory before the first question, follows paths to external data, and has had CVEs for it.  What a report needs is the
operators and the dimensions of their tensors, which `_protobuf` reads from the mapped file: 98 MB of ResNet-50 and
half a gigabyte of VGG-16 take as long as their operators do.  The price is 300 lines of ours, which are fuzzed.

Operators become layers as they are: batch norms that were folded into convolutions stay folded, a Reshape or Transpose
is nothing where the next layer does not mind, and an activation that is spelled out by arithmetic is told by its values.
"""

from typing import TYPE_CHECKING

from archcalc.diagnostics import NOWHERE, Diagnostic, Refusal
from archcalc.graph import Graph
from archcalc.interop._arithmetic import ARITHMETIC, step
from archcalc.interop._axes import View, view
from archcalc.interop._constants import FOLDED, Const
from archcalc.interop._moves import MOVES
from archcalc.interop._network import Behind, Lazy, Missing, Network, Unfitting, Unsupported, Value
from archcalc.interop._onnx_file import FLOATS, OnnxFile, Operator, looks_like_onnx, read_file
from archcalc.interop._windows import WINDOWS
from archcalc.interop.reading import (
    BAD_SETTING,
    NO_SIZE,
    UNKNOWN_OPERATOR,
    UNREADABLE,
    UNUSED_VALUES,
    WRONG_KIND,
    Reading,
)
from archcalc.layers.reshape import Input
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.interop import Data

NAME = "ONNX"
LIMIT = 2 << 30  # protocol buffers have no larger messages

OPERATORS = {**ARITHMETIC, **MOVES, **WINDOWS}


def recognises(data: bytes, path: str) -> bool:
    return looks_like_onnx(data)


def read(data: "Data", path: str, *, input: Volume | None = None) -> Reading:
    try:
        return interpreted(read_file(data), input).reading
    except Refusal as refusal:
        return Reading(Graph("", ()), (refusal.diagnostic,))


class Interpretation:
    """A network as it was read, and what its tensors are, for those who compare."""

    def __init__(self, network: Network, reading: Reading) -> None:
        self.network, self.reading = network, reading


def interpreted(file: OnnxFile, input: Volume | None) -> Interpretation:
    """The network of a file's records."""
    _in_order(file)
    net = Network(file, step, resized=input is not None)
    _inputs(net, input)
    for op in file.operators:
        for name, found in zip(op.outputs, _outputs(net, op), strict=False):
            if name:
                net.values[name] = found
                shape = net.shape(name)
                if shape is not None:
                    net.kept_shapes[name] = shape
    outputs: list[int] = []
    for name in file.outputs:
        value: Value | None = net.values.get(name)
        if isinstance(value, Lazy):
            try:
                value = net.done(value)
            except (Behind, Unfitting):
                value = None
            except (Refusal, *WRONG_KIND):
                net.draft.problems.append(Diagnostic(BAD_SETTING, f"{name}: it cannot be computed", NOWHERE))
                value = None
        if isinstance(value, View) and value.node not in outputs:
            outputs.append(value.node)
    last = len(net.draft.nodes) - 1
    read = net.draft.reading(() if outputs == [last] else outputs)
    problems = [*read.problems, *_remarks(net)]
    return Interpretation(net, read._replace(problems=tuple(problems)))


def _in_order(file: OnnxFile) -> None:
    """Refuse tensors that are given twice, or read before they are given: ONNX forbids both, and each reading is a guess."""
    later = {name: op for op in reversed(file.operators) for name in op.outputs if name}
    givers = dict.fromkeys(file.inputs, "the file's inputs") | dict.fromkeys(file.initializers, "the file's weights")
    for op in file.operators:
        for name in op.inputs:
            if name in later and name not in givers:
                message = f"{op.called} reads the tensor {name} before {later[name].called} gives it"
                raise Refusal(
                    UNREADABLE, message if later[name] is not op else f"{op.called} reads what it gives", NOWHERE
                )
        for name in op.outputs:
            if name in givers:
                message = f"the tensor {name} is given twice, by {givers[name]} and by {op.called}"
                raise Refusal(UNREADABLE, message, NOWHERE)
            if name:
                givers[name] = op.called


def _inputs(net: Network, size: Volume | None) -> None:
    file = net.file
    given = {name: dims for name, dims in file.inputs.items() if name not in file.initializers}
    images = {name: dims for name, dims in given.items() if dims is not None and 2 <= len(dims) <= 4}
    if not images:
        raise Refusal(UNREADABLE, "the file has no input that is an image", NOWHERE)
    first = next(iter(images.values()))
    if isinstance(first[0], int) and first[0] > 0:
        net.batch = first[0]
    for name, dims in images.items():
        readers = [op for op in file.operators if name in op.inputs]
        last = bool(readers) and all(
            op.type == "Transpose" and op.attributes.get("perm") == [0, 3, 1, 2] for op in readers
        )
        axes = "nhwc" if len(dims) == 4 and last else {4: "nchw", 3: "ncw", 2: "nc"}[len(dims)]
        sides = {axis: one if isinstance(one, int) else 0 for axis, one in zip(axes, dims, strict=True)}
        volume = Volume(sides.get("w", 1), sides.get("h", 1), sides["c"])
        if size is not None and len(images) == 1:
            volume = size
        if min(volume) < 1:
            said = " x ".join(str(one or "?") for one in dims)
            raise Refusal(NO_SIZE, f"the input {name} is {said}: say how large, like `--input 224x224x3`", NOWHERE)
        node = net.draft.add(name, Input(width=volume.width, height=volume.height, channels=volume.channels))
        net.values[name] = view(node, volume, net.batch, axes)


def _outputs(net: Network, op: Operator) -> list[Value]:
    """What an operator gives."""
    try:
        return _computed(net, op)
    except (Behind, Unfitting):
        return [Missing(net.stated(name)) for name in op.outputs]
    except Refusal as refusal:
        net.draft.problems.append(refusal.diagnostic)
    except WRONG_KIND:
        message = f"{op.called}: a setting of {op.type} is of another kind"
        net.draft.problems.append(Diagnostic(BAD_SETTING, message, NOWHERE))
    return [Missing() for _ in op.outputs]


def _computed(net: Network, op: Operator) -> list[Value]:
    """What an operator gives; opaque where it is set in a way that no layer is."""
    try:
        inputs = [net.value(name) if name else None for name in op.inputs]
        if op.domain == "" and inputs and all(one is None or isinstance(one, Const) for one in inputs):
            folded = net.folding.fold(
                op, [one for one in inputs if one is None or isinstance(one, Const)], net.file.opset
            )
            if folded is not None:
                return [folded]
        if op.domain == "" and op.type in FOLDED and any(isinstance(one, Missing) for one in inputs):
            raise Behind
        handler = OPERATORS.get(op.type) if op.domain == "" else None
        if handler is None or not op.outputs or (not op.inputs and op.type != "Constant"):
            return net.unknown(op)
        found = handler(net, op)
    except Unsupported as error:
        return net.unknown(op, str(error))
    return found if isinstance(found, list) else [found]


def _remarks(net: Network) -> list[Diagnostic]:
    """What is worth knowing about a file that was read: operators that stay opaque, weights that nobody reads."""
    found = []
    if net.opaque:
        counted = sorted(net.opaque.items(), key=lambda one: (-one[1], one[0]))
        listed = ", ".join(f"{name} ({count})" for name, count in counted)
        message = f"what these operators cost is not known: {listed}"
        found.append(Diagnostic(UNKNOWN_OPERATOR, message, NOWHERE, "warning"))
    unread = [one for name, one in net.file.initializers.items() if not net.reads[name] and one.type in FLOATS]
    if unread:
        values = sum(one.size for one in unread)
        some = ", ".join(one.name for one in unread[:3]) + (", ..." if len(unread) > 3 else "")
        message = f"{values:,} values in {len(unread):,} tensors are read by no operator: {some}"
        found.append(Diagnostic(UNUSED_VALUES, message, NOWHERE, "warning"))
    return found
