"""The entries of a spec's mappings, and what is wrong with their keys, wherever in the spec they stand."""

import re
from collections.abc import Iterator

from archcalc.diagnostics import Diagnostic, Edit, Refusal, Span, rule
from archcalc.language.suggest import NEEDLESS, TRANSLATED, answer, elsewhere, is_same, without
from archcalc.layers import Layer
from archcalc.reader.expression import names_in
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.records import NamedTuple

BAD_STRUCTURE = rule(
    "AC101",
    "a spec is built otherwise",
    """
    A spec is one mapping; `layers` is a list whose items are patterns (`CONV3-64p1 -> RELU`), layers written
    out (`conv: {filters: 64, kernel_size: 3}`), repeats (`repeat: 3`, `layers: [...]`), joins (`add: [[], [...]]`)
    or uses of blocks.
    """,
)
UNKNOWN_KEY = rule(
    "AC102",
    "unknown key",
    """
    Nothing in a spec is ignored, so a key that nobody reads is an error: most are misspelt, or another
    framework's name (`out_channels`, `F`, `pad`, `strides`); the message names ours.
    """,
)
MISSING_KEY = rule(
    "AC103",
    "a key is missing",
    "Hyperparameters without a sensible default must be given: filters and kernel_size of a conv, units of an fc.",
)
UNKNOWN_TYPE = rule(
    "AC105",
    "unknown layer type",
    """
    The word is neither a layer type nor one of the spec's blocks.  A layer that is not known is never skipped.
    A type's names in other tools are answered with ours; an operation that is not here is never taken for one
    whose name is similar.  `archcalc layers` lists the types and their keys.
    """,
)

COMMON = ("name", "from")  # words that any layer takes
INPUT_INSIDE = "the input comes first, and once; it cannot stand in a group, repeat, branch or block"

Entries = dict[str, tuple[Scalar, Value]]  # by the text of the key


class Stated(NamedTuple):
    """What a layer says of its own input: the key's place and word, the number, and the layer's place."""

    span: Span
    word: str
    value: int
    layer: Span


def entries_of(node: Value, what: str) -> Entries:
    """A mapping's entries by key; Refusal (AC101) if it is none."""
    if not isinstance(node, Mapping):
        raise Refusal(BAD_STRUCTURE, f"{what} is a mapping, not {shown(node)}", node.span)
    return {key.text: (key, value) for key, value in node.entries}


def unknown_key(owner: str, key: Scalar, meant: str | None, takes: str, value: Value | None = None) -> Diagnostic:
    """A key that `owner` does not have; `meant` is the one that it most likely stands for, `value` what it says."""
    help = answer(key.text, meant) if meant else ()
    edits = renamed(key, meant)
    word, colon, rest = key.text.partition(":")
    said = value.text.strip() if isinstance(value, Scalar) else ""
    if colon and rest and len(key.text) <= 60:  # `filters:64` is one word to YAML; renaming it would lose its value
        help, edits = (f"a space belongs behind the colon: `{word}: {rest}`",), ()
    elif re.fullmatch(r"\d+\s*\)", key.text):
        help, edits = ("this is the end of a tuple, which braces cut at its comma",), ()
    elif key.text == "activation":
        help, edits = (without(said),), ()
    elif meant and key.text in TRANSLATED and TRANSLATED[key.text][0] == meant:
        instead = TRANSLATED[key.text][1].get(said.lower())
        help = (f"here it is `{meant}: {instead}`",) if instead else (f"here it is `{meant}`, with values of its own",)
        edits = (*_put(key, meant), *_put(value, instead)) if instead and isinstance(value, Scalar) else ()
        edits = edits if len(edits) == 2 else ()
    elif key.text in NEEDLESS:
        help, edits = (NEEDLESS[key.text],), ()
    return Diagnostic(
        UNKNOWN_KEY,
        f"{owner} has no key {shown(key)}",
        key.span,
        help=help,
        reference=f"{owner} takes: {takes}",
        edits=edits,
    )


def unknown_type(word: Scalar, meant: str | None, *, pattern: bool = False) -> Refusal:
    """A word that is no layer type; `meant` is the one that it stands for, or most likely does."""
    help = answer(word.text, meant) if meant else ()
    if not meant and (instead := elsewhere(word.text)):
        help = (instead,)
    return Refusal(
        UNKNOWN_TYPE,
        f"there is no layer type {shown(word)}",
        word.span,
        help=help,
        reference="" if help else "`archcalc layers` lists the layer types",
        edits=renamed(word, meant, pattern=pattern),
    )


def missing_keys(layer: type[Layer], missing: list[str], span: Span) -> Diagnostic:
    keys = [f"{name} ({layer.keys[name].letter or layer.keys[name].kind.words})" for name in missing]
    return Diagnostic(
        MISSING_KEY,
        f"{layer.type} needs {' and '.join(f'`{name}`' for name in missing)}",
        span,
        reference=f"{', '.join(f'{key}: {layer.keys[name].help}' for key, name in zip(keys, missing, strict=True))}",
    )


def renamed(word: Scalar, meant: str | None, *, pattern: bool = False) -> tuple[Edit, ...]:
    """The repair that writes `meant` for a word, where it is certain and stands in one piece in the text."""
    if not meant or not is_same(word.text, meant):
        return ()
    return _put(word, meant.upper() if pattern and word.text.isupper() else meant)


def _put(word: Scalar, text: str) -> tuple[Edit, ...]:
    """The repair that writes `text` for a word that stands in one piece in the text."""
    span, quotes = word.span, 2 if word.style else 0
    whole = span.line == span.end_line and span.end_column - span.column == len(word.text) + quotes
    return (Edit(span, text),) if whole else ()


def texts_in(*nodes: Value) -> Iterator[str]:
    """Every text that is no key, from the outside in."""
    for node in nodes:
        if isinstance(node, Scalar):
            yield node.text
        elif isinstance(node, Sequence):
            yield from texts_in(*node.items)
        else:
            yield from texts_in(*(value for _, value in node.entries))


def variables_in(*nodes: Value) -> frozenset[str]:
    """The `$names` that values mention."""
    return frozenset(name for text in texts_in(*nodes) if "$" in text for name in names_in(text))
