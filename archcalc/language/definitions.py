"""What a spec defines for its layers to use: `vars`, `blocks` and `defaults`; and what of it they do not."""

import re
from collections.abc import Collection
from collections.abc import Mapping as Table

from archcalc.diagnostics import Diagnostic, Problems, Refusal, Span, rule
from archcalc.language.entries import MISSING_KEY, Entries, entries_of, texts_in, unknown_key, unknown_type
from archcalc.language.names import read_name
from archcalc.language.steps import Defaults
from archcalc.language.suggest import MAX_SUGGESTIONS, key_for, nearest, type_for
from archcalc.layers import TYPES
from archcalc.layers.base import ROUNDING_OF_ALL
from archcalc.reader.expression import names_in
from archcalc.reader.integers import bad, whole_number
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.text import TOO_LARGE
from archcalc.reader.values import Boolean
from archcalc.records import NamedTuple
from archcalc.regex import regex

UNUSED = rule(
    "AC109",
    "a variable or block is never used",
    "It is most likely misspelt where it is meant to be used, or left over.",
    "warning",
)

MAX_VARIABLES = 256
ABOUT = ("archcalc", "extends", "name", "source", "year")  # words about the network, in which `$x` means nothing

_COUNTED = regex(r"\*\s*([A-Za-z_]\w*)", re.ASCII)


Setting = int | tuple[int, ...]  # of a variable from outside: a number, or a list of the general pattern


class Variables(NamedTuple):
    """`vars`: the numbers, and the lists that only a general pattern has."""

    numbers: dict[str, int]
    lists: dict[str, Sequence]


class BlockHeader(NamedTuple):
    """A block before its layers are read, since these may use blocks."""

    span: Span
    variables: dict[str, Value | None]  # None has no default
    layers: Value
    whole: Value
    named: tuple[Scalar, ...] = ()  # the variables' names where they are written


class UnknownVariable(ValueError):
    """A variable set from outside that the spec does not have."""


def read_variables(entries: Entries, overrides: Table[str, Setting], problems: Problems) -> Variables:
    """`vars`, some of them overridden; UnknownVariable for one that the spec does not have."""
    found = Variables({}, {})
    listed = variables_of(entries["vars"][1]) if "vars" in entries else {}
    for name, (key, node) in listed.items():
        if not key.text.isidentifier() or not key.text.isascii() or key.text == "i":
            note = "$i is the number of a repeat's pass" if key.text == "i" else "a name has letters, digits and _"
            problems.append(bad(key, f"{shown(key)} cannot name a variable", note).diagnostic)
        elif name in overrides:
            _override(name, overrides[name], key.span, found)
        elif isinstance(node, Sequence):
            found.lists[name] = node
        else:
            value = problems.attempt(whole_number, node, found.numbers)
            found.numbers[name] = 1 if value is None else value
    for name in overrides:
        if name not in listed:
            meant = nearest(name, listed)
            known = f"; it has {', '.join(listed)}" if listed else "; it has none"
            raise UnknownVariable(
                f"the spec has no variable {name}" + (f" (did you mean {meant}?)" if meant else known)
            )
    if found.lists and "pattern" not in entries:
        name, node = next(iter(found.lists.items()))
        problems.append(bad(node, f"{name} is a list; only the general pattern (`pattern:`) has those").diagnostic)
    return found


def _override(name: str, setting: Setting, span: Span, found: Variables) -> None:
    if not isinstance(setting, tuple | list):
        found.numbers[name] = setting
        return
    items = []
    for number, one in enumerate(setting):
        if type(one) is int:
            items.append(Scalar(str(one), span))
        else:  # a number of a sweep has no text, but can have a name that no spec takes
            items.append(Scalar(f"${name}[{number}]", span))
            found.numbers[f"{name}[{number}]"] = one
    found.lists[name] = Sequence(tuple(items), span)


def variables_of(node: Value) -> dict[str, tuple[Scalar, Value]]:
    """The entries of `vars`; Refusal (AC001) where they are too many: every repeat and block carries them along."""
    listed = entries_of(node, "vars")
    if len(listed) > MAX_VARIABLES:
        message = f"{len(listed):,} variables are given; the limit is {MAX_VARIABLES}"
        raise Refusal(TOO_LARGE, message, list(listed.values())[MAX_VARIABLES][0].span)
    return listed


