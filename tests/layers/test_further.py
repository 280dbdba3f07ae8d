"""The layer types that few networks have: shapes, costs, values and errors, as tables and by loops written here."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.architecture import examine
from archcalc.forward.run import Array, Run
from archcalc.language.specfile import SpecText
from archcalc.layers import TYPES, Layer
from archcalc.reader.values import Padding
from archcalc.volume import Volume


def execute(layer: Layer, *inputs: Array) -> tuple[Array, list[Array]]:
    """The result, and the weights and buffers that were drawn."""
    run = Run(dtype="float64", keep=True, batch=len(inputs[0]))
    y = layer.forward(run, *inputs)
    return y, run.kept


def image(*shape: int) -> Array:
    return np.random.default_rng(shape).standard_normal(shape)


# layer, input, output, (weights, biases, buffers), flops; by hand from the papers' or PyTorch's formulas
COSTS: list[tuple[str, str, tuple[int, int, int], tuple[int, int, int], int]] = [
    ("ABS", "7x5x8", (7, 5, 8), (0, 0, 0), 280),
    ("MISH", "7x5x8", (7, 5, 8), (0, 0, 0), 280),
    ("HARDTANH", "7x5x8", (7, 5, 8), (0, 0, 0), 280),
    ("CELU", "7x5x8", (7, 5, 8), (0, 0, 0), 280),
    ("LOG_SOFTMAX", "7x5x8", (7, 5, 8), (0, 0, 0), 3 * 280),
    ("GMP", "7x5x8", (1, 1, 8), (0, 0, 0), 280),
    ("SCALE", "7x5x8", (7, 5, 8), (8, 0, 0), 280),
    ("SHIFT", "7x5x8", (7, 5, 8), (0, 8, 0), 280),
    ("SLICE-3", "7x5x8", (7, 5, 3), (0, 0, 0), 0),
    ("SLICE-3o5", "7x5x8", (7, 5, 3), (0, 0, 0), 0),
    ("PIXEL_SHUFFLE2", "7x5x8", (14, 10, 2), (0, 0, 0), 0),
    ("DEPTH_TO_SPACE2", "7x5x8", (14, 10, 2), (0, 0, 0), 0),
    ("PIXEL_UNSHUFFLE3", "6x9x4", (2, 3, 36), (0, 0, 0), 0),
    ("SPACE_TO_DEPTH2", "8x6x3", (4, 3, 12), (0, 0, 0), 0),
    ("GROUP_NORM4", "7x5x8", (7, 5, 8), (8, 8, 0), 7 * 280),
    ("INSTANCE_NORM", "7x5x8", (7, 5, 8), (0, 0, 0), 5 * 280),
    ("RMS_NORM", "7x5x8", (7, 5, 8), (8, 0, 0), 4 * 280),
    ("L2_NORM", "7x5x8", (7, 5, 8), (0, 0, 0), 3 * 280),
    ("GRN", "7x5x8", (7, 5, 8), (8, 8, 0), 6 * 280),
    ("DROP_PATH0.1", "7x5x8", (7, 5, 8), (0, 0, 0), 0),
    ("DROPOUT2D", "7x5x8", (7, 5, 8), (0, 0, 0), 0),
    ("CHANNEL_MEAN", "7x5x8", (7, 5, 1), (0, 0, 0), 280),
    ("CHANNEL_MAX", "7x5x8", (7, 5, 1), (0, 0, 0), 280),
]


@pytest.mark.parametrize(("step", "input", "output", "stored", "flops"), COSTS, ids=lambda one: str(one)[:30])
def test_shapes_and_costs(
    step: str, input: str, output: tuple[int, int, int], stored: tuple[int, int, int], flops: int
) -> None:
    row = archcalc.load(f"INPUT[{input}] -> {step}").analyze().rows[-1]
    assert row.output == output
    assert (row.cost.weights, row.cost.biases, row.cost.buffers) == stored
    assert (row.cost.macs, row.cost.flops) == (0, flops)


# -- values --------------------------------------------------------------------------------------------


def test_log_softmax() -> None:
    x = image(2, 2, 3, 5)
    y, _ = execute(TYPES["log_softmax"](), x)
    for n, r, c, k in np.ndindex(x.shape):
        assert y[n, r, c, k] == pytest.approx(x[n, r, c, k] - math.log(sum(math.exp(one) for one in x[n, r, c])))


def test_global_maximum() -> None:
    x = image(2, 3, 4, 5)
    y, _ = execute(TYPES["gmp"](), x)
    assert y.shape == (2, 1, 1, 5)
    for n, k in np.ndindex(2, 5):
        assert y[n, 0, 0, k] == max(x[n, r, c, k] for r, c in np.ndindex(3, 4))


BLOCKS = {  # channel of the deep image that holds pixel (i, j) of channel c, for C channels in the wide one
    "pixel_shuffle": lambda i, j, c, r, channels: c * r * r + i * r + j,
    "depth_to_space": lambda i, j, c, r, channels: (i * r + j) * channels + c,
}
INVERSES = {"pixel_shuffle": "pixel_unshuffle", "depth_to_space": "space_to_depth"}


@pytest.mark.parametrize("r", [2, 3])
@pytest.mark.parametrize("type", BLOCKS)
def test_blocks_of_pixels(type: str, r: int) -> None:
    deep = image(2, 3, 2, 2 * r * r)
    wide, _ = execute(TYPES[type](factor=r), deep)
    assert wide.shape == (2, 3 * r, 2 * r, 2)
    for n, row, column, c in np.ndindex(wide.shape):
        source = deep[n, row // r, column // r, BLOCKS[type](row % r, column % r, c, r, 2)]
        assert wide[n, row, column, c] == source
    back, _ = execute(TYPES[INVERSES[type]](factor=r), wide)
    assert (back == deep).all()


AFFINE: list[dict[str, Any]] = [
    {},
    {"trained": False},
    {"per": "layer"},
    {"per": "layer", "trained": False},
    {"by": -0.5},
]


@pytest.mark.parametrize("keys", AFFINE, ids=str)
@pytest.mark.parametrize("type", ["scale", "shift"])
def test_scale_and_shift(type: str, keys: dict[str, Any]) -> None:
    x = image(2, 3, 2, 4)
    layer = TYPES[type](**keys)
    y, kept = execute(layer, x)
    for n, r, c, k in np.ndindex(x.shape):
        operand = keys["by"] if "by" in keys else kept[0][0 if keys.get("per") == "layer" else k]
        assert y[n, r, c, k] == (x[n, r, c, k] * operand if type == "scale" else x[n, r, c, k] + operand)
    cost = layer.measure((Volume(2, 3, 4),))[1]
    number = 0 if "by" in keys else 1 if "per" in keys else 4
    assert cost.buffers == (0 if keys.get("trained", True) else number)
    assert cost.params == (number if keys.get("trained", True) else 0)
    assert sum(one.size for one in kept) == number


def test_slice() -> None:
    x = image(2, 3, 2, 7)
    y, _ = execute(TYPES["slice"](channels=3, offset=2), x)
    assert (y == x[..., [2, 3, 4]]).all()


NORMS: list[
    tuple[str, dict[str, Any], tuple[int, int, int]]
] = [  # type, keys, (weights, biases, buffers) for 6 channels
    ("bn", {}, (6, 6, 12)),
    ("bn", {"statistics": False}, (6, 6, 0)),
    ("bn", {"counted": True}, (6, 6, 13)),
    ("bn", {"counted": True, "statistics": False}, (6, 6, 0)),
    ("bn", {"shift": False}, (6, 0, 12)),
    ("bn", {"affine": False, "statistics": False}, (0, 0, 0)),
    ("layer_norm", {"shift": False}, (6, 0, 0)),
    ("layer_norm", {"scale": False}, (0, 6, 0)),
    ("group_norm", {"groups": 3}, (6, 6, 0)),
    ("group_norm", {"groups": 2, "affine": False}, (0, 0, 0)),
    ("group_norm", {"groups": 1, "shift": False}, (6, 0, 0)),
    ("instance_norm", {}, (0, 0, 0)),
    ("instance_norm", {"affine": True}, (6, 6, 0)),
    ("instance_norm", {"affine": True, "statistics": True}, (6, 6, 12)),
    ("rms_norm", {}, (6, 0, 0)),
    ("rms_norm", {"affine": False}, (0, 0, 0)),
    ("l2_norm", {}, (0, 0, 0)),
    ("grn", {}, (6, 6, 0)),
]
ALL = slice(None)
CELLS: dict[str, Callable[[Any, int, int, int, int], tuple[Any, ...]]] = {  # what a value is normalized with
    "bn": lambda layer, n, r, c, k: (ALL, ALL, ALL, k),
    "layer_norm": lambda layer, n, r, c, k: (n, r, c),
    "group_norm": lambda layer, n, r, c, k: (
        n,
        ALL,
        ALL,
        slice(k * layer.groups // 6 * (6 // layer.groups), (k * layer.groups // 6 + 1) * (6 // layer.groups)),
    ),
    "instance_norm": lambda layer, n, r, c, k: (n, ALL, ALL, k),
}


@pytest.mark.parametrize(("type", "keys", "stored"), NORMS, ids=str)
def test_normalizations(type: str, keys: dict[str, Any], stored: tuple[int, int, int]) -> None:
    x = image(2, 3, 4, 6)
    layer: Any = TYPES[type](**keys)
    y, kept = execute(layer, x)
    cost = layer.measure((Volume(4, 3, 6),))[1]
    assert (cost.weights, cost.biases, cost.buffers) == stored
    values = [*kept]
    gamma = values.pop(0) if stored[0] else np.ones(6)
    beta = values.pop(0) if stored[1] else np.zeros(6)
    mean: float
    for n, r, c, k in np.ndindex(x.shape):
        if values:
            mean, deviation = float(values[0][k]), math.sqrt(values[1][k] + layer.eps)
        elif type in CELLS:
            cells = [float(one) for one in x[CELLS[type](layer, n, r, c, k)].ravel()]
            mean = sum(cells) / len(cells)
            deviation = math.sqrt(sum((one - mean) ** 2 for one in cells) / len(cells) + layer.eps)
        elif type == "grn":
            lengths = [math.sqrt(sum(x[n, i, j, q] ** 2 for i, j in np.ndindex(3, 4))) for q in range(6)]
            relative = lengths[k] / (sum(lengths) / 6 + layer.eps)
            assert y[n, r, c, k] == pytest.approx(x[n, r, c, k] * (1 + gamma[k] * relative) + beta[k])
            continue
        else:
            squares = sum(float(one) ** 2 for one in x[n, r, c])
            mean, deviation = 0.0, math.sqrt(squares / 6 + layer.eps if type == "rms_norm" else squares)
        assert y[n, r, c, k] == pytest.approx((x[n, r, c, k] - mean) / deviation * gamma[k] + beta[k])


def test_a_frozen_batch_norm() -> None:
    x = image(2, 3, 4, 6)
    layer = TYPES["frozen_bn"](eps=0.01)
    y, (scale, shift, mean, variance) = execute(layer, x)
    cost = layer.measure((Volume(4, 3, 6),))[1]
    assert (cost.params, cost.buffers) == (0, 24)
    for n, r, c, k in np.ndindex(x.shape):
        normal = (x[n, r, c, k] - mean[k]) / math.sqrt(variance[k] + 0.01)
        assert y[n, r, c, k] == pytest.approx(normal * scale[k] + shift[k])


@pytest.mark.parametrize("type", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("groups", "across"), [(1, False), (3, False), (3, True)])
def test_softmax_of_groups(type: str, groups: int, *, across: bool) -> None:
    x = image(2, 2, 3, 6)
    y, _ = execute(TYPES[type](groups=groups, across=across), x)
    part = 6 // groups
    for n, r, c, k in np.ndindex(x.shape):
        beside = [q for q in range(6) if (q % part == k % part if across else q // part == k // part)]
        share = math.exp(x[n, r, c, k]) / sum(math.exp(x[n, r, c, q]) for q in beside)
        assert y[n, r, c, k] == pytest.approx(math.log(share) if type == "log_softmax" else share)


def test_one_slope() -> None:
    x = image(2, 2, 3, 4)
    y, (slope,) = execute(TYPES["prelu"](per="layer"), x)
    assert slope.shape == (1,)
    assert (y == np.where(x > 0, x, x * slope)).all()
    assert TYPES["prelu"](per="layer").measure((Volume(3, 2, 4),))[1].weights == 1


# before, the image 0 1 2, behind; as PyTorch's manual has them
PADDED: dict[str, list[float]] = {
    "zeros": [0, 0, 0, 1, 2, 0],
    "reflect": [2, 1, 0, 1, 2, 1],
    "replicate": [0, 0, 0, 1, 2, 2],
    "lowest": [-math.inf, -math.inf, 0, 1, 2, -math.inf],
}


@pytest.mark.parametrize("mode", PADDED)
def test_modes_of_padding(mode: str) -> None:
    line = np.arange(3.0)
    row, _ = execute(TYPES["pad"](padding=Padding(2, 1, 0, 0), mode=mode), line.reshape(1, 1, 3, 1))
    column, _ = execute(TYPES["pad"](padding=Padding(0, 0, 2, 1), mode=mode), line.reshape(1, 3, 1, 1))
    assert row.ravel().tolist() == column.ravel().tolist() == PADDED[mode]
    both, _ = execute(TYPES["pad"](padding=Padding(2, 1, 2, 1), mode=mode), np.arange(9.0).reshape(1, 3, 3, 1))
    if mode in ("reflect", "replicate"):
        at = [int(one) for one in PADDED[mode]]
        assert (both[0, :, :, 0] == np.arange(9.0).reshape(3, 3)[np.ix_(at, at)]).all()


def test_minus_infinity_is_no_mistake_before_a_max_pool(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("input: 8x8x3\nlayers: [CONV3-4p1, pad: {padding: 1, mode: lowest}, POOL2]\n")
    assert archcalc.load(spec).verify().ok


def test_channel_mean_and_max() -> None:
    x = image(2, 2, 3, 4)
    reductions: dict[str, Callable[[list[float]], float]] = {
        "channel_mean": lambda one: sum(one) / 4,
        "channel_max": max,
    }
    for type, reduction in reductions.items():
        y, _ = execute(TYPES[type](), x)
        assert y.shape == (2, 2, 3, 1)
        for n, r, c in np.ndindex(2, 2, 3):
            assert y[n, r, c, 0] == pytest.approx(reduction([float(one) for one in x[n, r, c]]))


def test_reshape_undoes_flatten() -> None:
    x = image(2, 2, 3, 4)
    flat, _ = execute(TYPES["flatten"](), x)
    back, _ = execute(TYPES["reshape"](width=3, height=2, channels=4), flat)
    assert (back == x).all()


def test_behind_a_reshape_every_output_sees_all() -> None:
    spec = "input: 10x9x4\nlayers: [FC-48, reshape: {width: 4, height: 4, channels: 3}, CONV3-2p1]\n"
    field = examine(SpecText("spec.yaml", spec)).report.rows[-1].receptive_field
    assert [one and one.size for one in field] == [10, 9]


OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "subtract": lambda a, b: a - b,
    "divide": lambda a, b: a / b,
    "maximum": max,
    "minimum": min,
}
STRETCHED = [
    [(3, 2, 4), (3, 2, 4)],
    [(3, 2, 4), (1, 1, 4)],  # squeeze-excitation, global context
    [(3, 2, 1), (3, 2, 4)],  # spatial attention
    [(3, 2, 4), (1, 1, 1)],
    [(1, 1, 4), (3, 2, 1)],  # BAM: neither is whole
    [(3, 2, 1), (1, 1, 4), (3, 2, 4)],
]


@pytest.mark.parametrize("shapes", STRETCHED, ids=str)
@pytest.mark.parametrize("type", OPERATIONS)
def test_joins_element_by_element(type: str, shapes: list[tuple[int, int, int]]) -> None:
    inputs = [image(2, *shape) for shape in shapes]
    layer = TYPES[type]()
    y, _ = execute(layer, *inputs)
    volume, cost = layer.measure(tuple(Volume(width, height, channels) for height, width, channels in shapes))
    assert (volume.height, volume.width, volume.channels) == y.shape[1:] == (3, 2, 4)
    assert cost.flops == (len(shapes) - 1) * 3 * 2 * 4
    for n, r, c, k in np.ndindex(y.shape):
        value, *others = (x[n, min(r, x.shape[1] - 1), min(c, x.shape[2] - 1), min(k, x.shape[3] - 1)] for x in inputs)
        for other in others:
            value = OPERATIONS[type](value, other)
        assert y[n, r, c, k] == pytest.approx(value)


@pytest.mark.parametrize(("first", "second"), [(4, 6), (6, 4), (4, 4)])
def test_shortcut_of_unequal_channels(first: int, second: int) -> None:
    a, b = image(2, 3, 2, first), image(2, 3, 2, second)
    y, _ = execute(TYPES["shortcut"](), a, b)
    assert y.shape == a.shape
    for n, r, c, k in np.ndindex(a.shape):
        assert y[n, r, c, k] == a[n, r, c, k] + (b[n, r, c, k] if k < second else 0)
    _, cost = TYPES["shortcut"]().measure((Volume(2, 3, first), Volume(2, 3, second)))
    assert cost.flops == 6 * min(first, second)
    with pytest.raises(ValueError, match="cannot add"):
        execute(TYPES["shortcut"](), a, image(2, 3, 3, 4))


# -- errors --------------------------------------------------------------------------------------------

WRONG = [
    ("clamp: {}", "AC104", "clamp: without `low` or `high` nothing is clamped"),
    ("clamp: {low: 2, high: 1.5}", "AC104", "clamp: `low` 2 is above `high` 1.5"),
    ("celu: {alpha: 0}", "AC104", "celu: x is divided by `alpha`, which cannot be 0"),
    ("slice: {channels: 4, offset: 5}", "AC212", "slice1 does not fit: the input has 8 channels, not 9"),
    (
        "pixel_shuffle: {factor: 3}",
        "AC212",
        "pixel_shuffle1 cannot make blocks of 3x3 pixels of the input's 8 channels",
    ),
    ("space_to_depth: {factor: 2}", "AC214", "space_to_depth1 cannot cut the width of 7 into blocks of 2"),
    ("group_norm: {groups: 3}", "AC212", "group_norm1 cannot split the input's 8 channels into 3 groups"),
    ("softmax: {groups: 3}", "AC212", "softmax1 cannot split the input's 8 channels into 3 groups"),
    ("pad: {padding: 7x0, mode: reflect}", "AC216", "pad1 cannot mirror 7 positions of a width of 7"),
    ("pad: {padding: same, mode: reflect}", "AC213", "pad: `same` depends on a window, and pad has none; give numbers"),
    ("reshape: {width: 4, height: 4, channels: 20}", "AC215", "reshape1 cannot make [4x4x20] of [7x6x8]"),
    ("add: [[], [POOL2]]", "AC301", "add: branch 2 does not match branch 1"),
    ("multiply: [[GAP], [CONV1-3]]", "AC301", "multiply: branch 1 does not match branch 2"),
    ("shortcut: [[], [POOL2s1]]", "AC301", "shortcut: branch 2 does not match branch 1"),
]


@pytest.mark.parametrize(("layer", "code", "message"), WRONG, ids=lambda one: str(one)[:30])
def test_errors(layer: str, code: str, message: str, tmp_path: Any) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"input: 7x6x8\nrounding: floor\nlayers:\n- {layer}\n")
    one = archcalc.check(spec)[0]
    assert (one.code, one.message) == (code, message)


def test_what_can_be_cut_is_named() -> None:
    (one,) = archcalc.check("INPUT[7x6x8] -> SPACE_TO_DEPTH2")
    assert (one.notes, one.help) == (("7 = 3*2 + 1",), ("the nearest that can be cut: 6 and 8",))


# -- the registry --------------------------------------------------------------------------------------


def test_a_module_here_is_imported_when_its_type_is_mentioned() -> None:
    code = (
        "import sys, archcalc\n"
        "seen = lambda: sorted(one for one in sys.modules if one.startswith('archcalc.layers.further.'))\n"
        "archcalc.load('zoo:vgg16').analyze()\n"
        "assert seen() == [], seen()\n"
        "archcalc.load('INPUT[4x4x3] -> MISH').analyze()\n"
        "assert seen() == ['archcalc.layers.further.mish'], seen()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_module_defines_the_type_it_is_named_after() -> None:
    for name, layer in TYPES.items():
        assert layer.type == name
        if ".further." in layer.__module__:
            assert layer.__module__.endswith(f".{name}")
    assert len(TYPES) == len(list(TYPES))


def test_a_name_of_another_tool_belongs_to_one_type() -> None:
    owners: dict[str, str] = {}
    for name, layer in TYPES.items():
        for other in layer.aka:
            assert other not in TYPES, f"{other} is a type, and another name of {name}"
            assert owners.setdefault(other, name) == name, f"{other} is {owners[other]} and {name}"
