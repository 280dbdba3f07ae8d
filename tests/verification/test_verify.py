"""The verification: what it proves, what it refuses, and that it catches every rule that is broken on purpose."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runner import CliRunner

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.cli import cli
from archcalc.diagnostics import Span
from archcalc.forward.run import Array, Run
from archcalc.graph import Graph, Node
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES, Cost, Layer, Windowed
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.reader.values import Padding
from archcalc.variants.convert import fc_to_conv
from archcalc.verification.verify import estimate, verify
from archcalc.volume import Pair, Volume, Window

TWO, THREE = Pair(2, 2), Pair(3, 3)
KEYS: dict[str, dict[str, Any]] = {
    "adaptive_avgpool": {"size": THREE},
    "adaptive_pool": {"size": THREE},
    "add": {},
    "avgpool": {"kernel_size": THREE, "stride": TWO, "rounding": "ceil"},
    "avgpool1d": {"kernel_size": Pair(2, 1), "rounding": "floor"},
    "blurpool": {"kernel_size": THREE, "padding": Padding(1, 1, 1, 1), "rounding": "floor"},
    "bn": {},
    "celu": {"alpha": 0.7},
    "channel_conv": {"kernel_size": 3},
    "channel_max": {},
    "channel_mean": {},
    "clamp": {"low": -0.5},
    "concat": {},
    "conv": {"filters": 6, "kernel_size": THREE, "padding": Padding(1, 1, 1, 1), "groups": 2},
    "conv1d": {"filters": 6, "kernel_size": Pair(3, 1), "padding": Padding(1, 1, 0, 0)},
    "crop": {"cropping": Padding(1, 2, 0, 1)},
    "deconv": {"filters": 4, "kernel_size": THREE, "stride": TWO, "padding": Padding(1, 1, 1, 1), "dilation": TWO},
    "depth_to_space": {"factor": 2},
    "divide": {},
    "drop_path": {"rate": 0.1},
    "dropout": {},
    "dropout2d": {},
    "dwconv": {"kernel_size": THREE, "multiplier": 2},
    "elu": {},
    "fc": {"units": 5},
    "flatten": {},
    "frozen_bn": {},
    "gap": {},
    "gelu": {},
    "gmp": {},
    "grn": {},
    "group_norm": {"groups": 2},
    "hardsigmoid": {},
    "hardswish": {},
    "hardtanh": {"high": 0.5},
    "instance_norm": {"affine": True},
    "l2_norm": {},
    "l2pool": {"kernel_size": TWO, "rounding": "floor"},
    "layer_norm": {},
    "layer_scale": {},
    "leaky_relu": {},
    "local": {"filters": 3, "kernel_size": THREE, "stride": TWO, "rounding": "floor"},
    "log_softmax": {},
    "lrn": {},
    "maximum": {},
    "minimum": {},
    "abs": {},
    "mish": {},
    "gelu_tanh": {},
    "multiply": {},
    "pad": {"padding": Padding(1, 2, 0, 1)},
    "pixel_shuffle": {"factor": 2},
    "pixel_unshuffle": {"factor": 2},
    "pool": {"kernel_size": THREE, "stride": TWO, "padding": Padding(mode="same")},
    "pool1d": {"kernel_size": Pair(3, 1), "stride": Pair(2, 1)},
    "prelu": {},
    "relu": {},
    "relu6": {},
    "reshape": {"width": 3, "height": 7, "channels": 8},
    "rms_norm": {},
    "scale": {"per": "layer", "trained": False},
    "selu": {},
    "sepconv": {"filters": 5, "kernel_size": THREE, "multiplier": 2},
    "shift": {},
    "shortcut": {},
    "shuffle": {"groups": 2},
    "sigmoid": {},
    "silu": {},
    "slice": {"channels": 2, "offset": 1},
    "softmax": {},
    "softplus": {},
    "space_to_depth": {"factor": 2},
    "split": {"part": 2},
    "subtract": {},
    "tanh": {},
    "upsample": {"factor": TWO, "mode": "bilinear"},
    "ws_conv": {"filters": 5, "kernel_size": THREE},
}
IMAGE = Volume(7, 6, 4)
IMAGES = {
    **dict.fromkeys(("pixel_unshuffle", "space_to_depth"), Volume(8, 6, 4)),
    **dict.fromkeys(("conv1d", "pool1d", "avgpool1d"), Volume(7, 1, 4)),
    "channel_conv": Volume(1, 1, 7),
}
EXAMPLES = {type: TYPES[type](**keys) for type, keys in KEYS.items()}


def network(layer: Layer) -> Graph:
    """The layer, named `it`, behind another on an image; a join reads the image, too."""
    at = Span(1, 1, 1, 1)
    width, height, channels = IMAGES.get(layer.type, IMAGE)
    nodes = [
        Node("image", Input(width=width, height=height, channels=channels), (), at),
        Node("other", TYPES["prelu" if layer.type == "bn" else "bn"](), (0,), at),
    ]
    nodes.append(Node("it", layer, (0, 1) if isinstance(layer, Merge) else (1,), at))
    return Graph("", tuple(nodes))


def problems(report: Report, **options: Any) -> list[tuple[str, tuple[str, ...]]]:
    found = verify(report, **options)
    assert not found.problem
    return [(one.row.node.name, one.problems) for one in found.layers if not one.ok]


def test_there_is_an_example_of_every_type() -> None:
    assert sorted(EXAMPLES) == sorted(set(TYPES) - {"input", "opaque"})


@pytest.mark.parametrize("type", EXAMPLES)
@pytest.mark.parametrize(("batch", "dtype"), [(1, "float32"), (3, "float64")])
def test_every_type_is_as_predicted_and_so_is_its_memory(type: str, batch: int, dtype: str) -> None:
    report = analyze(network(EXAMPLES[type]))
    result = verify(report, batch=batch, dtype=dtype)
    assert result.ok, [one.problems for one in result.layers]
    assert result.measured_peak == result.estimate.size
    assert [one.executed for one in result.layers] == [row.output for row in report.rows]


# -- every rule broken in turn ------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["width", "height", "channels"])
@pytest.mark.parametrize("type", EXAMPLES)
def test_a_broken_shape_rule_is_caught(type: str, axis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = EXAMPLES[type]
    rule = "join" if isinstance(layer, Merge) else "output"
    honest = getattr(TYPES[type], rule)

    def broken(self: Layer, x: Any) -> Volume:
        y: Volume = honest(self, x)
        return y._replace(**{axis: getattr(y, axis) + 1})

    monkeypatch.setattr(TYPES[type], rule, broken)
    [(name, (first, *_))] = problems(analyze(network(layer)))
    assert name == "it"
    assert first.startswith("predicted [")


@pytest.mark.parametrize("count", ["weights", "biases", "buffers", "macs"])
@pytest.mark.parametrize("type", [type for type in EXAMPLES if not issubclass(TYPES[type], Merge)])
def test_a_broken_cost_is_caught(type: str, count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = TYPES[type].cost

    def broken(self: Layer, x: Volume, y: Volume) -> Cost:
        cost = honest(self, x, y)
        return cost._replace(**{count: getattr(cost, count) + 1})

    layer = EXAMPLES[type]
    (right,) = (row.cost for row in analyze(network(layer)).rows if row.node.name == "it")
    monkeypatch.setattr(TYPES[type], "cost", broken)
    found = problems(analyze(network(layer)))
    number = getattr(right, count)
    word = "MACs" if count == "macs" else count
    assert found[-1] == ("it", (f"predicted {number + 1:,} {word}, executed {number:,}",))
    assert [name for name, _ in found] == ["it"]


def test_a_broken_window_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Window.fit
    monkeypatch.setattr(Window, "fit", lambda self, extent: honest(self, extent)._replace(size=99))
    for layer in EXAMPLES.values():
        if isinstance(layer, Windowed):
            assert [name for name, _ in problems(analyze(network(layer)))] == ["it"]


def test_the_command_names_the_layer_and_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TYPES["pool"], "output", lambda self, x: Volume(x.width, x.height, x.channels))
    code, out, _ = command("verify", "INPUT[8x8x3] -> CONV3-4p1 -> POOL2 -> RELU")
    assert code == 1
    lines = out.splitlines()
    assert lines[2] == "pool1: wrong: predicted [8x8x4], executed [4x4x4]"
    assert lines[3] == "not verified: pool1 is not as predicted, 3 of 4 layers were executed"


def test_a_layer_that_cannot_be_executed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Windowed, "places", lambda self, x: (1, 1))
    report = analyze(network(TYPES["conv"](filters=1, kernel_size=Pair(9, 9))))
    [(name, (problem,))] = problems(report)
    assert name == "it"
    assert problem.startswith("cannot be executed: ")


@pytest.mark.parametrize("type", EXAMPLES)
def test_no_forward_asks_the_analysis(type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = EXAMPLES[type]
    expected = analyze(network(layer)).output

    def asked(*arguments: object) -> None:
        raise AssertionError("the forward pass asked the analysis")

    monkeypatch.setattr(Window, "fit", asked)
    monkeypatch.setattr(Windowed, "places", asked)
    for one in TYPES.values():
        for rule in ("output", "cost", "measure", "windows", "unread", "join"):
            if rule in vars(one):
                monkeypatch.setattr(one, rule, asked)
    width, height, channels = IMAGES.get(type, IMAGE)
    x = np.ones((1, height, width, channels), np.float32)
    y = layer.forward(Run(), *[x] * (2 if isinstance(layer, Merge) else 1))
    assert y.shape == (1, expected.height, expected.width, expected.channels)


# -- the zoo, and memory -----------------------------------------------------------------------------


def reduced(name: str) -> archcalc.Architecture:
    """The network; where it is heavy, on the first image from a third (or a sixth) of its own on that fits."""
    whole = archcalc.load(f"zoo:{name}")
    report = whole.analyze()
    if report.totals.macs < 1_000_000_000:
        return whole
    if len(report.inputs) > 1:
        return whole
    _, _, channels = report.input
    part = 6 if report.totals.macs > 20_000_000_000 else 3
    for side in range(report.input.width // part, report.input.width):
        try:
            return archcalc.load(f"zoo:{name}", input=f"{side}x{side}x{channels}")
        except archcalc.SpecError:
            continue
    return whole


@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo(name: str) -> None:
    architecture = reduced(name)
    result = architecture.verify()
    assert result.ok, (result.problem, [one.problems for one in result.layers if not one.ok])
    assert result.measured_peak is not None
    assert abs(result.measured_peak - result.estimate.size) <= 0.02 * result.estimate.size
    assert result.measured_activations_peak == architecture.plan(convention="arena").inference.activations_peak_bytes


def test_what_is_measured_is_what_python_allocates() -> None:
    """tracemalloc sees every array, whoever made it; Python's own objects are within the tolerance."""
    architecture = archcalc.load("zoo:vgg11", input="96x96x3")
    architecture.verify()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = architecture.verify()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.measured_peak is not None
    assert most - before == pytest.approx(result.measured_peak, rel=0.02)


