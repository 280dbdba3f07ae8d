"""`archcalc zoo` lists every spec that ships, with figures that are the report's."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc.cli import cli
from archcalc.language import specfile
from archcalc.language.specfile import zoo_folder, zoo_names


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(cli, ["zoo", *arguments], standalone_mode=False)


def test_json_lists_the_folder_with_the_reports_figures() -> None:
    result = run("--format", "json")
    specs = json.loads(result.stdout)["specs"]
    assert result.return_value == 0
    assert [one["spec"] for one in specs] == [f"zoo:{name}" for name in zoo_names()]
    for one in specs:
        report = archcalc.load(one["spec"]).analyze()
        assert one["input"] == report.input._asdict()
        assert one["activation_bytes"] == 4 * sum(row.activations for row in report.rows)
        assert one["params"] == sum(row.cost.params for row in report.rows)
        assert one["macs"] == sum(row.cost.macs for row in report.rows)


def test_every_spec_says_where_it_comes_from() -> None:
    for one in json.loads(run("-f", "json").stdout)["specs"]:
        assert 1980 < one["year"] < 2030, one["spec"]
        assert one["source"].startswith("http"), one["spec"]
        assert one["name"], one["spec"]


def test_vgg16_in_the_table_at_80_columns() -> None:
    result = run(COLUMNS="80")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (vgg,) = (line.split() for line in lines if line.startswith("vgg16 "))
    assert vgg == ["vgg16", "224x224x3", "138.4M", "15.47G", "58.13", "MiB", "2014", "arXiv:1409.1556"]


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_one_line_a_spec_within_the_width(columns: str) -> None:
    lines = run(COLUMNS=columns).stdout.splitlines()
    if int(columns) >= 60:
        assert max(map(len, lines)) <= int(columns)
        for name in zoo_names():
            assert sum(line.split(" ")[0] == name for line in lines) == 1


def test_nothing_is_cut_or_coloured_off_a_terminal() -> None:
    text = run().stdout
    assert "https://arxiv.org/abs/1409.1556" in text
    assert "\x1b" not in text
    assert "\x1b[1m" in run(FORCE_COLOR="1").stdout


def other_zoo(folder: Path, monkeypatch: pytest.MonkeyPatch, **specs: str) -> None:
    for name, text in specs.items():
        (folder / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(specfile, "zoo_folder", lambda: str(folder))


def test_a_broken_spec_is_explained_and_the_rest_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(os.path.join(zoo_folder(), "vgg16.yaml"), tmp_path)
    other_zoo(tmp_path, monkeypatch, broken="layers: [fc: {units: 0}]\n")
    result = run("-f", "json")
    assert result.return_value == 1
    assert [one["spec"] for one in json.loads(result.stdout)["specs"]] == ["zoo:vgg16"]
    assert "zoo:broken:1:22: error[AC104]: fc: units: 0 is out of range: it must be at least 1" in result.stderr


def test_what_a_spec_does_not_say_is_null_and_markup_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_zoo(tmp_path, monkeypatch, a='name: "[red]x[/red] [/]"\ninput: 8x8x1\nlayers: [relu: {}]\n')
    record: dict[str, Any] = json.loads(run("-f", "json").stdout)["specs"][0]
    assert (record["year"], record["source"]) == (None, None)
    assert "[red]x[/red] [/]" in run().stdout
