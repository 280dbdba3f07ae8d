"""Window.fit against windows that are really slid over an array of padded positions."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.volume import MAX_DIMENSION, Pair, Reach, Rounding, Volume, Window

PAD, IMAGE = "pad", "image"


class Slid(NamedTuple):
    """How windows lie on an axis, found by placing them one after the other."""

    size: int
    leftover: int
    unread: int


def slide(window: Window, extent: int) -> Slid:
    axis = [PAD] * window.before + [IMAGE] * extent + [PAD] * window.after
    taps = range(0, window.dilation * window.size, window.dilation)
    size = end = 0
    while taps[-1] + size * window.stride < len(axis):
        end = max(tap + size * window.stride + 1 for tap in taps)
        size += 1
    if size and window.rounding == "ceil" and end < len(axis):
        start = size * window.stride
        if IMAGE in axis[start:]:  # one more window begins inside the image, or in the padding to its left
            size, end = size + 1, taps[-1] + start + 1
    return Slid(size, len(axis) - end if size else 0, axis[end:].count(IMAGE) if size else 0)


def same_padding(window: Window, extent: int) -> int:
    """The least padding with which as many whole windows fit as there are strides in the image."""
    wanted = len(range(0, extent, window.stride))
    total = 0
    while slide(Window(window.size, window.stride, total, 0, window.dilation, "floor"), extent).size < wanted:
        total += 1
    return total


small = st.integers(1, 7)
extents = st.integers(1, 40)
windows = st.builds(
    Window,
    size=small,
    stride=small,
    before=st.integers(0, 5),
    after=st.integers(0, 5),
    dilation=st.integers(1, 3),
    rounding=st.sampled_from(["exact", "floor", "ceil"]),
    same=st.just(False),
)


@given(windows, extents)
def test_as_many_windows_as_can_be_placed(window: Window, extent: int) -> None:
    fit, slid = window.fit(extent), slide(window, extent)
    assert (fit.size, fit.leftover, fit.unread) == slid
    assert (fit.before, fit.after) == (window.before, window.after)


@given(windows, extents)
def test_the_formula_is_exact_where_nothing_is_left_over(window: Window, extent: int) -> None:
    fit = window._replace(rounding="exact").fit(extent)
    if fit.size and not fit.leftover:
        padding = window.before + window.after
        assert (fit.size - 1) * window.stride == extent - window.span + padding
        assert window._replace(rounding="floor").fit(extent).size == fit.size
        assert window._replace(rounding="ceil").fit(extent).size == fit.size


@given(size=small, stride=small, dilation=st.integers(1, 3), extent=extents)
def test_same_is_a_window_for_every_stride(size: int, stride: int, dilation: int, extent: int) -> None:
    window = Window(size, stride, dilation=dilation, same=True)
    fit, total = window.fit(extent), same_padding(window, extent)
    assert fit.size == len(range(0, extent, stride))
    assert (fit.before, fit.after) == (total // 2, total - total // 2)  # the odd pixel on the right
    slid = slide(Window(size, stride, fit.before, fit.after, dilation, "floor"), extent)
    assert (fit.size, fit.leftover, fit.unread) == slid


CASES: list[tuple[int, Window, int]] = [
    (5, Window(3, 1, 1, 1), 5),
    (5, Window(3, 2, 1, 1), 3),
    (7, Window(3, 2), 3),
    (13, Window(6, 5, same=True), 3),
    (4, Window(2, 3, 1, 1, rounding="ceil"), 2),  # a third window would begin in the right padding
    (5, Window(2, 3, 1, 1, rounding="ceil"), 2),  # a third window would begin where the right padding does
    (112, Window(3, 2, rounding="ceil"), 56),
    (112, Window(3, 2, rounding="floor"), 55),
    (7, Window(3, 1, dilation=3), 1),
    (2, Window(3), 0),
]


@pytest.mark.parametrize(("extent", "window", "size"), CASES)
def test_known_sizes(extent: int, window: Window, size: int) -> None:
    assert window.fit(extent).size == size


def test_sizes_are_products() -> None:
    assert Pair(3, 5).area == 15
    assert Volume(4, 3, 5).size == 60
    assert [str(Pair(3, 3)), str(Pair(3, 5))] == ["3", "3x5"]
    assert [Volume(*one).product for one in ((1, 1, 7), (2, 2, 7), (1, 2, 7), (2, 1, 7))] == [
        *("7", "2*2*7", "1*2*7", "2*1*7")
    ]


def test_the_limits() -> None:
    assert MAX_DIMENSION == 2_147_483_647  # that of ONNX Runtime, cuDNN and NumPy's 32-bit sizes
    assert Window(3) == (3, 1, 0, 0, 1, "exact", False)
    assert [len(Reach.of(period, 1, lambda one: (one, one + 1)).ends) for period in (31, 32, 33)] == [31, 32, 0]


@given(windows, extents, st.booleans())
def test_the_numerator_is_that_of_the_formula(window: Window, extent: int, same: bool) -> None:
    fit = window._replace(same=same).fit(extent)
    assert fit.numerator == extent - window.dilation * (window.size - 1) - 1 + fit.before + fit.after


LEFT_OVER: list[tuple[Rounding, int, int]] = [("exact", 1, 1), ("floor", 1, 1), ("ceil", -1, 0)]


@pytest.mark.parametrize(("rounding", "leftover", "unread"), LEFT_OVER)
def test_what_is_left_of_10_by_3s2(rounding: Rounding, leftover: int, unread: int) -> None:
    fit = Window(3, 2, rounding=rounding).fit(10)
    assert (fit.leftover, fit.unread) == (leftover, unread)


@pytest.mark.torch
@given(windows, extents, st.booleans())
def test_floor_and_ceil_are_pytorchs(window: Window, extent: int, ceil: bool) -> None:
    torch = pytest.importorskip("torch")
    padding = min(window.before, window.size // 2)  # PyTorch's pools refuse more
    window = window._replace(before=padding, after=padding, rounding="ceil" if ceil else "floor")
    if size := window.fit(extent).size:
        pooled = torch.nn.functional.max_pool2d(
            torch.empty(1, 1, extent, 1, device="meta"),
            (window.size, 1),
            (window.stride, 1),
            (padding, 0),
            (window.dilation, 1),
            ceil_mode=ceil,
        )
        assert pooled.shape[2] == size


@pytest.mark.parametrize(("before", "after"), [(-2, -3), (0, -3), (-2, 0)])
def test_what_a_crop_takes_away_is_asked_for(before: int, after: int) -> None:
    fit = Window(1, 1, before, after).fit(10)
    assert (fit.size, fit.unread) == (10 + before + after, 0)
