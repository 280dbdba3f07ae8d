"""The Python API: its examples, its names and their types, and that its results are plain data."""

import ast
import copy
import doctest
import json
import pickle
import subprocess
import sys
import types
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any, assert_type

import pytest

import archcalc
from archcalc.analysis import notebook
from archcalc.architecture import examine
from archcalc.formats import Look
from archcalc.formats.report import json as json_format
from archcalc.graph import UNKNOWN
from archcalc.language.specfile import SpecText, read_spec, zoo_names

ZOO = zoo_names()


@pytest.mark.parametrize(
    "name",
    ["archcalc", "archcalc.analysis.analyze", "archcalc.architecture", "archcalc.variants.diff", "archcalc.testing"],
)
def test_the_examples(name: str) -> None:
    failed, attempted = doctest.testmod(import_module(name))
    assert attempted
    assert not failed


# -- names ---------------------------------------------------------------------------------------------


def test_every_name_is_there_and_typed() -> None:
    """What the type checker imports is what __all__ names and what __getattr__ finds."""
    tree = ast.parse(Path(archcalc.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archcalc.")
        for alias in node.names
        if alias.asname == alias.name  # a re-export
    }
    assert sorted([*typed, "__version__"]) == sorted(archcalc.__all__)
    for name, module in typed.items():
        assert getattr(archcalc, name) is getattr(import_module(module or ""), name)
    assert set(archcalc.__all__) <= set(dir(archcalc))
    with pytest.raises(AttributeError, match=r"^module 'archcalc' has no attribute 'loads'$"):
        archcalc.loads  # type: ignore[attr-defined] # noqa: B018


def test_what_the_type_checker_sees() -> None:
    net = archcalc.load("zoo:lenet5")
    report = net.analyze()
    assert_type(net, archcalc.Architecture)
    assert_type(report, archcalc.Report)
    assert_type(report.rows[0].output, archcalc.Volume)
    assert_type(report.rows[0].cost, archcalc.Cost)
    assert_type(report.rows[0].receptive_field, archcalc.ReceptiveField)
    assert_type(report.totals.params, int)
    assert_type(net.graph.nodes[0], archcalc.Node)
    assert_type(net.graph.nodes[0].layer, archcalc.Layer)
    assert_type(archcalc.check("zoo:lenet5"), list[archcalc.Diagnostic])
    assert_type(archcalc.compare(report, report), archcalc.Comparison)
    assert report.rows[1].node.name == "conv1"


def test_import_alone_imports_nothing_else() -> None:
    code = (
        "import sys, archcalc; print(*(name for name in sys.modules if name.startswith(('archcalc.', 'yaml', 'rich'))))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.split() == []


# -- plain data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_pickled_copied_compared(name: str) -> None:
    net = archcalc.load(f"zoo:{name}")
    report = net.analyze()
    for other in (
        pickle.loads(pickle.dumps(report)),
        copy.deepcopy(report),
        copy.copy(report),
        archcalc.load(f"zoo:{name}").analyze(),
    ):
        assert other is not report
        assert other == report
        assert other.totals == report.totals
        assert archcalc.compare(report, other).equal
    again = pickle.loads(pickle.dumps(net))
    assert again == net == copy.deepcopy(net)
    assert again.graph == net.graph
    assert again.analyze(convention="separate") == net.analyze(convention="separate") != report
    assert report != archcalc.load("zoo:lenet5" if name != "lenet5" else "zoo:vgg16").report
    assert report != name


def test_what_is_wrong_is_plain_data_too() -> None:
    found = examine(read_spec("INPUT[10x10x3] -> CONV3-4s2 -> CONV3"))
    again = pickle.loads(pickle.dumps(found))
    assert again == found == copy.deepcopy(found)
    assert again.diagnostics
    with pytest.raises(archcalc.SpecError) as error:
        archcalc.load("INPUT[10x10x3] -> CONV3-4s2")
    copied = pickle.loads(pickle.dumps(error.value))
    assert (copied.path, copied.diagnostics) == (error.value.path, error.value.diagnostics)


def test_a_layer_that_could_not_be_read_stays_the_one_it_is() -> None:
    """`analyze` knows it by identity."""
    graph = examine(SpecText("x", "input: 8x8x3\nlayers: [conv: {filters: no}, relu]\n")).document.graph
    assert graph.nodes[1].layer is UNKNOWN
    assert pickle.loads(pickle.dumps(graph)).nodes[1].layer is UNKNOWN
    assert copy.deepcopy(graph).nodes[1].layer is copy.copy(UNKNOWN) is UNKNOWN


def test_a_plan_is_plain_data() -> None:
    plan = archcalc.load("zoo:vgg16").plan(batch=2)
    assert pickle.loads(pickle.dumps(plan)) == copy.deepcopy(plan) == plan == archcalc.load("zoo:vgg16").plan(batch=2)
    assert plan != archcalc.load("zoo:vgg16").plan(batch=3)


def test_a_difference_in_any_field_is_one() -> None:
    report = archcalc.load("zoo:lenet5").analyze()
    row = report.rows[1]
    for other in (
        archcalc.Report(report.graph, report.rows[:-1], report.problems, report.convention),
        archcalc.Report(report.graph._replace(name="x"), report.rows, report.problems, report.convention),
        archcalc.Report(report.graph, report.rows, report.problems, "separate"),
        archcalc.Report(report.graph, (report.rows[0], row._replace(activations=1), *report.rows[2:])),
        archcalc.Report(report.graph, report.rows, tuple(archcalc.check("INPUT[10x10x3] -> CONV3-4s2"))),
    ):
        assert other != report
    assert archcalc.Report(report.graph, report.rows) == report


def test_representations_are_short() -> None:
    net = archcalc.load("zoo:vgg16")
    assert repr(net) == "<Architecture zoo:vgg16: VGG-16 (configuration D), 40 layers>"
    assert (
        repr(net.report)
        == "<Report VGG-16 (configuration D): [224x224x3] -> [1x1x1000], 40 layers, 138,357,544 params>"
    )
    wrong = examine(read_spec("INPUT[10x10x3] -> CONV3-4s2 -> RELU"))
    assert repr(wrong.report) == "<Report: incomplete, 1 of 3 layers>"
    assert repr(examine(SpecText("x", "3")).report) == "<Report: incomplete, 0 of 0 layers>"


# -- records and notebooks -----------------------------------------------------------------------------


def test_records_are_those_of_the_json() -> None:
    report = archcalc.load("zoo:resnet18").analyze()
    assert report.to_records() == json_format.record(report)["layers"]
    look = Look(batch=8, dtype="float16")
    assert report.to_records(batch=8, dtype="float16") == json_format.record(report, look)["layers"]
    assert json.loads(json.dumps(report.to_records())) == report.to_records()
    partial = examine(read_spec("INPUT[10x10x3] -> RELU -> CONV3-4s2")).report
    assert [one["name"] for one in partial.to_records()] == ["input", "relu1"]


def test_pandas_is_given_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    report = archcalc.load("zoo:lenet5").analyze()
    pandas: Any = types.ModuleType("pandas")
    pandas.json_normalize = lambda records: ("frame of", records)
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    assert report.to_pandas(batch=2) == ("frame of", report.to_records(batch=2))


def test_a_frame() -> None:
    pytest.importorskip("pandas")
    report = archcalc.load("zoo:lenet5").analyze()
    frame = report.to_pandas()
    assert frame["params"].sum() == report.totals.params
    assert list(frame["output.width"]) == [row.output.width for row in report.rows]
    assert frame["receptive_field.width.size"].iloc[1] == 5


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^to_pandas needs pandas \(.*\): pip install pandas$"):
        archcalc.load("zoo:lenet5").analyze().to_pandas()


class Page(HTMLParser):
    """Tags, the texts of cells, and the text of everything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_table() -> None:
    report = archcalc.load("zoo:vgg16").analyze()
    page = Page(report._repr_html_())
    assert [row[0] for row in page.rows] == ["layer", *(row.node.name for row in report.rows), "total"]
    assert page.rows[2] == ["conv1", "CONV3-64", "[224x224x64]", "12.25 MiB", "1,792", "86,704,128", "(3*3*3)*64 + 64"]
    assert page.rows[-1][4] == f"{report.totals.params:,}"
    assert "color" not in report._repr_html_()  # light and dark are the notebook's


def test_a_notebook_is_not_flooded() -> None:
    report = archcalc.load("INPUT[8x8x3] -> [RELU]*600").analyze()
    page = Page(report._repr_html_())
    assert len(page.rows) == notebook.MOST + 2
    assert "541 more lines are not shown; the totals are of all." in page.text


def test_names_are_text() -> None:
    name = "<script>alert('x')</script> & \"y\""
    report = examine(SpecText("x", f"name: {json.dumps(name)}\ninput: 8x8x3\nlayers: [relu]\n")).report
    page = Page(report._repr_html_())
    assert "script" not in page.tags
    assert name in page.text


def test_an_incomplete_report_says_so() -> None:
    report = examine(read_spec("INPUT[10x10x3] -> RELU -> CONV3-4s2")).report
    assert "incomplete: 2 of 3 layers" in Page(report._repr_html_()).text


def test_an_architecture_shows_its_report_in_a_notebook() -> None:
    net = archcalc.load("zoo:lenet5")
    assert net._repr_html_() == net.report._repr_html_()
