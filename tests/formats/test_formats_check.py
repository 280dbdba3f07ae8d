"""Formats of `check`: outputs validated against the schemas of others, and hostile text in every one of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from runner import CliRunner

from archcalc import formats
from archcalc.analysis.analyze import Report
from archcalc.architecture import Examination, examine
from archcalc.cli import cli
from archcalc.diagnostics import CATALOGUE, Diagnostic, Label, Span
from archcalc.formats import Look
from archcalc.formats.check import github
from archcalc.graph import Graph
from archcalc.language.document import Document
from archcalc.language.specfile import SpecText
from archcalc.project.fingerprint import Fingerprints, repository_path

SCHEMAS = Path(__file__).parents[1] / "schemas"
GOOD = "input: 8x8x3\nlayers: [CONV3-4p1 -> RELU, fc: {units: 10}]\n"
BAD = """\
input: 224x224x3
layers:
  - conv: {name: stem, filters: 96, kernel_size: 11, stride: 4}
  - conv: {filters: 8, kernal_size: 3}
  - add: [[], [CONV3-9p1]]
blocks:
  spare: [relu]
"""
HOSTILE = "::error::x\n##[error]y\r%0A</failure><script>]]>&\"'\x1b[31m\x00\u202e,a=b;[l](1)"


def spec(text: str, path: str = "net.yaml") -> Examination:
    return examine(SpecText(path, text))


def rendered(form: str, *specs: Examination, look: Look = Look()) -> str:
    return "".join(formats.renderer("check", form)(specs, look))


def hostile(*found: Diagnostic, path: str = HOSTILE) -> Examination:
    """A spec as no reader would let it through: every text holds what could end a quote somewhere."""
    document = Document(HOSTILE, Graph("", ()), found, {}, {}, (HOSTILE,))
    return Examination(path, document, Report(Graph("", ()), ()), found)


def finding(code: str = "AC201", *, severity: Any = "error", line: int = 1, end_line: int = 1) -> Diagnostic:
    span = Span(line, 1, end_line, 4)
    return Diagnostic(code, HOSTILE, span, severity, HOSTILE, (Label(span, HOSTILE),), (HOSTILE,), (HOSTILE,), HOSTILE)


@pytest.fixture
def sarif_schema() -> Draft7Validator:
    return Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))


@pytest.fixture
def gitlab_schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / "gitlab-code-quality.json").read_text()))


EVERYTHING = [
    pytest.param((), id="nothing"),
    pytest.param((spec(GOOD),), id="good"),
    pytest.param((spec(BAD), spec(GOOD), spec(BAD)), id="bad"),
    pytest.param((hostile(finding(), finding(severity="warning"), finding(end_line=2)),), id="hostile"),
]


# -- sarif ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("specs", EVERYTHING)
def test_sarif_validates(specs: tuple[Examination, ...], sarif_schema: Draft7Validator) -> None:
    sarif_schema.validate(json.loads(rendered("sarif", *specs)))


def test_sarif_of_a_finding() -> None:
    (run,) = json.loads(rendered("sarif", spec(BAD, "a folder/net.yaml")))["runs"]
    first = run["results"][0]
    assert first["ruleId"] == "AC201"
    assert first["level"] == "error"
    assert first["message"]["text"].startswith("stem does not fit: output width would be 54.25\n(W - F + 2P)/S + 1 = ")
    (location,) = first["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"].endswith("a%20folder/net.yaml")
    assert location["physicalLocation"]["region"] == {
        "startLine": 3, "startColumn": 62, "endLine": 3, "endColumn": 63,
    }  # fmt: skip
    driver = run["tool"]["driver"]
    rule = driver["rules"][first["ruleIndex"]]
    assert rule["id"] == "AC201"
    assert rule["help"]["text"].startswith("Windows of extent F, S apart")
    assert rule["help"]["markdown"].startswith("## AC201: ")
    assert run["columnKind"] == "unicodeCodePoints"  # as our columns count


def test_sarif_names_each_rule_once_and_finds_it() -> None:
    (run,) = json.loads(rendered("sarif", spec(BAD), spec(BAD)))["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]


def test_sarif_points_at_related_places() -> None:
    (run,) = json.loads(rendered("sarif", spec("input: 8x8x3\ninput: 9x9x3\nlayers: [relu]\n")))["runs"]
    (related,) = run["results"][0]["relatedLocations"]
    assert related["message"] == {"text": "first"}
    assert related["physicalLocation"]["region"]["startLine"] == 1


def test_sarif_has_no_links_that_a_spec_wrote() -> None:
    assert "](" not in rendered("sarif", hostile(finding()))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("zoo:vgg16", "zoo:vgg16"),
        ("<stdin>", "%3Cstdin%3E"),
        ("/elsewhere/a b.yaml", "file:///elsewhere/a%20b.yaml"),
        ("per%cent/#?.yaml", "per%25cent/%23%3F.yaml"),
    ],
)
def test_sarif_uris(path: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = json.loads(rendered("sarif", hostile(finding(), path=path)))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


# -- fingerprints -----------------------------------------------------------------------------------


def fingerprints_of(*specs: Examination) -> list[str]:
    (run,) = json.loads(rendered("sarif", *specs))["runs"]
    return [one["partialFingerprints"]["archcalc/v1"] for one in run["results"]]


codes = st.sampled_from(["AC102", "AC201", "AC301"])
texts = st.text("ab ", max_size=3)
found = st.builds(
    lambda code, message, line: Diagnostic(code, message, Span(line, 1, line, 2)), codes, texts, st.integers(1, 4)
)
paths = st.sampled_from(["a.yaml", "b.yaml", "a.yaml ", "<pattern>"])


@given(st.lists(st.tuples(paths, st.lists(texts, max_size=4), st.lists(found, max_size=8)), max_size=4))
def test_no_two_findings_share_a_fingerprint(specs: list[tuple[str, list[str], list[Diagnostic]]]) -> None:
    examined = [
        Examination(path, Document("", Graph("", ()), (), lines=tuple(lines)), Report(Graph("", ()), ()), tuple(all))
        for path, lines, all in specs
    ]
    names = fingerprints_of(*examined)
    assert len(names) == sum(len(one.diagnostics) for one in examined)
    assert len(set(names)) == len(names)
    reported = [one["fingerprint"] for one in json.loads(rendered("gitlab", *examined))]
    assert reported == names


def test_fingerprints_stay_when_lines_move() -> None:
    assert fingerprints_of(spec("# a comment\n\n" + BAD)) == fingerprints_of(spec(BAD))


def test_fingerprints_stay_when_figures_change() -> None:
    assert fingerprints_of(spec(BAD.replace("224x224x3", "225x225x3"))) == fingerprints_of(spec(BAD))


def test_fingerprints_differ_between_specs() -> None:
    assert not set(fingerprints_of(spec(BAD, "a.yaml"))) & set(fingerprints_of(spec(BAD, "b.yaml")))


def test_a_finding_on_a_line_that_is_not_there_has_a_fingerprint() -> None:
    assert re.fullmatch("[0-9a-f]{32}", Fingerprints().of("a.yaml", finding(line=99), ("one line",)))


def test_paths_count_from_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "repository" / "specs" / "deep"
    inside.mkdir(parents=True)
    (tmp_path / "repository" / ".git").touch()
    monkeypatch.chdir(inside)
    assert repository_path("net.yaml") == "specs/deep/net.yaml"
    assert repository_path("../other.yaml") == "specs/other.yaml"
    assert repository_path(str(inside / "net.yaml")) == "specs/deep/net.yaml"
    monkeypatch.chdir(tmp_path)
    assert repository_path("net.yaml") == "net.yaml"
    assert repository_path("repository/specs/net.yaml") == "specs/net.yaml"
    assert repository_path("/elsewhere/net.yaml") == "/elsewhere/net.yaml"


# -- github -----------------------------------------------------------------------------------------

COMMAND = re.compile(r"::(error|warning|notice) file=[^:]*,line=\d+,endLine=\d+[^:]*,title=[^:,]*::.*")


def commands(text: str) -> list[str]:
    """Lines in which GitHub's runner sees a command: `::` first after white space, or `##[` anywhere."""
    lines = re.split("\r\n|\r|\n|\x85|\u2028|\u2029", text)
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("specs", EVERYTHING)
@pytest.mark.parametrize("copies", [1, 12])
def test_github_has_no_foreign_commands(specs: tuple[Examination, ...], copies: int) -> None:
    text = rendered("github", *specs * copies)
    expected = sum(
        min(github.LIMIT, copies * sum(one.severity == severity for spec in specs for one in spec.diagnostics))
        for severity in ("error", "warning", "info")
    )
    found = commands(text)
    assert len(found) == expected
    assert all(COMMAND.fullmatch(line) for line in found)