def test_weights_are_freed_layer_by_layer() -> None:
    result = archcalc.load("zoo:lenet5").verify()
    assert result.measured_peak is not None
    report = archcalc.load("INPUT[1x1x1000] -> [FC-1000 -> RELU]*10").analyze()
    assert estimate(report).size < 2 * 4 * 1_001_000 < 4 * report.totals.params


def test_the_estimate_counts_branches_batch_and_dtype(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("input: 8x8x16\nlayers:\n- add: [[], ['BN -> CONV1-16 -> RELU -> CONV1-16']]\n- GAP\n")
    report = archcalc.load(spec).analyze()
    found = estimate(report)
    values = 8 * 8 * 16
    # at the first conv: the image, which the sum reads later, its input, its result, and its weights
    assert found.row.node.name == "conv1"
    assert found.size == 4 * (3 * values + 16 * 16 + 16) + 2**15
    assert estimate(report, 2, "float64").size == 8 * (6 * values + 16 * 16 + 16) + 2**15
    assert verify(report, batch=2, dtype="float64").measured_peak == 8 * (6 * values + 272) + 2**15


# -- refusals ------------------------------------------------------------------------------------------


def test_too_much_memory_is_refused_before_numpy_is_imported() -> None:
    code = (
        "import archcalc, sys\n"
        "result = archcalc.load('zoo:vgg16').verify(max_memory=300 * 1024**2)\n"
        "assert 'numpy' not in sys.modules\n"
        "print(result.ok, len(result.layers), result.problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "False 0 fc1 needs 392.2 MiB (392.0 MiB of weights, 146.0 KiB of volumes), but at most 300.0 MiB is allowed\n"
    )


def test_check_and_report_never_import_numpy() -> None:
    code = (
        "import sys\n"
        "from archcalc.cli import cli\n"
        "cli.main(['check', 'zoo:vgg16'], standalone_mode=False)\n"
        "cli.main(['report', 'zoo:vgg16', '--format', 'json'], standalone_mode=False)\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_an_enormous_network_is_refused_by_arithmetic() -> None:
    code, out, _ = command("verify", "INPUT[100000x100000x3] -> CONV3-1000p1")
    assert code == 1
    assert "not verified: conv1 needs " in out


def test_the_time_limit_ends_the_run() -> None:
    result = archcalc.load("zoo:vgg16", input="64x64x3").verify(timeout=1e-9)
    assert not result.ok
    assert result.problem == "the time limit of 1e-09 s was reached in input"
    code, out, _ = command("verify", "zoo:vgg16", "--timeout", "0.02")
    assert code == 1
    assert "the time limit of 0.02 s was reached in " in out


def test_a_machine_without_the_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Run, shape: object) -> Array:
        raise MemoryError

    monkeypatch.setattr(Run, "new", full)
    result = archcalc.load("zoo:lenet5").verify()
    assert not result.ok
    assert result.problem == "the machine has not enough memory for input"


def test_progress_is_told_and_shown_after_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[int, int, str]] = []
    archcalc.load("INPUT[4x4x1] -> RELU").verify(progress=lambda *one: told.append(one))
    assert told == [(0, 2, "input"), (1, 2, "relu1"), (2, 2, "")]
    from archcalc.commands import verify as module

    now = iter([0.0, 0.5, 1.5, 2.5])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    show = module._progress()
    for one in told:
        show(*one)
    assert capsys.readouterr().err == "\r\x1b[K1 of 2 layers, relu1\r\x1b[K"


