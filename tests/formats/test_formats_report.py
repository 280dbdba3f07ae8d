"""The outputs of `archcalc report`: goldens, and columns that add up."""

import csv
import io
import json
import re

import pytest
from conftest import Golden
from hypothesis import given
from hypothesis import strategies as st
from networks import Group, Network, dump, layers, pattern, read, written_out

import archcalc
from archcalc import formats
from archcalc.analysis.analyze import Convention, Report
from archcalc.formats import Look
from archcalc.formats.report import _lines, cs231n, markdown, metrics, table
from archcalc.formats.report import csv as csv_format
from archcalc.formats.report import json as json_format

LOOKS = [
    ("table", "60", Look(width=60)),
    ("table", "80", Look(width=80)),
    ("table", "120", Look(width=120)),
    ("table", "200", Look(width=200)),
    ("table", "piped", Look(width=None)),
    ("table", "ascii", Look(width=100, unicode=False)),
    ("table", "nchw", Look(width=100, layout="NCHW", batch=32, dtype="float16")),
    ("cs231n", "", Look()),
    ("cs231n", "batch", Look(batch=32, dtype="float16")),
    ("json", "", Look()),
    ("csv", "", Look()),
    ("markdown", "", Look()),
    ("metrics", "", Look()),
    ("html", "", Look()),
    ("svg", "", Look()),
]


@pytest.mark.parametrize("spec", ["vgg16", "keras_mnist"])
@pytest.mark.parametrize(("form", "variant", "look"), LOOKS)
def test_golden(spec: str, form: str, variant: str, look: Look, golden: Golden) -> None:
    text = formats.renderer("report", form)(archcalc.load(f"zoo:{spec}").analyze(), look)
    golden(f"report/{'.'.join(part for part in (spec, form, variant) if part)}.txt", text)


def test_every_format_has_a_golden() -> None:
    assert {form for form, _, _ in LOOKS} == set(formats.names("report"))


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("spec", ["vgg16", "alexnet", "allcnn_c"])
def test_a_table_fits_its_terminal(spec: str, width: int) -> None:
    text = table.render(archcalc.load(f"zoo:{spec}").analyze(), Look(width=width))
    assert max(map(len, text.split("\n"))) <= width


@pytest.mark.parametrize("spec", ["vgg16", "keras_mnist"])
def test_colour_adds_nothing_but_colour(spec: str) -> None:
    report = archcalc.load(f"zoo:{spec}").analyze()
    colored = table.render(report, Look(width=100, color=True))
    lines = re.sub(r"\x1b\[[\d;]*m", "", colored).split("\n")
    assert colored.count("\x1b[") > len(lines)
    assert [line.rstrip() for line in lines] == table.render(report, Look(width=100)).split("\n")


@pytest.mark.parametrize("form", ["table", "cs231n", "markdown"])
def test_totals_say_what_they_leave_out(form: str) -> None:
    found = read("INPUT[32x32x3] -> CONV3-8p1 -> POOL3s2 -> FC-10", one_line=True)
    text = formats.renderer("report", form)(found.report, Look())
    assert not found.ok
    assert "incomplete: 2 of 4 layers; totals are of these" in text


# -- columns add up ----------------------------------------------------------------------------------

DEEP = "INPUT[32x32x3] -> CONV3-16p1 -> [CONV3-16p1 -> BN -> RELU]*30 -> POOL2 -> [CONV3-16p1]*9 -> GAP -> FC-10"
SPECS = ["zoo:vgg16", "zoo:vgg16_bn", "zoo:alexnet", "zoo:keras_mnist", "INPUT[4x4x1] -> FC-2", DEEP]
SUMMED = ("weights", "biases", "params", "buffers", "macs", "flops", "activations", "activation_bytes")


@pytest.fixture(params=SPECS)
def report(request: pytest.FixtureRequest) -> Report:
    return archcalc.load(request.param).analyze()


@pytest.mark.parametrize("convention", ["inplace", "separate"])
@pytest.mark.parametrize("spec", SPECS)
def test_json_adds_up(spec: str, convention: Convention) -> None:
    found = archcalc.load(spec).analyze(convention=convention)
    record = json.loads(json_format.render(found, Look(batch=3, dtype="float16")))
    layers, totals = record["layers"], record["totals"]
    assert totals.pop("at_least") == []
    assert record["schema_version"] == 2
    assert record["outputs"] == {layers[-1]["name"]: record["output"]}
    assert record["inputs"] == {layers[0]["name"]: record["input"]}
    assert {column: sum(layer[column] for layer in layers) for column in SUMMED} == totals
    assert all(layer["params"] == layer["weights"] + layer["biases"] for layer in layers)
    assert all(layer["activation_bytes"] == layer["activations"] * 3 * 2 for layer in layers)
    assert layers[0]["output"] == record["input"]
    assert layers[-1]["output"] == record["output"]