def test_github_of_a_spec_with_commands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "::error::a.yaml"
    layer = '  - "::error::\\n::set-output name=a::##[error]b": 1\n'
    path.write_text('name: "::error::x\\n::warning::y"\ninput: 8x8x3\nlayers:\n' + layer * 12)
    result = run("check", "--format", "github", str(path))
    assert result.return_value == 1
    found = commands(result.stdout)
    assert len(found) == github.LIMIT
    assert all(COMMAND.fullmatch(line) for line in found)
    assert "2 more of severity error" in result.stdout
    assert "%3A%3Aerror%3A%3Aa.yaml" in result.stdout


def test_github_of_a_finding() -> None:
    text = rendered("github", spec("input: 224x224x3\nlayers:\n  - CONV11-96s4\n", "zoo:net"))
    assert text == (
        "::error file=zoo%3Anet,line=3,endLine=3,col=15,endColumn=16,title=AC201 (W - F + 2P)/S + 1 is not whole::"
        "conv1 does not fit: output width would be 54.25%0A"
        "(W - F + 2P)/S + 1 = (224 - 11 + 2*0)/4 + 1 = 54.25%0A"
        "no padding fixes this: 213 + 2P is odd and S = 4%0A"
        "help: the nearest widths that fit are 223 (-> 54) and 227 (-> 55)%0A"
        "help: or write `rounding: floor` (-> 54; the last column is never read), in the layer or at the top of the spec\n"
        "archcalc: specs: 1, error: 1, warning: 0, info: 0\n"
    )


