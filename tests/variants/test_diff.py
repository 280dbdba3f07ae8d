"""`archcalc diff`: what is found to differ, the sums, the formats and the exit codes."""

import json
import time
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from runner import CliRunner

import archcalc
from archcalc.architecture import examine
from archcalc.cli import cli
from archcalc.formats import Look, renderer
from archcalc.language.specfile import SpecText, zoo_names
from archcalc.variants.diff import Comparison, compare


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(cli, ["diff", *arguments], standalone_mode=False)


def specs(a: str, b: str, head: str = "input: 32x32x8\n") -> Comparison:
    found = [examine(SpecText("spec", f"{head}layers: {text}\n")) for text in (a, b)]
    assert all(one.ok for one in found), [one.diagnostics for one in found]
    return compare(found[0].report, found[1].report)


def lines(found: Comparison) -> list[str]:
    """Changes in short: `~ conv1 filters 8->16`, with the second network's names."""
    out = []
    for change in found.changes:
        settings = [f"{one.key} {one.old}->{one.new}" for one in change.settings]
        out.append(" ".join([change.status, change.row.node.name, *settings]))
    return out


@pytest.mark.parametrize("name", zoo_names())
def test_a_spec_equals_itself(name: str) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    found = compare(report, report)
    assert found.equal
    assert found.unchanged == len(report.rows)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("[CONV3-8p1 -> RELU]", "[conv: {filters: 8, kernel_size: 3, padding: 1}, relu]", []),
        ("[POOL2]", "[POOL2s2]", []),
        ("[relu: {name: a}]", "[relu: {name: b}]", []),
        ("[CONV3-8p1 -> RELU]", "[CONV5-8p2 -> RELU]", ["changed conv1 kernel_size 3->5 padding 1->2", "affected relu1"]),
        ("[RELU -> CONV1-8]", "[RELU -> BN -> CONV1-8]", ["added bn1"]),
        ("[RELU -> BN -> CONV1-8]", "[RELU -> CONV1-8]", ["removed bn1"]),
        ("[CONV1-8 -> CONV1-4]", "[CONV1-8 -> CONV1-6 -> CONV1-4]", ["added conv2", "affected conv3"]),
        ("[RELU -> BN]", "[RELU -> LRN]", ["removed bn1", "added lrn1"]),
        ("[CONV1-8 -> FC-4]", "[POOL2 -> CONV1-8 -> FC-4]", ["added pool1", "affected conv1", "affected fc1"]),
        ("[FC-4]", "[conv: {name: fc1, filters: 4, kernel_size: 32}]", ["changed fc1 type fc->conv"]),
        ("[]", "[]", []),
        ("[]", "[RELU]", ["added relu1"]),
    ],
)  # fmt: skip
def test_what_differs(a: str, b: str, expected: list[str]) -> None:
    found = specs(a, b)
    assert lines(found) == expected
    assert found.equal == (not expected)


def test_given_names_hold_layers_together() -> None:
    """By what they are, `b` of the second would go with the first's `a`; the names say otherwise."""
    found = specs(
        "[conv: {name: a, filters: 8, kernel_size: 1}, conv: {name: b, filters: 4, kernel_size: 1}]",
        "[conv: {name: b, filters: 8, kernel_size: 1}]",
    )
    assert lines(found) == ["removed a", "changed b filters 4->8"]


def test_names_in_another_order_do_not_cross() -> None:
    found = specs("[relu: {name: a}, tanh: {name: b}]", "[tanh: {name: b}, relu: {name: a}]")
    assert sorted(lines(found)) in (["added a", "removed a"], ["added b", "removed b"])


def test_another_input_affects_what_follows() -> None:
    a = examine(SpecText("a", "input: 32x32x3\nlayers: [CONV3-4 -> RELU]"))
    b = examine(SpecText("b", "input: 16x32x3\nlayers: [CONV3-4 -> RELU]"))
    found = compare(a.report, b.report)
    assert lines(found) == ["changed input width 32->16", "affected conv1", "affected relu1"]
    assert found.changes[1].macs == (14 - 30) * 30 * 4 * 27


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (
            "[relu: {name: a}, tanh: {name: b}, sigmoid: {}]",
            "[relu: {name: a}, tanh: {name: b}, sigmoid: {from: a}]",
            ["changed sigmoid1 inputs ['b']->['a']"],
        ),
        ("[add: [[], [RELU]]]", "[add: [[RELU], []]]", ["changed add1 inputs ['input', 'relu1']->['relu1', 'input']"]),
        ("[add: [[], [RELU]]]", "[add: [[], [RELU -> BN]]]", ["added bn1"]),
        ("[add: [[], [RELU]]]", "[RELU]", ["removed add1"]),
        (
            "[concat: [[], [RELU]]]",
            "[concat: [[], [RELU], []]]",
            ["changed concat1 inputs ['input', 'relu1']->['input', 'relu1', 'input']"],
        ),
    ],
)
def test_wiring(a: str, b: str, expected: list[str]) -> None:
    assert [one for one in lines(specs(a, b)) if not one.startswith("affected")] == expected


