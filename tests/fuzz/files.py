"""Model files that are broken at random: a few places of a right one are changed, in the terms of its format.

Text is changed by its words and numbers, JSON and protocol buffers as trees, and all of them now and then byte by byte.
"""

import copy
import io
import json
import pickle
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

sys.path.append(str(Path(__file__).parents[1] / "interop"))

from archcalc.analysis.analyze import analyze
from archcalc.architecture import load
from archcalc.authoring.export import writer
from archcalc.authoring.folding import fold
from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.formats.check.text import finding
from archcalc.graph import Graph
from archcalc.interop.reading import Reading
from archcalc.layers.reshape import Input
from archcalc.reader.text import split_lines
from archcalc.volume import Volume
from fuzz.grammar import Choices

T = TypeVar("T")
SIZES = (None, Volume(32, 24, 3), Volume(1, 1, 1), Volume(227, 227, 3))
NUMBERS = (0, -1, 1, 2, 3, 5, 64, 99_999_999, 2**31, 10**19 - 1, 2**64 - 1, 0.5, 1e9, 1e-30, float("nan"), float("inf"))
FEW = 60  # layers up to which a network is folded


class Pick:
    """Choices among things."""

    def __init__(self, choices: Choices) -> None:
        self.below = choices.below

    def __call__(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]


def times(pick: Pick) -> int:
    return pick((1, 1, 2, 3, 6))


@cache
def _pickled(at: int, trees: int) -> bytes:
    return pickle.dumps({id(one): one for one in (KERAS, models())}[trees][at])


def copied(at: int, trees: tuple[T, ...]) -> T:
    """A tree of its own, ten times faster than `deepcopy` makes it."""
    found: T = pickle.loads(_pickled(at, id(trees)))
    return found


