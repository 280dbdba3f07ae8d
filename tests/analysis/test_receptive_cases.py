"""Receptive fields of chosen networks against brute force, at the edges of the rules: periods, unions, both axes."""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_receptive import Axis, bilinear, deconv, field, hull, image, window

import archcalc
from archcalc.analysis.receptive import MAX_JUMP, Field
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
from archcalc.volume import MAX_PERIOD, Window

Step = tuple[str, Callable[[Axis], Axis]]


def conv(size: int, stride: int = 1, padding: int = 0) -> Step:
    return f"CONV{size}x1-1s{stride}x1p{padding}x0", lambda below: window(below, size, stride, padding)


def up(factor: int) -> Step:
    return f"UPSAMPLE{factor}x1", lambda below: deconv(below, factor, factor, 0)


def transposed(size: int, stride: int, padding: int = 0) -> Step:
    return f"DECONV{size}x1-1s{stride}x1p{padding}x0", lambda below: deconv(below, size, stride, padding)


CHAINS: list[list[Step]] = [
    [conv(3, padding=1), up(2), conv(3, padding=1)],
    [up(3), conv(2, 2), up(2), conv(3, padding=1)],
    [up(2), up(3), conv(5, padding=2), conv(2, 3)],
    [transposed(4, 2, 1), conv(3, padding=1), transposed(3, 2), conv(2, 2)],
    [transposed(5, 3, 1), conv(4, 2, 1), up(2)],
    [conv(7, 2, 3), conv(3, 2, 1), up(4), conv(3, 3, 1), up(3), conv(3)],
    [up(4), conv(1, 2), conv(3), up(2)],
]


@pytest.mark.parametrize("steps", CHAINS, ids=[" ".join(text for text, _ in steps) for steps in CHAINS])
def test_a_chain_sees_what_brute_force_sees(steps: list[Step]) -> None:
    below = image()
    for _, act in steps:
        below = act(below)
    found = field("\n".join(f"  - {text}" for text, _ in steps))
    assert [found.at(output) for output in range(-2, 12)] == [hull(below[output]) for output in range(-2, 12)]
    sizes = [len(range(*found.at(output))) for output in range(12)]
    assert found.size == max(sizes)


def test_branches_of_different_periods_see_their_union() -> None:
    wide = deconv(window(image(), 3, 1, 1), 2, 2, 0)
    narrow = bilinear(image(), 2)
    found = field(
        "  - concat:\n      - CONV3x1-2p1x0 -> UPSAMPLE2x1\n      - upsample: {factor: 2x1, mode: bilinear}\n"
    )
    assert [found.at(o) for o in range(9)] == [hull(wide[o] | narrow[o]) for o in range(9)]
    assert found.jump == Fraction(1, 2)
    six = field(
        "  - concat:\n      - UPSAMPLE2x1 -> UPSAMPLE3x1\n      - UPSAMPLE3x1 -> CONV3x1-1p1x0 -> UPSAMPLE2x1\n"
    )
    a = deconv(deconv(image(), 2, 2, 0), 3, 3, 0)
    b = deconv(window(deconv(image(), 3, 3, 0), 3, 1, 1), 2, 2, 0)
    assert [six.at(o) for o in range(14)] == [hull(a[o] | b[o]) for o in range(14)]


def test_a_gate_stretches_along_the_axis_where_it_is_one_pixel() -> None:
    report = archcalc.load("INPUT[6x9x2] -> CONV1-2").report
    del report
    found = archcalc.load("INPUT[6x9x2] -> CONV3-2p1 -> GAP -> FC-2").report.rows[-1].receptive_field
    assert (found.width.size, found.height.size) == (8, 11)  # type: ignore[union-attr]


NETWORKS = [
    "CONV{a}-4s{b}p{c} -> RELU",
    "CONV{a}-4p{c} -> POOL{b} -> CONV{b}-4",
    "UPSAMPLE{b} -> CONV{a}-4s{a}",
    "DECONV{a}-4s{b} -> CONV{b}-4",
]


