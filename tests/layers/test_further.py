"""The layer types that few networks have: shapes, costs, values and errors, as tables and by loops written here."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.forward.run import Array, Run
from archcalc.layers import TYPES, Layer
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
