"""The catalogue: complete, current, and explained one by one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc import formats
from archcalc.checks import catalogue
from archcalc.cli import cli
from archcalc.diagnostics import CATALOGUE, Rule

PACKAGE = Path(archcalc.__file__).parent
RULES = catalogue.rules()
CODES = [one.code for one in RULES]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["rule", *arguments], standalone_mode=False)


def test_the_shipped_catalogue_is_current() -> None:
    expected = formats.module("rule", "markdown").render(RULES)
    message = "write it anew: python -m archcalc rule --format markdown > archcalc/CATALOGUE.md"
    assert (PACKAGE / "CATALOGUE.md").read_text(encoding="utf-8") == expected, message


def test_every_declared_code_is_found() -> None:
    """Codes are searched for in the source text, so that a module that is not imported is noticed."""
    declared = [
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'\b(?:rule|advice)\(\s*"(AC\d{3})"', path.read_text(encoding="utf-8"))
    ]
    assert sorted(set(declared)) == CODES
    assert len(declared) > 30


def test_a_fresh_interpreter_finds_them_too() -> None:
    code = "from archcalc.checks.catalogue import rules; print(*(one.code for one in rules()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == CODES


@pytest.mark.parametrize("one", RULES, ids=CODES)
def test_every_rule_has_a_title_and_a_page(one: Rule) -> None:
    assert re.fullmatch(r"AC\d{3}", one.code)
    assert one.title
    assert not one.title.endswith(".")
    assert len(one.text) > 20
    assert one is CATALOGUE[one.code]


def test_the_list() -> None:
    result = run()
    assert result.return_value == 0
    lines = result.stdout.splitlines()
    assert [line[:5] for line in lines] == CODES
    assert "AC012  error    a key is written twice" in lines


def test_a_rule_as_text() -> None:
    assert run("AC205").stdout == (
        "AC205 (error): `padding: half` needs an odd window\n\n"
        "  `half` pads (F - 1)/2 on each side so that a stride of 1 keeps the size; with an even F that is not whole.\n"
        "  Use an odd filter, `same`, or write the four sides.\n"
    )


def test_a_rule_as_markdown() -> None:
    text = run("AC010", "--format", "markdown").stdout
    assert text.startswith("## AC010: the text is not YAML\n\nThe YAML reader stopped here.")
    assert "\n    layers:\n      - [CONV3-64 -> RELU]*2        # wrong\n" in text  # four spaces: code
    assert text.endswith("\nSeverity: error.\n")


def test_rules_as_json() -> None:
    listed = json.loads(run("--format", "json").stdout)
    assert [one["code"] for one in listed["rules"]] == CODES
    one = json.loads(run("AC205", "--format", "json").stdout)
    assert one == {"schema_version": 1, **next(rule for rule in listed["rules"] if rule["code"] == "AC205")}


def test_a_code_may_be_written_small() -> None:
    assert run("ac205").stdout == run("AC205").stdout


@pytest.mark.parametrize("code", ["AC000", "nonsense", ""])
def test_unknown_codes(code: str) -> None:
    result = CliRunner().invoke(cli, ["rule", code])
    assert result.exit_code == 2
    assert f"there is no rule {code!r}; `archcalc rule` lists them" in result.stderr


def test_every_page_is_linked_from_the_list() -> None:
    text = (PACKAGE / "CATALOGUE.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(#(.*?)\)", text) == re.findall(r'<a id="(.*?)">', text) == [c.lower() for c in CODES]
