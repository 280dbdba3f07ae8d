"""Figures of a plan that are products and statuses, by hand."""

import archcalc
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
from archcalc.memory.plan import largest_batch


def test_the_input_is_counted_for_every_image() -> None:
    found = archcalc.load("INPUT[8x8x4] -> CONV3-4p1 -> FC-3").plan(batch=3).training
    assert found is not None
    assert found.input_bytes == 3 * 8 * 8 * 4 * 4


def test_the_largest_batch_of_moments() -> None:
    assert largest_batch(10, [2, 3], [1, 0]) == 3  # 1 + 2*4 fits, 3*4 does not
    assert largest_batch(10, [2, 3], [1, 1]) == 3
    assert largest_batch(10, [2, 3], [5, 1]) == 2
    assert largest_batch(10, [0, 1], [11, 0]) == 0  # a moment that no batch makes fit
    assert largest_batch(10, [0, 1], [10, 0]) == 10
    assert largest_batch(10, [0, 0], [10, 0]) == 0
    assert largest_batch(10, [1], [11]) == 0


def test_what_is_not_known_makes_an_inference_partial() -> None:
    text = "input: 8x8x3\nlayers:\n  - opaque: {volume: 4x4x2}\n  - FC-3\n"
    found = examine(SpecText("x.yaml", text))
    assert found.ok, found.diagnostics
    assert found.architecture.plan().inference.status == "partial"
    assert archcalc.load("INPUT[8x8x3] -> FC-3").plan().inference.status == "complete"


def test_only_running_statistics_have_a_counter() -> None:
    """Ten stated values are 40 bytes; batch norm's eight, of four channels, have a counter of 8 bytes beside them."""
    text = "input: 8x8x3\nlayers:\n  - opaque: {volume: 4x4x4, params: 0, buffers: 10, macs: 0, flops: 0}\n"
    for more, counted in (("", 40), ("  - BN\n", 40 + 8 * 4 + 8)):
        found = examine(SpecText("x.yaml", text + more))
        assert found.ok, found.diagnostics
        assert found.architecture.plan().inference.buffers_bytes == counted
