"""Suggestions: which there are, and that each has the figures of the network or the setting that was changed by hand."""

from typing import Any

import pytest

from archcalc.architecture import Architecture, examine
from archcalc.language.specfile import SpecText
from archcalc.memory.results import Suggestion

CHAIN = "[CONV3-8p1 -> RELU]*2 -> POOL2 -> FC-10"


def load(text: str) -> Architecture:
    found = examine(SpecText("spec", text, pattern=not text.startswith(("input", "rounding"))))
    assert found.ok, found.diagnostics
    return found.architecture


def found(spec: str, **options: Any) -> list[Suggestion]:
    return list(load(spec).plan(**options).suggestions)


def one(spec: str, kind: str, **options: Any) -> Suggestion | None:
    return next((each for each in found(spec, **options) if each.kind == kind), None)


def total(spec: str, **options: Any) -> int:
    return load(spec).plan(**options).total_bytes


@pytest.mark.parametrize(
    ("dtype", "purpose", "texts"),
    [
        ("float64", "inference", ["float32", "float16", "int8"]),
        ("float32", "inference", ["float16", "int8"]),
        ("float16", "inference", ["int8"]),
        ("int8", "inference", []),
        ("mixed_float16", "inference", []),
        ("float64", "training", ["float32"]),
        ("float32", "training", ["mixed_float16", "float16"]),
        ("float16", "training", []),
        ("mixed_float16", "training", []),
    ],
)
def test_smaller_numbers(dtype: str, purpose: Any, texts: list[str]) -> None:
    spec = "INPUT[32x32x3] -> [CONV3-64p1 -> SIGMOID]*3 -> GAP -> FC-10"
    options = {"batch": 8, "purpose": purpose}
    made = [each for each in found(spec, dtype=dtype, budget=1, **options) if each.kind == "dtype"]
    assert [each.text for each in made] == [f"dtype {text}" for text in texts]
    assert [each.total_bytes for each in made] == [total(spec, dtype=text, **options) for text in texts]


@pytest.mark.parametrize(
    ("optimizer", "texts"), [("adam", ["sgd-momentum", "sgd"]), ("sgd-momentum", ["sgd"]), ("sgd", [])]
)
def test_optimizers_that_keep_less(optimizer: str, texts: list[str]) -> None:
    spec = "INPUT[8x8x3] -> FC-1000 -> FC-1000"
    made = [each for each in found(spec, optimizer=optimizer, budget=1) if each.kind == "optimizer"]
    assert [each.text for each in made] == [f"optimizer {text}" for text in texts]
    assert [each.total_bytes for each in made] == [total(spec, optimizer=text) for text in texts]
    assert one(spec, "optimizer", optimizer=optimizer, budget=1, purpose="inference") is None


def test_an_implementation_goes_with_its_optimizer() -> None:
    spec = "INPUT[8x8x3] -> FC-1000 -> FC-1000"
    made = one(spec, "optimizer", optimizer="adam", implementation="fused", budget=1)
    assert made is not None
    assert made.total_bytes == total(spec, optimizer="sgd-momentum")


@pytest.mark.parametrize("purpose", ["training", "inference"])
def test_the_batch_that_fits(purpose: Any) -> None:
    spec = f"INPUT[32x32x3] -> {CHAIN}"
    budget = total(spec, batch=5, purpose=purpose)
    made = one(spec, "batch", batch=9, budget=budget, purpose=purpose)
    assert made == Suggestion("batch", "a batch of 5", budget, True, 5)
    made = one(spec, "batch", batch=9, budget=budget - 1, purpose=purpose)
    assert made is not None
    assert (made.text, made.total_bytes) == ("a batch of 4", total(spec, batch=4, purpose=purpose))
    assert one(spec, "batch", batch=4, budget=budget - 1, purpose=purpose) is None
    assert one(spec, "batch", batch=9, budget=1, purpose=purpose) is None


def test_in_place() -> None:
    spec, options = "INPUT[32x32x1] -> CONV1-64 -> RELU -> CONV1-1", {"batch": 4, "purpose": "inference"}
    made = one(spec, "inplace", budget=1, inplace=False, **options)
    assert made is not None
    assert (made.text, made.total_bytes) == ("activations in place", total(spec, **options))
    assert one(spec, "inplace", budget=1, **options) is None


CHEAP = "CONV3-8p1 -> RELU -> CONV3-8p1 -> GAP -> FC-10"


@pytest.mark.parametrize(
    ("size", "smallest"),
    [
        ("64x64", "32x32"),  # by 32 from 64 on
        ("65x65", "32x32"),
        ("63x63", "4x4"),  # by 4 below, 15 of them
        ("5x5", "4x4"),
        ("4x4", None),
        ("640x640", "128x128"),  # 16 are tried
        ("60x36", "20x12"),  # the height stays whole: 60/36 = 5/3, by 20
        ("60x20", "12x4"),  # 3/1, by 12
        ("100x60", None),  # 5/3, by 160
        ("320x192", "160x96"),
        ("20x60", "4x12"),
    ],
)
def test_the_smallest_input_that_is_tried(size: str, smallest: str | None) -> None:
    made = one(f"INPUT[{size}x3] -> {CHEAP}", "input", budget=1)
    if smallest is None:
        assert made is None
        return
    assert made is not None
    other = f"INPUT[{smallest}x3] -> {CHEAP}"
    assert (made.text, made.total_bytes) == (f"an input of [{smallest}x3]", total(other))
    assert not made.fits


