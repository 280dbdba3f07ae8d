"""Shape, cost and errors of the layer types that branched networks need, as tables."""

import pytest

import archcalc
from archcalc.analysis.analyze import Row
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
from archcalc.layers.further._sequence import LengthPadding


def last(pattern: str) -> Row:
    return archcalc.load(pattern).analyze().rows[-1]


# pattern after the input, output, params, macs; sizes by hand from the papers' or PyTorch's formulas
SHAPES = [
    ("56x56x64", "DWCONV3p1", (56, 56, 64), 3 * 3 * 64 + 64, 56 * 56 * 3 * 3 * 64),
    ("57x57x64", "DWCONV3s2p1", (29, 29, 64), 3 * 3 * 64 + 64, 29 * 29 * 3 * 3 * 64),
    ("56x56x8", "DWCONV5p2m3", (56, 56, 24), 5 * 5 * 24 + 24, 56 * 56 * 5 * 5 * 24),
    ("20x10x4", "DWCONV3x1p1x0d1", (20, 10, 4), 3 * 4 + 4, 200 * 3 * 4),
    # transposed: (W - 1)S - 2P + F + output padding
    ("28x28x64", "DECONV2-32s2", (56, 56, 32), 2 * 2 * 64 * 32 + 32, 28 * 28 * 2 * 2 * 64 * 32),
    ("28x28x64", "DECONV3-32s2p1o1", (56, 56, 32), 9 * 64 * 32 + 32, 784 * 9 * 64 * 32),
    ("28x28x64", "DECONV3-32s2p1", (55, 55, 32), 9 * 64 * 32 + 32, 784 * 9 * 64 * 32),
    ("28x28x64", "DECONV4-32s2p1", (56, 56, 32), 16 * 64 * 32 + 32, 784 * 16 * 64 * 32),
    ("28x28x64", "DECONV3-32s2psame", (56, 56, 32), 9 * 64 * 32 + 32, 784 * 9 * 64 * 32),
    ("8x8x4", "DECONV4-16s2psame", (16, 16, 16), 16 * 4 * 16 + 16, 64 * 16 * 4 * 16),
    ("8x5x4", "DECONV4x3-16s2x3psame", (16, 15, 16), 12 * 4 * 16 + 16, 40 * 12 * 4 * 16),
    ("28x28x64", "DECONV1-32s2psame", (56, 56, 32), 64 * 32 + 32, 784 * 64 * 32),
    ("28x28x64", "DECONV3-32phalf", (28, 28, 32), 9 * 64 * 32 + 32, 784 * 9 * 64 * 32),
    ("5x7x6", "DECONV3x2-4s2x3g2", (11, 20, 4), 6 * 6 * 2 + 4, 35 * 6 * 6 * 2),
    ("28x28x64", "DECONV3-32s2d2p2o1", (56, 56, 32), 9 * 64 * 32 + 32, 784 * 9 * 64 * 32),
    ("33x33x8", "POOL3s2d2p1", (16, 16, 8), 0, 0),
    ("56x56x64", "SEPCONV3-128p1", (56, 56, 128), 9 * 64 + 64 * 128 + 128, 3136 * (9 * 64 + 64 * 128)),
    ("57x57x8", "SEPCONV3-16s2p1m2", (29, 29, 16), 9 * 16 + 16 * 16 + 16, 841 * (9 * 16 + 16 * 16)),
    ("14x14x8", "WS_CONV3-16p1g2", (14, 14, 16), 9 * 4 * 16 + 16, 196 * 9 * 4 * 16),
    ("101x1x8", "CONV1D5-16s2p2", (51, 1, 16), 5 * 8 * 16 + 16, 51 * 5 * 8 * 16),
    ("100x1x8", "CONV1D3-16d4phalf", (100, 1, 16), 3 * 8 * 16 + 16, 100 * 3 * 8 * 16),
    ("100x1x8", "POOL1D2", (50, 1, 8), 0, 0),
    ("100x1x8", "AVGPOOL1D4s2p1", (50, 1, 8), 0, 0),
    ("1x1x64", "CHANNEL_CONV5", (1, 1, 64), 5, 5 * 64),
    ("9x9x4", "CONV1d3-8", (9, 9, 8), 4 * 8 + 8, 81 * 4 * 8),  # a window of 1, dilated
    ("7x5x8", "UPSAMPLE2", (14, 10, 8), 0, 0),
    ("7x5x8", "UPSAMPLE3x1", (21, 5, 8), 0, 0),
    ("13x9x8", "ADAPTIVE_AVGPOOL7", (7, 7, 8), 0, 0),
    ("13x9x8", "ADAPTIVE_POOL3x1", (3, 1, 8), 0, 0),
    ("5x5x8", "ADAPTIVE_AVGPOOL10", (10, 10, 8), 0, 0),
    ("7x5x96", "LAYER_NORM", (7, 5, 96), 192, 0),
    ("7x5x96", "LAYER_SCALE", (7, 5, 96), 96, 0),
    ("7x5x8", "PAD2", (11, 9, 8), 0, 0),
    ("7x5x8", "PAD1x0", (9, 5, 8), 0, 0),
    ("7x5x8", "CROP2", (3, 1, 8), 0, 0),
    ("7x5x8", "SPLIT2-1", (7, 5, 4), 0, 0),
    ("7x5x9", "SPLIT3-3", (7, 5, 3), 0, 0),
    ("7x5x8", "SHUFFLE4", (7, 5, 8), 0, 0),
]