@pytest.mark.parametrize("layers", NETWORKS)
@pytest.mark.parametrize("numbers", [{"a": (3, 5), "b": (2, 1), "c": (1, 0)}, {"a": (2, 3), "b": (1, 2), "c": (0, 1)}])
def test_the_axes_do_not_touch_each_other(layers: str, numbers: dict[str, tuple[int, int]]) -> None:
    """A network's height sees what the width of the network lying on its side sees."""

    def seen(turned: bool) -> tuple[Field | None, Field | None]:
        pairs = {key: "x".join(map(str, pair[::-1] if turned else pair)) for key, pair in numbers.items()}
        size = "31x45" if turned else "45x31"
        text = f"rounding: floor\ninput: {size}x2\nlayers:\n  - {layers.format(**pairs)}\n"
        found = examine(SpecText("x.yaml", text))
        assert found.ok, found.diagnostics
        return found.report.rows[-1].receptive_field

    upright, turned = seen(turned=False), seen(turned=True)
    assert upright == turned[::-1]
    assert upright[0] != upright[1]


def test_square_layers_on_a_lopsided_image_where_the_extent_matters() -> None:
    """`same` pads by the extent: 5 -> (1, 1), 6 -> (0, 1) with F = 3 and S = 2."""
    width, height = archcalc.load("INPUT[5x6x1] -> CONV3-1s2psame").report.rows[-1].receptive_field
    assert (width.ends, height.ends) == (((-1, 2),), ((0, 3),))  # type: ignore[union-attr]


def test_the_longest_period_that_is_kept() -> None:
    kept = field(f"  - UPSAMPLE{MAX_PERIOD}x1 -> RELU", 4)
    assert len(kept.ends) == MAX_PERIOD == 32
    report = archcalc.load(f"INPUT[4x4x1] -> UPSAMPLE{MAX_PERIOD + 1} -> CONV1-1").report
    assert report.rows[-1].receptive_field == (None, None)
    halves = f"  - concat:\n      - UPSAMPLE{MAX_PERIOD}x1\n      - UPSAMPLE{MAX_PERIOD}x1 -> CONV3x1-1p1x0\n"
    assert len(field(halves, 4).ends) == MAX_PERIOD


def test_the_largest_jump_that_is_kept() -> None:
    one = Field(((0, 1),), MAX_JUMP)
    through = one.through(Window(3, 2), 100, 49)
    assert through is not None
    assert through[:2] == (((0, 1 + 2 * MAX_JUMP),), 2 * MAX_JUMP)
    assert Field(((0, 1),), MAX_JUMP + 1).through(Window(3, 2), 100, 49) is None
    assert Field(((0, 1),), None).through(Window(3, 2), 100, 49) is None


def test_a_jump_is_whole_where_it_can_be() -> None:
    assert Field(((0, 1), (1, 2)), 2).jump == 1
    assert isinstance(Field(((0, 1), (1, 2)), 2).jump, int)
    assert Field(((0, 1), (0, 1)), 1).jump == Fraction(1, 2)
    assert Field(((0, 1), (0, 1)), None).jump is None
    assert (Field(((0, 1), (0, 3)), 1).size, Field(((2, 5),), 4).start) == (3, 3.5)


def test_the_size_is_the_most_that_any_of_the_outputs_sees() -> None:
    """Every field of one or two small windows, over every few outputs, cut off on either side: each output asked by itself."""
    lone = [((first, last),) for first in (-2, 0, 1) for last in (first, first + 1, first + 4)]
    pairs = [(a[0], (a[0][0] + more, a[0][1] + wider)) for a in lone for more in (0, 1) for wider in (1, 2)]
    for ends, advance, outputs, low, high in product([*lone, *pairs], (0, 1, 3), (1, 2, 3, 6), (-1, 0), (2, 5, 9)):
        seen = []
        for output in range(outputs):
            rounds, place = divmod(output, len(ends))
            pixels = range(ends[place][0] + rounds * advance, ends[place][1] + rounds * advance)
            seen.append(len([one for one in pixels if low <= one < high]))
        assert Field(ends, advance, outputs, low, high).size == max(seen), (ends, advance, outputs, low, high)


def test_without_an_image_the_size_is_that_of_the_windows() -> None:
    assert Field(((2, 5), (3, 7)), 3).size == 4
    assert Field(((2, 5),), 1, 9).size == Field(((2, 5),), 1, None, 0, 2).size == 3