def test_the_largest_input_that_fits() -> None:
    for side in (96, 64):
        budget = total(f"INPUT[{side}x{side}x3] -> {CHEAP}", batch=2)
        made = one(f"INPUT[128x128x3] -> {CHEAP}", "input", batch=2, budget=budget)
        assert made == Suggestion("input", f"an input of [{side}x{side}x3]", budget, True, 2)


def test_a_smaller_input_fits_the_network_too() -> None:
    """Of 60 to 4 by 4, a window of 5 and a stride of 3 fit W = 3n + 2: 56, 44, 32, 20, 8."""
    budget = total("INPUT[20x20x1] -> CONV5-4s3 -> GAP -> FC-2")
    made = one("INPUT[62x62x1] -> CONV5-4s3 -> GAP -> FC-2", "input", budget=budget)
    assert made is not None
    assert made.text == "an input of [20x20x1]"


def yaml(size: str, first: str) -> str:
    return f"input: {size}\nlayers:\n  - RELU\n  - {first}\n  - GAP -> FC-2\n"


@pytest.mark.parametrize(
    ("size", "before", "after", "text"),
    [
        ("33x33x3", "CONV3-8p1", "conv: {filters: 8, kernel_size: 3, padding: 1, stride: 2}", "2 in conv1"),
        ("33x31x3", "CONV3-8p1s2x1", "conv: {filters: 8, kernel_size: 3, padding: 1, stride: 4x2}", "4x2 in conv1"),
        (
            "32x32x3",
            "CONV4-8s2p1",
            "conv: {filters: 8, kernel_size: 4, padding: 1, stride: 4, rounding: floor}",
            "4 in conv1 and `rounding: floor`",
        ),
        ("34x34x8", "POOL2", "pool: {kernel_size: 2, stride: 4}", "4 in pool1"),
        ("34x36x8", "AVGPOOL2x4s1x2", "avgpool: {kernel_size: 2x4, stride: 2x4}", "2x4 in avgpool1"),
    ],
)
def test_twice_the_stride_of_the_first_layer_that_has_one(size: str, before: str, after: str, text: str) -> None:
    made = one(yaml(size, before), "stride", budget=1, batch=3)
    assert made == Suggestion("stride", f"a stride of {text}", total(yaml(size, after), batch=3), False, 0)


@pytest.mark.parametrize(
    "spec",
    [
        "INPUT[8x8x3] -> FC-2",
        "INPUT[8x8x3] -> CONV3-8p1 -> CONV7-4 -> FC-2",  # behind it nothing is left
        "INPUT[2x2x3] -> CONV1-8s2147483647 -> FC-2",  # twice as much is no stride
    ],
)
def test_no_stride(spec: str) -> None:
    spec = f"rounding: floor\ninput: {spec[6 : spec.index(']')]}\nlayers: ['{spec.partition(' -> ')[2]}']\n"
    assert one(spec, "stride", budget=1) is None


def test_checkpoints_under_a_budget() -> None:
    """The figures are those of the step that is left; a byte less, and it does not fit."""
    spec = "INPUT[16x16x4] -> [CONV3-4p1 -> TANH]*30"
    made = one(spec, "checkpointing", batch=6, budget=1)
    assert made is not None
    assert (made.fits, made.max_batch) == (False, 0)
    assert made.total_bytes < total(spec, batch=6)
    enough = one(spec, "checkpointing", batch=6, budget=made.total_bytes)
    assert enough == made._replace(fits=True, max_batch=6)
    short = one(spec, "checkpointing", batch=6, budget=made.total_bytes - 1)
    assert short == made._replace(fits=False, max_batch=5)
    single = one(spec, "checkpointing", batch=1, budget=1)
    assert single is not None
    assert made.extra_macs == 6 * single.extra_macs
    for other in ({"purpose": "inference"}, {"convention": "cs231n"}):
        assert one(spec, "checkpointing", batch=6, budget=1, **other) is None
    assert one("INPUT[16x16x4] -> CONV3-4p1 -> TANH", "checkpointing", batch=6, budget=1) is None


def test_the_largest_batch_of_a_suggestion_is_of_its_purpose() -> None:
    spec = f"INPUT[32x32x3] -> {CHAIN}"
    for purpose in ("training", "inference"):
        budget = total(spec, batch=40, purpose=purpose)
        made = one(spec, "dtype", batch=50, budget=budget, purpose=purpose)
        assert made is not None
        dtype = made.text.removeprefix("dtype ")
        most = load(spec).plan(dtype=dtype, budget=budget, purpose=purpose).budget
        assert most is not None
        expected = most.max_batch.training if purpose == "training" else most.max_batch.inference
        assert made.max_batch == expected
        assert made.max_batch > 40
        assert made.fits
    made = one(spec, "dtype", dtype="float16", batch=40, budget=1 << 20, purpose="inference")
    int8 = load(spec).plan(dtype="int8", budget=1 << 20, purpose="inference").budget
    assert int8 is not None
    assert made is not None
    assert made.max_batch == int8.max_batch.inference
