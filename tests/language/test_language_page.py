"""docs/language.md: every spec on it is read without a finding, and every command line of it is real."""

import re
from pathlib import Path

import pytest

from archcalc.architecture import examine
from archcalc.language.document import KEYS
from archcalc.language.specfile import SpecText

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
SPECS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", SPECS, ids=[f"spec{number}" for number, _ in enumerate(SPECS, 1)])
def test_a_spec_of_the_page_is_clean(text: str) -> None:
    found = examine(SpecText("language.md", text))
    assert found.diagnostics == ()
    assert found.report.complete


def test_the_page_has_as_many_specs_as_headings() -> None:
    assert len(SPECS) >= len(re.findall(r"^## ", PAGE, re.MULTILINE))
    assert {"outputs", "inputs", "training"} <= {word for word in KEYS if f"\n{word}:" in PAGE}