# -- text ----------------------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Za-z_][\w.]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_BRANCHES = """
s = nn.Sequential():add(nn.SpatialConvolution(3, 3, 3, 3, 1, 1, 1, 1))
model = nn.Sequential()
model:add(nn.ConcatTable():add(s):add(nn.Identity()))
model:add(nn.CAddTable(true)):add(s)
"""


@cache
def texts(format: str) -> tuple[str, ...]:
    """Right files of a format that is text."""
    known: Any = import_module(f"test_{format}")
    if format == "caffe":
        small = ("ReLU", "Scale", "BatchNorm", "LRN", "Power", "PReLU")
        return (
            known.LENET,
            known.TRAIN_VAL,
            known.IMAGE + "".join(known.layer(one) for one in small),
            known.IMAGE
            + "layer { name: 's' type: 'Slice' bottom: 'data' top: 'a' top: 'b' slice_param { slice_point: 1 } }\n"
            + "layer { name: 'c' type: 'Crop' bottom: 'a' bottom: 'b' top: 'd' crop_param { offset: 1 } }\n"
            + "layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'd' top: 'f' eltwise_param { coeff: 1 coeff: 2 } }\n"
            + "layer { name: 'r' type: 'Reshape' bottom: 'f' top: 'g' reshape_param { shape { dim: 0 dim: -1 } } }\n",
        )
    if format == "darknet":
        return (
            known.NET
            + "[conv]\nfilters=8\nsize=3\nbatch_normalize=1\n[shortcut]\nfrom=-1\n[reorg]\nstride=2\n[yolo]\n",
            known.NET + "[conv]\nfilters=8\n[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n[softmax]\ngroups=2\n[cost]\n",
            known.NET
            + "[local]\nsize=3\npad=1\n[crop]\ncrop_width=3\ncrop_height=4\n[upsample]\nstride=2\n[dropout]\n",
        )
    if format == "torch7":
        return known.ALEXNET, known.one("SpatialMaxPooling(3, 3, 2, 2):ceil()"), _BRANCHES
    if format == "ultralytics":
        rows = "  - [-1, 2, C3Ghost, [32]]\n  - [[-1, 0], 1, Concat, [1]]\n  - [-1, 1, Focus, [32, 3]]\n"
        head = "backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 2, C2f, [32, True]]\n  - [-1, 1, SPPF, [32, 5]]\n"
        return (
            *(
                known.SMALL + rows,
                known.SCALES + "nc: 2\n" + head + "head:\n  - [[0, 1, 2], 1, Segment, [nc, 32, 256]]\n",
            ),
            *(known.SMALL + "  - [-1, 1, Detect, [nc, anchors]]\n", known.v5(0.33, 0.25), known.v8()),
        )
    return tuple(known.SEEDS)


@cache
def words(format: str) -> list[str]:
    return sorted({word for text in texts(format) for word in _WORD.findall(text)})


def text(format: str, pick: Pick) -> bytes:
    """A text with a few places changed: numbers and words for others, lines and stretches repeated or taken away."""
    few = texts(format)
    made = pick(few[: 3 if pick.below(20) else None] if format == "ultralytics" else few)  # the others are large
    for _ in range(times(pick)):
        found = list(pick((_NUMBER, _WORD)).finditer(made))
        at, kind = pick.below(len(made) + 1), pick.below(6)
        if kind < 3 and found:
            one = pick(found)
            other = pick(words(format)) if pick.below(2) else str(pick(NUMBERS))
            made = made[: one.start()] + other + made[one.end() :]
        elif kind == 3:
            lines = made.split("\n")
            lines.insert(pick.below(len(lines) + 1), pick(lines))
            made = "\n".join(lines)
        elif kind == 4:
            made = made[:at] + made[at + 1 + pick.below(30) :]
        else:
            made = made[:at] + pick("(){}[]<>=:,\"'#*-/\\\0\u00fc\n") + made[at:]
    return bitten(made.encode(), pick)


def bitten(data: bytes, pick: Pick) -> bytes:
    """Now and then with a byte changed, or cut short."""
    if not data or pick.below(10):
        return data
    at = pick.below(len(data))
    return data[:at] if pick.below(3) == 0 else data[:at] + bytes([pick.below(256)]) + data[at + 1 :]


# -- JSON ----------------------------------------------------------------------------------------------


def _keras(name: str, kind: str, reads: Any = None, **config: Any) -> dict[str, Any]:
    """A layer as Keras 3 writes it."""
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [one, 0, 0]}} for one in reads or ()
    ]
    calls: list[Any] = [{"args": [tensors] if len(tensors) > 1 else tensors, "kwargs": {}}] if tensors else []
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": calls}


def _functional(*layers: dict[str, Any]) -> dict[str, Any]:
    image = _keras("image", "InputLayer", batch_shape=[None, 16, 12, 4])
    output = [layers[-1]["name"], 0, 0]
    return {
        "class_name": "Functional",
        "config": {"name": "n", "layers": [image, *layers], "input_layers": [["image", 0, 0]], "output_layers": output},
    }


_CONV = {"filters": 4, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}
KERAS = (
    _functional(
        _keras("a", "Conv2D", ["image"], **_CONV, strides=[1, 1], dilation_rate=[1, 1], groups=1, use_bias=False),
        _keras("b", "BatchNormalization", ["a"], axis=-1, epsilon=1e-3, scale=True, center=True),
        _keras("c", "DepthwiseConv2D", ["b"], kernel_size=3, strides=2, depth_multiplier=1, padding="same"),
        _keras("d", "ZeroPadding2D", ["b"], padding=[[1, 0], [0, 1]]),
        _keras("e", "MaxPooling2D", ["b"], pool_size=2, strides=2),
        _keras("f", "Add", ["c", "e"]),
        _keras("g", "GlobalAveragePooling2D", ["f"], keepdims=True),
        _keras("h", "Reshape", ["g"], target_shape=[1, 1, 4]),
        _keras("i", "Multiply", ["f", "h"]),
        _keras("j", "Flatten", ["i"]),
        _keras("k", "Dense", ["j"], units=5, activation="softmax"),
    ),
    _functional(
        _keras("a", "Rescaling", ["image"], scale=0.5, offset=-1.0),
        _keras("b", "Normalization", ["a"], axis=-1, mean=None, variance=None),
        _keras("c", "SeparableConv2D", ["b"], **_CONV, depth_multiplier=2),
        _keras("d", "Conv2DTranspose", ["c"], **_CONV, strides=[2, 2], output_padding=None),
        _keras("e", "UpSampling2D", ["d"], size=[2, 2], interpolation="bilinear"),
        _keras("f", "Cropping2D", ["e"], cropping=1),
        _keras("g", "LeakyReLU", ["f"], negative_slope=0.2),
        _keras("h", "LayerNormalization", ["g"], axis=-1, epsilon=1e-6),
        _keras("i", "AveragePooling2D", ["h"], pool_size=[3, 2], strides=[2, 2], padding="valid"),
        _keras("j", "Concatenate", ["i", "i"], axis=-1),
        _keras("k", "Dropout", ["j"], rate=0.5),
    ),
    {
        "class_name": "Sequential",
        "config": {"layers": [
            _keras("a", "Conv2D", batch_input_shape=[None, 9, 8, 1], **_CONV),
            {"class_name": "Sequential", "config": {"name": "in", "layers": [_keras("b", "ReLU", max_value=6.0), _keras("c", "Flatten")]}},
            _keras("d", "Dense", units=3, trainable=False),
        ]},
    },
)  # fmt: skip


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every list and mapping of a tree with each of its keys."""
    stack = [tree]
    while stack:
        one = stack.pop()
        for key, value in one.items() if isinstance(one, dict) else enumerate(one):
            yield one, key
            if isinstance(value, dict | list):
                stack.append(value)


