"""Repairs of what does not fit: found by arithmetic, the same as by trying every padding."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.layers import Layer
from archcalc.layers.misfit import refuse
from archcalc.volume import Window

WINDOWS = st.builds(
    Window,
    size=st.integers(1, 12),
    stride=st.integers(1, 7),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    dilation=st.integers(1, 3),
    rounding=st.just("exact"),  # other windows are never refused for what is left over
    same=st.just(False),
)


def fits(extent: int, window: Window, padding: int) -> int:
    """The output size where windows at every S-th place from -P on end with the padding exactly; else 0."""
    places = range(-padding, extent + padding - window.span + 1, window.stride)
    return len(places) if places and places[-1] + window.span == extent + padding else 0


@given(WINDOWS, st.integers(1, 30), st.integers(0, 12))
def test_the_padding_proposed_is_the_nearest_of_all(window: Window, extent: int, most: int) -> None:
    fit = window.fit(extent)
    if fit.numerator >= 0 and not fit.leftover:
        return
    (said,) = re.findall(
        r"`padding: (\d+)`[^(]*\(-> (\d+)\)", " ".join(refuse(window, extent, "width", most).help)
    ) or [None]
    if fit.numerator < 0:
        half = (window.span - 1) // 2
        order = [half, *range(half)] if window.span % 2 else [*range(half + 1)]
    else:
        now = (window.before + window.after) // 2
        order = sorted(range(window.span), key=lambda one: (abs(one - now), one))
    tried = ((str(one), str(fits(extent, window, one))) for one in order if one <= most and fits(extent, window, one))
    assert said == next(tried, None)


@pytest.mark.parametrize(
    ("pattern", "help"),
    [
        ("INPUT[64x64x3] -> CONV2147483647-4", ["a window of 64 covers the whole width (-> 1)"]),
        (
            "INPUT[2000000000x2000000000x3] -> CONV2147483647-4",
            ["a window of 2000000000 covers the whole width (-> 1)"],
        ),
        (
            "INPUT[2147483647x2147483647x1] -> CONV2147483644-4s2",
            [
                "the nearest width that fits is 2147483646 (-> 2)",
                "or `stride: 3` (-> 2)",
                "or write `rounding: floor` (-> 2; the last column is never read), in the layer or at the top of the spec",
            ],
        ),
        (
            "INPUT[2147483647x2147483647x1] -> CONV2147483642-4s3",
            [
                "the nearest width that fits is 2147483645 (-> 2)",
                "or `padding: 2` (-> 4)",
                "or write `rounding: floor` (-> 2; the last 2 columns are never read), in the layer or at the top of the spec",
            ],
        ),
    ],
)
def test_the_largest_windows_are_answered_at_once_and_with_inputs_that_can_be(pattern: str, help: list[str]) -> None:
    """Trying two thousand million paddings took 20 GiB."""
    (found,) = archcalc.check(pattern, select=())
    assert list(found.help) == help


@pytest.mark.parametrize("join", ["multiply", "maximum"])
def test_joins_of_many_branches_are_planned_in_one_pass(join: str) -> None:
    """Each result in between was made from the first branch on: 20,000 branches took minutes."""
    branches = 20_000
    small = _joined(join, 5)
    assert archcalc.from_graph(_joined(join, branches)).plan(batch=1).training is not None
    layer = small.nodes[-1].layer
    single, wide, image = archcalc.Volume(1, 1, 1), archcalc.Volume(1, 1, 3), archcalc.Volume(2, 2, 1)
    assert between(layer, *[image] * 5) == 3 * 4  # of five branches three results that are not the last
    assert between(layer, wide, image, single, single) == 12 + 12


def between(layer: Layer, *inputs: archcalc.Volume) -> int:
    """Values that a join keeps beside its branches."""
    kept = layer.kept(inputs, layer.measure(inputs)[0])
    assert kept is not None
    return kept.values


def _joined(join: str, branches: int) -> archcalc.Graph:
    types = archcalc.layers.TYPES
    image = archcalc.Node("image", types["input"](width=2, height=2, channels=1), ())
    return archcalc.Graph(join, (image, archcalc.Node("all", types[join](), (0,) * branches)))
