"""The catalogue for a terminal."""

from collections.abc import Sequence

from archcalc.checks.terms import Term
from archcalc.diagnostics import Rule


def render(rules: Sequence[Rule]) -> str:
    return "".join(f"{one.code}  {one.severity:<7}  {one.title}\n" for one in rules)


def render_one(one: Rule) -> str:
    return f"{one.code} ({one.severity}): {one.title}\n\n{_page(one.text)}"


def render_terms(terms: Sequence[Term]) -> str:
    return "\n".join(f"{one.name}: {one.title}\n\n{_page(one.text)}" for one in terms)


def _page(text: str) -> str:
    return "".join(f"  {line}".rstrip() + "\n" for line in text.split("\n"))