@cache
def kinds() -> list[Any]:
    """What may stand for a value of the configurations: their own values and keys, numbers, and nothing."""
    values = [one[key] for tree in KERAS for one, key in places(tree)]
    keys = [key for tree in KERAS for one, key in places(tree) if isinstance(one, dict)]
    plain = {
        json.dumps(one): one
        for one in [*values, *keys]
        if not isinstance(one, dict | list) or len(json.dumps(one)) < 80
    }
    return [*plain.values(), None, True, [], {}, *NUMBERS]


def keras(pick: Pick) -> bytes:
    """A model of Keras with a few values changed, as JSON or in one of its containers."""
    tree = copied(pick.below(len(KERAS)), KERAS)
    for _ in range(times(pick)):
        one, key = pick(list(places(tree)) or [({"": None}, "")])
        what = pick.below(6)
        if what == 0:
            del one[key]
        elif what == 1 and isinstance(one, list):
            one.insert(pick.below(len(one) + 1), copy.deepcopy(one[key]))
        else:
            one[key] = copy.deepcopy(pick(kinds()))
    data = json.dumps(tree).encode()
    container = pick.below(20)
    if container == 0:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
            made.writestr("config.json", bitten(data, pick))
        data = file.getvalue()
    elif container == 1:
        data = b"\x89HDF\r\n\x1a\n" + b"\0" * 40 + b"model_config\0\0" + data + b"\0" * 8
    return bitten(data, pick)


# -- protocol buffers ----------------------------------------------------------------------------------

Tree = list[list[Any]]  # fields: their number, their wire type, and a number, bytes, or a message

# The messages of a model by where they are: number -> what that field's message holds; no number: not a message.
_VALUE: dict[int, Any] = {2: {1: {2: {1: {}}}}}
MODEL: dict[int, Any] = {7: {
    1: {5: {5: {}, 6: {}, 15: {}}},
    5: {},
    11: _VALUE,
    12: _VALUE,
    13: _VALUE,
}, 8: {}}  # fmt: skip
PATTERNS = (
    "INPUT[12x10x4] -> CONV3-8p1 -> BN -> RELU -> DWCONV2s2 -> GAP -> FC-6 -> SOFTMAX",
    "INPUT[12x10x4] -> SHUFFLE2 -> SLICE-2o1 -> SPLIT2-2 -> PAD1 -> CROP1 -> UPSAMPLE2 -> AVGPOOL3s1p1 -> POOL2 -> DECONV3-4s2p1o1",
    "INPUT[8x8x4] -> RELU6 -> SILU -> HARDSIGMOID -> LAYER_NORM -> LRN5 -> PRELU -> SCALE -> SHIFT -> DROPOUT0.2 -> GELU",
)


def _parsed(data: bytes, known: dict[int, Any]) -> Tree:
    from archcalc.interop._protobuf import BYTES, FIXED32, FIXED64, Message

    found: Tree = []
    for field in Message(data).fields():
        if field.wire == BYTES:
            inner = data[field.value : field.end]
            found.append(
                [field.number, field.wire, _parsed(inner, known[field.number]) if field.number in known else inner]
            )
        elif field.wire in (FIXED32, FIXED64):
            found.append(
                [field.number, field.wire, data[field.value : field.value + (4 if field.wire == FIXED32 else 8)]]
            )
        else:
            found.append([field.number, field.wire, field.value])
    return found


def _varint(value: int) -> bytes:
    value, out = value % 2**64, bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _encoded(tree: Tree) -> bytes:
    out = []
    for number, wire, value in tree:
        out.append(_varint(number << 3 | wire))
        if wire == 0:
            out.append(_varint(value))
        elif wire == 2:
            inner = _encoded(value) if isinstance(value, list) else value
            out += [_varint(len(inner)), inner]
        else:
            out.append(value)
    return b"".join(out)