def test_values_that_are_not_finite_are_named() -> None:
    pattern = "INPUT[1x1x8] -> [CONV1-8]*400"  # without ReLU, He's weights double the variance in every layer
    [(name, (problem,))] = problems(archcalc.load(pattern).analyze())[:1]
    assert name.startswith("conv")
    assert problem == "the result has values that are infinite or not a number"
    assert archcalc.load(pattern).verify(dtype="float64").ok
    image = np.zeros((2, 2, 1))
    image[1, 1, 0] = np.nan
    found = archcalc.load("INPUT[2x2x1] -> POOL2").verify(image=image)
    assert [one.row.node.name for one in found.layers if not one.ok] == ["input", "pool1"]


# -- determinism, images, the command line ---------------------------------------------------------------


def test_deterministic_for_a_seed() -> None:
    architecture = archcalc.load("zoo:lenet5")
    first, again, other = (architecture.verify(seed=seed).output for seed in (7, 7, 8))
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first == again).all()
    assert not (first == other).all()


def test_an_image_is_read_and_not_changed(tmp_path: Path) -> None:
    image = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    before = image.copy()
    architecture = archcalc.load("INPUT[5x4x3] -> RELU")
    result = architecture.verify(image=image, dtype="float64")
    assert result.ok
    assert result.batch == 2
    assert result.output is not None
    assert (result.output == np.maximum(image, 0)).all()
    assert (image == before).all()
    path = tmp_path / "image.npy"
    np.save(path, (image[0] * 100).astype(np.int16))
    assert command("verify", "INPUT[5x4x3] -> RELU", "--image", str(path))[0] == 0
    np.save(path, image[:, :3])
    code, _, err = command("verify", "INPUT[5x4x3] -> RELU", "--image", str(path))
    assert code == 2
    assert "--image: the image is 2x3x5x3, but the network reads 4x5x3 (height x width x channels)" in err
    path.write_text("not an array")
    code, _, err = command("verify", "INPUT[5x4x3] -> RELU", "--image", str(path))
    assert code == 2
    assert "image.npy: not a .npy file of numbers" in err
    code, _, err = command("verify", "INPUT[5x4x3] -> RELU", "--image", str(tmp_path / "none.npy"))
    assert code == 2
    assert "none.npy: No such file or directory" in err


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception is not None:
        assert hasattr(done.exception, "exit_code"), done.exception
        return done.exception.exit_code, done.stdout, str(getattr(done.exception, "message", ""))
    return done.return_value, done.stdout, done.stderr


