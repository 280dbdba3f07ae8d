"""Where in a spec the cursor stands, told from the lines alone: a text that is being typed can seldom be read as YAML."""

import re
from functools import cache
from typing import Any

from archcalc.checks.expect import KEYS as EXPECTED
from archcalc.language.document import KEYS
from archcalc.layers import TYPES
from archcalc.regex import regex

WORDS = {
    "repeat": "how often `layers` are repeated",
    "if": "whether `layers` are there: 0 or not",
    "first": "the number of the first pass, 1 unless it is given",
    "layers": "a list of patterns, layers, repeats, joins and blocks",
}
MANNER = {
    "name": "what the layer is called",
    "from": "the layer to read instead of the one before",
    "share": "the layer whose weights this one uses",
    "inplace": "whether it overwrites its input",
    "trainable": "whether its weights get a gradient",
}
NAMING = ("from", "inputs", "share", "like", "outputs", "freeze")  # keys whose values are names of layers

_WORD = regex(r"\$?[A-Za-z_][\w./-]*|\$", re.ASCII)
_KEY = regex(r"[ ]*(?:-[ ]+)*([A-Za-z_$][\w./$-]*)[ ]*:(?:[ ]|$)", re.ASCII)
_QUOTED = regex(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")


def word_at(line: str, column: int) -> tuple[str, int]:
    """The word around a column from 1, and the column at which it begins; an empty one where there is none."""
    for found in _WORD.finditer(line):
        if found.start() + 1 <= column <= found.end() + 1:
            return found[0], found.start() + 1
    return "", column


class Context:
    """The place before a column of a line, both from 1: the keys around it, and what is begun there."""

    def __init__(self, lines: list[str], line: int, column: int) -> None:
        self.lines, self.line = lines, line
        self.before = lines[line - 1][: column - 1] if 1 <= line <= len(lines) else ""
        self.indent = len(self.before) - len(self.before.lstrip(" -"))

    @property
    def begun(self) -> str:
        """The word before the cursor, as far as it is typed."""
        found = re.search(r"(?:zoo:)?\$?[\w./-]*$", self.before, re.ASCII)
        begun = found[0] if found else ""
        return begun.rpartition("->")[2].lstrip("-") if self.pattern else begun

    @property
    def pattern(self) -> bool:
        """Whether a pattern is being written: there is an arrow, a bracket that begins one, or a capital in a list."""
        text = self._value()
        if text.lstrip().startswith("{") and "->" not in text.rpartition("[")[2]:
            return False
        return (
            "->" in text
            or bool(re.search(r"(?:^|[\"'])\s*\[*[A-Z][\w-]*$", text))
            or text.lstrip(" \"'").startswith("[[")
        )

    def _value(self) -> str:
        """What is typed of a list's item, or of the value of a key that is a pattern."""
        found = re.match(r"[ ]*(?:-[ ]+|pattern:[ ]*|layers:[ ]*\[)(.*)$", self.before)
        return found[1] if found else ""

    @property
    def value_of(self) -> str:
        """The key whose value is being written, in a flow mapping or on a line; empty: a key is."""
        text = self._flow() if self._flow() is not None else self.before
        assert text is not None
        found = re.search(r"(?:^|[{,]|-[ ])[ ]*([A-Za-z_]\w*):[ ]+(?:\[[^\]]*|[^,{}\[\]]*)$", text, re.ASCII)
        return found[1] if found else ""

    def _flow(self) -> str | None:
        """What is typed of the innermost flow mapping that is open; None where there is none."""
        text = _QUOTED.sub(lambda found: "_" * len(found[0]), self.before)
        depth = 0
        for at in range(len(text) - 1, -1, -1):
            if text[at] == "}":
                depth += 1
            elif text[at] == "{":
                if not depth:
                    return self.before[at + 1 :]
                depth -= 1
        return None

    @property
    def around(self) -> list[str]:
        """The keys around the cursor, inner ones first."""
        out = []
        inside = self._flow()
        if inside is not None:
            found = re.search(
                r"([A-Za-z_$][\w./$-]*)[ ]*:[ ]*\{$", self.before[: len(self.before) - len(inside)], re.ASCII
            )
            if found:
                out.append(found[1])
            limit = len(self.before) - len(self.before.lstrip(" "))
        else:
            limit = self.indent
        if inside is not None and self.before.lstrip().startswith("- "):
            limit += 1
        for text in reversed(self.lines[: self.line - 1]):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            key = _KEY.match(text)
            own = key.start(1) if key else len(text) - len(text.lstrip(" "))
            if own < limit:
                limit = own
                if key:
                    out.append(key[1])
            if not limit:
                break
        return out

    @property
    def item(self) -> bool:
        """Whether an item of a list begins here."""
        return bool(re.fullmatch(r"[ ]*(?:-[ ]+)+[\"']?[\w-]*", self.before, re.ASCII))

    def keys(self) -> dict[str, str]:
        """The keys that may stand here, with their meaning."""
        around = self.around
        if not around:
            return dict(KEYS) if self._flow() is None or not self.before.lstrip().startswith("-") else {}
        inner = around[0].lower()
        if inner in ("layers", "append") or self.item:
            return {**{name: summary(name) for name in TYPES}, **WORDS, **MANNER}
        if inner in TYPES:
            layer = TYPES[inner]
            own = {name: one.help for name, one in layer.keys.items()}
            return own if around[1:2] == ["with"] else {**own, **MANNER}
        if inner in ("defaults", "with"):
            return {name.upper() if inner == "with" else name: summary(name) for name in TYPES}
        if inner == "expect":
            return dict(EXPECTED)
        properties = _schema()["properties"].get(inner, {}).get("properties", {})
        return {name: one.get("description", "") for name, one in properties.items()}

    def meaning(self, word: str) -> str:
        """What a key means where the cursor stands; empty where the word is none."""
        return self.keys().get(word, "")

    def choices(self) -> list[str]:
        """The words that the value being written may be."""
        key = self.value_of
        around = self.around
        inner = around[0].lower() if around else ""
        kinds = _schema()["$defs"].get(inner, {}) if inner in TYPES else _schema()["properties"].get(inner, {})
        schema = kinds.get("properties", {}).get(key) or (_schema()["properties"].get(key) if not around else None)
        return sorted(set(_words(schema or {})))


def summary(type: str) -> str:
    """The first line of what a layer type says of itself."""
    return (TYPES[type].__doc__ or "").strip().partition("\n")[0]


@cache
def _schema() -> dict[str, Any]:
    from archcalc.authoring.schema import schema

    return schema()


def _words(schema: dict[str, Any]) -> list[str]:
    found = [one for one in schema.get("enum", ()) if isinstance(one, str)]
    if schema.get("type") == "boolean":
        found += ["true", "false"]
    if "$ref" in schema:
        found += _words(_schema()["$defs"].get(schema["$ref"].rpartition("/")[2], {}))
    for one in schema.get("anyOf", ()):
        found += _words(one)
    return found
