"""Tables that fit their terminal, columns that are chosen and sorted; what is left out is said."""

import csv
import io
import re
import shlex
from pathlib import Path

import pytest
from conftest import Golden
from hypothesis import given
from hypothesis import strategies as st
from networks import read
from runner import CliRunner

import archcalc
from archcalc import formats
from archcalc.cli import cli
from archcalc.formats import Look, _grid
from archcalc.formats._grid import Choice, Column, Line, cell, grid, middle
from archcalc.formats.plan import table as plan_table
from archcalc.formats.report import table
from archcalc.formats.report._columns import AKIN, COLUMNS
from archcalc.formats.verify import table as verify_table
from archcalc.language.specfile import zoo_names
from archcalc.units import size

WIDTHS = (60, 80, 120, 200)


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, words, prog_name="archcalc", standalone_mode=True)
    return result.exit_code, result.stdout, result.stderr


# -- the terminal ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["resnet50", "googlenet", "unet"])
def test_golden(name: str, width: int, golden: Golden) -> None:
    golden(f"report/{name}.{width}.txt", table.render(archcalc.load(f"zoo:{name}").analyze(), Look(width=width)))


def test_golden_without_unicode(golden: Golden) -> None:
    look = Look(width=60, unicode=False)
    golden("report/googlenet.ascii.txt", table.render(archcalc.load("zoo:googlenet").analyze(), look))


@pytest.mark.parametrize("width", [60, 72, 80, 97, 120])
@pytest.mark.parametrize("name", zoo_names())
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    text = table.render(archcalc.load(f"zoo:{name}").analyze(), Look(width=width))
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", ["yolov3", "inception_v4", "shufflenet_v2_x1_0", "alexnet"])
@pytest.mark.parametrize("width", [56, 60, 80])
def test_what_is_left_out_is_whole_at_the_width_that_is_named(name: str, width: int) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    text = table.render(report, Look(width=width)).replace("\n", " ")
    found = re.search(rf"at {width} columns(?:: ([\w, ]+))?; whole at (\d+) columns", text)
    assert found
    whole = table.render(report, Look(width=int(found[2])))
    assert "not shown" not in whole
    assert "cut in the middle" not in whole
    assert "\u2026" not in whole
    heads = {"bars": "\u2588", "formula": "parameters come from"}
    for missing in filter(None, (found[1] or "").split(", ")):
        assert heads.get(missing, missing) in whole
        assert heads.get(missing, f" {missing} ") not in text.partition("\u2500")[0]


def test_a_pipe_gets_everything_whole() -> None:
    for name in ("yolov3", "inception_v4"):
        text = table.render(archcalc.load(f"zoo:{name}").analyze(), Look(width=None))
        assert "not shown" not in text
        assert "\u2026" not in text
        assert "\u251c" not in text  # names begin their lines, for awk and grep


def test_subtotals_of_blocks() -> None:
    """Figures of ResNet-18's first block by hand: two 3x3 convolutions of 64 channels, two batch norms, at 56x56."""
    text = table.render(archcalc.load("zoo:resnet18").analyze(), Look(width=80))
    params, macs = 2 * (9 * 64 * 64 + 2 * 64), 2 * 9 * 64 * 64 * 56 * 56
    assert re.search(r"\nbasic1, 7 layers +3\.83 MiB +73\.98K +231\.2M\n", text)
    assert (params, macs) == (73_984, 231_211_008)


def test_branches_have_tree_lines() -> None:
    spec = """input: 8x8x4
layers:
  - add:
      - []
      - CONV3-4p1 -> RELU -> CONV3-4p1
  - concat: [CONV1-2, [GAP -> UPSAMPLE8]]
"""
    lines = table.render(read(spec).report, Look(width=60)).splitlines()[3:]
    assert [line[:11].rstrip() for line in lines[:9]] == [
        "input",
        "\u251c conv1",
        "\u2502 conv2",
        "\u2514 add1",
        "\u251c conv3",
        "\u2502",
        "\u251c gap1",
        "\u2502",
        "\u2502 upsample1",
    ]


# -- the grid ----------------------------------------------------------------------------------------------

