"""Keras files: configurations of both generations, the three containers, and the applications as Keras counts them."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.interop import readers
from archcalc.interop._keras_file import looks_like_keras
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.volume import Volume

MODELS = Path(__file__).parents[3] / "shared" / "models" / "keras"
FACTS = json.loads((MODELS / "facts.json").read_text()) if (MODELS / "facts.json").is_file() else {}


def read(data: bytes, size: Volume | None = None) -> Reading:
    assert looks_like_keras(data)
    return readers()["keras"].read(data, "net.json", input=size)


def tensor(name: str, call: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [name, call, 0]}}


def layer(kind: str, name: str, *reads: Any, together: bool = False, **config: Any) -> dict[str, Any]:
    """A layer of Keras 3 that is called once."""
    args = [tensor(one) if isinstance(one, str) else one for one in reads]
    calls: list[Any] = [{"args": [args] if together else args, "kwargs": {}}] if reads else []
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": calls}


def functional(*layers: dict[str, Any], shape: Any = (8, 8, 4), outputs: Any = None) -> bytes:
    image = layer("InputLayer", "image", batch_shape=[None, *shape])
    outputs = outputs or [layers[-1]["name"], 0, 0]
    config = {"name": "net", "layers": [image, *layers], "input_layers": [["image", 0, 0]], "output_layers": outputs}
    return json.dumps({"class_name": "Functional", "config": config}).encode()


def analyzed(found: Reading) -> Report:
    assert [one.message for one in found.problems] == []
    report = analyze(found.graph)
    assert report.problems == ()
    assert report.complete
    return report


def summary(found: Reading) -> list[str]:
    return [f"{row.node.name} {row.node.layer.type} {row.output}" for row in analyzed(found).rows[1:]]


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("Conv2D", {"filters": 6, "kernel_size": [3, 1], "padding": "same", "activation": "relu"}, ["x conv [8x8x6]", "x.relu relu [8x8x6]"]),
        ("Conv2D", {"filters": 6, "kernel_size": [3, 1]}, ["x conv [8x6x6]"]),
        ("Conv2D", {"filters": 8, "kernel_size": 3, "groups": 4, "strides": 2}, ["x dwconv [3x3x8]"]),
        ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, ["x dwconv [6x6x8]"]),
        ("SeparableConv2D", {"filters": 6, "kernel_size": 3}, ["x.depthwise dwconv [6x6x4]", "x.pointwise conv [6x6x6]"]),
        ("Conv2DTranspose", {"filters": 6, "kernel_size": 3, "strides": 2, "padding": "same"}, ["x deconv [16x16x6]"]),
        ("Conv2DTranspose", {"filters": 6, "kernel_size": 1, "strides": 2}, ["x deconv [16x16x6]"]),
        ("Dense", {"units": 5}, ["x conv [8x8x5]"]),
        ("MaxPooling2D", {"pool_size": [3, 2], "strides": None}, ["x pool [4x2x4]"]),
        ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, ["x avgpool [4x4x4]"]),
        ("GlobalAveragePooling2D", {}, ["x gap [1x1x4]"]),
        ("ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}, ["x pad [15x11x4]"]),
        ("Cropping2D", {"cropping": [1, 2]}, ["x crop [4x6x4]"]),
        ("UpSampling2D", {"size": [2, 3]}, ["x upsample [24x16x4]"]),
        ("Flatten", {}, ["x flatten [1x1x256]"]),
        ("BatchNormalization", {"scale": False}, ["x bn [8x8x4]"]),
        ("ReLU", {"max_value": 6.0}, ["x relu6 [8x8x4]"]),
        ("ReLU", {}, ["x relu [8x8x4]"]),
        ("LeakyReLU", {"alpha": 0.1}, ["x leaky_relu [8x8x4]"]),
        ("PReLU", {"shared_axes": [1, 2]}, ["x prelu [8x8x4]"]),
        ("Activation", {"activation": "swish"}, ["x silu [8x8x4]"]),
        ("Activation", {"activation": "linear"}, []),
        ("Rescaling", {"scale": 0.5, "offset": -1.0}, ["x scale [8x8x4]", "x.offset shift [8x8x4]"]),
        ("Dropout", {"rate": 0.2}, ["x dropout [8x8x4]"]),
    ],
)  # fmt: skip
def test_layers(kind: str, config: dict[str, Any], expected: list[str]) -> None:
    assert summary(read(functional(layer(kind, "x", "image", **config)))) == expected


def test_both_generations_of_references() -> None:
    new = functional(layer("ReLU", "a", "image"), layer("Add", "b", "a", "image", together=True))
    old = json.loads(new)
    for one, calls in zip(
        old["config"]["layers"], ([], [[["image", 0, 0, {}]]], [[["a", 0, 0, {}], ["image", 0, 0, {}]]]), strict=True
    ):
        one["inbound_nodes"] = calls
    old["class_name"] = "Model"
    assert read(json.dumps(old).encode()) == read(new)
    assert summary(read(new)) == ["a relu [8x8x4]", "b add [8x8x4]"]


def test_a_layer_called_twice_shares_its_weights() -> None:
    conv = layer("Conv2D", "conv", "image", filters=4, kernel_size=3, padding="same")
    conv["inbound_nodes"].append({"args": [tensor("conv")], "kwargs": {}})
    data = functional(conv, layer("Add", "sum", "image", together=True), outputs=[["conv", 1, 0]])
    found = read(data.replace(b'"args": [[{', b'"args": [[{'))
    assert [(node.name, node.shares) for node in found.graph.nodes][:3] == [
        ("image", None),
        ("conv", None),
        ("conv_2", 1),
    ]


def test_sequential_models_and_models_in_models() -> None:
    inner = {
        "class_name": "Sequential",
        "config": {"name": "inner", "layers": [layer("ReLU", "a"), layer("Flatten", "b")]},
        "name": "inner",
    }
    outer = {"class_name": "Sequential", "config": {"name": "outer", "layers": [
        layer("Conv2D", "conv", filters=3, kernel_size=3, batch_input_shape=[None, 9, 8, 1]), inner, layer("Dense", "out", units=5, trainable=False)]}}  # fmt: skip
    found = read(json.dumps(outer).encode())
    assert summary(found) == [
        "conv conv [6x7x3]",
        "inner.a relu [6x7x3]",
        "inner.b flatten [1x1x126]",
        "out fc [1x1x5]",
    ]
    assert [node.trainable for node in found.graph.nodes] == [True, True, True, True, False]


def test_a_hard_sigmoid_by_arithmetic() -> None:
    """Keras' MobileNetV3 writes ReLU(6)(x + 3) * (1/6)."""
    data = functional(
        layer("Add", "a", "image", 3.0), layer("ReLU", "b", "a", max_value=6.0), layer("Multiply", "c", "b", 1 / 6)
    )
    assert summary(read(data)) == ["c hardsigmoid [8x8x4]"]
    alone = functional(layer("Multiply", "c", "image", 0.5))
    assert summary(read(alone)) == ["c scale [8x8x4]"]