def read_blocks(entries: Entries, problems: Problems) -> dict[str, BlockHeader]:
    """Names and variables of the blocks, before any list is read, since lists use blocks."""
    found: dict[str, BlockHeader] = {}
    listed = entries_of(entries["blocks"][1], "blocks") if "blocks" in entries else {}
    for name, (key, node) in listed.items():
        if name in TYPES or name in ("repeat", "if", "name", "from", "inputs"):
            problems.append(bad(key, f"`{name}` is a word of the language and cannot name a block").diagnostic)
            continue
        if problems.attempt(read_name, key) is None:
            continue
        if isinstance(node, Mapping):
            block = entries_of(node, f"the block {name}")
            for word, (place, _) in block.items():
                if word not in ("vars", "layers"):
                    meant = nearest(word, ("vars", "layers"))
                    problems.append(unknown_key(f"the block {name}", place, meant, "vars, layers"))
            if "layers" not in block:
                problems.append(Diagnostic(MISSING_KEY, f"the block {name} needs `layers`", key.span))
                continue
            variables = (problems.attempt(variables_of, block["vars"][1]) if "vars" in block else None) or {}
            defaults = {
                word: None if isinstance(value, Scalar) and not value.text.strip() else value
                for word, (_, value) in variables.items()
            }
            named = tuple(place for place, _ in variables.values())
            found[name] = BlockHeader(key.span, defaults, block["layers"][1], node, named)
        else:
            found[name] = BlockHeader(key.span, {}, node, node)
    return found


def read_defaults(entries: Entries, problems: Problems) -> Defaults:
    """`defaults` and `rounding`."""
    by_type: dict[str, dict[str, Value]] = {}
    inplace: dict[str, bool] = {}
    listed = entries_of(entries["defaults"][1], "defaults") if "defaults" in entries else {}
    for type, (key, node) in listed.items():
        layer = TYPES.get(type)
        if layer is None:
            meant = type_for(type) if len(problems) < MAX_SUGGESTIONS else None
            problems.append(unknown_type(key, meant).diagnostic)
            continue
        values = by_type[type] = {}
        for word, (place, value) in (problems.attempt(entries_of, node, type) or {}).items():
            if word in layer.keys:
                values[word] = value
            elif word == "inplace" and layer.inplace:
                if (truth := problems.attempt(Boolean().read, value, {})) is not None:
                    inplace[type] = truth
            else:
                takes = (*layer.keys, *(("inplace",) if layer.inplace else ()))
                problems.append(unknown_key(type, place, key_for(layer, word), ", ".join(takes)))
    rounding = entries["rounding"][1] if "rounding" in entries else None
    if rounding is not None and problems.attempt(ROUNDING_OF_ALL.read, rounding, {}) is None:
        rounding = None
    return Defaults(by_type, rounding, inplace)


def unused(
    entries: Entries, variables: Variables, blocks: Table[str, BlockHeader], used_blocks: Collection[str]
) -> list[Diagnostic]:
    """A warning for every block and variable that is defined and never used."""
    found = [(f"the block `{name}`", one.span) for name, one in blocks.items() if name not in used_blocks]
    listed = entries["vars"][1] if "vars" in entries else None
    if isinstance(listed, Mapping):
        used = _mentioned(*(value for word, (_, value) in entries.items() if word not in (*ABOUT, "blocks")))
        bodies = entries["blocks"][1] if "blocks" in entries else None
        for key, body in bodies.entries if isinstance(bodies, Mapping) else ():
            used |= _mentioned(body).difference(blocks[key.text].variables if key.text in blocks else ())
        unread = {*variables.numbers, *variables.lists}.difference(used)
        found += [(f"the variable `{key.text}`", key.span) for key, _ in listed.entries if key.text in unread]
    for name, block in blocks.items():
        used = _mentioned(block.whole) if block.named else set()
        unread_keys = [key for key in block.named if key.text not in used]
        found += [(f"the variable `{key.text}` of the block `{name}`", key.span) for key in unread_keys]
    return [Diagnostic(UNUSED, f"{what} is never used", span, "warning") for what, span in found]


def _mentioned(*nodes: Value) -> set[str]:
    """The variables that texts mention, with `$` or as the count of a group: `[..]*N`."""
    texts = [text for text in texts_in(*nodes) if "$" in text or "*" in text]
    return {name for text in texts for name in (*names_in(text), *_COUNTED.findall(text))}
