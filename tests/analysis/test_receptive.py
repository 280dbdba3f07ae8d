"""Receptive fields against brute force: which pixels reach an output, followed one by one."""

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.receptive import Field
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText

Pixels = set[int]
Axis = dict[int, Pixels]  # output position, also beside the image, to the pixels it sees

EDGE = 400  # positions to both sides, so that no border is met


def image() -> Axis:
    return {at: {at} for at in range(-EDGE, EDGE)}


def follow(below: Axis, taps: Callable[[int], list[int]]) -> Axis:
    """What each output sees through its taps, left out where one of them is beyond the edge."""
    above: Axis = {}
    for o in range(-EDGE, EDGE):
        reached = taps(o)
        if all(at in below for at in reached):
            above[o] = set().union(*(below[at] for at in reached))
    return above


def window(below: Axis, size: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    return follow(below, lambda o: [o * stride - padding + k * dilation for k in range(size)])


def deconv(below: Axis, size: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    def taps(o: int) -> list[int]:
        places = [o + padding - k * dilation for k in range(size)]
        return [one // stride for one in places if one % stride == 0]

    return follow(below, taps)


def bilinear(below: Axis, factor: int) -> Axis:
    def taps(o: int) -> list[int]:
        place = Fraction(2 * o + 1, 2 * factor) - Fraction(1, 2)
        left = place.numerator // place.denominator
        return [left] if place == left else [left, left + 1]

    return follow(below, taps)


def field(layers: str, width: int = 240) -> Field:
    """The field along the width of the last layer of a spec."""
    found = examine(SpecText("spec.yaml", f"rounding: floor\ninput: {width}x1x2\nlayers:\n{layers}"))
    assert found.ok, found.diagnostics
    seen = found.report.rows[-1].receptive_field.width
    assert seen is not None
    return seen


def hull(pixels: Pixels) -> tuple[int, int]:
    return min(pixels), max(pixels) + 1


def seen_by(found: Field, output: int) -> Pixels:
    return set(range(*found.at(output)))


STEPS = st.one_of(
    st.builds(
        lambda f, s, p, d: (f"CONV{f}x1-1s{s}x1p{p}x0d{d}x1", lambda below: window(below, f, s, p, d)),
        st.integers(1, 4),
        st.integers(1, 3),
        st.integers(0, 3),
        st.integers(1, 2),
    ),
    st.builds(lambda f: (f"UPSAMPLE{f}x1", lambda below: deconv(below, f, f, 0)), st.integers(1, 2)),
    st.builds(
        lambda f, s, p: (f"DECONV{f}x1-1s{s}x1p{p}x0", lambda below: deconv(below, f, s, p)),
        st.integers(1, 4),
        st.integers(1, 3),
        st.integers(0, 0),
    ),
    st.builds(
        lambda f, p, d: (f"DECONV{f}x1-1p{p}x0d{d}x1", lambda below: deconv(below, f, 1, p, d)),
        st.integers(2, 3),
        st.integers(0, 1),
        st.integers(2, 3),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=4))
def test_chains_see_what_brute_force_sees(steps: list[tuple[str, Callable[[Axis], Axis]]]) -> None:
    below, gaps = image(), False
    for _, act in steps:
        below = act(below)
        gaps = gaps or not all(below.values())
    text = "\n".join(f"  - {text}" for text, _ in steps)
    if gaps and re.search("d[23]x1", text):
        return  # a dilated window over outputs that see nothing is not followed
    found = field(text)
    for output in range(-3, 6):
        if output in below:
            seen = below[output]
            assert seen_by(found, output) == (set(range(*hull(seen))) if seen else set())


GAPS = [
    ("  - CONV3x1-1p1x0 -> DECONV1x1-1s3x1", [3, 0, 0, 3, 0, 0], 3),
    ("  - CONV3x1-1p1x0 -> DECONV2x1-1s3x1 -> RELU", [3, 3, 0, 3, 3, 0], 3),
    ("  - CONV3x1-1p1x0 -> DECONV1x1-1s3x1 -> CONV2x1-1", [3, 0, 3, 3, 0, 3], 3),
    ("  - CONV3x1-1p1x0 -> DECONV1x1-1s3x1 -> CONV3x1-1", [3, 3, 3, 3, 3, 3], 3),
    ("  - CONV3x1-1p1x0 -> DECONV1x1-1s3x1 -> CONV4x1-1", [4, 3, 3, 4, 3, 3], 4),
    ("  - DECONV1x1-1s2x1p1x0 -> CONV1x1-1s2x1", [0, 0, 0, 0], 0),
    ("  - DECONV1x1-1s2x1p1x0 -> CONV1x1-1s2x1 -> CONV3x1-1", [0, 0, 0, 0], 0),
    ("  - DECONV1x1-1s2x1p1x0 -> CONV3x1-1s2x1", [1, 1, 1, 1], 1),
    ("  - concat:\n      - DECONV1x1-1s2x1o1x0\n      - DECONV1x1-1s2x1o1x0 -> CONV3x1-1p1x0", [1, 2, 1, 2], 2),
    ("  - concat:\n      - DECONV1x1-1s2x1\n      - CONV1x1-1s2x1 -> DECONV1x1-1s4x1o2x0", [1, 0, 1, 0], 1),
]


@pytest.mark.parametrize(("layers", "sizes", "most"), GAPS)
def test_outputs_that_no_window_reaches_see_nothing(layers: str, sizes: list[int], most: int) -> None:
    found = field(layers)
    assert [len(seen_by(found, 12 + output)) for output in range(len(sizes))] == sizes
    assert found.size == most


def test_a_dilated_window_over_outputs_that_see_nothing_is_not_known() -> None:
    for dilated in ("CONV2x1-1d2x1", "DECONV2x1-1d2x1"):
        report = archcalc.load(f"INPUT[24x1x2] -> DECONV1x1-1s2x1 -> {dilated}").report
        assert report.rows[-1].receptive_field.width is None
        assert field(f"  - DECONV2x1-1s2x1 -> {dilated}").size == 2


def test_branches_see_the_union() -> None:
    spec = """
  - concat:
      - CONV3x1-2s2x1p1x0
      - CONV1-2s2x1 -> CONV5x1-2p2x0
      - POOL2x1
  - CONV3x1-2
"""
    three = window(image(), 3, 2, 1)
    five = window(window(image(), 1, 2, 0), 5, 1, 2)
    pool = window(image(), 2, 2, 0)
    joined = {at: three[at] | five[at] | pool[at] for at in three.keys() & five.keys() & pool.keys()}
    above = window(joined, 3, 1, 0)
    found = field(spec)
    assert [found.at(output) for output in range(8)] == [hull(above[output]) for output in range(8)]
    assert (found.size, found.jump, found.start) == (13, 2, 2.5)


def test_unet_sees_the_union_over_its_skip() -> None:
    spec = """
  - conv: {name: skip, filters: 2, kernel_size: 3x1, padding: 1x0}
  - POOL2x1 -> CONV3x1-2p1x0 -> DECONV2x1-2s2x1
  - concat: {name: joined, inputs: [skip, deconv1]}
  - CONV3x1-2p1x0
"""
    skip = window(image(), 3, 1, 1)
    up = deconv(window(window(skip, 2, 2, 0), 3, 1, 1), 2, 2, 0)
    above = window({at: skip[at] | up[at] for at in skip.keys() & up.keys()}, 3, 1, 1)
    found = field(spec)
    assert [found.at(output) for output in range(8)] == [hull(above[output]) for output in range(8)]
    assert found.jump == 1


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_bilinear_upsampling_sees_both_neighbours(factor: int) -> None:
    above = window(bilinear(window(image(), 3, 1, 1), factor), 3, 1, 1)
    found = field(f"""
  - CONV3x1-2p1x0
  - upsample: {{factor: {factor}x1, mode: bilinear}}
  - CONV3x1-2p1x0
""")
    assert [found.at(output) for output in range(8)] == [hull(above[output]) for output in range(8)]
    assert found.jump == Fraction(1, factor)


@pytest.mark.parametrize(("extent", "size"), [(12, 4), (13, 5), (7, 7), (5, 10), (10, 4)])
def test_adaptive_pooling_sees_its_windows(extent: int, size: int) -> None:
    found = field(f"  - ADAPTIVE_AVGPOOL{size}x1", extent)
    assert [found.at(o) for o in range(size)] == [
        (o * extent // size, -(-(o + 1) * extent // size)) for o in range(size)
    ]


def test_squeeze_excitation_sees_the_whole_image_everywhere() -> None:
    found = field('  - CONV3x1-2p1x0\n  - multiply: [[], "GAP -> CONV1-2 -> SIGMOID"]\n  - CONV3x1-2p1x0', 20)
    assert found.at(0) == found.at(19) == (-1, 21)
    assert found.jump == 0


def test_crop_and_pad_move_the_start() -> None:
    assert field("  - PAD3x0\n  - CROP1x0").at(0) == (-2, -1)


def test_unlike_jumps_are_said_to_be_unknown() -> None:
    # two ways to 4 positions: every second pixel, or the first four
    spec = """
  - concat:
      - CONV1-2s2x1
      - crop: {cropping: {right: 4}}
"""
    found = field(spec, 8)
    assert (found.jump, found.size) == (None, 1)
    above = examine(SpecText("spec.yaml", f"rounding: floor\ninput: 8x1x2\nlayers:\n{spec}  - RELU\n  - CONV3x1-1"))
    assert above.report.rows[-1].receptive_field.width is None


@pytest.mark.parametrize("step", ["UPSAMPLE200x1", "ADAPTIVE_AVGPOOL131x1"])
def test_a_period_too_long_to_keep_is_unknown(step: str) -> None:
    found = examine(SpecText("spec.yaml", f"input: 60x1x2\nlayers: [{step}, RELU]"))
    assert found.report.rows[-1].receptive_field.width is None
    assert found.report.rows[-1].receptive_field.height is not None


SMALL = [
    ("INPUT[10x10x4] -> ADAPTIVE_AVGPOOL7 -> FC-5", 10),
    ("INPUT[9x9x4] -> UPSAMPLE2 -> FC-5", 9),
    ("INPUT[9x9x4] -> DECONV3-4s2 -> FC-5", 9),
    ("INPUT[9x9x4] -> UPSAMPLE2 -> GAP", 9),
    ("INPUT[9x9x4] -> DECONV4-4s2p1 -> CONV18-2", 9),
    ("INPUT[9x9x4] -> CONV3-4p1 -> FC-5", 11),  # a zero on each side
    ("INPUT[9x9x4] -> CROP2 -> GAP", 5),
    ("INPUT[9x9x4] -> CROP2 -> CONV3-4p1 -> GAP", 7),
]


@pytest.mark.parametrize(("layers", "size"), SMALL)
def test_nothing_beyond_the_image_and_its_padding_is_seen(layers: str, size: int) -> None:
    seen = examine(SpecText("spec", layers, pattern=True)).report.rows[-1].receptive_field
    assert (seen.width and seen.width.size, seen.height and seen.height.size) == (size, size)


def adaptive(below: list[Pixels], size: int) -> list[Pixels]:
    extent = len(below)
    return [set().union(*below[o * extent // size : -(-(o + 1) * extent // size)]) for o in range(size)]


def slid(below: list[Pixels], size: int, stride: int) -> list[Pixels]:
    return [set().union(*below[at : at + size]) for at in range(0, len(below) - size + 1, stride)]


def transposed(below: list[Pixels], size: int, stride: int) -> list[Pixels]:
    above: list[Pixels] = [set() for _ in range((len(below) - 1) * stride + size)]
    for place, pixels in enumerate(below):
        for k in range(size):
            above[place * stride + k] |= pixels
    return above


UNPADDED = st.one_of(
    st.builds(lambda f, s: (f"CONV{f}x1-1s{s}x1", lambda b: slid(b, f, s)), st.integers(1, 4), st.integers(1, 3)),
    st.builds(lambda f: (f"UPSAMPLE{f}x1", lambda b: transposed(b, f, f)), st.integers(1, 3)),
    st.builds(lambda n: (f"ADAPTIVE_POOL{n}x1", lambda b: adaptive(b, n)), st.integers(1, 6)),
    st.builds(lambda c: (f"CROP{c}x0", lambda b: b[c : len(b) - c]), st.integers(0, 2)),
    st.builds(
        lambda s, more: (f"DECONV{s + more}x1-1s{s}x1", lambda b: transposed(b, s + more, s)),
        st.integers(1, 2),
        st.integers(0, 2),
    ),
    st.just(("GAP", lambda b: [set().union(*b)])),
)


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 14), st.lists(UNPADDED, min_size=1, max_size=4))
def test_without_padding_sizes_are_those_of_the_pixels_that_reach_an_output(
    width: int, steps: list[tuple[str, Callable[[list[Pixels]], list[Pixels]]]]
) -> None:
    below: list[Pixels] = [{at} for at in range(width)]
    for _, act in steps:
        below = act(below) if below else []
    layers = "\n".join(f"  - {text}" for text, _ in steps)
    found = examine(SpecText("spec.yaml", f"rounding: floor\ninput: {width}x1x2\nlayers:\n{layers}"))
    if not found.ok:
        assert not below
        return
    seen = found.report.rows[-1].receptive_field.width
    if seen is not None:  # a period that is too long is not known
        assert seen.size == max(last - first for first, last in map(hull, below))
