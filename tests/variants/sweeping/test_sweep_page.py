"""docs/sweep.md, which is run as every page is (tests/test_docs.py), lists every figure."""

import re
from pathlib import Path

from archcalc.variants.sweeping.quantities import QUANTITIES

PAGE = (Path(__file__).parents[3] / "docs/sweep.md").read_text(encoding="utf-8")


def test_it_lists_every_figure() -> None:
    assert re.findall(r"^\| `([a-z_.]+)` \| ([a-z].*) \|$", PAGE, re.MULTILINE) == [
        (name, one.words) for name, one in QUANTITIES.items()
    ]
