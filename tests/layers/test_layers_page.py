"""docs/layers.md lists every layer type with its keys, as the types declare them."""

import inspect
from pathlib import Path

import pytest

from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"
HEAD = """# Layer types

Written by `pytest --update-goldens` from the types' own declarations. A key's sign in a pattern stands in brackets: `[s]` is `s2` in
`CONV3-64s2`, `[-]` is what follows a dash, `[]` what stands right behind the word. Joins (`add: [[], [...]]`) take branches. Normalizations are left
out of receptive fields, as in the published figures, also where their statistics are of the whole image.

| type | what it does | keys |
|---|---|---|
"""


def line(layer: type[Layer]) -> str:
    """A row of the table."""
    title = (inspect.getdoc(layer) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    keys = []
    for name, one in layer.keys.items():
        sign = "" if one.notation is None else f" [{one.notation}]"
        default = "" if one.required or one.default is None else f" = {shown(one.default)}"
        keys.append(f"`{name}`{sign}{default}")
    takes = "branches" if issubclass(layer, Merge) else ", ".join(keys)
    return f"| `{layer.type}` | {title} | {takes} |\n"


def shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    text = HEAD + "".join(line(TYPES[name]) for name in sorted(TYPES))
    if request.config.getoption("--update-goldens"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "pytest --update-goldens writes it anew"


def test_every_type_and_key_is_described() -> None:
    for layer in TYPES.values():
        assert inspect.getdoc(layer) not in (None, inspect.getdoc(Layer))
        assert all(one.help for one in layer.keys.values()), layer.type
