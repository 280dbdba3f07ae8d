"""Caffe's rounding, and what a window that does not fit is answered with; against rules written down from their sources."""

import pytest

from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
from archcalc.layers.pool import MaxPool
from archcalc.volume import Pair


def output(layers: str, width: int, rounding: str = "caffe") -> int:
    found = examine(SpecText("s", f"input: {width}x{width}x3\nrounding: {rounding}\nlayers: [{layers}]\n"))
    assert found.ok, found.diagnostics
    return found.report.output.width


def caffe_pool(width: int, size: int, stride: int, padding: int) -> int:
    """pooling_layer.cpp: ceil of the quotient; where there is padding, a last window that starts behind the image goes."""
    steps = -(-(width + 2 * padding - size) // stride)
    if padding and steps * stride >= width + padding:
        steps -= 1
    return steps + 1


def caffe_conv(width: int, size: int, stride: int, padding: int) -> int:
    """conv_layer.cpp: integer division."""
    return (width + 2 * padding - size) // stride + 1


def test_the_stem_of_googlenet() -> None:
    """B4: 224 -> conv 7/2 gives 112 in Caffe; rounding everything up gave 113."""
    assert output("CONV7-64s2p3", 224) == 112
    assert output("CONV7-64s2p3", 224, "ceil") == 113
    assert output("CONV7-64s2p3 -> RELU -> POOL3s2", 224) == 56
    assert output("CONV7-64s2p3 -> RELU -> POOL3s2 -> CONV3-8p1 -> POOL3s2", 224) == 28


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_convolutions_round_down_and_pools_up_with_the_clip(size: int, stride: int, padding: int) -> None:
    for width in range(max(size, stride), 24):
        numbers = f"{size}s{stride}p{padding}"
        if stride <= size:  # Caffe's window between the image's end and nothing is not built here
            assert output(f"POOL{numbers}", width) == caffe_pool(width, size, stride, padding)
            assert output(f"AVGPOOL{numbers}", width) == caffe_pool(width, size, stride, padding)
        for conv in (f"CONV{size}-4s{stride}p{padding}", f"DWCONV{numbers}", f"LOCAL{size}-4s{stride}p{padding}"):
            assert output(conv, width) == caffe_conv(width, size, stride, padding)


def test_a_layers_own_rounding_wins_and_caffe_is_for_the_top() -> None:
    own = "pool: {kernel_size: 3, stride: 2, rounding: floor}"
    assert output(own, 112) == 55
    (one,) = examine(SpecText("s", f"input: 9x9x3\nlayers: [{own.replace('floor', 'caffe')}]\n")).diagnostics
    assert (one.code, one.message, one.help) == (
        "AC104",
        "pool: rounding: `caffe` is the rounding of a whole spec, at its top",
        ("write floor, as Caffe's convolutions, or ceil, as its pools",),
    )


HELP = [
    ("INPUT[33x33x8] -> CONV3-16d18", ("`padding: 18` keeps the width (-> 33)",)),
    ("INPUT[5x5x3] -> CONV7-4", ("`padding: 3` keeps the width (-> 5)", "a window of 5 covers the whole width (-> 1)")),
    ("INPUT[28x28x3] -> CONV99999999-4", ("a window of 28 covers the whole width (-> 1)",)),  # at once
    ("INPUT[10x10x3] -> CONV12-4s2", ("`padding: 1` (-> 1)", "a window of 10 covers the whole width (-> 1)")),
    ("INPUT[4x4x3] -> POOL7", ("a window of 4 covers the whole width (-> 1)",)),  # 3 is all PyTorch takes, 2 not enough
    (
        "INPUT[32x32x3] -> POOL5",  # padding 4 would fit, and PyTorch refuses it
        (
            "the nearest widths that fit are 30 (-> 6) and 35 (-> 7)",
            "or write `rounding: floor` (-> 6; the last 2 columns are never read), in the layer or at the top of the spec",
            "or write `rounding: ceil` (-> 7), Caffe's for pools",
        ),
    ),
]


@pytest.mark.parametrize(("pattern", "help"), HELP)
def test_what_a_window_that_does_not_fit_is_answered_with(pattern: str, help: tuple[str, ...]) -> None:
    (one,) = examine(SpecText("s", pattern, pattern=True)).diagnostics
    assert one.help == help


@pytest.mark.parametrize(
    ("size", "padding", "wide"), [(5, 2, False), (5, 3, True), (3, 1, False), (4, 2, False), (4, 3, True)]
)
def test_half_a_window_is_the_most_a_pool_of_pytorch_pads(size: int, padding: int, wide: bool) -> None:
    """torch.nn.functional.max_pool2d: "pad should be at most half of effective kernel size"."""
    from archcalc.reader.values import Padding

    pool = MaxPool(kernel_size=Pair(size, size), padding=Padding(padding, padding, padding, padding))
    assert bool(pool.too_wide()) == wide


@pytest.mark.torch
@pytest.mark.parametrize("layer", ["POOL5p4", "AVGPOOL3s1p2"])
def test_a_padding_that_pytorch_refuses_does_not_pass_against_it(layer: str) -> None:
    pytest.importorskip("torch")
    from archcalc.architecture import load

    result = load(f"INPUT[32x32x3] -> {layer}").verify(against="torch")
    assert not result.ok
    (problem,) = result.layers[-1].problems
    assert problem.endswith("PyTorch refuses it")