@cache
def models() -> tuple[Tree, ...]:
    """Right models, with every operator that archcalc writes; and what spells out a flattening."""
    made = [_parsed(writer("onnx").write(load(one).report), MODEL) for one in PATTERNS]
    shape: Tree = [
        [1, 2, [[1, 2, b"input"], [2, 2, b"s"], [4, 2, b"Shape"]]],
        [1, 2, [[1, 2, b"s"], [1, 2, b"at"], [2, 2, b"n"], [4, 2, b"Gather"]]],
        [1, 2, [[1, 2, b"n"], [2, 2, b"u"], [4, 2, b"Unsqueeze"], [5, 2, [[1, 2, b"axes"], [8, 0, 0], [20, 0, 7]]]]],
        [1, 2, [[1, 2, b"u"], [1, 2, b"rest"], [2, 2, b"to"], [4, 2, b"Concat"], [5, 2, [[1, 2, b"axis"], [3, 0, 0], [20, 0, 2]]]]],
        [1, 2, [[1, 2, b"input"], [1, 2, b"to"], [2, 2, b"y"], [4, 2, b"Reshape"]]],
        [1, 2, [[1, 2, b"y"], [1, 2, b"half"], [2, 2, b"a"], [4, 2, b"Div"]]],
        [1, 2, [[1, 2, b"a"], [2, 2, b"b"], [4, 2, b"Erf"]]],
        [1, 2, [[1, 2, b"b"], [1, 2, b"half"], [2, 2, b"c"], [4, 2, b"Add"]]],
        [1, 2, [[1, 2, b"y"], [1, 2, b"c"], [2, 2, b"out"], [4, 2, b"Mul"]]],
        *([5, 2, [*([1, 0, one] for one in dims), [2, 0, kind], [8, 2, name], [9, 2, raw]]] for name, dims, kind, raw in (
            (b"at", [], 7, bytes(8)), (b"rest", [1], 7, b"\xff" * 8), (b"half", [], 1, b"\0\0\0\x3f"))),
    ]  # fmt: skip
    graph = made[0][2][2]
    ends = [field for field in graph if field[0] == 11]
    return *made, [[1, 0, 8], [7, 2, [*shape, *ends, [12, 2, [[1, 2, b"out"]]]]], [8, 2, [[1, 2, b""], [2, 0, 12]]]]


@cache
def strings() -> list[bytes]:
    found = {
        field[2] for tree in models() for fields in _messages(tree) for field in fields if isinstance(field[2], bytes)
    }
    others = (
        b"",
        b"Loop",
        b"Pad",
        b"Split",
        b"Transpose",
        b"Einsum",
        b"MatMul",
        b"Squeeze",
        b"Sub",
        b"Pow",
        b"Cast",
        b"Constant",
        b"Where",
    )
    return sorted({one for one in found if len(one) < 40} | set(others))


def _messages(tree: Tree) -> Iterator[Tree]:
    stack = [tree]
    while stack:
        one = stack.pop()
        yield one
        stack += [value for _, _, value in one if isinstance(value, list)]


def onnx(pick: Pick) -> bytes:
    """A model with a few fields changed, repeated, moved or taken away."""
    tree = copied(pick.below(len(models())), models())
    for _ in range(times(pick)):
        fields = pick([one for one in _messages(tree) if one])
        at, what = pick.below(len(fields)), pick.below(8)
        if what == 0:
            del fields[at]
        elif what == 1:
            fields.insert(pick.below(len(fields) + 1), copy.deepcopy(fields[at]))
        elif what == 2:
            fields[at][0] = 1 + pick.below(24)
        elif fields[at][1] == 0:
            fields[at][2] = int(pick(NUMBERS[:11]))
        elif isinstance(fields[at][2], bytes) and fields[at][1] == 2:
            fields[at][2] = pick(strings())
    return bitten(_encoded(tree), pick)


# -- targets -------------------------------------------------------------------------------------------


def _of(format: str) -> Callable[[Pick], bytes]:
    return lambda pick: text(format, pick)


FILES: dict[str, Callable[[Pick], bytes]] = {
    "onnx": onnx,
    "keras": keras,
    **{one: _of(one) for one in ("caffe", "darknet", "keras_source", "torch7", "ultralytics")},
}


def made(format: str, choices: Choices) -> bytes:
    return FILES[format](Pick(choices))


def read(format: str, data: bytes) -> bool:
    """A network that can be measured, or problems that can be printed; whether it is a whole network."""
    reader: Any = import_module(f"archcalc.interop.{format}")
    reader.recognises(data, "net")
    try:
        found = reader.read(data, "net", input=SIZES[len(data) % len(SIZES)])
    except Refusal as refusal:  # what is said of the whole file
        found = Reading(Graph("", ()), (refusal.diagnostic,))
    report = analyze(found.graph)
    placed = any(one.span != NOWHERE for one in (*found.problems, *report.problems))
    lines = tuple(split_lines(data.decode("utf-8", "replace"))) if placed else ()
    for one in (*found.problems, *report.problems):
        shown = finding("x", one, lines)
        assert all(line.isprintable() for line in shown.split("\n")), shown
    wrong = any(one.severity == "error" for one in (*found.problems, *report.problems))
    if wrong or not report.complete:
        assert wrong, "nothing says what is wrong"
        return False
    images = sum(isinstance(node.layer, Input) for node in found.graph.nodes)
    if images == 1 and len(found.graph.nodes) <= FEW and len(data) % 8 == 0:
        fold(found.graph)
    return True
