"""[tool.archcalc] and baselines: what they hide, what they cannot, and where they are looked for."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from runner import CliRunner

from archcalc.cli import cli
from archcalc.diagnostics import Diagnostic, Span
from archcalc.project.baseline import BadBaseline, read_baseline
from archcalc.project.config import KEYS, BadConfiguration, Configuration, find_configuration

WARNED = "input: 8x8x3\nlayers: [relu]\nblocks:\n  spare: [relu]\n"
BAD = "input: 224x224x3\nlayers: [CONV11-96s4]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").touch()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "warned.yaml").write_text(WARNED)
    (tmp_path / "specs" / "bad.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", "--concise", "--quiet", *arguments], standalone_mode=False)


def configure(text: str, folder: Path = Path()) -> None:
    (folder / "pyproject.toml").write_text(text)


def warning(code: str, severity: Any = "warning") -> Diagnostic:
    return Diagnostic(code, "it", Span(1, 1, 1, 2), severity)


SHOWN = "specs/warned.yaml:4:3: warning[AC109]: the block `spare` is never used\n"


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        ("", SHOWN),
        ("[tool.other]\narchcalc = 1\n", SHOWN),
        ("[tool.archcalc]\n", SHOWN),
        ("[tool.archcalc]\nselect = ['AC109']\n", SHOWN),
        ("[tool.archcalc]\nselect = ['AC2']\n", ""),
        ("[tool.archcalc]\nselect = []\n", ""),
        ("[tool.archcalc]\nignore = ['AC109']\n", ""),
        ("[tool.archcalc]\nignore = ['AC10']\n", ""),
        ("[tool]\narchcalc = {ignore = ['AC']}\n", ""),
        ("[tool.archcalc]\nignore = ['AC201']\n", SHOWN),
        ("[tool.archcalc]\nselect = ['AC109']\nignore = ['AC1']\n", ""),
        ("[tool.archcalc.per-file-ignores]\n'specs/*' = ['AC109']\n", ""),
        ("[tool.archcalc.per-file-ignores]\n'warned.yaml' = ['AC1']\n", ""),
        ("[tool.archcalc.per-file-ignores]\n'*/warned.*' = ['AC109']\n", ""),
        ("[tool.archcalc.per-file-ignores]\n'other/*' = ['AC109']\n", SHOWN),
        ("[tool.archcalc.per-file-ignores]\n'specs/*' = ['AC2']\n", SHOWN),
    ],
)
def test_what_is_shown(folder: Path, table: str, shown: str) -> None:
    configure(table)
    result = check("specs/warned.yaml")
    assert (result.return_value, result.stdout) == (0, shown)


def test_errors_are_always_shown(folder: Path) -> None:
    configure("[tool.archcalc]\nselect = []\nignore = ['AC']\nper-file-ignores = {'*' = ['AC']}\n")
    assert check("specs/bad.yaml").return_value == 1
    assert Configuration((), ("AC",), (("*", ("AC",)),)).keeps("a.yaml", warning("AC201", "error"))


def test_paths_count_from_the_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure("[tool.archcalc.per-file-ignores]\n'specs/*' = ['AC109']\n")
    monkeypatch.chdir("specs")
    assert check("warned.yaml", "../specs/warned.yaml", str(folder / "specs/warned.yaml")).stdout == ""


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[tool.archcalc]\nselct = []\n", "[tool.archcalc] has no key 'selct'; it takes select, ignore, per-file-ignores"),
        ("[tool.archcalc]\nignore = 'AC6'\n", "[tool.archcalc]: ignore is a list of codes like AC607, or how they begin like AC6"),
        ("[tool.archcalc]\nignore = [6]\n", "[tool.archcalc]: ignore is a list of codes like AC607, or how they begin like AC6"),
        ("[tool.archcalc]\nignore = ['AC099']\n", "[tool.archcalc]: ignore: there is no rule 'AC099'; `archcalc rule` lists them"),
        ("[tool.archcalc]\nselect = ['all']\n", "[tool.archcalc]: select: there is no rule 'all'; `archcalc rule` lists them"),
        ("[tool.archcalc]\nper-file-ignores = []\n", "[tool.archcalc]: per-file-ignores is a table of patterns, each with a list of codes"),
        ("[tool.archcalc.per-file-ignores]\na = ['x']\n", "[tool.archcalc]: per-file-ignores: 'a': there is no rule 'x'; `archcalc rule` lists them"),
        ("[tool]\narchcalc = 3\n", "[tool.archcalc] is a table"),
        ("[tool.archcalc\n", " is not TOML: Expected ']' at the end of a table declaration (at line 1, column 15)"),
        ("archcalc = " + "[" * 100_000, " is not TOML: nested too deep"),
    ],
)  # fmt: skip
def test_bad_configuration_is_exit_2_and_a_line(folder: Path, table: str, message: str) -> None:
    configure(table)
    command = [sys.executable, "-m", "archcalc", "check", "specs/warned.yaml"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"archcalc: {folder}/pyproject.toml")
    assert result.stderr.endswith(f"{message}\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("data", [b"\xff archcalc", b"# archcalc" + b" " * (1 << 20)])
def test_bytes_that_are_no_configuration(folder: Path, data: bytes) -> None:
    Path("pyproject.toml").write_bytes(data)
    with pytest.raises(BadConfiguration, match=r"pyproject.toml is not TOML: "):
        find_configuration(str(folder))


@pytest.mark.parametrize(
    "key", ["rounding", "defaults", "max-memory", "max-nodes", "output-file", "baseline", "budget"]
)
def test_no_limit_path_or_meaning_can_be_configured(folder: Path, key: str) -> None:
    assert KEYS == ("select", "ignore", "per-file-ignores")
    configure(f"[tool.archcalc]\n{key} = 'floor'\n")
    with pytest.raises(BadConfiguration, match=f"has no key '{key}'"):
        find_configuration(str(folder))


def test_it_is_looked_for_upwards_as_far_as_the_repository(tmp_path: Path) -> None:
    deep = tmp_path / "repository" / "a" / "b"
    deep.mkdir(parents=True)
    configure("[tool.archcalc]\nignore = ['AC1']\n", tmp_path)
    assert find_configuration(str(deep)).ignore == ("AC1",)
    (tmp_path / "repository" / ".git").mkdir()
    assert find_configuration(str(deep)) == Configuration()
    configure("[tool.archcalc]\nignore = ['AC2']\n", tmp_path / "repository")
    assert find_configuration(str(deep)).ignore == ("AC2",)
    configure("[tool.other]\n", tmp_path / "repository" / "a")  # not ours: passed by
    assert find_configuration(str(deep)).ignore == ("AC2",)


def test_a_spec_does_not_bring_its_own(folder: Path) -> None:
    configure("[tool.archcalc]\nignore = ['AC109']\n", folder / "specs")
    assert check("specs/warned.yaml").stdout == SHOWN


def test_select_turns_on_what_is_off_by_default() -> None:
    assert Configuration().select is None
    assert "AC606" in Configuration(("AC6",))
    assert "AC606" not in Configuration(("AC1",))
    assert "AC606" not in Configuration(("AC6",), ("AC606",))


def test_toml_is_read_only_where_there_is_some(folder: Path) -> None:
    code = "import sys; from archcalc.project.config import find_configuration; find_configuration('.'); print('tomllib' in sys.modules)"

    def loads_toml() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loads_toml() == "False\n"
    configure("[project]\nname = 'x'\n")
    assert loads_toml() == "False\n"
    configure("[tool.archcalc]\n")
    assert loads_toml() == "True\n"


# -- baselines --------------------------------------------------------------------------------------


def test_a_baseline_hides_what_was_there(folder: Path) -> None:
    assert check("specs").return_value == 1
    written = check("specs", "--write-baseline", "known.json")
    assert (written.return_value, written.stdout) == (0, "")
    assert check("specs", "--baseline", "known.json").return_value == 0
    spec = Path("specs/bad.yaml")
    spec.write_text("# moved\n\n" + BAD)
    assert check("specs", "--baseline", "known.json").stdout == ""
    spec.write_text(BAD + "lyers: 1\n")
    result = check("specs", "--baseline", "known.json")
    assert (result.return_value, result.stdout.splitlines()[0]) == (
        1, "specs/bad.yaml:3:1: error[AC102]: a spec has no key `lyers`",
    )  # fmt: skip


def test_a_baseline_counts(folder: Path) -> None:
    """Two findings on lines with the same text: knowing one is not knowing both."""
    Path("a.yaml").write_text("input: 8x8x3\nlayers:\n- CONV3-8s4\n")
    check("a.yaml", "--write-baseline", "known.json")
    Path("a.yaml").write_text("input: 8x8x3\nlayers:\n- relu: {a: 1}\n- relu: {a: 1}\n")
    assert check("a.yaml", "--baseline", "known.json").stdout.count("AC102") == 2
    check("a.yaml", "--write-baseline", "known.json")
    Path("a.yaml").write_text("input: 8x8x3\nlayers:\n- relu: {a: 1}\n- relu: {a: 1}\n- relu: {a: 1}\n")
    assert check("a.yaml", "--baseline", "known.json").stdout.count("AC102") == 1


def test_a_baseline_is_for_readers_too(folder: Path) -> None:
    check("specs", "--write-baseline", "known.json")
    lines = Path("known.json").read_text().splitlines()
    assert [json.loads(line.rstrip(","))["path"] for line in lines[1:-1]] == ["specs/bad.yaml", "specs/warned.yaml"]
    assert '"message": "conv1 does not fit: output width would be 54.25"' in lines[1]


def test_a_spec_with_known_errors_is_not_called_ok(folder: Path) -> None:
    check("specs", "--write-baseline", "known.json")
    shown = CliRunner().invoke(cli, ["check", "specs/bad.yaml", "--baseline", "known.json"], standalone_mode=False)
    assert shown.stdout == ""


HIDDEN = "archcalc: 2 findings hidden by known.json\n"
STALE = "archcalc: known.json is stale: 1 entry no longer found; write it again with --write-baseline\n"


def whole(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *arguments], standalone_mode=False)


def test_a_run_says_what_a_baseline_hides(folder: Path) -> None:
    check("specs", "--write-baseline", "known.json")
    result = whole("specs", "--baseline", "known.json")
    assert (result.stdout, result.stderr) == (
        "specs/warned.yaml: ok [8x8x3] -> [8x8x3], 0 params, 0 MACs, 192 activations\n2 specs: nothing new, 2 known\n",
        HIDDEN,
    )
    document = json.loads(whole("specs", "--baseline", "known.json", "--format", "json").stdout)
    assert [one["known"] for one in document["specs"]] == [1, 1]
    assert check("specs", "--baseline", "known.json").stderr == ""  # --quiet
    assert "known" not in json.loads(whole("specs/bad.yaml", "--format", "json").stdout)["specs"][0]


def test_a_run_says_that_a_baseline_is_stale(folder: Path) -> None:
    check("specs", "--write-baseline", "known.json")
    assert check("specs/warned.yaml", "--baseline", "known.json").stderr == ""  # the other one was not looked at
    Path("specs/bad.yaml").write_text("input: 227x227x3\nlayers: [CONV11-96s4]\n")
    assert check("specs", "--baseline", "known.json").stderr == STALE
    Path("specs/bad.yaml").unlink()
    result = check("specs/warned.yaml", "--baseline", "known.json")
    assert (result.return_value, result.stderr) == (0, STALE)  # it is gone


def test_a_folder_without_specs_is_no_green_gate(folder: Path) -> None:
    (folder / "empty" / "deep").mkdir(parents=True)
    (folder / "empty" / "a.json").touch()
    result = CliRunner().invoke(cli, ["check", "empty"])
    assert result.exit_code == 2
    assert result.stderr.endswith("Error: the folder empty holds no .yaml and no .yml file\n")


def test_what_extends_a_spec_is_checked_with_it(folder: Path) -> None:
    """A changed base is what a hook sees; what it breaks are the specs that extend it."""
    (folder / "specs" / "base.yaml").write_text("input: 8x8x3\nlayers: [CONV3-4p1 -> RELU -> POOL2 -> FC-10]\n")
    (folder / "specs" / "more.yaml").write_text("name: more\nextends: 'base'  # wider\ninput: 9x9x3\n")
    (folder / "specs" / "last.yml").write_text("extends: base\ninput: 16x16x3\n")
    (folder / "specs" / "other.yaml").write_text("extends: based\n")
    (folder / "base.yaml").write_text("input: 8x8x3\nlayers: [relu]\n")
    lines = check("specs/base.yaml", "--extending").stdout.splitlines()
    assert lines[:-1] == [
        "specs/more.yaml:2:10: error[AC201]: base.yaml:2:35: pool1 does not fit: output width would be 4.5"
    ]
    assert check("specs/base.yaml").stdout == ""
    assert lines[-1] == "3 specs: 1 with errors (1)"
    assert check("base.yaml", "--extending").stdout == ""
    assert whole("specs/base.yaml", "specs/more.yaml", "--extending").stdout.count("more.yaml") == 1


def test_no_baseline_of_a_run_that_could_not_read_everything(folder: Path) -> None:
    assert check("specs", "missing.yaml", "--write-baseline", "known.json").return_value == 2
    assert not Path("known.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "known.json is no baseline: it is not JSON"),
        ("[" * 100_000, "known.json is no baseline: it is not JSON"),
        ("\xff", "known.json is no baseline: it is not JSON"),
        ("[]", "known.json is no baseline of this archcalc; write it with --write-baseline"),
        ('{"schema_version": 2}', "known.json is no baseline of this archcalc; write it with --write-baseline"),
        ('{"schema_version": 1}', "known.json is no baseline: its findings have no fingerprints"),
        ('{"schema_version": 1, "findings": [{}]}', "known.json is no baseline: its findings have no fingerprints"),
    ],
)
def test_bad_baselines(folder: Path, text: str, message: str) -> None:
    Path("known.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadBaseline) as raised:
        read_baseline("known.json")
    assert str(raised.value) == message
    result = CliRunner().invoke(cli, ["check", "specs", "--baseline", "known.json"], standalone_mode=False)
    assert isinstance(result.exception, BadBaseline)


def test_a_baseline_that_is_not_there(folder: Path) -> None:
    with pytest.raises(BadBaseline, match=r"^cannot read missing.json: No such file or directory$"):
        read_baseline("missing.json")


def test_a_baseline_that_cannot_be_written(folder: Path) -> None:
    result = check("specs", "--write-baseline", "no/folder/known.json")
    assert result.return_value == 2
    assert result.stderr == "archcalc: cannot write no/folder/known.json: there is no folder no/folder\n"


def test_baselines_exclude_each_other(folder: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "specs", "--baseline", "a", "--write-baseline", "b"])
    assert result.exit_code == 2
    assert "--baseline and --write-baseline exclude each other" in result.stderr