def test_unlike_ways_see_the_hull_of_their_first_outputs() -> None:
    """A crop moves the field, a stride spreads it: both reach [4] positions, and the first sees 2 to 5."""
    found = field("  - concat:\n      - CONV3x1-2s2x1\n      - crop: {cropping: {left: 2, right: 3}}\n", 9)
    assert (found.jump, found.at) is not None
    assert found.ends == ((0, 3),)


def test_an_image_wide_view_counts_only_where_it_covers() -> None:
    """The gate sees columns 0 to 20 of a convolution that itself sees -1 to 21; beside a wider branch it does not cover."""
    found = field("  - multiply:\n      - CONV5x1-2p2x0\n      - CONV3x1-2p1x0 -> GAP -> CONV1-2 -> SIGMOID\n", 20)
    assert found.jump is None or found.jump == 0
    assert found.ends[0][0] == -2


def extrapolated(below: dict[int, tuple[int, int]], taps: Callable[[int], list[int]]) -> dict[int, tuple[int, int]]:
    """What outputs see of an axis that goes on beyond its ends as it does inside."""
    above = {}
    for o in range(-60, 200):
        reached = [below[at] for at in taps(o) if at in below]
        if reached:
            above[o] = min(first for first, _ in reached), max(last for _, last in reached)
    return above


class End(NamedTuple):
    """A layer along one axis: its text, its taps below output o, its padding, and whether it has every output's taps."""

    text: str
    taps: Callable[[int], list[int]]
    before: int
    outputs: Callable[[int], int]


def convolution(size: int, stride: int, padding: int) -> End:
    return End(
        f"CONV{size}x1-1s{stride}x1p{padding}x0",
        lambda o: [o * stride - padding + k for k in range(size)],
        padding,
        lambda extent: (extent + 2 * padding - size) // stride + 1,
    )


def repeated(factor: int) -> End:
    return End(f"UPSAMPLE{factor}x1", lambda o: [o // factor], 0, lambda extent: extent * factor)


def spread(size: int, stride: int, padding: int) -> End:
    def taps(o: int) -> list[int]:
        return [(o + padding - k) // stride for k in range(size) if (o + padding - k) % stride == 0]

    return End(
        f"DECONV{size}x1-1s{stride}x1p{padding}x0",
        taps,
        0,  # what pads a transposed convolution is taken off its output
        lambda extent: (extent - 1) * stride + size - 2 * padding,
    )


ENDS = st.one_of(
    st.builds(spread, st.integers(2, 4), st.integers(1, 2), st.integers(0, 2)),
    st.builds(convolution, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)),
    st.builds(repeated, st.integers(2, 3)),
)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 14), st.lists(ENDS, min_size=1, max_size=3))
def test_on_a_small_image_no_more_is_seen_than_there_is(width: int, layers: list[End]) -> None:
    """The size is the most that an output sees of the image and the padding that some window reads."""
    seen = {at: (at, at + 1) for at in range(-90, 260)}
    low, high, extent = 0, width, width
    for one in layers:
        outputs = one.outputs(extent)
        if not 1 <= outputs < 150 or (extent == 1 and outputs > 1):  # a single pixel that is spread has no neighbours
            return
        read = [at for o in range(outputs) for at in one.taps(o)]
        if one.before:
            low = min(low, seen[-one.before][0])
            high = max(high, seen[extent - 1 + one.before][1])
        if one.text.startswith("CONV"):
            high = min(high, seen[max(read)][1])
        seen = extrapolated(seen, one.taps)
        extent = outputs
    sizes = [min(seen[o][1], high) - max(seen[o][0], low) for o in range(extent)]
    found = field("\n".join(f"  - {one.text}" for one in layers), width)
    assert found.size == max(sizes)


