"""Repairs are offered where they belong, and only those that work."""

import pytest

from archcalc.architecture import Examination, examine
from archcalc.authoring.fix import apply
from archcalc.editing.hover import hover
from archcalc.editing.repairs import repairs
from archcalc.language.specfile import SpecText


def read(text: str) -> tuple[SpecText, Examination]:
    spec = SpecText("net.yaml", text)
    return spec, examine(spec)


def offered(text: str) -> dict[str, str]:
    """By its title what each repair of the first finding makes of a text."""
    spec, found = read(text)
    one = found.diagnostics[0]
    return {repair.title: apply(text, [one._replace(edits=repair.edits)]) for repair in repairs(spec, found, one)}


HEAD = "input: 32x32x3\nlayers:\n"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            HEAD + "  - conv: {filters: 8, kernel_size: 4, stride: 3}\n",
            {
                "padding: 1": HEAD + "  - conv: {filters: 8, padding: 1, kernel_size: 4, stride: 3}\n",
                "stride: 4": HEAD + "  - conv: {filters: 8, kernel_size: 4, stride: 4}\n",
                "rounding: floor": "rounding: floor\n" + HEAD + "  - conv: {filters: 8, kernel_size: 4, stride: 3}\n",
            },
        ),
        (
            HEAD + "  - conv:\n      filters: 8\n      kernel_size: 4  # wide\n      stride: 3\n",
            {
                "padding: 1": HEAD + "  - conv:\n      padding: 1\n      filters: 8\n      kernel_size: 4  # wide\n      stride: 3\n",
                "stride: 4": HEAD + "  - conv:\n      filters: 8\n      kernel_size: 4  # wide\n      stride: 4\n",
            },
        ),
        (HEAD + "  - rleu\n", {"write relu": HEAD + "  - relu\n"}),
        (HEAD + "  - relu\nroundng: floor\n", {"write rounding": HEAD + "  - relu\nrounding: floor\n"}),
        ("input: 224x224x3\nlayers: [CONV11-96s4]\n", {"input: 223x223x3": "input: 223x223x3\nlayers: [CONV11-96s4]\n"}),
        (HEAD + "  - conv: {filters: 8}\n", {}),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, titles: dict[str, str]) -> None:
    found = offered(text)
    assert titles.items() <= found.items(), found
    if not titles:
        assert found == {}


TEXTS = [
    HEAD + "  - CONV3-8p1 -> [CONV4-8s3 -> RELU]*1 -> FC-2\n",
    HEAD + "  - conv: {out_channels: 8, kernel_size: 3, stride: 2}\n  - POOL5s3\n  - Linear: {units: 2}\n",
    "{input: 33x33x3, layers: [CONV3-16d18, {pool: {kernel_size: 2, ceil_mode: true}}]}\n",
    HEAD + "  - repeat: 2\n    layers:\n      - conv: {filters: 8, kernel_size: 5, stride: 2}\n",
    "input: 32x32x3\npattern: INPUT -> [CONV -> POOL]*2 -> FC\nwith: {CONV: {filters: 4, kernel_size: 4}, POOL: {kernel_size: 2}, FC: {units: 2}}\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_repair_removes_its_finding(text: str) -> None:
    spec, found = read(text)
    tried = 0
    for one in found.diagnostics:
        if one.severity != "error":
            continue
        for repair in repairs(spec, found, one):
            tried += 1
            after = examine(SpecText("net.yaml", apply(text, [one._replace(edits=repair.edits)])))
            assert (one.code, one.message) not in {(two.code, two.message) for two in after.diagnostics}, repair
    assert tried


def test_hover_lists_the_passes_of_a_repeat() -> None:
    _, found = read("input: 32x32x3\nlayers: ['[CONV3-8p1 -> RELU]*9']\n")
    shown = hover(found, 2, 12)
    assert shown
    lines = shown.text.splitlines()
    assert lines[0] == "conv1: CONV3-8"
    assert lines[-6:-4] == ["conv2: CONV3-8 [32x32x8] -> [32x32x8]", "conv3: CONV3-8 [32x32x8] -> [32x32x8]"]
    assert lines[-1] == "and 3 more passes, to conv9"
    assert shown.span[:2] == (2, 12)


def test_hover_of_what_does_not_fit_says_so() -> None:
    _, found = read("input: 32x32x3\nlayers: [CONV4-8s3, RELU]\n")
    for column in (10, 21):
        shown = hover(found, 2, column)
        assert shown
        assert "no volume: it, or a layer before it, does not fit" in shown.text
