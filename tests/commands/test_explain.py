"""`archcalc explain`: every figure with its arithmetic, for layers that fit and for those that do not."""

import json

import pytest
from click.testing import CliRunner, Result

import archcalc
from archcalc.analysis.explanation import facts
from archcalc.cli import cli
from archcalc.language.specfile import zoo_names


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *arguments], standalone_mode=False)


def test_alexnets_first_layer_as_the_course_notes_have_it() -> None:
    assert (
        run("zoo:alexnet", "conv1").stdout
        == """\
conv1: CONV11-96s4, zoo:alexnet:9
  reads       input [227x227x3]
  gives       [55x55x96]
  width       (W - F + 2P)/S + 1 = (227 - 11 + 2*0)/4 + 1 = 55; height likewise
  parameters  (11*11*3)*96 + 96 = 34,944 (0.1% of the network's)
  MACs        55*55*96 outputs * 363 = 105,415,200 (14.6% of the network's)
  FLOPs       211,120,800
  memory      55*55*96 = 290,400 values, 1.11 MiB
  keeps       its input, 603.9 KiB
  sees        11x11 pixels of the image, 4 apart, the first centred at 5.5
  read by     relu1
"""
    )


@pytest.mark.parametrize(
    ("spec", "layer", "word", "text"),
    [
        ("INPUT[224x224x3] -> CONV7-64s2p3", "conv1", "width", ""),
        ("INPUT[5x5x3] -> CONV3-2s3p1", "conv1", "width", ""),
        (
            "INPUT[13x13x3] -> CONV3-4s5psame",
            "conv1",
            "width",
            "ceil(W/S) = ceil(13/5) = 3, padded 0 before and 0 after",
        ),
        ("INPUT[8x6x3] -> CONV3x1-4", "conv1", "height", "(W - F + 2P)/S + 1 = (6 - 1 + 2*0)/1 + 1 = 6"),
        (
            "INPUT[9x9x3] -> CONV3-4d2",
            "conv1",
            "width",
            "(W - F + 2P)/S + 1 = (9 - 5 + 2*0)/1 + 1 = 5; F = 2*(3 - 1) + 1 dilated; height likewise",
        ),
        ("INPUT[8x8x3] -> RELU", "relu1", "memory", "none of its own: it overwrites its input"),
        ("INPUT[8x8x3] -> POOL2", "pool1", "keeps", "its input, 768 B, 48 indices of 8 bytes"),
        ("INPUT[8x8x3] -> BN -> RELU", "bn1", "buffers", "6 values kept, not trained"),
        ("INPUT[4x4x3] -> DECONV3-5s2", "deconv1", "MACs", "4*4*3 inputs * 45 = 2,160 (100% of the network's)"),
    ],
)
def test_a_fact(spec: str, layer: str, word: str, text: str) -> None:
    if not text:  # these do not fit exactly, and say so
        result = run(spec, layer)
        assert result.return_value == 1
        assert f"archcalc: {layer} has no volume" in result.stderr
        assert "error[AC201]" in result.stderr
        return
    report = archcalc.load(spec).report
    row = next(row for row in report.rows if row.node.name == layer)
    assert dict(facts(report, row))[word].startswith(text)


def test_rounding_says_what_is_never_read() -> None:
    report = archcalc.load("zoo:alexnet_torchvision").report
    row = next(row for row in report.rows if row.node.name == "conv1")
    assert dict(facts(report, row))["width"] == (
        "(W - F + 2P)/S + 1 = (224 - 11 + 2*2)/4 + 1 = 217/4 + 1, rounded down = 55; height likewise"
    )


def test_a_layer_that_is_not_there() -> None:
    result = run("zoo:alexnet", "conv11")
    assert result.return_value == 2
    assert result.stderr == "archcalc: zoo:alexnet has no layer conv11; did you mean conv1?\n"


def test_as_json() -> None:
    record = json.loads(run("zoo:alexnet", "conv1", "--format", "json").stdout)
    assert record["MACs"] == "55*55*96 outputs * 363 = 105,415,200 (14.6% of the network's)"


@pytest.mark.parametrize("name", [one for one in zoo_names() if not one.startswith("inception")])
def test_every_layer_of_the_zoo_can_be_explained(name: str) -> None:
    report = archcalc.load(f"zoo:{name}").report
    for row in report.rows:
        said = dict(facts(report, row))
        assert said["gives"] == str(row.output)
        assert bool(row.cost.macs) == ("MACs" in said)
        if "MACs" in said:
            product, _, result = said["MACs"].partition(" = ")
            assert result.startswith(f"{row.cost.macs:,} ")
            left, _, right = product.partition(" * ")
            numbers = [int(one) for one in left.split()[0].split("*")]
            assert eval("*".join(map(str, numbers))) * int(right.replace(",", "")) == row.cost.macs
