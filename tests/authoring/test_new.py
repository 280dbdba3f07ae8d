"""`archcalc new`: starters that check clean, named safely, and never written over anything."""

from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from runner import CliRunner

import archcalc
from archcalc.authoring.starters import file_name, shapes, starter
from archcalc.cli import cli
from archcalc.language.program import read_document


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new", *arguments], standalone_mode=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_shapes() -> None:
    assert shapes() == ["linear", "residual", "small", "vgg"]


@pytest.mark.parametrize("shape", shapes())
def test_a_starter_checks_clean_and_explains_itself(here: Path, shape: str) -> None:
    result = run("mine", "--shape", shape)
    assert (result.return_value, result.stdout) == (0, "")
    assert result.stderr == "wrote mine.yaml; look at it with: archcalc report mine.yaml\n"
    assert archcalc.check("mine.yaml") == []
    architecture = archcalc.load("mine.yaml")
    assert architecture.name == "mine"
    assert architecture.analyze().output == (1, 1, 10)
    comments = [line for line in (here / "mine.yaml").read_text().splitlines() if "#" in line]
    assert len(comments) >= 4


@pytest.mark.parametrize(
    ("shape", "settings"), [("vgg", {"width": 32, "classes": 7}), ("residual", {"width": 8, "depth": 5})]
)
def test_a_starters_variables_can_be_set(shape: str, settings: dict[str, int]) -> None:
    document = read_document(starter(shape, "x"), set=settings)
    assert document.problems == ()


def test_the_residual_starter_is_as_deep_as_it_says() -> None:
    layers = [node.layer.type for node in read_document(starter("residual", "x"), set={"depth": 3}).graph.nodes]
    assert layers.count("add") == 3 * 3 + 2


def test_figures_of_the_linear_starter() -> None:
    totals = archcalc.load("INPUT[32x32x3] -> FC-10").analyze().totals
    assert totals.params == 32 * 32 * 3 * 10 + 10 == 30_730
    assert "params: 30_730\n" in starter("linear", "x")


def test_it_never_overwrites_unless_forced(here: Path) -> None:
    (here / "mine.yaml").write_text("precious")
    result = run("mine")
    assert (result.return_value, result.stderr) == (2, "archcalc: mine.yaml exists already\n")
    assert (here / "mine.yaml").read_text() == "precious"
    assert run("mine", "--force").return_value == 0
    assert archcalc.check("mine.yaml") == []


def test_to_a_file_and_to_standard_output(here: Path) -> None:
    assert run("My net", "-o", "other.yaml").return_value == 0
    assert archcalc.load("other.yaml").name == "My net"
    result = run("My net", "-o", "-")
    assert (result.stdout, result.stderr) == ((here / "other.yaml").read_text(), "")
    assert run("x", "-o", "no/such.yaml").return_value == 2


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mynet", "mynet.yaml"),
        ("mynet.yaml", "mynet.yaml"),
        ("My net: v2 #1", "My-net-v2-1.yaml"),
        ("../../etc/passwd", "etc-passwd.yaml"),
        ("/abs/olute", "abs-olute.yaml"),
        (".hidden", "hidden.yaml"),
        ("-o", "o.yaml"),
        ("Größe", "Größe.yaml"),
        ("..", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_the_file_stays_in_the_folder(name: str, file: str) -> None:
    assert file_name(name) == file


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=150)
def test_any_name_is_read_back_or_refused(name: str) -> None:
    document = read_document(starter("linear", name))
    if not document.problems:
        assert document.name == " ".join(name.split())
        assert len(document.graph.nodes) == 2
    assert "/" not in file_name(name)
    assert "\0" not in file_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\x1b[31m", "NAME cannot be used: the character U+001B, escaped, does not belong in a spec"),
        ("a\u202eb", "NAME cannot be used: the character U+202E does not belong in a spec"),
        ("x" * 501, "NAME cannot be used: name is a line of text"),
        ("...", "NAME gives no file name; say where to write with -o FILE"),
    ],
)
def test_names_that_cannot_be_used(here: Path, name: str, message: str) -> None:
    assert str(run(name).exception) == message
    assert list(here.iterdir()) == []