@pytest.mark.parametrize(("input", "step", "output", "params", "macs"), SHAPES, ids=str)
def test_shapes_and_costs(input: str, step: str, output: tuple[int, int, int], params: int, macs: int) -> None:
    row = last(f"INPUT[{input}] -> {step}")
    assert row.output == output
    assert (row.cost.params, row.cost.macs) == (params, macs)


def test_a_deconv_that_is_dilated_and_strided_has_no_known_field() -> None:
    field = last("INPUT[9x9x4] -> DECONV3-4s2x1d2").receptive_field
    assert field.width is None
    assert field.height is not None
    assert field.height.size == 5


def test_dwconv_is_a_grouped_conv() -> None:
    alone = last("INPUT[31x31x12] -> DWCONV3s2p1m2")
    grouped = last("INPUT[31x31x12] -> CONV3-24s2p1g12")
    assert (alone.output, alone.cost, alone.formula) == (grouped.output, grouped.cost, grouped.formula)
    assert alone.receptive_field == grouped.receptive_field


@pytest.mark.parametrize("extent", range(1, 14))
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 12])
def test_operations_of_adaptive_pooling(extent: int, size: int) -> None:
    windows = [range(o * extent // size, -(-(o + 1) * extent // size)) for o in range(size)]
    row = last(f"INPUT[{extent}x1x3] -> ADAPTIVE_AVGPOOL{size}x1")
    assert row.cost.flops == 3 * sum(len(window) for window in windows)


WRONG = [
    ("8x8x4", "DECONV3-4s2o2", "AC210", "deconv: the width's output padding of 2 is not smaller than the stride of 2"),
    ("8x8x4", "DECONV3-4s2psameo1", "AC210", "deconv: `padding: same` gives W*S and takes no output padding"),
    ("8x8x4", "DECONV2-4phalf", "AC205", "deconv: `padding: half` is not whole: F = 2 in width"),
    ("1x8x4", "DECONV3-4p2", "AC211", "deconv1 does not fit: output width would be -1"),
    ("8x8x4", "DECONV3-4g3", "AC203", "deconv: 4 filters cannot be split into 3 groups"),
    ("8x8x5", "DECONV3-4g2", "AC203", "deconv1 cannot split the input's 5 channels into 2 groups"),
    ("8x8x4", "DWCONV2phalf", "AC205", "dwconv: `padding: half` is not whole: F = 2 in width"),
    ("8x8x4", "DWCONV3s2", "AC201", "dwconv1 does not fit: output width would be 3.5"),
    ("8x8x4", "CROP4", "AC211", "crop1 does not fit: 8 of the width's 8 are taken away"),
    ("8x8x5", "SPLIT2-1", "AC212", "split1 cannot split the input's 5 channels into 2 parts"),
    ("8x8x4", "SPLIT2-3", "AC212", "split: there is no part 3 of 2"),
    (
        "8x8x4",
        "CONV1D3-8",
        "AC217",
        "conv1d1 does not fit: conv1d reads a sequence, of height 1, and its input is [8x8x4]",
    ),
    (
        "8x8x4",
        "POOL1D2",
        "AC217",
        "pool1d1 does not fit: pool1d reads a sequence, of height 1, and its input is [8x8x4]",
    ),
    (
        "8x1x4",
        "CONV1D3x3-8",
        "AC104",
        "conv1d: kernel_size: 3 has a height; along a sequence it is a whole number from 1",
    ),
    (
        "8x1x4",
        "CONV1D3-8p1x1",
        "AC104",
        f"conv1d: padding: a sequence has nothing above or below; here stands {LengthPadding.words}",
    ),
    (
        "2x1x4",
        "CHANNEL_CONV3",
        "AC217",
        "channel_conv1 does not fit: channel_conv reads one value a channel, and its input is [2x1x4]",
    ),
    ("1x1x4", "CHANNEL_CONV4", "AC104", "channel_conv: the filter keeps the channels only if it is odd, not 4"),
    ("8x8x6", "SHUFFLE4", "AC212", "shuffle1 cannot split the input's 6 channels into 4 groups"),
]


@pytest.mark.parametrize(("input", "step", "code", "message"), WRONG, ids=lambda one: str(one)[:30])
def test_errors(input: str, step: str, code: str, message: str) -> None:
    (one,) = archcalc.check(f"INPUT[{input}] -> {step}")
    assert (one.code, one.message) == (code, message)


def test_the_arithmetic_of_a_deconv_that_leaves_nothing() -> None:
    (one,) = archcalc.check("INPUT[1x8x4] -> DECONV3-4p2")
    assert one.notes == ("(W - 1)S + F - crop = (1 - 1)*1 + 3 - 4 = -1",)


def test_uneven_split_names_what_divides() -> None:
    (one,) = archcalc.check("INPUT[8x8x6] -> SHUFFLE4")
    assert one.notes == ("6 = 1*4 + 2",)
    assert one.help == ("groups that divide 6 channels: 2, 3, 6",)


@pytest.mark.parametrize(("layer", "key"), [("pad", "padding"), ("crop", "cropping")])
def test_no_window_to_derive_a_padding_from(layer: str, key: str) -> None:
    spec = f"input: 8x8x4\nlayers: [{layer}: {{{key}: same}}]"
    (one,) = examine(SpecText("spec.yaml", spec)).diagnostics
    assert (one.code, one.span.line) == ("AC213", 2)
    assert one.message == f"{layer}: `same` depends on a window, and {layer} has none; give numbers"