def test_vgg16_to_vgg19_is_three_convolutions() -> None:
    a, b = (archcalc.load(f"zoo:vgg{depth}").analyze() for depth in (16, 19))
    found = compare(a, b)
    added = [change for change in found.changes if change.status == "added"]
    assert [change.row.node.layer.label for change in added if change.params] == ["CONV3-256", "CONV3-512", "CONV3-512"]
    assert (found.count("removed"), found.count("changed")) == (0, 0)
    assert sum(change.params for change in added) == 143_667_240 - 138_357_544


@pytest.mark.parametrize(
    "pair", [("vgg16", "alexnet"), ("lenet5", "vgg11"), ("vgg13", "vgg16_bn"), ("zfnet", "alexnet")]
)
def test_the_changes_add_up_to_the_totals(pair: tuple[str, str]) -> None:
    a, b = (archcalc.load(f"zoo:{name}").analyze() for name in pair)
    assert_sums(compare(a, b))


def assert_sums(found: Comparison) -> None:
    a, b = found.a, found.b
    for total in ("params", "macs", "activations"):
        changes = sum(getattr(change, total) for change in found.changes)
        assert changes == getattr(b.totals, total) - getattr(a.totals, total)
    assert len(a.rows) == found.unchanged + sum(change.a is not None for change in found.changes)
    assert len(b.rows) == found.unchanged + sum(change.b is not None for change in found.changes)


chains = st.lists(
    st.sampled_from(["RELU", "BN", "POOL2s1", "CONV1-8", "CONV3-8p1", "tanh: {name: a}", "add: [[], [RELU]]"]),
    max_size=9,
).map(lambda items: f"[{', '.join(f'{{{one}}}' if ': ' in one else one for one in items)}]")


@given(chains, chains)
@settings(max_examples=100, deadline=None)
def test_sums_and_equality_of_any_two_chains(a: str, b: str) -> None:
    if a.count("name: a") > 1 or b.count("name: a") > 1:
        return
    found = specs(a, b)
    assert_sums(found)
    assert found.equal == (a.replace("{name: a}", "{}") == b.replace("{name: a}", "{}"))


@pytest.mark.parametrize("change", ["none", "widths", "insert", "all"])
def test_ten_thousand_layers(change: str) -> None:
    def spec(second: bool) -> str:
        units = [f"CONV3-{8 + n % 7}p1 -> BN" for n in range(5_000)]
        if second and change == "widths":
            units = [f"CONV3-{16 + n % 7}p1 -> BN" for n in range(5_000)]
        if second and change == "insert":
            units[2_500:2_500] = ["CONV5-8p2 -> RELU"] * 100
        if second and change == "all":
            units = ["POOL3s1p1 -> TANH -> CONV1-8"] * 3_333
        return "input: 4x4x8\nlayers:\n" + "".join(f"- {one}\n" for one in units)

    a, b = (examine(SpecText("spec", spec(second))).report for second in (False, True))
    begin = time.process_time()
    found = compare(a, b)
    assert time.process_time() - begin < 10
    assert_sums(found)
    if change == "insert":
        assert (found.count("added"), found.count("removed"), found.count("changed")) == (200, 0, 0)
    if change == "widths":
        assert (found.count("changed"), found.count("added")) == (5_000, 0)


# -- the command ------------------------------------------------------------------------------------


PLAIN = "INPUT[8x8x4] -> CONV3-8p1 -> RELU -> FC-10"
WIDER = "INPUT[8x8x4] -> CONV3-16p1 -> RELU -> BN -> FC-10"


