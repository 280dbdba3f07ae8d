"""Files of a sweep: a plot whose points are the networks, the best one's spec, a table for other tools."""

import io
from pathlib import Path

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc.cli import cli

pytest.importorskip("numpy")
etree, html = pytest.importorskip("lxml.etree"), pytest.importorskip("lxml.html")

SPEC = """\
name: a <b>small</b> net
input: 16x16x3
vars: {width: 8, kernel: 3}
layers:
  - CONV($kernel)-($width)p($kernel//2) -> RELU -> GAP -> FC-10
"""
VARY = ("--vary", "width=8..64:8", "--vary", "kernel=1,3,5", "--pareto", "params,macs:max")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "a <b> net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def run(spec: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", spec, *VARY, *arguments], standalone_mode=False)


def test_a_picture_has_a_point_for_every_network_and_the_front_with_its_commands(spec: str) -> None:
    root = etree.fromstring(run(spec, "-f", "svg").stdout.encode())
    names = {"s": "http://www.w3.org/2000/svg"}
    rest, kept = (root.findall(f".//s:circle[@class='{one}']", names) for one in ("rest", "kept"))
    front = archcalc.sweep(spec, vary={"width": "8..64:8", "kernel": "1,3,5"}, pareto="params,macs:max").result()
    assert (len(rest), len(kept)) == (24, len(front.to_records()))
    assert root.find(".//s:path[@class='line']", names) is not None
    titles = [one.findtext("s:title", namespaces=names) for one in kept]
    assert [str(one).splitlines()[1] for one in titles] == [one["command"] for one in front.to_records()]
    across = [float(one.get("cx", "")) for one in kept]
    assert across == sorted(across)


def test_a_page_shows_what_the_table_does_and_escapes_what_a_user_wrote(spec: str) -> None:
    page = run(spec, "-f", "html").stdout
    assert "<b>" not in page
    root = html.fromstring(page)
    assert len(root.findall(".//tbody/tr")) == len(root.findall(".//circle[@class='kept']"))
    assert root.findtext(".//h1") == f"sweep of {spec}"
    (first,) = root.xpath("(//tbody/tr)[1]/td[last()]/code")
    assert first.text.startswith("archcalc report ")


def test_the_best_is_written_as_a_spec_that_has_its_figures(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    result = run(spec, "-o", str(path))
    assert (result.return_value, result.stdout) == (0, "")
    net = archcalc.load(str(path))
    first = archcalc.sweep(spec, vary={"width": "8..64:8", "kernel": "1,3,5"}, pareto="params,macs:max").result()
    assert net.report.totals.params == first.figures(0)["params"] == 122
    assert path.read_text().startswith("# Chosen by `archcalc sweep`: params 122, macs 6,224.\n# archcalc report ")


def test_nothing_that_fits_is_no_spec(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    result = run(spec, "--where", "params < 2", "-o", str(path))
    assert str(result.exception) == "no network satisfies the conditions, so there is no spec to write"
    assert not path.exists()
    assert "nothing fits" in run(spec, "--where", "params < 2", "-f", "svg").stdout


def test_parquet_is_a_file(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "found.parquet"
    result = CliRunner().invoke(cli, ["sweep", spec, *VARY, "-f", "parquet"])
    assert "parquet is no text for a terminal; name a file with --output" in result.stderr
    parquet = pytest.importorskip("pyarrow.parquet")
    run(spec, "-o", str(path))
    table = parquet.read_table(io.BytesIO(path.read_bytes())).to_pydict()
    front = archcalc.sweep(spec, vary={"width": "8..64:8", "kernel": "1,3,5"}, pareto="params,macs:max").result()
    assert table["params"] == [one["figures"]["params"] for one in front.to_records()]
    assert table["command"] == [one["command"] for one in front.to_records()]
