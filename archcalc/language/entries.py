"""The entries of a spec's mappings, and what is wrong with their keys, wherever in the spec they stand."""

from collections.abc import Iterator

from archcalc.diagnostics import Diagnostic, Edit, Refusal, Span, rule
from archcalc.language.suggest import NEEDLESS, is_certain
from archcalc.layers import Layer
from archcalc.reader.expression import names_in
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown

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
    "The word is neither a layer type nor one of the spec's blocks.  A layer that is not known is never skipped.",
)

INPUT_INSIDE = "the input comes first, and once; it cannot stand in a group, repeat, branch or block"

Entries = dict[str, tuple[Scalar, Value]]  # by the text of the key


def entries_of(node: Value, what: str) -> Entries:
    """A mapping's entries by key; Refusal (AC101) if it is none."""
    if not isinstance(node, Mapping):
        raise Refusal(BAD_STRUCTURE, f"{what} is a mapping, not {shown(node)}", node.span)
    return {key.text: (key, value) for key, value in node.entries}


def unknown_key(owner: str, key: Scalar, meant: str | None, takes: str) -> Diagnostic:
    """A key that `owner` does not have; `meant` is the one that it most likely stands for."""
    help = (f"did you mean `{meant}`?",) if meant else ()
    edits = renamed(key, meant)
    word, colon, value = key.text.partition(":")
    if colon and value and len(key.text) <= 60:  # `filters:64` is one word to YAML; renaming it would lose its value
        help, edits = (f"a space belongs behind the colon: `{word}: {value}`",), ()
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


def unknown_type(word: Scalar, meant: str | None, takes: str = "", *, pattern: bool = False) -> Refusal:
    help = (f"here it is `{meant}`",) if meant else ()
    if word.text.lower() == "identity":
        help, meant = ("`[]` is the input unchanged",), None
    return Refusal(
        UNKNOWN_TYPE,
        f"there is no layer type {shown(word)}",
        word.span,
        help=help,
        reference=takes,
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
    span, quotes = word.span, 2 if word.style else 0
    whole = span.line == span.end_line and span.end_column - span.column == len(word.text) + quotes
    if not meant or not whole or not is_certain(word.text, meant):
        return ()
    return (Edit(span, meant.upper() if pattern and word.text.isupper() else meant),)


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
