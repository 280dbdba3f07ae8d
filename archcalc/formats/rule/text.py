"""The catalogue for a terminal."""

from collections.abc import Sequence

from archcalc.diagnostics import Rule


def render(rules: Sequence[Rule]) -> str:
    return "".join(f"{one.code}  {one.severity:<7}  {one.title}\n" for one in rules)


def render_one(one: Rule) -> str:
    page = "".join(f"  {line}".rstrip() + "\n" for line in one.text.split("\n"))
    return f"{one.code} ({one.severity}): {one.title}\n\n{page}"
