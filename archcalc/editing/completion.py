"""What may be typed next: keys, layer types, words of patterns with their suffixes, `$variables`, names of layers, specs."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from archcalc.editing.context import NAMING, WORDS, Context, summary
from archcalc.graph import Graph
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES
from archcalc.records import NamedTuple
from archcalc.regex import regex

Kind = Literal["key", "type", "word", "variable", "layer", "value", "file"]

_SUFFIX = regex(r"([A-Za-z_]+)(?:\d[\dx]*)?(?:-(?:\d+|\([^()]*\)|\$\w+))?((?:[a-z](?:\d[\dx]*|\([^()]*\)))*)", re.ASCII)


class Item(NamedTuple):
    """A word that may stand from `start`, a column from 1, to the cursor; `about` says what it means."""

    word: str
    kind: Kind
    about: str
    start: int


def complete(
    lines: list[str], line: int, column: int, graph: Graph | None = None, folder: str | None = None
) -> list[Item]:
    """The words for a place, lines and columns from 1.  `graph` is the network as it could last be read."""
    here = Context(lines, line, column)
    begun = here.begun
    if here.before.lstrip().startswith("#"):
        return []
    offered = [*_suffixes(here)] if here.pattern else []
    if not offered:
        offered = [(*one, column - len(begun)) for one in _offered(here, begun, lines, graph, folder)]
    wanted = begun.lower()
    return [Item(*one) for one in offered if one[3] == column or one[0].lower().startswith(wanted)]


def _offered(
    here: Context, begun: str, lines: list[str], graph: Graph | None, folder: str | None
) -> Iterator[tuple[str, Kind, str]]:
    if begun.startswith("$"):
        yield from (("$" + name, "variable", "a variable of this spec") for name in variables(lines))
        return
    if here.pattern:
        yield from ((_word(name), "word", summary(name)) for name in TYPES if name != "input")
        yield from ((name, "word", "a block of this spec") for name in _blocks(lines))
        return
    key = here.value_of
    if key in NAMING or (key == "" and here.around[:1] == ["inputs"] and here.item):
        yield from ((node.name, "layer", node.layer.label) for node in (graph.nodes if graph else ()))
    elif key == "extends":
        yield from ((name, "file", "the spec beside this one") for name in _beside(folder))
        yield from ((f"zoo:{name}", "file", "a network that ships with archcalc") for name in zoo_names())
    elif key:
        yield from ((word, "value", "") for word in here.choices())
    else:
        for name, about in here.keys().items():
            yield name, "type" if name in TYPES and name not in WORDS else "key", about
        if here.item:
            yield from ((name, "type", "a block of this spec") for name in _blocks(lines))


def _suffixes(here: Context) -> Iterator[tuple[str, Kind, str, int]]:
    """The letters that may follow a step of a pattern which has its numbers: `s` stride, `p` padding."""
    token = re.search(r"[A-Za-z_][\w()$*+-]*$", here.before, re.ASCII)
    found = _SUFFIX.fullmatch(token[0]) if token else None
    if found is None or found[1].lower() not in TYPES or not re.search(r"[\d)]$", found[0]):
        return
    for name, key in TYPES[found[1].lower()].keys.items():
        if key.notation and key.notation.isalpha() and not re.search(rf"{key.notation}[\d(]", found[2]):
            yield key.notation, "word", f"{name}: {key.help}", len(here.before) + 1


def _word(type: str) -> str:
    return type.upper()


def variables(lines: Iterable[str]) -> list[str]:
    """The names under every `vars:`, and the pass of a repeat."""
    found: dict[str, None] = {}
    indent = -1
    for line in lines:
        if flow := re.match(r"([ ]*)vars:[ ]*(\{.*)?$", line):
            found |= dict.fromkeys(re.findall(r"([A-Za-z_]\w*)[ ]*:", flow[2] or "", re.ASCII))
            indent = -1 if flow[2] else len(flow[1])
        elif indent >= 0 and line.strip():
            entry = re.match(r"([ ]+)([A-Za-z_]\w*)[ ]*:", line, re.ASCII)
            if entry and len(entry[1]) > indent:
                found[entry[2]] = None
            else:
                indent = -1
    return [*found, "i"]


def _blocks(lines: Iterable[str]) -> list[str]:
    """The names under the top-level `blocks:`."""
    found = []
    inside, indent = False, 0
    for line in lines:
        if line.startswith("blocks:"):
            inside, indent = True, 0
        elif inside and (entry := re.match(r"([ ]+)([A-Za-z_]\w*)[ ]*:", line, re.ASCII)):
            indent = indent or len(entry[1])
            if len(entry[1]) == indent:
                found.append(entry[2])
        elif line[:1] not in ("", " ", "#"):
            inside = False
    return found


def _beside(folder: str | None) -> list[str]:
    try:
        files = os.listdir(folder) if folder else []
    except OSError:
        files = []
    return sorted(one[:-5] for one in files if one.endswith(".yaml") and not one.startswith("."))
