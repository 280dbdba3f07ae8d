"""Every file in specs/bad beside the exact text of its findings, every file in specs/good without any."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from archcalc.architecture import Examination, examine
from archcalc.diagnostics import CATALOGUE, Diagnostic, SpecError, in_order
from archcalc.formats.check.text import finding
from archcalc.language.program import read_document
from archcalc.language.specfile import SpecText, read_spec
from archcalc.layers import conv
from archcalc.reader.text import split_lines
from archcalc.volume import Window

SPECS = Path(__file__).parents[1] / "specs"
BAD = sorted(path.stem for path in (SPECS / "bad").glob("*.yaml"))
GOOD = sorted(path.stem for path in (SPECS / "good").glob("*.yaml"))


def text_of(name: str) -> SpecText:
    return read_spec(SPECS / "bad" / f"{name}.yaml")


def findings(name: str) -> tuple[Diagnostic, ...]:
    return examine(text_of(name)).diagnostics


def rendered(name: str) -> str:
    """The findings as they are printed; the list of all layer types, which grows, is left out."""
    lines: tuple[str, ...] = ()
    try:
        found: Examination = examine(text_of(name))
        diagnostics, lines = found.diagnostics, found.document.lines
    except SpecError as error:
        diagnostics = error.diagnostics
    text = "\n".join(finding(f"specs/{name}.yaml", one, lines) for one in diagnostics)
    return re.sub(r"(?<== layer types: ).*", "...", text)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_spec_says_exactly(name: str, golden: Callable[[str, str], None]) -> None:
    text = rendered(name)
    assert text
    golden(f"../specs/bad/{name}.txt", text)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_spec_is_fine(name: str) -> None:
    found = examine(read_spec(SPECS / "good" / f"{name}.yaml"))
    assert [one for one in found.diagnostics if one.severity != "info"] == []
    assert found.report.complete


def test_the_bad_specs_cover_every_code_of_the_reader() -> None:
    raised = set(re.findall(r"\[(AC\d+)\]", "".join(rendered(name) for name in BAD)))
    own = {code for code in CATALOGUE if code < "AC207" or "AC3" < code < "AC4"}
    assert own - raised == set()


@pytest.mark.parametrize("name", BAD)
def test_a_first_line_is_one_line_and_printable(name: str) -> None:
    for line in rendered(name).split("\n"):
        assert line.isprintable()


@pytest.mark.parametrize("name", [name for name in BAD if not name.startswith("encoding")])
def test_findings_stand_in_the_order_of_the_text_and_inside_it(name: str) -> None:
    found = findings(name)
    assert list(found) == in_order(found)
    lines = split_lines(text_of(name).text)
    for one in found:
        assert 1 <= one.span.line <= len(lines)
        assert 1 <= one.span.column <= len(lines[one.span.line - 1]) + 1
        assert one.span[:2] <= one.span[2:]


@pytest.mark.parametrize("name", [name for name in BAD if name.startswith("quote_forgotten")])
def test_the_line_with_quotes_works(name: str) -> None:
    """Every repaired line is put in the place of the wrong one; the text is YAML then."""
    text = text_of(name).text
    lines = text.split("\n")
    found = findings(name)
    assert all(one.help for one in found)
    for one in found:
        first, last = one.span.line, one.span.end_line
        repaired = one.help[0].removeprefix("write ")
        before = lines[first - 1]
        if repaired.startswith('"'):  # the value alone
            repaired = before[: one.span.column - 1] + repaired + before[one.span.end_column - 1 :]
        else:
            repaired = before[: len(before) - len(before.lstrip())] + repaired
        lines[first - 1 : last] = [repaired] + [""] * (last - first)
    after = read_document("\n".join(lines)).problems
    assert not {one.code for one in after} & {"AC010", "AC101", "AC105", "AC106"}


def repairs(one: Diagnostic) -> dict[str, int]:
    """The repairs of a window that does not fit, as numbers: what to write -> the size promised."""
    found: dict[str, int] = {}
    for line in one.help:
        for number, size in re.findall(r"(?:fits? is|fit are|and) (\d+) \(-> (\d+)\)", line):
            found[f"extent: {number}"] = int(size)
        for repair, size in re.findall(r"`(\w+: \w+)` \(-> (\d+)", line):
            found[repair] = int(size)
    return found


def brute_force(window: Window, extent: int) -> list[int]:
    """Where whole windows start, counted one by one over the padded axis."""
    padded = window.before + extent + window.after
    return [at for at in range(0, padded, window.stride) if at + window.dilation * (window.size - 1) < padded]


@pytest.mark.parametrize("name", [name for name in BAD if name.startswith(("misfit", "style_alexnet"))])
def test_every_repair_of_a_window_works(name: str) -> None:
    found = examine(text_of(name))
    (one,) = found.diagnostics
    node = next(node for node in found.document.graph.nodes if node.name == one.message.split()[0])
    axis = int("height" in one.message)
    extent = found.report.rows[-1].output[axis]
    layer = node.layer
    windows = layer.windows(found.report.rows[-1].output)
    assert windows is not None
    window = windows[axis]
    assert isinstance(window, Window)
    assert isinstance(layer, conv.Conv) or layer.type == "pool"
    tried = repairs(one)
    assert tried
    for repair, size in tried.items():
        key, value = repair.split(": ")
        if value == "ceil":  # one window hangs over
            assert len(brute_force(window, extent)) + 1 == size
            continue
        changed, wide = window, extent
        if key == "extent":
            wide = int(value)
        elif key == "padding":
            changed = window._replace(before=int(value), after=int(value))
        elif key == "stride":
            changed = window._replace(stride=int(value))
        starts = brute_force(changed, wide)
        assert len(starts) == size, repair
        if value != "floor":
            padded = changed.before + wide + changed.after
            assert starts[-1] + changed.dilation * (changed.size - 1) + 1 == padded, repair


def test_problems_of_different_parts_are_all_reported() -> None:
    codes = [(one.span.line, one.code) for one in findings("many_at_once")]
    for line, code in [
        (1, "AC102"),  # nam
        (3, "AC104"),  # vars: 1e3
        (4, "AC105"),  # defaults: konv
        (4, "AC102"),  # defaults: fliters
        (6, "AC105"),  # blocks: RELV
        (8, "AC106"),  # CONV3-4 RELU
        (9, "AC104"),  # 017, [1, 3]
        (10, "AC305"),  # b without n
        (11, "AC106"),  # POOL2-9
        (12, "AC104"),  # repeat: x
        (13, "AC105"),  # RELLU
    ]:
        assert (line, code) in codes


def test_every_bad_item_of_a_list_is_reported_once() -> None:
    lines = [one.span.line for one in findings("patterns_malformed")]
    assert sorted(set(lines)) == list(range(3, 19))
    assert len(lines) == 17  # two unknown words in one item


SAMPLES = {
    "alexnet": (
        "archcalc: 1\ninput: 224x224x3\nlayers:\n- conv:\n    filters: 96\n    kernel_size: 11\n    stride: 4\n",
        """\
