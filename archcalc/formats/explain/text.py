"""An explanation as lines, a word and its arithmetic each."""

from collections.abc import Iterable
from textwrap import wrap

from archcalc.analysis.explanation import Fact
from archcalc.formats import Look

INDENT = 12


def render(head: str, facts: Iterable[Fact], look: Look) -> str:
    lines = [head]
    for word, text in facts:
        first, *more = wrap(text, (look.width or 10_000) - INDENT - 2, break_on_hyphens=False) or [""]
        lines.append(f"  {word:{INDENT}}{first}")
        lines += (" " * (INDENT + 2) + line for line in more)
    return "\n".join(lines) + "\n"