def test_csv_adds_up(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_format.render(report, Look()))))
    totals = {**report.totals._asdict(), "activation_bytes": report.totals.activations * 4}
    assert totals.pop("unknown") == ()
    assert {column: sum(int(row[column]) for row in rows) for column in SUMMED} == totals
    assert [row["name"] for row in rows] == [node.name for node in report.graph.nodes]


def test_formulas_give_the_parameters(report: Report) -> None:
    for row in report.rows:
        assert _arithmetic(row.formula) == row.cost.params


def _arithmetic(formula: str) -> int:
    """Sums of products, worked out by hand: `(3*3*64)*64 + 64`."""
    total = 0
    for term in re.sub(r"[()]", "", formula).split(" + "):
        product = 1
        for factor in term.split("*"):
            product *= int(factor or 0)
        total += product
    return total


def test_markdown_adds_up(report: Report) -> None:
    lines = [line.strip("|").split("|") for line in markdown.render(report, Look()).split("\n") if line[:1] == "|"]
    *rows, total = [[cell.strip(" *").replace(",", "") for cell in line] for line in lines[2:]]
    assert len(rows) == len(report.rows)
    for column in (4, 5):  # parameters, MACs
        assert sum(int(row[column] or 0) for row in rows) == int(total[column])


def test_cs231n_adds_up(report: Report) -> None:
    lines, _, totals = cs231n.render(report, Look()).partition("\n\n")
    weights = memory = 0
    for line in lines.split("\n"):
        found = re.fullmatch(r"\S+: \[(\d+)x(\d+)x(\d+)\] +memory: +\S+ +weights: (?:.* = )?([\d,]+)", line)
        assert found, line
        width, height, channels = map(int, found.groups()[:3])
        memory += width * height * channels
        weights += int(found[4].replace(",", ""))
    assert totals.startswith(f"TOTAL memory: {memory:,} * 4 bytes = ")
    assert f"TOTAL params: {weights:,} weights + " in totals


def test_lines_of_the_table_add_up(report: Report) -> None:
    totals = report.totals
    for lines in (_lines.merge(report), _lines.fold(_lines.merge(report))):
        assert sum(line.memory for line in lines) == totals.activations
        assert sum(line.params for line in lines) == totals.params
        assert sum(line.macs for line in lines) == totals.macs


def test_repeated_lines_are_folded() -> None:
    lines = _lines.fold(_lines.merge(archcalc.load(DEEP).analyze()))
    assert [line.folded for line in lines if line.folded] == [
        "29 x the 2 lines above, to bn30",
        "8 x the line above, to conv40",
    ]


Shown = tuple[str, tuple[int, int, int]]


def unfold(lines: list[_lines.Line]) -> list[Shown]:
    """The table as it was before its repeated lines were folded, by what the folds say."""
    out: list[Shown] = []
    for line in lines:
        numbers = line.memory, line.params, line.macs
        if found := re.match(r"([\d,]+) x the (?:line|(\d+) lines) above", line.folded):
            repeated = out[-int(found[2] or 1) :] * int(found[1].replace(",", ""))
            assert numbers == tuple(map(sum, zip(*(shown[1] for shown in repeated), strict=True)))
            out += repeated
        else:
            out.append((line.label, numbers))
    return out


repetitive = st.lists(
    st.builds(Group, st.integers(1, 9), st.lists(layers, min_size=1, max_size=3).map(tuple)), max_size=4
)


@given(repetitive.map(tuple))
def test_a_fold_says_what_it_hides(network: Network) -> None:
    found = read(dump({"input": "64x64x4", "rounding": "floor", "layers": written_out(network)})).report
    lines = _lines.merge(found)
    assert unfold(_lines.fold(lines)) == unfold(lines), pattern(network)


# -- a user's text is text ---------------------------------------------------------------------------

NAMED = "name: '[red]a|b*</td>'\ninput: 4x4x1\nlayers: [FC-2]\n"


def test_a_name_is_not_markup() -> None:
    found = read(NAMED).report
    assert table.render(found, Look(width=80)).startswith("[red]a|b*</td>: [4x4x1] -> [1x1x2]\n")
    assert markdown.render(found, Look()).startswith("### \\[red\\]a&#124;b\\*&#60;/td&#62;\n")
    assert json.loads(json_format.render(found, Look()))["name"] == "[red]a|b*</td>"


def test_metrics_count_layers_and_not_inputs() -> None:
    text = "inputs: {a: 4x4x3, b: 4x4x3}\nlayers: [CONV1-3, {add: {inputs: [conv1, b]}}, RELU]\n"
    report = read(text).report
    assert json.loads(metrics.render(report, Look()))["layers"] == 3