def test_the_table() -> None:
    code, out, err = command("verify", "INPUT[32x32x3] -> CONV3-12p1 -> RELU -> POOL2 -> FC-10")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "network: [32x32x3] -> [1x1x10], batch 1, float32, seed 0"
    assert lines[2] == "ok: 5 layers, 31,066 parameters and 362,496 MACs executed as predicted"
    assert lines[4] == "peak of memory 214.9 KiB, predicted 214.9 KiB (in conv1)"
    assert lines[6].split() == ["layer", "type", "predicted", "executed", "params", "MACs", "time"]
    assert lines[9].split()[:6] == ["conv1", "CONV3-12", "[32x32x12]", "[32x32x12]", "336", "331.8K"]


def test_the_json_is_the_same_but_for_seconds() -> None:
    def without_seconds(record: Any) -> Any:
        if isinstance(record, dict):
            return {key: without_seconds(value) for key, value in record.items() if not key.endswith("seconds")}
        return [without_seconds(one) for one in record] if isinstance(record, list) else record

    records = [json.loads(command("verify", "zoo:lenet5", "--format", "json")[1]) for _ in range(2)]
    assert without_seconds(records[0]) == without_seconds(records[1])
    record = records[0]
    assert record["ok"] is True
    assert record["predicted_peak_bytes"] == record["measured_peak_bytes"]
    assert record["forward_seconds"] >= 0 <= record["weights_seconds"]
    conv = record["layers"][1]
    assert conv["name"] == "conv1"
    assert conv["ok"] is True
    assert conv["predicted"] == conv["executed"]
    assert conv["executed"]["width"] == 28
    assert conv["executed"]["im2col"] == [25, 784]
    assert sum(one["executed"]["macs"] for one in record["layers"]) == 416_520


