"""ONNX files against the onnx package's own strict shape inference, and against the numbers of floats in them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.interop import readers
from archcalc.interop._onnx_file import looks_like_onnx

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402
from onnx_oracle import agrees, analyzed, inferred, interpretation  # noqa: E402

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
MODELS = {  # parameters and buffers
    "light_bvlc_alexnet": (60_965_224, 0),  # BVLC's, with groups
    "light_densenet121": (
        8_062_504,
        83_648,
    ),  # torchvision's 7,978,856, and a scale and a shift apart for each batch norm
    "light_inception_v1": (6_998_552, 0),  # BVLC GoogLeNet without its auxiliary classifiers
    "light_inception_v2": (11_214_888, 19_904),
    "light_resnet50": (25_557_032, 53_120),  # torchvision's
    "light_shufflenet": (1_393_320, 26_832),
    "light_squeezenet": (1_235_496, 0),  # torchvision's 1.1
    "light_vgg19": (143_667_240, 0),  # torchvision's
    "light_zfnet512": (87_250_536, 0),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_light_models(name: str) -> None:
    report = agrees(onnx.load(LIGHT / f"{name}.onnx"))
    assert (report.totals.params, report.totals.buffers) == MODELS[name]
    assert str(report.output) == "[1x1x1000]"


def test_a_light_model_on_the_command_line() -> None:
    path = str(LIGHT / "light_resnet50.onnx")
    command = [sys.executable, "-m", "archcalc", "check", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    warning, fine = result.stdout.splitlines()
    assert warning == (
        f"{path}: warning[AC708]: 1 values in 1 tensors are read by no operator:"
        " gpu_0/imagenet1k_blobs_queue_f22e83c9-22cd-4a8b-a66d-113af6b832b4_0"
    )
    assert fine.startswith(f"{path}: ok [224x224x3] -> [1x1x1000], 25,557,032 params, 4.09G MACs, ")


# -- operators, one at a time ----------------------------------------------------------------------


def model(
    nodes: list[Any],
    weights: Mapping[str, tuple[int, ...]] = {},
    *,
    shape: Any = (1, 4, 8, 8),
    opset: int = 17,
    **constants: Any,
) -> Any:
    """A model of these nodes from `x` to `y`; `weights` are floats, `constants` numbers."""
    import numpy as np

    values = [onnx.numpy_helper.from_array(np.zeros(dims, np.float32), name) for name, dims in weights.items()]
    values += [
        onnx.numpy_helper.from_array(np.array(one, np.int64 if isinstance(one, list) else np.float32), name)
        for name, one in constants.items()
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def op(type: str, inputs: str = "x", output: str = "y", **attributes: Any) -> Any:
    return helper.make_node(type, inputs.split(), output.split(), **attributes)


def layers(made: Any) -> list[Any]:
    report = agrees(made)
    return [row.node.layer for row in report.rows[1:]]


def shown(made: Any) -> list[str]:
    return [repr(one) for one in layers(made)]


CONV = "kernel_size=Pair(width=3, height=3)"
K = {"w": (6, 4, 3, 3)}


@pytest.mark.parametrize(
    ("attributes", "output"),
    [
        ({}, "[6x6x6]"),
        ({"pads": [1, 2, 1, 2]}, "[10x8x6]"),
        ({"pads": [0, 1, 2, 3]}, "[10x8x6]"),
        ({"strides": [3, 1]}, "[6x2x6]"),
        ({"dilations": [1, 2]}, "[4x6x6]"),
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, "[4x4x6]"),
        ({"auto_pad": "SAME_LOWER", "strides": [3, 3]}, "[3x3x6]"),
        ({"auto_pad": "VALID"}, "[6x6x6]"),
    ],
)
def test_convolutions(attributes: dict[str, Any], output: str) -> None:
    report = agrees(model([op("Conv", "x w", **attributes)], K))
    assert str(report.output) == output


@pytest.mark.parametrize(
    ("nodes", "weights", "expected"),
    [
        ([op("Conv", "x w b")], {"w": (4, 1, 3, 3), "b": (4,)}, None),
        ([op("Conv", "x w", group=4)], {"w": (8, 1, 3, 3)}, ["dwconv"]),
        ([op("Conv", "x w", group=2)], {"w": (6, 2, 3, 3)}, ["conv"]),
        ([op("ConvTranspose", "x w", strides=[2, 2], output_padding=[1, 1])], {"w": (4, 5, 3, 3)}, ["deconv"]),
        ([op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, ["pool"]),
        ([op("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, ["avgpool"]),
        ([op("GlobalAveragePool")], {}, ["gap"]),
        ([op("ReduceMean", axes=[2, 3], keepdims=0)], {}, ["gap"]),
        ([op("Relu")], {}, ["relu"]),
        ([op("LeakyRelu", alpha=0.1)], {}, ["leaky_relu"]),
        ([op("PRelu", "x w")], {"w": (4, 1, 1)}, ["prelu"]),
        ([op("BatchNormalization", "x a b c d")], dict.fromkeys("abcd", (4,)), ["bn"]),
        ([op("Flatten", "x", "f"), op("Gemm", "f w b", transB=1)], {"w": (10, 256), "b": (10,)}, ["fc"]),
        ([op("Flatten", "x", "f"), op("MatMul", "f w", "m"), op("Add", "b m")], {"w": (256, 10), "b": (10,)}, ["fc"]),
        ([op("Flatten", "x", "f"), op("Relu", "f", "r"), op("Gemm", "r w")], {"w": (256, 10)}, ["relu", "fc"]),
        ([op("Flatten")], {}, None),
        ([op("Transpose", "x", "t", perm=[0, 2, 3, 1]), op("MatMul", "t w", "m"), op("Transpose", "m", perm=[0, 3, 1, 2])], {"w": (4, 5)}, ["conv"]),
        ([op("Concat", "x x", axis=1)], {}, ["concat"]),
        ([op("Add", "x x")], {}, ["add"]),
        ([op("Mul", "x w")], {"w": (4, 1, 1)}, ["scale"]),
        ([op("Split", "x", "a b", axis=1), op("Add", "a b")], {}, ["split", "split", "add"]),
        ([op("Sigmoid", "x", "s"), op("Mul", "x s")], {}, ["silu"]),
        ([op("HardSigmoid", "x", "s", alpha=1 / 6, beta=0.5), op("Mul", "s x")], {}, ["hardswish"]),
        ([op("HardSwish")], {}, ["hardswish"]),
        ([op("Softplus", "x", "a"), op("Tanh", "a", "b"), op("Mul", "x b")], {}, ["mish"]),
        ([op("GlobalAveragePool", "x", "g"), op("Sigmoid", "g", "s"), op("Mul", "x s")], {}, ["gap", "sigmoid", "multiply"]),
        ([op("Identity", "x", "i"), op("Dropout", "i")], {}, ["dropout"]),
        ([op("LRN", "x", size=5, alpha=1e-4, bias=2.0)], {}, ["lrn"]),
        ([op("DepthToSpace", "x", blocksize=2, mode="CRD")], {}, ["pixel_shuffle"]),
    ],
)  # fmt: skip
def test_operators(nodes: list[Any], weights: dict[str, tuple[int, ...]], expected: list[str] | None) -> None:
    made = model(nodes, weights)
    if expected is None:
        found = interpretation(made.SerializeToString())
        assert found.reading.graph.nodes
        return
    assert [one.type for one in layers(made)] == expected


@pytest.mark.parametrize(
    ("nodes", "constants", "expected"),
    [
        ([op("Clip", "x low high")], {"low": 0.0, "high": 6.0}, ["relu6"]),
        ([op("Clip", "x low high")], {"low": -1.0, "high": 1.0}, ["clamp"]),
        ([op("Clip", "x low")], {"low": -1.0}, ["clamp"]),
        ([op("Clip", "x low")], {"low": 0.0}, ["relu"]),
        ([op("Add", "x three", "a"), op("Clip", "a low high", "b"), op("Div", "b six")], {"three": 3.0, "low": 0.0, "high": 6.0, "six": 6.0}, ["hardsigmoid"]),
        ([op("Add", "x three", "a"), op("Clip", "a low high", "b"), op("Mul", "x b", "c"), op("Div", "c six")], {"three": 3.0, "low": 0.0, "high": 6.0, "six": 6.0}, ["hardswish"]),
        ([op("Div", "x root", "a"), op("Erf", "a", "b"), op("Add", "b one", "c"), op("Mul", "x c", "d"), op("Mul", "d half")], {"root": 1.4142135, "one": 1.0, "half": 0.5}, ["gelu"]),
        ([op("Mul", "x half")], {"half": 0.5}, ["scale"]),
        ([op("Sub", "x half")], {"half": 0.5}, ["shift"]),
        ([op("Relu", "x", "a"), op("Mul", "a half")], {"half": 0.5}, ["relu", "scale"]),
        ([op("Reshape", "x to")], {"to": [0, -1, 8, 8]}, []),
        ([op("Reshape", "x a", "r"), op("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]), op("Reshape", "t b", "s"), op("Relu", "s")], {"a": [1, 2, 2, 8, 8], "b": [1, 4, 8, 8]}, ["relu"]),
        ([op("Slice", "x from to axes")], {"from": [1], "to": [4], "axes": [1]}, ["slice"]),
        ([op("Slice", "x from to axes")], {"from": [1, 2], "to": [8, 7], "axes": [2, 3]}, ["crop"]),
        ([op("Pad", "x pads")], {"pads": [0, 0, 1, 2, 0, 0, 1, 2]}, ["pad"]),
        ([op("Unsqueeze", "x two", "u"), op("Squeeze", "u two", "v"), op("Relu", "v")], {"two": [2]}, ["relu"]),
    ],
)  # fmt: skip
def test_what_is_spelled_out(nodes: list[Any], constants: dict[str, Any], expected: list[str]) -> None:
    made = model(nodes, **constants)
    found = interpretation(made.SerializeToString())
    report = analyzed(found)
    assert [row.node.layer.type for row in report.rows[1:]] == expected
    shapes = inferred(made)
    assert {name: one for name, one in found.network.kept_shapes.items() if name in shapes} == {
        name: one for name, one in shapes.items() if name in found.network.kept_shapes
    }


def test_a_channel_shuffle_is_one_layer() -> None:
    nodes = [
        op("Reshape", "x a", "r"),
        op("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]),
        op("Reshape", "t b", "s"),
        op("MaxPool", "s", kernel_shape=[1, 1]),
    ]
    found = shown(model(nodes, a=[1, 2, 2, 8, 8], b=[1, 4, 8, 8]))
    assert found[0] == "Shuffle(groups=2)"


@pytest.mark.parametrize(("opset", "known"), [(11, False), (13, True)])
def test_softmax_flattened_what_is_behind_its_axis(opset: int, known: bool) -> None:
    found = interpretation(model([op("Softmax", axis=1)], opset=opset).SerializeToString())
    assert [one.message for one in found.reading.problems if one.severity == "error"] == (
        [] if known else ["operators that are not known: `Softmax over all values` (1)"]
    )


def test_shapes_are_computed_as_the_file_does() -> None:
    """PyTorch's `x.view(x.size(0), -1)`."""
    nodes = [
        op("Shape", "x", "a"),
        op("Gather", "a zero", "b", axis=0),
        op("Unsqueeze", "b axis", "c"),
        op("Concat", "c rest", "d", axis=0),
        op("Reshape", "x d", "e"),
        op("Gemm", "e w"),
    ]
    made = model(nodes, {"w": (256, 10)}, axis=[0], rest=[-1], shape=(3, 4, 8, 8))
    made.graph.initializer.append(helper.make_tensor("zero", TensorProto.INT64, [], [0]))
    assert [one.type for one in layers(made)] == ["fc"]


