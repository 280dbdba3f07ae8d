"""A spec that is another one with some keys replaced."""

from pathlib import Path

import pytest

import archcalc
from archcalc.architecture import examine
from archcalc.diagnostics import Diagnostic
from archcalc.formats.check.text import finding
from archcalc.formats.report.json import record
from archcalc.language.specfile import SpecText, read_spec

BASE = """\
name: base
year: 2015
input: 32x32x3
defaults:
  conv: {padding: 1, kernel_size: 3}
  pool: {kernel_size: 2}
vars: {width: 8, depth: 1}
blocks:
  stage: "[CONV-$width -> RELU]*depth -> POOL"
  unused: RELU
layers:
  - stage
  - FC-10
expect: {params: 20_714}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def checked(folder: Path, text: str) -> list[Diagnostic]:
    (folder / "variant.yaml").write_text(text)
    return archcalc.check(folder / "variant.yaml")


def test_variables_are_given_anew_one_by_one(folder: Path) -> None:
    assert checked(folder, "extends: base\nvars: {depth: 2}\n") == []
    spec = archcalc.load(folder / "variant.yaml")
    assert [node.layer.label for node in spec.graph.nodes[1:]] == [
        *["CONV3-8", "RELU"] * 2,
        "POOL2",
        "FC-10",
    ]
    assert spec.document is not None
    assert spec.document.variables == {"width": 8, "depth": 2}
    assert spec.name == ""  # the base's name, year and expectations are not this network's


def test_set_reaches_the_variables_of_the_base(folder: Path) -> None:
    (folder / "variant.yaml").write_text("extends: base\nvars: {depth: 2}\n")
    document = archcalc.load(folder / "variant.yaml", set={"width": 4}).document
    assert document is not None
    assert document.variables == {"width": 4, "depth": 2}


def test_layers_defaults_and_blocks_are_replaced(folder: Path) -> None:
    text = "extends: base\ndefaults: {pool: {kernel_size: 4}}\nblocks: {unused: TANH}\nlayers: [stage, unused, FC-3]\n"
    assert checked(folder, text) == []
    graph = archcalc.load(folder / "variant.yaml").graph
    assert [node.layer.label for node in graph.nodes[1:]] == ["CONV3-8", "RELU", "POOL4", "TANH", "FC-3"]


def test_a_pattern_replaces_the_layers(folder: Path) -> None:
    assert checked(folder, "extends: base\npattern: INPUT -> CONV-4 -> RELU -> FC-2\n") == []
    labels = [node.layer.label for node in archcalc.load(folder / "variant.yaml").graph.nodes[1:]]
    assert labels == ["CONV3-4", "RELU", "FC-2"]


def test_what_is_wrong_in_the_base_is_reported_at_extends(folder: Path) -> None:
    (found,) = checked(folder, "name: variant\nextends: base\ninput: 33x33x3\n")
    assert (found.code, found.span.line, found.span.column) == ("AC201", 2, 10)
    assert found.message == "base.yaml:9:42: stage1.pool1 does not fit: output width would be 16.5"
    shown = finding("variant.yaml", found, ("name: variant", "extends: base"))
    assert shown.startswith("variant.yaml:2:10: error[AC201]: base.yaml:9:42: stage1.pool1")


def test_layers_of_the_base_have_the_line_of_extends(folder: Path) -> None:
    (folder / "variant.yaml").write_text("\nextends: base\n")
    report = archcalc.load(folder / "variant.yaml").analyze()
    assert {layer["line"] for layer in record(report)["layers"][1:]} == {2}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "cannot extend `nothing`: there is no such file beside this one"),
        (
            "../base",
            "cannot extend `../base`: a spec beside this one is named without folder and ending, like resnet50",
        ),
        (
            "base.yaml",
            "cannot extend `base.yaml`: a spec beside this one is named without folder and ending, like resnet50",
        ),
        ("link", "cannot extend `link`: it is a link that leads out of the folder"),
        ("folder", "cannot extend `folder`: there is no such file beside this one"),
        ("again", "again extends another spec itself"),
        ("variant", "variant extends another spec itself"),
        ("list", "list.yaml is no spec"),
        ("latin", "cannot extend `latin`: byte 0xe9 is not UTF-8; save the spec as UTF-8"),
        ("[base]", "extends names one spec, not a list"),
    ],
)
def test_what_cannot_be_extended(folder: Path, name: str, message: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "folder.yaml").mkdir()
    (inside / "link.yaml").symlink_to(folder / "base.yaml")
    (inside / "again.yaml").write_text("extends: base\n")
    (inside / "list.yaml").write_text("[a]\n")
    (inside / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (found,) = checked(inside, f"extends: {name}\n")
    assert (found.code, found.message) == ("AC140", message)


def test_a_spec_that_is_no_file_has_nothing_beside_it() -> None:
    (found,) = examine(SpecText("<stdin>", "extends: base\n")).diagnostics
    assert (found.code, found.message) == (
        "AC140",
        "cannot extend `base`: there is nothing beside a spec that is not a file",
    )


def test_broken_yaml_in_the_base(folder: Path) -> None:
    (folder / "broken.yaml").write_text("name: x\nlayers: {\n")
    (found,) = checked(folder, "extends: broken\n")
    assert found.message.startswith("broken.yaml:2:10: ")
    assert (found.code, found.span.line) == ("AC010", 1)


def test_zoo_specs_extend_within_the_zoo() -> None:
    assert read_spec("zoo:resnet101").folder
    assert archcalc.load("zoo:resnet101").analyze().totals.params == 44_549_160
