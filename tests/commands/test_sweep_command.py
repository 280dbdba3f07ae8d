"""`archcalc sweep`: what it prints, and what it says to what cannot be."""

import csv
import io
import json
import shlex
from pathlib import Path

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc.cli import cli

pytest.importorskip("numpy")

SPEC = """
input: 16x16x3
vars: {width: 8, half: 4, kernel: 3, n: 1}
layers:
  - "[CONV($kernel)-($width)p1 -> RELU]*$n -> CONV1-($half) -> GAP -> FC-10"
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", *arguments], standalone_mode=False)


def test_a_table(spec: str) -> None:
    result = run(
        spec,
        "--vary",
        "width=8..32:8",
        "--vary",
        "half=$width//2",
        "--where",
        "params <= 900",
        "--pareto",
        "params,macs:max",
    )
    assert result.return_value == 0
    assert result.stderr == "4 networks, 1 structure\n"
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["8", "4", "310", "63.53K"],
        ["16", "8", "674", "143.4K"],
        [],
    ]
    assert lines[5] == "4 networks, 2 fit; the front of params, macs:max: 2"
    assert lines[6] == "             2  do not satisfy `params <= 900`"
    assert lines[7].startswith("1 structure in ")
    assert lines[8] == f"the first: archcalc report {spec} --set half=4 --set width=8"


def test_json_and_csv_have_commands_that_report_the_same(spec: str) -> None:
    options = [
        spec,
        "--vary",
        "width=8,24",
        "--vary",
        "n=1..2",
        "--vary",
        "input=12,16",
        "--figures",
        "params,macs,flops",
    ]
    found = json.loads(run(*options, "-f", "json").stdout)
    assert (found["count"], found["computed"], found["fitting"], found["structures"]) == (8, 8, 8, 2)
    rows = list(csv.DictReader(io.StringIO(run(*options, "-f", "csv").stdout)))
    assert len(rows) == len(found["networks"]) == 8
    for row, one in zip(rows, found["networks"], strict=True):
        assert {name: int(row[name]) for name in ("width", "n", "input")} == one["variables"]
        words = shlex.split(one["command"])
        assert words[:3] == ["archcalc", "report", spec]
        report = CliRunner().invoke(cli, [*words[1:], "--format", "json"], standalone_mode=False)
        totals = json.loads(report.stdout)["totals"]
        assert {name: totals[name] for name in ("params", "macs", "flops")} == one["figures"]
        assert row["command"] == one["command"]


def test_lists_of_a_general_pattern_are_set_by_report() -> None:
    found = json.loads(run("zoo:vgg16_pattern", "--vary", "N=[1,1,1,1,1],[2,2,3,3,3]", "-f", "json").stdout)
    assert [one["command"] for one in found["networks"]] == [
        "archcalc report zoo:vgg16_pattern --set N=1,1,1,1,1",
        "archcalc report zoo:vgg16_pattern --set N=2,2,3,3,3",
    ]
    assert found["networks"][1]["figures"]["params"] == 138_357_544
    report = CliRunner().invoke(
        cli, ["report", "zoo:vgg16_pattern", "--set", "N=[1,1,1,1,1]", "-f", "json"], standalone_mode=False
    )
    assert json.loads(report.stdout)["totals"]["params"] == found["networks"][0]["figures"]["params"]
    assert archcalc.load("zoo:vgg16_pattern", set={"N": [1, 1, 1, 1, 1]}).report.totals.params == 127_553_640  # type: ignore[dict-item]


def test_what_does_not_fit_is_counted_by_code_and_layer() -> None:
    result = run("INPUT[8x8x3] -> CONV3-4 -> POOL2", "--vary", "input=1..6", "--best", "macs")
    example = "archcalc report 'INPUT[8x8x3] -> CONV3-4 -> POOL2' --input"
    assert result.stdout.splitlines()[5:12] == [
        "6 networks, 2 fit; the best by macs: 2",
        (
            "             2  do not fit, AC202 at conv1; one of them: "
            "conv1 does not fit: a window of width 3 is larger than its padded input of 1"
        ),
        f"                {example} 1x1x3",
        "             1  do not fit, AC201 at pool1; one of them: pool1 does not fit: output width would be 1.5",
        f"                {example} 5x5x3",
        (
            "             1  do not fit, AC202 at pool1; one of them: "
            "pool1 does not fit: a window of width 2 is larger than its padded input of 1"
        ),
        f"                {example} 3x3x3",
    ]


def test_nothing_that_satisfies_is_exit_code_1(spec: str) -> None:
    result = run(spec, "--vary", "width=8..32:8", "--where", "$width > 32")
    assert result.return_value == 1
    assert result.stdout.splitlines()[:2] == [
        "4 networks, 0 fit; the best by params: 0",
        "             4  are excluded by conditions on variables",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--vary", "width=8", "--vary", "kernel=3..1"],
            "--vary:2:8: error[AC830]: nothing is in a range from 3 up to 1\n  |\n2 | kernel=3..1\n  |        ^^^^\n",
        ),
        (
            ["--vary", "widht=8..16"],
            (
                "--vary:1:1: error[AC830]: the spec has no variable widht (did you mean width?)\n"
                "  |\n1 | widht=8..16\n  | ^^^^^\n"
            ),
        ),
        (
            ["--vary", "width=8", "--where", "parms <= 5M"],
            "--where:1:1: error[AC831]: `parms` is no figure of a network\n  |\n1 | parms <= 5M\n  | ^^^^^\n",
        ),
        (
            ["--vary", "width=8", "--pareto", "params:big"],
            "--pareto:1:7: error[AC831]: `:big` is neither :max nor :min\n",
        ),
        ([], "--vary:1:1: error[AC830]: nothing varies\n  help: say what does, like `--vary width=16..256:8`\n"),
    ],
)
def test_options_that_cannot_be_read(spec: str, arguments: list[str], message: str) -> None:
    result = run(spec, *arguments)
    assert result.return_value == 2
    assert result.stderr.startswith(message)


def test_a_spec_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("input: 8x8x3\nlayers: [CONF3-4]\n", encoding="utf-8")
    result = run(str(path), "--vary", "input=8..9")
    assert result.return_value == 1
    assert "error[AC105]" in result.stderr
    assert run("missing.yaml", "--vary", "input=8..9").return_value == 2
