"""The reference of layer types: `archcalc layers`, and docs/layers.md, which is made of it."""

import inspect
import json
import re
from pathlib import Path

import pytest
from runner import CliRunner

import archcalc
from archcalc.authoring.reference import entries, entry
from archcalc.cli import cli
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"


def layers(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["layers", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    text = layers("--format", "markdown")
    if request.config.getoption("--update-goldens"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "pytest --update-goldens writes it anew"


def test_every_type_and_key_is_described() -> None:
    for layer in TYPES.values():
        assert inspect.getdoc(layer) not in (None, inspect.getdoc(Layer))
        assert all(one.help for one in layer.keys.values()), layer.type


@pytest.mark.parametrize("type", sorted(TYPES))
def test_every_type_has_an_example_with_figures(type: str) -> None:
    one = entry(type)
    said = {word for word, _ in one.facts}
    assert "gives" in said
    assert ("reads" in said) == (type != "input")
    assert [key.name for key in one.keys] == [*TYPES[type].keys]
    text = layers(type)
    assert text.startswith(f"{type}: {one.title}\n")
    assert all(f"  {line}" in text for line in one.example.rstrip("\n").split("\n"))
    section = layers(type, "--format", "markdown")
    assert section.startswith(f"## {type}\n\n{one.title}".replace("*", "\\*"))
    assert section in PAGE.read_text(encoding="utf-8")
    if issubclass(TYPES[type], Merge):
        assert one.joins
        assert len(one.picture) >= 2


# What is seen of the input along its width, by hand from (W - F + 2P)/S + 1 and the window's places.
PICTURES = {
    "pool": ["0 1 2 3 4 5 6 7 8", "# # #", "    # # #", "        # # #", "            # # #"],
    "adaptive_pool": ["0 1 2 3 4 5 6 7 8 9 0 1 2", "# # # # #", "        # # # # #", "                # # # # #"],
    "crop": ["0 1 2 3 4 5 6 7", "    #", "      #", "        #", "          #"],
    "gap": ["0 1 2 3 4 5 6", "# # # # # # #"],
    "pixel_unshuffle": ["0 1 2 3 4 5 6 7", "# #", "    # #", "        # #", "            # #"],
}


@pytest.mark.parametrize("type", PICTURES)
def test_pictures_show_what_is_seen(type: str) -> None:
    assert [line[10:] for line in entry(type).picture] == PICTURES[type]


def test_the_padding_is_dotted_and_a_row_stops_at_six() -> None:
    assert entry("conv").picture[0] == "input     . 0 1 2 3 4 5 6 7 8 9 0 ."
    assert len(entry("upsample").picture) == 8
    assert entry("upsample").picture[-1] == "and 2 more"
    assert entry("bn").picture == ()  # sees its own pixel only


def test_functions_are_drawn() -> None:
    """ReLU is 0 up to x = 0, then x: the marks are at these places, by hand."""
    lines = entry("relu").picture
    assert lines[0] == " 3.0             |          **"  # x = 2.75 and 3, which are 3.0 in halves
    assert lines[6] == " 0.0 *************------------"
    assert len(lines) == 8
    assert lines[-1] == "   x -3          0           3"
    sigmoid = entry("sigmoid").picture
    assert [line[:4] for line in sigmoid] == [" 1.0", " 0.5", " 0.0", "   x"]
    drawn = {type for type in TYPES if entry(type).picture and entry(type).picture[-1].startswith("   x")}
    assert {
        "elu",
        "gelu",
        "hardswish",
        "leaky_relu",
        "mish",
        "relu6",
        "silu",
        "softplus",
        "tanh",
        "abs",
        "clamp",
    } <= drawn
    assert not drawn & {"softmax", "bn", "dropout", "lrn", "add"}


def test_a_convolution_is_explained_with_its_numbers() -> None:
    text = layers("conv")
    for line in (
        "  width          (W - F + 2P)/S + 1 = (11 - 3 + 2*1)/2 + 1 = 6; height likewise\n",
        "  parameters     (3*3*3)*8 + 8 = 224\n",
        "  MACs           6*6*8 outputs * 27 = 7,776\n",
    ):
        assert line in text
    row = archcalc.load("INPUT[11x11x3] -> CONV3-8s2p1").analyze().rows[-1]
    assert (row.output, row.cost.params, row.cost.macs) == ((6, 6, 8), 3 * 3 * 3 * 8 + 8, 6 * 6 * 8 * 27)


def test_the_list_has_a_line_for_each_type() -> None:
    lines = layers().splitlines()
    assert [line.split()[0] for line in lines] == sorted(TYPES)
    narrow = CliRunner(env={"COLUMNS": "60"}).invoke(cli, ["layers"]).stdout.splitlines()
    assert max(map(len, narrow)) <= 60


def test_another_tools_name_is_understood() -> None:
    assert layers("Conv2d") == layers("conv")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("cnov", "there is no layer type 'cnov'; did you mean conv?"),
        ("x", "there is no layer type 'x'; `archcalc layers` lists them"),
    ],
)
def test_a_type_that_is_not_there(word: str, answer: str) -> None:
    result = CliRunner().invoke(cli, ["layers", word])
    assert result.exit_code == 2
    assert answer in result.stderr


def test_json_has_the_same() -> None:
    listed = json.loads(layers("--format", "json"))
    assert listed["schema_version"] == 1
    assert [one["type"] for one in listed["layers"]] == [one.type for one in entries()]
    one = json.loads(layers("conv", "-f", "json"))
    assert one["keys"][1] == {
        "name": "kernel_size",
        "help": "extent of the window",
        "takes": "a whole number from 1, or a pair like 7x1 (width x height)",
        "sign": "",
        "default": "",
        "required": True,
        "elsewhere": ["kernel", "size", "filter_size", "F", "ksize", "kernel_shape"],
    }


def test_no_section_is_missing_from_the_index() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| \[`(\w+)`\]\(#\1\)", text, re.MULTILINE) == sorted(TYPES)