def test_an_activation_that_two_layers_read_is_one() -> None:
    conv: dict[str, Any] = {"filters": 4, "kernel_size": 3, "padding": "same"}
    data = functional(
        layer("ReLU", "a", "image", max_value=6.0),
        layer("Conv2D", "b", "a", **conv),
        layer("Add", "c", "a", "b", together=True),
    )
    assert summary(read(data)) == ["a relu6 [8x8x4]", "b conv [8x8x4]", "c add [8x8x4]"]


def test_a_batch_norm_without_scale_or_shift() -> None:
    for given, params in ({"center": False}, 4), ({"scale": False}, 4), ({"scale": False, "center": False}, 0):
        report = analyzed(read(functional(layer("BatchNormalization", "bn", "image", **given))))
        assert (report.totals.params, report.totals.buffers) == (params, 8)
        assert report.rows[1].cost.weights == (4 if given == {"center": False} else 0)


def test_several_outputs() -> None:
    data = functional(
        layer("ReLU", "a", "image"),
        layer("Flatten", "b", "a"),
        layer("ELU", "c", "a"),
        outputs=[["b", 0, 0], ["c", 0, 0]],
    )
    assert read(data).graph.outputs == (2, 3)


def test_an_image_of_any_size_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(functional(layer("ReLU", "a", "image"), shape=(None, None, 3)))
    (found,) = archcalc.check(path)
    assert (found.code, found.message) == (
        "AC706",
        "the input image is ? x ? x ? x 3: say how large, like `--input 224x224x3`",
    )
    assert str(archcalc.load(path, input="10x9x3").report.output) == "[10x9x3]"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([layer("Lambda", "a", "image"), layer("Lambda", "b", "image"), layer("LSTM", "c", "b")], "operators that are not known: `Lambda` (2), `LSTM` (1)"),
        ([layer("Conv2D", "a", "image", filters=0, kernel_size=3)], "a: filters cannot be 0; it is a whole number from 1"),
        ([layer("Conv2D", "a", "image", filters=2, kernel_size=[1, 2, 3])], "a: kernel_size is one or two whole numbers, not [1, 2, 3]"),
        ([layer("Conv2D", "a", "image", filters="x", kernel_size=3)], "a: a setting of Conv2D is of another kind"),
        ([layer("ReLU", "a", "nobody")], "a reads nobody, which is no layer of the model"),
        ([layer("ReLU", "a", "b"), layer("ReLU", "b", "a")], "a waits for what comes behind it"),
        ([layer("ReLU", "a", "image", data_format="channels_first")], "operators that are not known: `ReLU with channels first` (1)"),
    ],
)  # fmt: skip
def test_what_is_refused(layers: list[Any], message: str) -> None:
    assert message in [one.message for one in read(functional(*layers)).problems]