def test_weights_that_two_operators_have_are_shared() -> None:
    nodes = [op("Conv", "x w", "a"), op("Conv", "x w", "b"), op("Add", "a b")]
    graph = interpretation(model(nodes, K).SerializeToString()).reading.graph
    assert [node.shares for node in graph.nodes] == [None, None, 1, None]


def test_the_size_of_the_input(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    made = model([op("Conv", "x w")], K, shape=("batch", 4, None, "width"))
    path.write_bytes(made.SerializeToString())
    (found,) = archcalc.check(path)
    assert (found.code, found.message) == (
        "AC706",
        "the input x is batch x 4 x ? x width: say how large, like `--input 224x224x3`",
    )
    assert str(archcalc.load(path, input="10x9x4").report.output) == "[8x7x6]"


def test_channels_last() -> None:
    nodes = [op("Transpose", "x", "t", perm=[0, 3, 1, 2]), op("Conv", "t w")]
    report = agrees(model(nodes, K, shape=(1, 9, 8, 4)))
    assert (str(report.input), str(report.output)) == ("[8x9x4]", "[6x7x6]")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (model([op("Conv", "x w")], {"w": (6, 3, 3, 3)}), "y: its weights are for 3 channels, and its input has 4"),
        (model([op("Flatten", "x", "f"), op("Gemm", "f w")], {"w": (9, 5)}), "y: its weights are for 9 values, and its input has 256"),
        (model([op("Conv", "x w", pads=2)], K), "y: a setting of Conv is of another kind"),
        (model([op("MaxPool", kernel_shape=[3])], {}), "y: kernel_shape has 2 whole numbers, not [3]"),
        (model([op("Det", "x", "a"), op("Det", "x", "b"), op("Det", "x", "y")]), None),
    ],
)  # fmt: skip
def test_what_is_refused(made: Any, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(made.SerializeToString())
    found = archcalc.check(path)
    if message is None:
        assert [one.code for one in found] == ["AC703"]
        assert "`Det` (3)" in found[0].message
    else:
        assert [one.message for one in found] == [message]


# -- hostile files ---------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


HEAD = b"\x08\x08" + field(8, b"\x10\x11")


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (field(7, field(5, field(1, b"\x01" * 5_000_000))), "AC702", "a tensor has more than 8 dimensions, the limit"),
        (field(7, field(5, b"\x08\x01" * 9)), "AC702", "a tensor has more than 8 dimensions, the limit"),
        (field(7, field(1, b"") * 1_000_000), "AC702", "the file has more than 100,000 operators, the limit"),
        (field(7, (field(5, b"") * 2_100_000)), "AC702", "the file has more parts than the limit of its reader"),
        (field(7, field(5, b"\x08" + varint(2**40))), "AC701", "a tensor has a dimension of 1,099,511,627,776"),
        (field(7, field(5, b"\x08" + varint(2**64 - 1))), "AC701", "a tensor has a dimension of -1"),
        (b"\x3a\x7f", "AC701", "the file is damaged: a field at byte 8 is longer than what holds it"),
        (field(7, b"\x0b"), "AC701", "the file is damaged: a field at byte 8 is of no known kind"),
        (field(7, b"\x08" + b"\xff" * 11), "AC701", "the file is damaged: a number at byte 19 is cut short or too long"),
        (field(7, b"") * 2, "AC701", "the file is damaged: it has 2 graphs"),
        (field(7, b""), "AC701", "the file has no input that is an image"),
        (field(7, field(5, field(13, b"\x0a\x00") + b"\x70\x01")), "AC701", "the file has no input that is an image"),
        (
            field(7, (field(1, field(2, b"y") + field(4, b"Relu"))) * 2),
            "AC701", "the tensor y is given twice, by y and by y",
        ),
        (
            field(7, field(5, field(8, b"w")) + field(1, field(2, b"w") + field(3, b"sum") + field(4, b"Add"))),
            "AC701", "the tensor w is given twice, by the file's weights and by sum",
        ),
        (
            field(7, field(1, field(1, b"z") + field(2, b"y") + field(4, b"Relu")) + field(1, field(2, b"z") + field(4, b"Relu"))),
            "AC701", "y reads the tensor z before z gives it",
        ),
        (field(7, field(1, field(1, b"y") + field(2, b"y") + field(4, b"Relu"))), "AC701", "y reads what it gives"),
    ],
    ids=range(16),
)  # fmt: skip
def test_hostile_files_end_in_a_line(data: bytes, code: str, message: str) -> None:
    found = readers()["onnx"].read(HEAD + data, "a.onnx")
    assert [(one.code, one.message) for one in found.problems] == [(code, message)]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """Half a gigabyte of weights, which lie in a hole of the file: 60 MB suffice for all of it."""
    size = 500_000_000
    tensor = b"\x08" + varint(1000) + b"\x08" + varint(size // 4000) + b"\x10\x01" + field(8, b"w")
    raw = varint(9 << 3 | 2) + varint(size)
    inside = varint(5 << 3 | 2) + varint(len(tensor + raw) + size) + tensor + raw
    given = field(
        11,
        field(1, b"x")
        + field(
            2, field(1, b"\x08\x01" + field(2, b"".join(field(1, b"\x08" + varint(n)) for n in (1, size // 4000))))
        ),
    )
    rest = field(
        1,
        field(1, b"x")
        + field(1, b"w")
        + field(2, b"y")
        + field(4, b"Gemm")
        + field(5, field(1, b"transB") + b"\x18\x01\xa0\x01\x02"),
    )
    rest += given + field(12, field(1, b"y"))
    head = HEAD + varint(7 << 3 | 2) + varint(len(inside) + size + len(rest)) + inside
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(head)
        file.seek(size, 1)
        file.write(rest)
    script = (
        "import archcalc, resource, sys; net = archcalc.load(sys.argv[1]);"
        "print(net.report.totals.params, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 150_000)"
    )
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert result.stdout == "125000000 True\n", result.stderr


def test_external_data_are_never_opened(tmp_path: Path) -> None:
    made = model([op("Conv", "x w")], K)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=os.devnull)
    path = tmp_path / "a.onnx"
    path.write_bytes(made.SerializeToString())
    assert archcalc.load(path).report.totals.params == 216


def test_only_models_are_recognised() -> None:
    good = model([op("Relu")]).SerializeToString()
    assert looks_like_onnx(good)
    assert looks_like_onnx(good[:20])
    for other in (
        b"",
        b"\x08",
        b"\x08\x01\x12",
        b"name: x",
        b'{"a": 1}',
        b"PK\x03\x04",
        b"\x89HDF\r\n\x1a\n",
        good[2:],
        b"\x08\x08\x07",
    ):
        assert not looks_like_onnx(other), other


def test_every_prefix_and_flip_ends_in_a_reading() -> None:
    """Cut short anywhere, or with any byte another one: a graph or a problem, never an exception."""
    data = (LIGHT / "light_bvlc_alexnet.onnx").read_bytes()
    read: Any = readers()["onnx"].read
    for at in range(0, len(data), 7):
        read(data[:at], "a.onnx")
        for flip in (0x01, 0x80, 0xFF):
            found = read(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :], "a.onnx")
            analyze(found.graph)


def test_a_shape_that_is_stated_wrong_is_found_when_it_is_needed() -> None:
    made = model([op("Det", "x", "a"), op("Relu", "a")])
    made.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, (1, 4)))
    data = made.SerializeToString()
    stated = made.graph.value_info[0].SerializeToString()
    found = readers()["onnx"].read(data.replace(stated, b"\x0b" + stated[1:]), "a.onnx")
    assert [one.code for one in found.problems] == ["AC701"]
