"""Reports folded by block and named repeat: the sums of the lines stay the totals."""

import re

import pytest
from conftest import Golden
from runner import CliRunner

import archcalc
from archcalc.analysis.fold import by_path
from archcalc.cli import cli
from archcalc.formats import Look
from archcalc.formats.report import _lines, markdown, table

BRANCHED = ["resnet50", "densenet121", "mobilenet_v2", "googlenet", "inception_v4", "unet", "vgg16"]


def test_neighbours_under_one_name() -> None:
    paths = [(), ("a",), ("a", "x"), ("a", "x"), ("b", "x"), (), ()]
    assert by_path(paths, lambda one: one, 1) == [
        ("", [()]),
        ("a", [("a",), ("a", "x"), ("a", "x")]),
        ("b", [("b", "x")]),
        ("", [()]),
        ("", [()]),
    ]
    assert [name for name, _ in by_path(paths, lambda one: one, 2)] == ["", "", "a.x", "b.x", "", ""]


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", BRANCHED)
def test_lines_add_up_to_the_totals(name: str, depth: int) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    lines = _lines.fold(_lines.sums(_lines.merge(report), depth))
    assert sum(line.params for line in lines) == report.totals.params
    assert sum(line.macs for line in lines) == report.totals.macs
    assert sum(line.memory for line in lines) == report.totals.activations


@pytest.mark.parametrize("depth", [1, 2])
def test_markdown_adds_up(depth: int) -> None:
    report = archcalc.load("zoo:resnet50").analyze()
    text = markdown.render(report, Look(depth=depth))
    rows = [line.split("|")[5:7] for line in text.split("\n") if line.startswith("| ") and "total" not in line][1:]
    params, macs = (sum(int(row[at].replace(",", "").strip() or 0) for row in rows) for at in (0, 1))
    assert (params, macs) == (report.totals.params, report.totals.macs)


def test_resnet50_in_a_few_lines(golden: Golden) -> None:
    golden(
        "report/resnet50.table.depth1.txt",
        table.render(archcalc.load("zoo:resnet50").analyze(), Look(width=100, depth=1)),
    )
    golden(
        "report/resnet50.table.depth2.txt",
        table.render(archcalc.load("zoo:resnet50").analyze(), Look(width=100, depth=2)),
    )


def test_the_option() -> None:
    result = CliRunner().invoke(cli, ["report", "zoo:resnet50", "--depth", "1"], standalone_mode=False)
    assert re.search(r"conv5 +32 layers +\[7x7x2048\]", result.output)
    assert "conv5.bottleneck1" not in result.output
    result = CliRunner().invoke(cli, ["report", "zoo:resnet50", "--depth", "1", "-f", "json"])
    assert result.exit_code == 2
    assert "--depth folds html, markdown, table, not json" in result.output