@settings(max_examples=80, deadline=None)
@given(st.integers(3, 14), st.lists(st.integers(0, 4), min_size=2, max_size=3), st.integers(0, 3), st.integers(1, 3))
def test_branches_on_a_small_image_see_their_union_and_no_more(
    width: int, halves: list[int], padding: int, factor: int
) -> None:
    """Branches of windows of 2h + 1 with h of padding, behind an upsampling, and a padded window of 3 behind them."""
    branches = "".join(f"      - CONV{2 * one + 1}x1-1p{one}x0\n" for one in halves)
    found = field(f"  - UPSAMPLE{factor}x1\n  - concat:\n{branches}  - CONV3x1-1p{padding}x0", width)
    most, extent = max(halves), width * factor
    outputs = extent + 2 * padding - 2
    low = min(0, (-most) // factor)
    high = max(width, (extent - 1 + most) // factor + 1)
    if padding:
        low = min(low, (-padding - most) // factor)
        high = max(high, (extent - 1 + padding + most) // factor + 1)
    high = min(high, (outputs + 1 - padding + most) // factor + 1)
    sizes = [
        min((o + 2 - padding + most) // factor + 1, high) - max((o - padding - most) // factor, low)
        for o in range(outputs)
    ]
    assert found.size == max(sizes)


def test_where_a_field_is_not_known_any_more() -> None:
    assert Field(advance=1 << 63).through(Window(1), 5, 5) is not None
    assert Field(advance=(1 << 63) + 1).through(Window(1), 5, 5) is None
    assert Field(advance=None).through(Window(1), 5, 5) is None


def test_padding_on_one_side_is_seen() -> None:
    for side in ("left", "right"):
        found = field(f"  - conv: {{filters: 1, kernel_size: 5x1, padding: {{{side}: 2}}}}", 3)
        assert found.size == 5


def test_what_a_crop_leaves_sees_no_more_than_the_image() -> None:
    """A transposed window of 5 over 3 pixels: its outputs 2 to 4 see all of them, and none sees a fourth."""
    for side in ("left", "right"):
        assert field(f"  - DECONV5x1-1\n  - crop: {{cropping: {{{side}: 1}}}}", 3).size == 3


def test_periods_end_together() -> None:
    assert len(field("  - UPSAMPLE2x1\n  - upsample: {factor: 1/2x1}").ends) == 1
    assert len(field("  - UPSAMPLE8x1 -> UPSAMPLE4x1", 4).ends) == 32
    assert archcalc.load("INPUT[4x1x1] -> UPSAMPLE8x1 -> UPSAMPLE5x1").report.rows[-1].receptive_field.width is None


def test_what_sees_nothing_is_where_the_next_begins() -> None:
    assert field("  - DECONV1x1-1s3x1").ends == ((0, 1), (1, 1), (1, 1))


def test_a_reshaped_map_has_outputs_of_its_own() -> None:
    text = "input: 4x4x2\nlayers: [reshape: {width: 2, height: 8, channels: 2}]\n"
    width, height = examine(SpecText("x.yaml", text)).report.rows[-1].receptive_field
    assert width is not None
    assert height is not None
    assert (width.outputs, height.outputs, width.size, height.size) == (2, 8, 4, 4)


def test_a_gate_beside_a_map_counts_only_where_it_covers_all() -> None:
    """A branch that is one pixel sees the same everywhere: the whole image where it holds what the others see of it."""
    whole = field("  - multiply: [[], [GAP -> SIGMOID]]", 9)
    assert (whole.size, whole.outputs, whole.advance) == (9, 9, 0)
    wider = field("  - multiply: [[CONV3x1-2p1x0], [GAP -> SIGMOID]]", 9)
    assert wider.advance is None
    for side in ("left", "right"):
        branch = f"[conv: {{filters: 2, kernel_size: 2x1, padding: {{{side}: 1}}}}]"
        assert field(f"  - multiply: [{branch}, [GAP -> SIGMOID]]", 9).advance is None
        assert field(f"  - multiply: [[], {branch}, [GAP -> SIGMOID]]", 9).advance is None
    inside = field("  - multiply: [[CONV3x1-2p1x0], [CONV3x1-2p1x0 -> GAP -> SIGMOID]]", 9)
    assert (inside.size, inside.advance, inside.ends) == (11, 0, ((-1, 10),))


def test_a_single_output_has_one_field_wherever_it_is_read() -> None:
    found = field("  - multiply: [[], [UPSAMPLE2x1, CONV6x1-2, SIGMOID]]", 3)
    assert (found.ends, found.advance) == (((0, 3),), 0)


def test_square_images_with_windows_that_are_not() -> None:
    width, height = archcalc.load("INPUT[9x9x2] -> CONV3x5-1p0x1").report.rows[-1].receptive_field
    assert width is not None
    assert height is not None
    assert (width.size, height.size) == (3, 5)