def test_alexnets_im2col_is_what_the_report_says() -> None:
    report = archcalc.load("INPUT[227x227x3] -> CONV11-96s4").analyze()
    assert report.rows[1].im2col == (363, 3025)
    built = verify(report).layers[1].counted
    assert built is not None
    assert built.im2col == (363, 3025)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("table", "[363 x 3025]"),
        ("markdown", "\\[363 x 3025\\]"),
        ("csv", ",363,3025\n"),
        ("cs231n", "im2col: [363 x 3025]\n"),
    ],
)
def test_reports_show_im2col_sizes_if_asked(form: str, expected: str) -> None:
    asked = command("report", "INPUT[227x227x3] -> CONV11-96s4 -> RELU", "--format", form, "--im2col")[1]
    assert asked.count(expected) == 1
    assert "3025" not in command("report", "INPUT[227x227x3] -> CONV11-96s4 -> RELU", "--format", form)[1]


def test_usage() -> None:
    assert command("verify", "zoo:lenet5", "--max-memory", "2G")[0] == 2
    assert command("verify", "zoo:nothing")[0] == 2
    code, out, err = command("verify", "INPUT[224x224x3] -> CONV11-96s4")
    assert (code, out) == (1, "")
    assert "AC201" in err


# -- fc as conv -----------------------------------------------------------------------------------------


def converted(pattern: str, width: int, height: int) -> tuple[archcalc.Architecture, Report, Report]:
    architecture = archcalc.load(pattern)
    same, _ = fc_to_conv(architecture.analyze())
    large, _ = fc_to_conv(architecture.analyze(), Volume(width, height, 2))
    assert same is not None
    assert large is not None
    return architecture, same.report, large.report


def scores(report: Report, image: Array) -> Array:
    found = verify(report, image=image, seed=5)
    assert found.ok
    assert found.output is not None
    return found.output


def cells(report: Report, large: Array, small: Report, stride: int) -> Iterable[tuple[Array, Array]]:
    """Every cell of the large image's score map, and the original network's scores on its crop."""
    found = scores(report, large)
    height, width = small.input.height, small.input.width
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            top, left = row * stride, column * stride
            crop = large[top : top + height, left : left + width]
            assert crop.shape[:2] == (height, width)
            yield found[0, row, column], scores(small, crop)[0, 0, 0]


PADDING_FREE = "INPUT[20x20x2] -> CONV5-6 -> RELU -> POOL2 -> CONV3-8 -> RELU -> FC-7 -> RELU -> FC-3"
PADDED = "INPUT[16x16x2] -> CONV5-6p2 -> RELU -> POOL2 -> CONV3-8p1 -> RELU -> FC-7 -> RELU -> FC-3"


@pytest.mark.parametrize("pattern", [PADDING_FREE, PADDED])
def test_fc_as_conv_gives_the_same_scores(pattern: str) -> None:
    """With the weights of the fc in the order height, width, channels, which is the filters' own."""
    architecture, same, _ = converted(pattern, 26, 24)
    volume = architecture.analyze().input
    image = np.random.default_rng(1).standard_normal((volume.height, volume.width, 2))
    np.testing.assert_allclose(scores(same, image), scores(architecture.analyze(), image), rtol=1e-4, atol=1e-6)


