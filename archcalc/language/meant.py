"""What is meant by what is written otherwise than here: a layer with its type as a key, a pattern as a list, Darknet's keys."""

from archcalc.diagnostics import Edit, Refusal
from archcalc.language.entries import COMMON, Entries
from archcalc.language.pattern import Blocks, parse_pattern
from archcalc.language.suggest import is_same, key_for, type_for
from archcalc.layers import TYPES, Layer
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value
from archcalc.reader.values import Kind


def retyped(type: Value, item: Mapping) -> str:
    """A layer that has its type as a key, as it is written here: `- conv: {filters: 64, kernel_size: 3}`."""
    word = type.text if isinstance(type, Scalar) and type.text.isidentifier() else ""
    ours = type_for(word) if word else None
    layer = TYPES.get(ours or "")
    if layer is None or not is_same(word, layer.type):
        return f"- {word if word and not layer else 'conv'}: {{...}}"
    said = []
    for key, value in item.entries:
        if key.text == "type":
            continue
        name = key.text if key.text in COMMON else key_for(layer, key.text)
        if name is None or not isinstance(value, Scalar) or not is_same(key.text, name):
            return f"- {layer.type}: {{...}}"
        said.append(f"{name}: {value.text}")
    whole = f"- {layer.type}: {{{', '.join(said)}}}" if said else f"- {layer.type}"
    return whole if len(whole) <= 80 else f"- {layer.type}: {{...}}"


def pattern_meant(item: Sequence, lines: list[str], blocks: Blocks) -> tuple[str, ...]:
    """How to write a list in brackets as the pattern it looks like: quoted, or joined by arrows."""
    from archcalc.reader.quoting import quoted_list

    texts = [one.text if isinstance(one, Scalar) else "" for one in item.items]
    for text in (quoted_list(lines, item.span), " -> ".join(texts) if all(texts) else ""):
        try:
            if text and parse_pattern(Scalar(text.strip('"'), item.span), lines, blocks).items:
                return (f"write {text}" if text.startswith('"') else f"write `{text}`",)
        except Refusal:
            continue
    return ()


def of_darknet(layer: type[Layer], entries: Entries) -> bool:
    """Whether `size` and `pad` are Darknet's, where `pad` is a switch, and mean other numbers than they say."""
    if "size" in layer.keys or not {"size", "pad"} <= entries.keys():
        return False
    size, pad = (node.text if isinstance(node := entries[word][1], Scalar) else "" for word in ("size", "pad"))
    return not (size.isdecimal() and pad.isdecimal() and int(size[:9]) == 2 * int(pad[:9]) + 1)


def value_edits(kind: Kind, node: Value) -> tuple[Edit, ...]:
    """The repair of a value of that kind, if it is wrong and its repair certain."""
    try:
        kind.read(node, {})
    except Refusal as refusal:
        return refusal.diagnostic.edits
    return ()