texts = st.text("abcdefgh", min_size=1, max_size=24)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=5), st.integers(16, 90))
def test_a_grid_says_what_it_leaves_out(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = [Column("a", "A", least=4), Column("b", "B", least=4), Column("c", "C", right=True, least=4)]
    choices = [Choice((0, 1, 2)), Choice((0, 1)), Choice((0, 1), tight=True)]
    found = grid(columns, [Line(tuple(map(cell, row))) for row in rows], Look(width=width), choices)
    assert all(len(line) <= width for line in found.lines)
    body = found.lines[2:]
    shown = [row if "c" not in found.missing else row[:2] for row in rows]
    whole = [[text in line for text in row] for row, line in zip(shown, body, strict=True)]
    assert sum(not one for row in whole for one in row) <= found.cut
    assert ("c" in found.missing) == (found.lines[0].split() == ["A", "B"])
    again = grid(columns, [Line(tuple(map(cell, row))) for row in rows], Look(width=found.needed), choices)
    assert (again.missing, again.cut) == ((), 0)


@given(st.text("ab\u5168\u0301-", min_size=1, max_size=40), st.integers(3, 40))
def test_the_middle_is_what_goes(text: str, width: int) -> None:
    found = middle(text, width, Look())
    assert _grid._cells(found) <= width
    before, mark, after = found.rpartition("\u2026")
    assert found == text or (mark and text.startswith(before) and text.endswith(after))


def test_words_for_widths() -> None:
    assert middle("conv2.bottleneck3.add1", 12, Look()) == "conv2.\u2026.add1"
    assert middle("conv2.bottleneck3.add1", 12, Look(unicode=False)) == "conv2...add1"
    assert middle("\u5168" * 8, 9, Look()) == "\u5168\u5168\u2026\u5168\u5168"


# -- columns -----------------------------------------------------------------------------------------------


def test_shares_are_of_the_total() -> None:
    """AlexNet's second convolution: 27*27*256 outputs, each of 5*5*48 products."""
    code, out, _ = run("report", "zoo:alexnet", "-f", "csv", "--columns", "layer,macs,macs%", "--sort", "macs")
    first = next(csv.DictReader(io.StringIO(out)))
    assert (code, first["layer"], int(first["macs"])) == (0, "conv2", 27 * 27 * 256 * 5 * 5 * 48)
    assert float(first["macs%"]) == round(100 * 223_948_800 / 724_406_816, 4)
    shares = [float(row["macs%"]) for row in csv.DictReader(io.StringIO(out))]
    assert abs(sum(shares) - 100) < 0.01
    assert shares == sorted(shares, reverse=True)


def test_every_column_has_text_in_every_format_and_a_line_of_help() -> None:
    report = archcalc.load("zoo:resnet18").analyze()
    look = Look(columns=tuple(COLUMNS))
    for form in formats.able("report", "CHOOSES"):
        assert formats.renderer("report", form)(report, look)
    rows = list(csv.DictReader(io.StringIO(formats.renderer("report", "csv")(report, look))))
    for name in COLUMNS:
        assert any(row[name] for row in rows), name
    code, out, _ = run("report", "--columns", "help")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(COLUMNS)


def test_columns_are_those_of_the_json() -> None:
    report = archcalc.load("zoo:googlenet").analyze()
    names = ("weights", "biases", "params", "buffers", "macs", "flops", "activations", "formula", "line")
    text = formats.renderer("report", "csv")(report, Look(columns=names))
    for row, record in zip(csv.DictReader(io.StringIO(text)), report.to_records(), strict=True):
        assert {name: str(record[name]) for name in names} == row


def test_hyperparameters_are_as_in_the_spec() -> None:
    columns = "layer,kernel_size,stride,padding,groups,input,depth"
    _, out, _ = run("report", "zoo:alexnet", "-f", "csv", "--columns", columns)
    rows = {row["layer"]: list(row.values())[1:] for row in csv.DictReader(io.StringIO(out))}
    assert rows["conv1"] == ["11", "4", "0", "1", "227x227x3", "0"]
    assert rows["conv2"] == ["5", "1", "2", "2", "27x27x96", "0"]
    assert rows["relu1"][:4] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--columns", "layer,kernal"), "Invalid value for '--columns': there is no column kernal, did you mean kernel_size?; there are layer, type, "),
        (("--columns", "mac"), "Invalid value for '--columns': there is no column mac, did you mean macs?; there are layer, "),
        (("--columns", "layer,layer"), "Invalid value for '--columns': layer is named twice\n"),
        (("--columns", ""), "Invalid value for '--columns': there is no column ; there are layer, "),
        (("--sort", "size\n"), "Invalid value for '--sort': there is no column size\\x0a; there are layer, "),
        (("--top", "3"), "Error: --top takes the first lines of a sorted table; say by what with --sort, as in --sort macs\n"),
        (("--columns", "layer", "-f", "json"), "Error: --columns is for csv, html, markdown, table, not json\n"),
        (("--sort", "macs", "-f", "cs231n"), "Error: --sort is for csv, html, markdown, table, not cs231n\n"),
    ],
)  # fmt: skip
def test_wrong_words(words: tuple[str, ...], message: str) -> None:
    code, out, err = run("report", "zoo:lenet5", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_other_words_lead_to_columns() -> None:
    assert set(AKIN.values()) <= set(COLUMNS)
    assert not set(AKIN) & set(COLUMNS)


def test_top_says_what_it_leaves_out() -> None:
    """LeNet-5's three largest layers by parameters: 120*(25*16 + 1), 84*121 and 16*(25*6 + 1) of 61,706."""
    code, out, _ = run("report", "zoo:lenet5", "--sort", "params", "--top", "3")
    names = [line.split()[0] for line in out.splitlines()[3:6]]
    assert (code, names) == (0, ["conv3", "fc1", "conv2"])
    assert "\n--top 3 of 12 lines by params, with 98.4% of the params; totals are of all\n" in out
    assert round(100 * (48_120 + 10_164 + 2_416) / 61_706, 1) == 98.4
    _, markdown, _ = run("report", "zoo:lenet5", "--sort", "layer", "--top", "1", "-f", "markdown")
    assert markdown.endswith("\n--top 1 of 12 lines by layer; totals are of all\n")


def test_what_is_not_known_comes_last_when_sorted() -> None:
    spec = "input: 8x8x3\nlayers: [opaque: {volume: 8x8x4}, CONV3-4p1]\n"
    report = read(spec).report
    text = formats.renderer("report", "csv")(report, Look(columns=("layer", "macs"), sort="macs"))
    assert text == "layer,macs\nconv1,9216\ninput,0\nopaque1,\n"


def test_colour_adds_nothing_but_colour() -> None:
    report = archcalc.load("zoo:googlenet").analyze()
    for width in (60, 120):
        colored = table.render(report, Look(width=width, color=True))
        plain = re.sub(r"\x1b\[[\d;]*m", "", colored).split("\n")
        assert [line.rstrip() for line in plain] == table.render(report, Look(width=width)).split("\n")


# -- plan and verify ---------------------------------------------------------------------------------------


def test_the_answer_of_plan_comes_first() -> None:
    planned = archcalc.load("zoo:lenet5").plan()
    assert planned.training
    lines = plan_table.render(planned, Look(width=120)).splitlines()
    totals = planned.training.total_bytes, planned.inference.total_bytes
    assert lines[1] == "training needs {}, inference {}".format(*map(size, totals))
    frozen = archcalc.load("zoo:lenet5").plan(dtype="int8")
    assert plan_table.render(frozen, Look(width=80)).splitlines()[1].startswith("inference needs ")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_plan_fits_its_terminal(width: int) -> None:
    for name in ("resnet50", "yolov3", "vgg16"):
        text = plan_table.render(archcalc.load(f"zoo:{name}").plan(), Look(width=width, layers=True))
        assert max(map(len, text.splitlines())) <= width


def test_verify_folds_and_says_first_what_it_found() -> None:
    spec = "INPUT[8x8x4] -> [CONV3-4p1 -> RELU]*9 -> FC-2"
    result = archcalc.load(spec).verify()
    text = verify_table.render(result, Look(width=60))
    lines = text.splitlines()
    assert lines[2] == "ok: 20 layers, 1,846 parameters and 83,456 MACs executed as"
    assert re.search(r"\n  \.\.\. 8 x the 2 lines above +1,184 +73\.73K +[\d.]+ ms +ok\n", text)
    assert max(map(len, lines)) <= 60
    assert verify_table.render(result, Look()).count("\n") < 20


def test_verify_never_folds_what_is_wrong() -> None:
    result = archcalc.load("INPUT[8x8x4] -> [CONV3-4p1]*9").verify()
    one = result.layers[5]
    odd = one._replace(problems=("output is [9x9x4], predicted [8x8x4]",))
    result = result._replace(layers=(*result.layers[:5], odd, *result.layers[6:]))
    text = verify_table.render(result, Look(width=80))
    assert "conv5: wrong: output is [9x9x4], predicted [8x8x4]\nnot verified: conv5 is not as predicted\n" in text
    assert re.search(r"\nconv5 .* WRONG\n", text)


# -- docs/reports.md ---------------------------------------------------------------------------------------

PAGE = (Path(__file__).parent.parent.parent / "docs" / "reports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^archcalc (.*)$", PAGE, re.MULTILINE))
def test_the_commands_of_the_page_run(line: str) -> None:
    code, out, err = run(*shlex.split(line))
    assert (code, err) == (0, "")
    assert out


def test_the_page_lists_the_columns() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert re.findall(r"`(.*?)`", " ".join(rows)) == list(COLUMNS)


# -- diff and the zoo --------------------------------------------------------------------------------------


def test_diff_at_60_columns() -> None:
    """What ResNet-34 has more than ResNet-18: names whole, the memory left out and named."""
    result = CliRunner(env={"COLUMNS": "60"}).invoke(cli, ["diff", "zoo:resnet18", "zoo:resnet34"])
    lines = result.stdout.splitlines()
    assert lines[3:7] == [
        "  layer              what         params    MACs       field",
        "\u2500" * 60,
        "+ basic3.conv1       CONV3-64    +36.86K +115.6M",
        "+ basic3.bn1         BN             +128",
    ]
    assert max(map(len, lines)) <= 60
    assert "not shown at 60 columns: memory; whole at " in result.stdout


def test_the_zoo_at_60_columns() -> None:
    result = CliRunner(env={"COLUMNS": "60"}).invoke(cli, ["zoo"])
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["name", "input", "params", "MACs", "memory"]
    assert max(map(len, lines)) <= 60
    assert "not shown at 60 columns: network, year, source; whole at " in " ".join(lines)