specs/alexnet.yaml:7:13: error[AC201]: conv1 does not fit: output width would be 54.25
  |
7 |     stride: 4
  |             ^
  = (W - F + 2P)/S + 1 = (224 - 11 + 2*0)/4 + 1 = 54.25
  = no padding fixes this: 213 + 2P is odd and S = 4
  help: the nearest widths that fit are 223 (-> 54) and 227 (-> 55)
  help: or write `rounding: floor` (-> 54; the last column is never read), in the layer or at the top of the spec
""",
    ),
    "vgg16": (
        "input: 224x224x3\n\n\n\n\n\n\n\nlayers:\n- conv:\n    filters: 64\n    kernal_size: 3\n",
        """\
specs/vgg16.yaml:12:5: error[AC102]: conv has no key `kernal_size`
   |
12 |     kernal_size: 3
   |     ^^^^^^^^^^^
  help: did you mean `kernel_size`?
  = conv takes: filters, kernel_size, stride, padding, dilation, groups, bias, rounding, name, from
""",
    ),
    "resnet": (
        "input: 56x56x64\n" + "\n" * 23 + "layers:\n  - add:\n      - []\n\n\n\n      - CONV1-256 -> BN\n",
        """\
specs/resnet.yaml:31:9: error[AC301]: add: branch 2 does not match branch 1
   |
27 |       - []
   |         -- branch 1: [56x56x64]
31 |       - CONV1-256 -> BN
   |         ^^^^^^^^^^^^^^^ branch 2: [56x56x256]
  = add sums element by element: width, height and channels must agree; channels differ (64, 256)
  help: give branch 1 `CONV1-256`, or join with `concat` (-> [56x56x320])
  help: or give branch 2 `CONV1-64`
""",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_of_the_style_guide_come_out_exactly(name: str) -> None:
    text, wanted = SAMPLES[name]
    found = examine(SpecText(f"specs/{name}.yaml", text))
    assert "".join(finding(found.path, one, found.document.lines) for one in found.diagnostics) == wanted
