"""The pages of terms: printed by `archcalc rule`, current in docs, and true of the program."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archcalc.architecture import load
from archcalc.checks.terms import TERMS
from archcalc.cli import cli
from archcalc.formats._prose import prose
from archcalc.layers import TYPES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {one.name: one.text for one in TERMS}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["rule", *arguments], standalone_mode=False)


def test_the_page_in_docs_is_current() -> None:
    message = "write it anew: python -m archcalc rule conventions --format markdown > docs/conventions.md"
    assert (DOCS / "conventions.md").read_text(encoding="utf-8") == run("conventions", "-f", "markdown").output, message


@pytest.mark.parametrize("one", TERMS, ids=lambda one: one.name)
def test_every_term_is_printed_in_every_format(one: object) -> None:
    name, title, page = one.name, one.title, one.text  # type: ignore[attr-defined]
    assert run(name.upper()).output.startswith(f"{name}: {title}\n\n  ")
    assert run(name, "-f", "markdown").output.replace("\\*", "*") == f"## {name}: {title}\n\n{page}\n"
    (record,) = json.loads(run(name, "-f", "json").output)["terms"]
    assert record == {"name": name, "title": title, "page": page}
    assert name in run("--help").output


def test_products_are_no_italics_and_code_is_as_it_stands() -> None:
    assert r"A convolution has F\*F\*C/g\*K weights" in run("parameters", "-f", "markdown").output
    assert "    size += (F - 1) jump " in run("receptive-field", "-f", "markdown").output
    assert prose("2*3 `4*5` 6*7\n    8*9\n*") == "2\\*3 `4*5` 6\\*7\n    8*9\n\\*"


@pytest.mark.parametrize(("word", "name"), [("MACs", "mac"), ("flops", "flop"), ("receptive_field", "receptive-field")])
def test_other_ways_to_write_a_term(word: str, name: str) -> None:
    assert run(word).output == run(name).output


def test_the_figures_on_the_pages_are_the_programs() -> None:
    """Darknet prints 0.150 BFLOPs for this layer of YOLOv2-tiny: 149,520,384."""
    totals = load("INPUT[416x416x3] -> CONV3-16p1").report.totals
    assert (totals.macs, totals.flops) == (74_760_192, 152_289_280)
    assert 2 * totals.macs == 149_520_384
    for figure in (totals.macs, 2 * totals.macs):
        assert f"{figure:,}" in PAGES["mac"]
    assert f"= {totals.flops:,} FLOPs" in PAGES["flop"]
    rows = load("zoo:resnet50").report.rows
    field = next(row for row in reversed(rows) if row.output.width == 7).receptive_field.width
    assert field is not None
    assert field.size == 427
    assert f"the {field.size} of torchvision's ResNet-50" in PAGES["receptive-field"].replace("\n", " ")


OPERATIONS = [("RELU", "an activation 1"), ("SOFTMAX", "softmax 3"), ("BN", "batch norm 2"), ("LRN5", "2n + 3")]
PER_VALUE = {"RELU": 1, "SOFTMAX": 3, "BN": 2, "LRN5": 13, "LAYER_NORM": 7, "LAYER_SCALE": 1, "FLATTEN": 0, "PAD1": 0}
PER_VALUE |= {"DROPOUT": 0, "POOL2": 4, "AVGPOOL3": 9, "UPSAMPLE2": 0, "SHUFFLE3": 0}


@pytest.mark.parametrize(("layer", "each"), PER_VALUE.items())
def test_operations_for_every_output_value_are_those_of_the_page(layer: str, each: int) -> None:
    report = load(f"INPUT[6x6x3] -> {layer}").report
    assert report.totals.flops == each * report.output.size


@pytest.mark.parametrize(("layer", "words"), OPERATIONS)
def test_the_page_says_so(layer: str, words: str) -> None:
    assert words in PAGES["flop"]


def test_the_layer_types_are_all_listed() -> None:
    text = run("layers").output
    assert re.findall(r"^  ([a-z]\w*): ", text, re.MULTILINE) == sorted(TYPES)
    assert "  conv: filters (K), kernel_size (F), stride (S), padding (P), dilation, groups, bias, rounding\n" in text
    for layer in TYPES.values():
        assert all(word in text for word in layer.aka)