def test_text() -> None:
    result = run(PLAIN, WIDER, COLUMNS="80")
    assert result.return_value == 1
    assert result.stdout.splitlines() == [
        "- <pattern>",
        "+ <pattern>",
        "",
        "  layer what                     params    MACs    memory field",
        "───────────────────────────────────────────────────────────────",
        "~ conv1 CONV3-8: filters 8 -> 16   +296 +18.43K +2.00 KiB",
        "+ bn1   BN                          +32         +4.00 KiB",
        "  fc1   FC-10                    +5.12K  +5.12K",
        "",
        "total    before    after              change",
        "────────────────────────────────────────────",
        "params    5,426   10,874    +5.45K (+100.4%)",
        "MACs     23,552   47,104   +23.55K (+100.0%)",
        "memory 3.04 KiB 9.04 KiB +6.00 KiB (+197.4%)",
        "field        10       10",
        "output [1x1x10] [1x1x10]",
        "1 added, 1 changed, 2 affected, 1 unchanged",
        "(1 affected in-place layers not shown)",
    ]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_text_keeps_to_the_width_and_to_plain_text(columns: int) -> None:
    result = run("zoo:alexnet", "zoo:vgg16", COLUMNS=str(columns))
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert "\x1b" not in result.stdout
    assert "\x1b[" in run("zoo:alexnet", "zoo:vgg16", FORCE_COLOR="1").stdout


def test_equal() -> None:
    result = run("zoo:vgg16", "zoo:vgg16")
    assert result.return_value == 0
    assert result.stdout.splitlines()[-1] == "equal: 40 layers, 138,357,544 params, 15,470,264,320 MACs"
    assert run("zoo:vgg16", "zoo:vgg16", "-f", "markdown").stdout.endswith("Equal: 40 layers.\n")


def test_json() -> None:
    result = run("-f", "json", PLAIN, WIDER)
    found: dict[str, Any] = json.loads(result.stdout)
    assert (result.return_value, found["equal"], found["schema_version"]) == (1, False, 1)
    conv, _, bn, fc = found["layers"]
    assert (conv["status"], conv["settings"]) == ("changed", {"filters": {"a": 8, "b": 16}})
    assert conv["change"]["params"] == 8 * (9 * 4 + 1)
    assert (bn["status"], bn["a"], bn["b"]["label"]) == ("added", None, "BN")
    assert bn["change"]["receptive_field"] is None
    assert fc["change"]["receptive_field"] == {"width": 0, "height": 0}
    assert found["totals"]["params"] == {"a": 5426, "b": 10874, "change": 10874 - 5426}
    assert found["totals"]["activation_bytes"]["change"] == 4 * found["totals"]["activations"]["change"]


def test_a_field_that_is_not_known_is_null_and_never_0() -> None:
    branches = "input: 16x16x4\nlayers:\n- add: [[POOL2], [CONV9-4]]\n- CONV3-4p1\n"
    other = branches.replace("CONV3-4p1", "CONV1-4")
    a, b = (examine(SpecText("spec", text)).report for text in (branches, other))
    assert a.rows[-1].receptive_field.width is None
    found = compare(a, b)
    record = json.loads(renderer("diff", "json")(found, ("a", "b"), Look()))
    assert record["layers"][-1]["change"]["receptive_field"] == {"width": None, "height": None}
    assert record["totals"]["receptive_field"]["a"] == {"width": None, "height": None}
    text = renderer("diff", "text")(found, ("a", "b"), Look())
    assert ["field", "?", "?"] in [line.split() for line in text.splitlines()]


def test_markdown_escapes_names() -> None:
    text = run("-f", "markdown", "zoo:vgg16_bn", "zoo:vgg16").stdout
    assert text.startswith("### zoo:vgg16\\_bn → zoo:vgg16\n")
    assert "| removed | bn1 | BN | -128 |" in text
    assert "| params | 138,365,992 | 138,357,544 |" in text


def test_one_spec_under_settings(tmp_path: Any) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("vars: {width: 8}\ninput: 8x8x4\nlayers: [CONV3-($width)]\n")
    result = run(str(spec), "--set", "width=16")
    assert result.return_value == 1
    assert f"+ {spec} with width=16\n" in result.stdout
    assert "filters 8 -> 16" in result.stdout
    assert run(str(spec), str(spec), "--set", "width=16").return_value == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PLAIN, "zoo:none"), "the zoo has no none"),
        (("INPUT[8x8x3] -> CONV3-4s2", PLAIN), "error[AC201]"),
        ((PLAIN, "INPUT[8x8x3] -> CONV3-4s2"), "error[AC201]"),
    ],
)
def test_unusable(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.return_value, result.stdout) == (2, "")
    assert message in result.stderr


def test_one_spec_alone_is_a_usage_error() -> None:
    assert str(run(PLAIN).exception) == "give a second SPEC, or --set or --input to compare A with"
