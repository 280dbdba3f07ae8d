"""Published figures that must come out."""

import pytest

import archcalc


def test_vgg16_totals() -> None:
    totals = archcalc.load("zoo:vgg16").analyze().totals
    assert totals.weights == 138_344_128
    assert totals.params == 138_357_544
    assert totals.macs == 15_470_264_320
    assert totals.activations == 15_237_608


def test_alexnet_at_224_does_not_fit() -> None:
    with pytest.raises(archcalc.SpecError, match="AC201"):
        archcalc.load("INPUT[224x224x3] -> CONV11-96s4")
