"""Words that two things are called, and numbers that a layer states of its own input."""

import pytest

from archcalc.architecture import examine
from archcalc.diagnostics import Diagnostic
from archcalc.language.specfile import SpecText


def found(layers: str, input: str = "32x32x3") -> tuple[Diagnostic, ...]:
    return examine(SpecText("s", f"input: {input}\nlayers:\n{layers}")).diagnostics


HEAD = "- CONV3-16p1 -> RELU -> POOL2\n- CONV3-64p1 -> RELU\n"
NAMED = [
    (HEAD + "- concat: [pool1, []]\n", ["pool1"]),
    ("- AVGPOOL2 -> CONV1-3\n- add: [avgpool1, []]\n", ["avgpool1"]),
    ("- LRN\n- LRN\n- concat: [lrn1, lrn2]\n", ["lrn1", "lrn2"]),
    ("- conv: {name: pool1, filters: 3, kernel_size: 1}\n- concat: [pool1, []]\n", ["pool1"]),
]


@pytest.mark.parametrize(("layers", "names"), NAMED)
def test_a_branch_that_is_a_pattern_and_a_name_says_both_ways(layers: str, names: list[str]) -> None:
    """B1: `pool1` was read as a 1x1 pool of the branch's own, 128 channels instead of 80."""
    problems = found(layers)
    assert [(one.code, one.message, one.help) for one in problems] == [
        (
            "AC106",
            f"`{name}` is a pattern here, and a layer has this name",
            (f"write `inputs: [{name}]` for the layer, or `{name.upper()}` for the pattern",),
        )
        for name in names
    ]


def test_both_ways_work() -> None:
    by_name = examine(SpecText("s", f"input: 32x32x3\nlayers:\n{HEAD}- concat: {{inputs: [pool1], branches: [[]]}}\n"))
    assert by_name.ok
    assert by_name.report.output.channels == 80
    pattern = examine(SpecText("s", f"input: 32x32x3\nlayers:\n{HEAD}- concat: [POOL1, []]\n"))
    assert pattern.ok
    assert pattern.report.output.channels == 128


def test_a_pattern_in_small_letters_is_fine_where_no_layer_is_called_so() -> None:
    assert found("- CONV3-16p1\n- concat: [pool3s1p1, pool1, relu, []]\n") == ()


STATED = [
    (
        "fc: {units: 10, in_features: 4096}",
        "28x28x4096",
        "3,211,264 values come in, 28*28*4096, not 4,096: PyTorch would fail here; leave it out",
    ),
    ("fc: {units: 10, in_features: 4096}", "2x2x1024", "leave it out: 4,096 values come in, 2*2*1024, as it says"),
    (
        "conv: {filters: 8, kernel_size: 1, in_channels: 4}",
        "8x8x3",
        "3 channels come in, not 4: PyTorch would fail here; leave it out",
    ),
    ("conv: {filters: 8, kernel_size: 1, in_channels: 3}", "8x8x3", "leave it out: 3 channels come in, as it says"),
]


@pytest.mark.parametrize(("layer", "input", "help"), STATED)
def test_what_a_layer_says_of_its_input_is_compared_with_what_comes_in(layer: str, input: str, help: str) -> None:
    (one,) = found(f"- {layer}\n", input)
    assert (one.code, one.help) == ("AC102", (help,))