GOOD = functional(layer("Conv2D", "a", "image", filters=2, kernel_size=3))


def zipped(text: bytes, name: str = "config.json") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr(name, text)
    return file.getvalue()


def hdf5(text: bytes) -> bytes:
    """What matters of one: the mark, and the attribute in one piece."""
    return b"\x89HDF\r\n\x1a\n" + bytes(100) + b"model_config" + bytes(30) + text + bytes(50) + b"model_weights"


@pytest.mark.parametrize("container", [bytes, zipped, hdf5])
def test_containers(container: Any) -> None:
    assert summary(read(container(GOOD))) == ["a conv [6x6x2]"]


def deep(levels: int) -> bytes:
    return b'{"class_name": "Model", "config": {"layers": ' + b"[" * levels + b"]" * levels + b"}}"


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b'{"class_name": "Model", "config": {}}', "AC701", "a model has no list of layers"),
        (
            b'{"class_name": "Mine", "config": {}}',
            "AC701",
            "a model of class `Mine` has code of its own, which is not run",
        ),
        (b'{"class_name": "Model", "config": ', "AC701", None),
        (
            b'{"class_name": "Model", "class_name": "Model", "config": {}}',
            "AC701",
            "the configuration has the key `class_name` twice",
        ),
        (b'{"class_name": "Model", "config": 1' + b"0" * 9_999 + b"}", "AC701", None),
        (deep(62), "AC701", "a model has no list of layers"),
        (deep(63), "AC702", "the configuration is nested more than 64 levels deep, the limit"),
        (deep(2_000_000), "AC702", "the configuration is nested more than 64 levels deep, the limit"),
        (GOOD.ljust((16 << 20) + 1), "AC702", "the configuration has more than 16 MiB, the limit"),
        (zipped(bytes(200 << 20)), "AC702", "the configuration has more than 16 MiB, the limit"),
        (zipped(GOOD, "other.json"), "AC701", "the zip has no config.json"),
        (zipped(GOOD)[:-30], "AC701", None),
        (hdf5(b""), "AC701", "the HDF5 file holds no configuration of a model, perhaps weights alone"),
    ],
    ids=range(13),
)
def test_hostile_files_end_in_a_line(data: bytes, code: str, message: str | None) -> None:
    (found,) = read(data).problems
    assert found.code == code
    assert message is None or found.message == message


def test_every_cut_and_flip_ends_in_a_reading() -> None:
    for data in (GOOD, zipped(GOOD)):
        for at in range(len(data)):
            for other in (data[:at], data[:at] + bytes([data[at] ^ 2]) + data[at + 1 :]):
                analyze(readers()["keras"].read(other, "net.json").graph)


def agrees(data: bytes, params: int, layers: dict[str, Any]) -> None:
    """Parameters as Keras counts them, and the shape of every layer that gives one."""
    found = read(data, Volume(224, 224, 3) if b'"batch_shape": [null, null' in data else None)
    report = analyzed(found)
    assert report.totals.params + report.totals.buffers == params
    ours = {row.node.name: row.output for row in report.rows}
    compared = passed = 0
    for name, (kind, shape, *_) in layers.items():
        if not shape or None in shape[1:] or kind in ("Reshape", "Flatten"):
            passed += 1
            continue
        *sides, channels = shape[1:]
        height, width = sides or (1, 1)
        if name in ours or f"{name}.pointwise" in ours:
            assert ours.get(name, ours.get(f"{name}.pointwise")) == Volume(width, height, channels), name
            compared += 1
    assert compared + passed > 0.8 * len(layers)


NEEDS_OPAQUE = ("ConvNeXt", "EfficientNet")


@pytest.mark.parametrize("name", FACTS or [pytest.param("", marks=pytest.mark.skip("the files are not here"))])
def test_the_applications_that_lie_here(name: str) -> None:
    if name.startswith(NEEDS_OPAQUE) and "opaque" not in TYPES:
        pytest.skip("has a layer that only opaque can stand for")
    agrees((MODELS / f"{name}.json").read_bytes(), FACTS[name]["params"], FACTS[name]["layers"])


APPLICATIONS = [
    "VGG16", "ResNet50", "ResNet101", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet",
    "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "DenseNet121", "DenseNet169", "EfficientNetB0",
    "EfficientNetV2B0", "ConvNeXtTiny",
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_as_keras_makes_it(name: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if name.startswith(NEEDS_OPAQUE) and "opaque" not in TYPES:
        pytest.skip("has a layer that only opaque can stand for")
    model = getattr(keras.applications, name)(weights=None)
    layers = {}
    for one in model.layers:
        shape = one.output.shape if not isinstance(one.output, list) else None
        layers[one.name] = (type(one).__name__, list(shape) if shape else None)
    agrees(model.to_json().encode(), model.count_params(), layers)
