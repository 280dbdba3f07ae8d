"""`sweep:` of a spec: the words of the options, under what the command line says; and its place in messages."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc.cli import cli

pytest.importorskip("numpy")

SPEC = """\
input: 16x16x3
vars: {width: 8, kernel: 3}
layers:
  - CONV($kernel)-($width)p($kernel//2) -> RELU -> GAP -> FC-10
sweep:
  vary:
    width: 8..32:8
    kernel: [1, 3, 5]
  where:
    - params <= 2_000
    - $kernel > 1
  best: macs:max
  top: 3
"""


def run(path: Path, text: str, *arguments: str) -> Result:
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(cli, ["sweep", str(path), "-f", "json", *arguments], standalone_mode=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.yaml"


def test_a_section_is_what_the_options_say(path: Path) -> None:
    found = json.loads(run(path, SPEC).stdout)
    assert (found["count"], found["where"], found["objectives"]) == (
        12,
        ["params <= 2_000", "$kernel > 1"],
        ["macs:max"],
    )
    options = [
        "--vary",
        "width=8..32:8",
        "--vary",
        "kernel=1,3,5",
        "--where",
        "params <= 2_000",
        "--where",
        "$kernel > 1",
    ]
    bare = SPEC.partition("sweep:")[0]
    told = json.loads(run(path, bare, *options, "--best", "macs:max", "--top", "3").stdout)
    assert told == found
    assert len(found["networks"]) == 3


def test_options_come_first(path: Path) -> None:
    found = json.loads(run(path, SPEC, "--vary", "width=8", "--pareto", "params,macs").stdout)
    assert (found["count"], found["objectives"]) == (3, ["params", "macs"])
    assert {one["variables"]["width"] for one in found["networks"]} == {8}


def test_python_takes_it_too(path: Path) -> None:
    path.write_text(SPEC, encoding="utf-8")
    assert archcalc.sweep(str(path)).count == 12
    assert archcalc.sweep(str(path), vary={"kernel": [3]}).count == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  best: macs:max", "  bets: macs:max", "13:3: error[AC102]: sweep has no key `bets`"),
        ("8..32:8", "8..", "7:12: error[AC830]: `8..` stands where a whole number is expected"),
        ("    width: 8", "    widht: 8", "7:12: error[AC830]: the spec has no variable widht (did you mean width?)"),
        ("$kernel > 1", "$kernel > ", "11:7: error[AC831]: the condition ends where a figure is expected"),
        ("macs:max", "maccs:max", "12:9: error[AC831]: `maccs` is no figure of a network"),
        ("top: 3", "top: 0", "13:8: error[AC104]: 0 is out of range: it must be at least 1"),
    ],
)
def test_what_is_wrong_with_it_stands_in_the_spec(path: Path, old: str, new: str, message: str) -> None:
    assert old in SPEC
    result = run(path, SPEC.replace(old, new))
    assert result.return_value == 1, result.output
    assert result.stderr.splitlines()[0].startswith(f"{path}:{message.replace('13:3', '12:3')}")


def test_check_knows_its_keys(path: Path) -> None:
    path.write_text(SPEC, encoding="utf-8")
    assert archcalc.check(str(path)) == []
    path.write_text(SPEC.replace("  where:", "  were:"), encoding="utf-8")
    (found,) = archcalc.check(str(path))
    assert (found.code, found.message, found.help) == ("AC102", "sweep has no key `were`", ("did you mean `where`?",))


def test_lists_of_lists_are_lists_of_the_general_pattern(path: Path) -> None:
    text = """\
input: 16x16x3
pattern: INPUT -> [[CONV -> RELU]*N -> POOL]*2 -> FC
vars: {N: [1, 1]}
with: {CONV: {filters: 8, kernel_size: 3, padding: 1}, POOL: {kernel_size: 2}, FC: {units: 10}}
sweep: {vary: {N: [[1, 1], [1, 2]]}}
"""
    found: dict[str, Any] = json.loads(run(path, text).stdout)
    assert [one["variables"] for one in found["networks"]] == [{"N": [1, 1]}, {"N": [1, 2]}]
