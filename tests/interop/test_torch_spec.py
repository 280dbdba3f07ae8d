"""torch:module:factory on the command line, and that nothing else runs anybody's code."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import archcalc
from archcalc.cli import cli

MINE = """
import pathlib
pathlib.Path("ran").touch()
print("hello from mine")
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 10))

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 1))

ready = net()
number = 3

def needs(width):
    return net()

def wrong():
    raise ValueError("no\\nluck")

def leaves():
    raise SystemExit(0)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module `mine`, whose import leaves the file `ran`."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("mine", None)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


@pytest.mark.torch
class TestReport:
    @pytest.fixture(autouse=True)
    def torch(self) -> None:
        pytest.importorskip("torch")

    @pytest.mark.parametrize("name", ["net", "ready", "Net"])
    def test_a_factory_a_class_and_a_module(self, folder: Path, name: str) -> None:
        result = run("report", f"torch:mine:{name}", "--input", "8x8x3", "--format", "json")
        assert result.return_value == 0
        assert '"name": "model.0"' in result.stdout
        assert "hello" not in result.stdout
        assert (folder / "ran").exists()

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("torch:mine", "torch:mine is not torch:package.module:factory"),
            ("torch:mine:nothing", "mine has no nothing"),
            ("torch:nowhere:net", "cannot import nowhere: ModuleNotFoundError: No module named 'nowhere'"),
            ("torch:mine:number", "number of mine is a int: neither a torch.nn.Module nor what makes one"),
            ("torch:mine:needs", "needs() fails: TypeError: needs() missing 1 required positional argument: 'width'"),
            ("torch:mine:wrong", "wrong() fails: ValueError: no luck"),
            ("torch:mine:leaves", "leaves() fails: SystemExit: 0"),
        ],
    )
    def test_what_cannot_be_had(self, folder: Path, spec: str, message: str) -> None:
        result = run("report", spec, "--input", "8x8x3")
        assert result.return_value == 2
        assert result.stdout == ""
        assert result.stderr.splitlines()[-1] == f"archcalc: {message}"

    def test_a_size_is_needed(self, folder: Path) -> None:
        result = run("report", "torch:mine:net")
        assert result.return_value == 2
        assert result.stderr == (
            "archcalc: torch:mine:net needs --input, the size it is to be run at, like --input 224x224x3\n"
        )
        assert not (folder / "ran").exists()

    def test_a_size_that_does_not_fit(self, folder: Path) -> None:
        result = run("report", "torch:mine:net", "--input", "9x8x3")
        assert result.return_value == 1
        assert "torch:mine:net: error[AC824]: the model fails in 3: RuntimeError: mat1 and mat2 shapes" in result.stderr

    def test_no_variables(self, folder: Path) -> None:
        result = run("report", "torch:mine:net", "--input", "8x8x3", "--set", "a=1")
        assert result.stderr == "archcalc: torch:mine:net: a PyTorch model has no variables to --set\n"

    def test_plan_and_diff(self, folder: Path) -> None:
        assert run("plan", "torch:mine:net", "--input", "8x8x3", "--batch", "4").return_value == 0
        same = "INPUT[8x8x3] -> CONV3-4p1 -> RELU -> FLATTEN -> FC-10"
        result = run("diff", same, "torch:mine:net", "--input", "8x8x3")
        assert "1x1x10" in result.stdout

    @pytest.mark.parametrize("names", [(), ("--names",)])
    def test_import_writes_a_spec_that_is_the_model(self, folder: Path, names: tuple[str, ...]) -> None:
        result = run("import", "torch:mine:net", "--input", "8x8x3", "-o", "net.yaml", *names)
        assert result.return_value == 0
        assert result.stderr.endswith("params\n")
        text = (folder / "net.yaml").read_text()
        assert text.startswith("# From torch:mine:net, by `archcalc import`.\n")
        assert "model.0" in text or not names
        matched = run("match", "--strict", "net.yaml", "torch:mine:net")
        assert matched.return_value == 0, matched.stdout

    def test_help_says_that_code_runs(self) -> None:
        for command in ("report", "plan", "diff", "match", "import"):
            assert "code" in run(command, "--help").stdout, command

    def test_as_a_process_the_current_folder_is_found(self, folder: Path) -> None:
        words = [sys.executable, "-m", "archcalc", "report", "torch:mine:net", "--input", "8x8x3", "-f", "metrics"]
        result = subprocess.run(words, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert '"params": 2682' in result.stdout  # (3*3*3)*4 + 4 + 256*10 + 10
        assert result.stderr == (
            "hello from mine\ntorch:mine:net: info[AC825]: it holds 2,682 parameters as float32 (10.48 KiB)\n"
        )


# -- what runs no code, with torch or without ------------------------------------------------------------

SPEC = "input: 8x8x3\nlayers: [CONV1-4]\n"


@pytest.mark.parametrize("words", [("check",), ("fix", "--diff"), ("convert", "--fc-to-conv")])
def test_other_commands_run_nothing(folder: Path, words: tuple[str, ...]) -> None:
    result = run(*words, "torch:mine:net")
    assert result.return_value != 0
    assert not (folder / "ran").exists()


def test_check_says_why(folder: Path) -> None:
    result = run("check", "torch:mine:net", "--input", "8x8x3")
    assert result.return_value == 2
    assert result.stderr == (
        "archcalc: torch:mine:net names code, and this command runs none; report, plan, diff, match and import do\n"
    )


@pytest.mark.parametrize("command", ["report", "plan", "check"])
def test_a_file_of_such_a_name_is_a_file(folder: Path, command: str) -> None:
    """As a hook names the files that changed: whoever names a file must not be able to run anything."""
    if os.name == "nt":
        pytest.skip("no such file names")
    (folder / "torch:mine:net").write_text(SPEC)
    assert run(command, "torch:mine:net").return_value == 0
    assert not (folder / "ran").exists()


def test_a_folder_of_specs_runs_nothing(folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs" / "torch:mine:net.yaml").write_text(SPEC)
    (folder / "specs" / "base.yaml").write_text("extends: torch:mine:net\ninput: 8x8x3\n")
    (folder / "specs" / "layers.yaml").write_text("input: 8x8x3\nlayers: ['torch:mine:net', torch: mine]\n")
    assert run("check", "specs").return_value == 1
    assert not (folder / "ran").exists()


def test_python_takes_modules_not_names(folder: Path) -> None:
    with pytest.raises(archcalc.SpecUnavailable):
        archcalc.load("torch:mine:net")
    assert not (folder / "ran").exists()


def test_collecting_tests_runs_nothing(folder: Path, pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", **{"torch:mine:net": SPEC, "b": "extends: torch:mine:net\n"})
    pytester.makepyfile(mine=MINE)
    pytester.runpytest_subprocess("--archcalc").assert_outcomes(passed=1, failed=1)
    assert not (pytester.path / "ran").exists()


def test_without_torch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run("report", "torch:mine:net", "--input", "8x8x3")
    assert result.return_value == 2
    assert result.stderr == "archcalc: torch:mine:net needs torch: pip install 'archcalc[torch]'\n"


def test_a_spec_does_not_import_torch() -> None:
    code = "import sys, archcalc; archcalc.load('zoo:lenet5').analyze(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