def test_github_shows_the_worst_first_and_lists_the_rest() -> None:
    many = [Diagnostic("AC109", f"warning {n}", Span(n, 1, n, 2), "warning") for n in range(1, 14)]
    worse = [Diagnostic("AC201", f"error {n}", Span(n, 1, n, 2)) for n in range(20, 31)]
    lines = rendered("github", hostile(*many, *worse, path="<pattern>")).splitlines()
    assert [line.split(" ")[0] for line in lines[:20]] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[20:] == [
        "archcalc: 1 more of severity error, past the 10 that GitHub shows:",
        "- <pattern>:30:1: error[AC201]: error 30",
        "archcalc: 3 more of severity warning, past the 10 that GitHub shows:",
        "- <pattern>:11:1: warning[AC109]: warning 11",
        "- <pattern>:12:1: warning[AC109]: warning 12",
        "- <pattern>:13:1: warning[AC109]: warning 13",
        "archcalc: specs: 1, error: 11, warning: 13, info: 0",
    ]


def test_github_has_columns_only_within_a_line() -> None:
    (line,) = commands(rendered("github", hostile(finding(end_line=2))))
    assert "col=" not in line
    assert "endLine=2" in line


# -- junit and gitlab -------------------------------------------------------------------------------


@pytest.mark.parametrize("specs", EVERYTHING)
def test_junit_validates(specs: tuple[Examination, ...]) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "junit-10.xsd")))
    schema.assertValid(etree.fromstring(rendered("junit", *specs).encode()))


