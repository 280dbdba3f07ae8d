"""The reference for a terminal: a line a type, or all about one."""

from collections.abc import Iterable
from textwrap import wrap

from archcalc.authoring.reference import Entry, KeyEntry
from archcalc.formats import Look

INDENT = 14


def render(entries: Iterable[Entry], look: Look) -> str:
    width = (look.width or 10_000) - 19
    return "".join(f"{one.type:18} {_short(one.title, width)}\n" for one in entries)


def render_one(one: Entry, look: Look) -> str:
    width = look.width or 120
    lines = [f"{one.type}: {one.title}", ""]
    lines += [*(f"  {line}".rstrip() for line in one.text.split("\n")), ""] if one.text else []
    for key in one.keys:
        lines += _hanging(key.name, described(key), width)
    if one.joins:
        lines += _hanging(
            "branches", "a list of lists of layers, [] for the input unchanged; or `inputs: [a, b]`", width
        )
    if one.elsewhere:
        lines += _hanging("elsewhere", ", ".join(one.elsewhere), width)
    lines += ["", *(f"  {line}" for line in one.example.rstrip("\n").split("\n")), ""]
    for word, text in one.facts:
        lines += _hanging(word, text, width)
    lines += ["", *(f"  {line}" for line in one.picture)] if one.picture else []
    return "\n".join(lines) + "\n"


def described(key: KeyEntry) -> str:
    """What there is to say about a key, in a line."""
    parts = [key.help, f"takes {key.takes}"]
    parts += [f"default {key.default}"] if key.default else []
    parts += ["required"] if key.required else []
    parts += [f"in a pattern: {sign(key.sign)}"] if key.sign is not None else []
    parts += [f"elsewhere: {', '.join(key.elsewhere)}"] if key.elsewhere else []
    return "; ".join(parts)


def sign(notation: str) -> str:
    """How a pattern writes the key."""
    return {"": "right behind the word", "-": "behind a dash"}.get(notation, f"`{notation}` and the value")


def _hanging(word: str, text: str, width: int) -> list[str]:
    first, *more = wrap(text, width - INDENT - 3, break_on_hyphens=False) or [""]
    return [f"  {word:{INDENT}} {first}", *(" " * (INDENT + 3) + line for line in more)]


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