def test_without_padding_a_cell_is_the_network_on_the_crop() -> None:
    architecture, _, report = converted(PADDING_FREE, 26, 24)
    assert report.output == Volume(4, 3, 3)
    image = np.random.default_rng(2).standard_normal((24, 26, 2))
    for cell, crop in cells(report, image, architecture.analyze(), stride=2):
        np.testing.assert_allclose(cell, crop, rtol=1e-4, atol=1e-5)


def test_with_padding_only_shapes_and_strides_agree() -> None:
    architecture, _, report = converted(PADDED, 20, 22)
    assert report.output == Volume(3, 4, 3)
    image = np.random.default_rng(2).standard_normal((22, 20, 2))
    found = list(cells(report, image, architecture.analyze(), stride=2))
    assert len(found) == 12
    assert all(not np.allclose(cell, crop, rtol=1e-2, atol=1e-2) for cell, crop in found)


# -- PyTorch ----------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("type", EXAMPLES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_type_against_torch(type: str, dtype: str) -> None:
    pytest.importorskip("torch")
    from archcalc.verification.against import REFERENCES

    assert type in REFERENCES
    assert verify(analyze(network(EXAMPLES[type])), batch=2, dtype=dtype, against="torch").ok


SIDES = ["ADAPTIVE_AVGPOOL0x1", "ADAPTIVE_AVGPOOL3x0", "ADAPTIVE_POOL0x2", "ADAPTIVE_POOL0"]  # 0: the input's


@pytest.mark.torch
@pytest.mark.parametrize("layer", SIDES)
def test_sides_of_adaptive_pools_against_torch(layer: str) -> None:
    pytest.importorskip("torch")
    assert archcalc.load(f"INPUT[7x6x4] -> CONV3-4p1 -> {layer}").verify(against="torch").ok


RESIZED = [
    "upsample: {size: 9x4}",
    "upsample: {size: 3x11, mode: bilinear}",
    "upsample: {like: input, mode: bilinear, align_corners: true}",
    "upsample: {size: 1, mode: bilinear, align_corners: true}",
    "upsample: {factor: 1/2}",
    "upsample: {factor: 1.5x0.75, mode: bilinear}",
    "upsample: {factor: 2/3, mode: bilinear, align_corners: true}",
    "pad: {size: 9x8, mode: reflect}",
    "crop: {size: 4x3}",
]


@pytest.mark.torch
@pytest.mark.parametrize("layer", RESIZED)
def test_resizing_against_torch(layer: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "net.yaml"
    path.write_text(f"input: 7x6x4\nlayers: [CONV3-5p1, {layer}]\n")
    assert archcalc.load(path).verify(batch=2, against="torch").ok


@pytest.mark.torch
@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo_against_torch(name: str) -> None:
    pytest.importorskip("torch")
    result = reduced(name).verify(against="torch")
    assert result.ok, (result.problem, [one.problems for one in result.layers if not one.ok])


@pytest.mark.torch
def test_a_wrong_value_is_caught_against_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    honest = TYPES["conv"].forward

    def wrong(self: Layer, run: Run, *inputs: Array) -> Array:
        y = honest(self, run, *inputs)
        y[0, 0, 0, 0] += 1
        return y

    monkeypatch.setattr(TYPES["conv"], "forward", wrong)
    report = archcalc.load("INPUT[8x8x3] -> CONV3-4p1").analyze()
    assert verify(report).ok
    [(name, (problem,))] = problems(report, against="torch")
    assert name == "conv1"
    assert problem.startswith("values differ from PyTorch's by 1 of ")


@pytest.mark.parametrize(
    ("branches", "negative"),
    [
        ("[DROPOUT], []", True),
        ("[DROPOUT -> RELU], []", True),
        ("[RELU, dropout: {rate: 0}, RELU], []", True),
        ("[RELU], [RELU]", False),
    ],
)
def test_what_passes_values_on_leaves_them_to_others(branches: str, negative: bool, tmp_path: Path) -> None:
    """Dropout at inference, read beside its input: the memory is as predicted, and a ReLU behind it changes nobody's values."""
    path = tmp_path / "x.yaml"
    path.write_text(f"input: 32x32x3\nlayers:\n  - add: [{branches}]\n")
    result = archcalc.load(path).verify()
    assert result.ok, result.problem
    assert result.output is not None
    assert bool((result.output < 0).any()) == negative  # relu(x) + x is x where that is below 0