def test_junit_of_specs() -> None:
    root = ET.fromstring(rendered("junit", spec(BAD, "bad.yaml"), spec(GOOD, "good.yaml")))
    (suite,) = root
    for counted in (root, suite):
        assert (counted.get("tests"), counted.get("failures"), counted.get("errors")) == ("2", "1", "0")
    bad, good = suite
    assert [case.get("name") for case in suite] == ["bad.yaml", "good.yaml"]
    (failure,) = bad
    assert failure.get("type") == "AC201"
    assert failure.get("message") == "stem does not fit: output width would be 54.25 (and 1 more)"
    assert failure.text is not None
    assert failure.text.startswith("bad.yaml:3:62: error[AC201]: stem does not fit: output width would be 54.25\n")
    assert "warning[AC109]" in failure.text
    (out,) = good
    assert out.text == "[8x8x3] -> [1x1x10], 2,682 params, 9.47K MACs, 458 activations"


@pytest.mark.parametrize(("fail_on", "failures"), [("error", "1"), ("warning", "2"), (None, "0")])
def test_junit_fails_what_the_exit_code_fails(fail_on: Any, failures: str) -> None:
    warned = spec(GOOD + "blocks: {spare: [relu]}\n")
    text = rendered("junit", spec(BAD), warned, spec(GOOD), look=Look(fail_on=fail_on))
    assert ET.fromstring(text).get("failures") == failures


@pytest.mark.parametrize("specs", EVERYTHING)
def test_gitlab_validates(specs: tuple[Examination, ...], gitlab_schema: Draft202012Validator) -> None:
    gitlab_schema.validate(json.loads(rendered("gitlab", *specs)))


def test_gitlab_schema_refuses(gitlab_schema: Draft202012Validator) -> None:
    (record, *_) = json.loads(rendered("gitlab", spec(BAD)))
    assert gitlab_schema.is_valid([record])
    for wrong in ({"severity": "bad"}, {"fingerprint": ""}, {"location": {"path": "./a", "lines": {"begin": 1}}}):
        assert not gitlab_schema.is_valid([{**record, **wrong}])


def test_gitlab_severities() -> None:
    found = [finding(severity=severity) for severity in ("error", "warning", "info")]
    assert [one["severity"] for one in json.loads(rendered("gitlab", hostile(*found)))] == ["critical", "minor", "info"]


# -- text, and what all formats have in common ------------------------------------------------------


def test_concise_is_a_line_a_finding() -> None:
    assert rendered("text", spec(BAD), look=Look(concise=True)) == (
        "net.yaml:3:62: error[AC201]: stem does not fit: output width would be 54.25\n"
        "net.yaml:4:24: error[AC102]: conv has no key `kernal_size`\n"
        "net.yaml:7:3: warning[AC109]: the block `spare` is never used\n"
        "1 spec: 1 with errors (2)\n"
    )


def test_concise_has_all_findings() -> None:
    many = "input: 8x8x3\nlayers:\n" + "- relu: {a: 1}\n" * 150
    assert rendered("text", spec(many), look=Look(concise=True)).count("\n") == 151
    assert "net.yaml: and 50 more like these; --format json has all\n" in rendered("text", spec(many))


@pytest.mark.parametrize(
    ("fail_on", "last"),
    [("error", "2 specs: all ok"), (None, "2 specs: all ok"), ("warning", "2 specs: 1 with warnings (1)")],
)
def test_the_verdict_is_that_of_the_exit_code(fail_on: Any, last: str) -> None:
    warned = spec(GOOD + "blocks: {spare: [relu]}\n", "warned.yaml")
    lines = rendered("text", warned, spec(GOOD), look=Look(fail_on=fail_on)).splitlines()
    assert lines[-1] == last
    assert any(line.startswith("warned.yaml: ok") for line in lines) == (fail_on != "warning")


def test_the_verdict_counts_both() -> None:
    lines = rendered("text", spec(BAD), look=Look(fail_on="warning")).splitlines()
    assert lines[-1] == "1 spec: 1 with errors (2), 1 with warnings (1)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").touch()
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "warned.yaml").write_text(GOOD + "blocks: {spare: [relu]}\n")
    (tmp_path / "bad.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


@pytest.mark.parametrize("form", formats.names("check"))
@pytest.mark.parametrize(
    ("fail_on", "good", "warned", "bad"), [("error", 0, 0, 1), ("warning", 0, 1, 1), ("never", 0, 0, 0)]
)
def test_exit_codes_are_the_same_for_every_format(
    folder: Path, form: str, fail_on: str, good: int, warned: int, bad: int
) -> None:
    for name, expected in (("good", good), ("warned", warned), ("bad", bad)):
        result = run("check", f"{name}.yaml", "--format", form, "--fail-on", fail_on)
        assert result.return_value == expected
    assert run("check", "missing.yaml", "good.yaml", "--format", form, "--fail-on", fail_on).return_value == 2


@pytest.mark.parametrize("form", formats.names("check"))
def test_what_is_not_text_is_a_finding_like_others(folder: Path, form: str) -> None:
    Path("latin.yaml").write_bytes(b"name: caf\xe9\n")
    result = run("check", "latin.yaml", "--format", form)
    assert result.return_value == 1
    assert "0xe9 is not UTF-8" in result.stdout
    assert run("check", "latin.yaml", "--format", form, "--fail-on", "never").return_value == 0
    assert run("check", "latin.yaml", "--format", form, "--write-baseline", "known").return_value == 0
    known = run("check", "latin.yaml", "--format", form, "--baseline", "known")
    assert known.return_value == 0
    assert "ok" not in known.stdout.replace("all ok", "") or form == "json"


@pytest.mark.parametrize("form", formats.names("check"))
def test_output_file_has_what_would_be_printed(folder: Path, form: str) -> None:
    printed = run("check", "bad.yaml", "--format", form).stdout
    result = run("check", "bad.yaml", "--format", form, "--output", "out")
    assert (result.return_value, result.stdout) == (1, "")
    assert Path("out").read_text() == printed


def test_output_file_is_not_coloured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in run("check", "bad.yaml").stdout
    run("check", "bad.yaml", "-o", "out")
    assert "\x1b" not in Path("out").read_text()


def test_output_file_stays_as_it_was_when_a_run_ends_early(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out").write_text("before")

    def broken(*arguments: object) -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    monkeypatch.setattr(formats.module("check", "text"), "render", broken)
    run("check", "bad.yaml", "-o", "out")
    assert Path("out").read_text() == "before"
    assert sorted(path.name for path in folder.iterdir()) == [".git", "bad.yaml", "good.yaml", "out", "warned.yaml"]


def test_concise_belongs_to_text(folder: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "good.yaml", "--concise", "--format", "json"])
    assert result.exit_code == 2
    assert "--concise belongs to --format text" in result.stderr


def test_every_code_of_these_tests_is_declared() -> None:
    assert {one.code for one in spec(BAD).diagnostics} <= CATALOGUE.keys()


def test_markdown_counts_what_it_leaves_out(folder: Path) -> None:
    from archcalc.formats.check import markdown

    many = "input: 9x9x3\nlayers:\n" + "".join(f"  - relu: {{a{number}: 1}}\n" for number in range(900))
    text = "".join(markdown.render([spec(many)], formats.Look()))
    assert len(text) < 65_536
    rows = text.count("<tr><td>")
    assert text.startswith("### archcalc: 900 errors\n")
    assert f"\nand {900 - rows:,} more; `archcalc check` has all\n" in text
