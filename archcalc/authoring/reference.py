"""The reference of the layer types: what each declares, with an example that is measured when it is printed.

In: the types.  Out: entries, plain data for formats.  Nothing here is written by hand but the types' own docstrings and examples, so
that a new type has its page as soon as it is there.
"""

import inspect
from collections.abc import Iterator
from math import floor
from typing import Any

from archcalc.analysis.analyze import Row
from archcalc.analysis.explanation import Fact, facts
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import Reach, Volume, Window

_SHARE = regex(r" \([\d.]+% of the network's\)$")  # which the example's network is too small for
MOST_WINDOWS = 6  # drawn; the others follow in the same way


class KeyEntry(NamedTuple):
    """A key: what it does and takes, its sign in a pattern (None: it has none there), its default, its names elsewhere."""

    name: str
    help: str
    takes: str
    sign: str | None
    default: str
    required: bool
    elsewhere: tuple[str, ...]


class Entry(NamedTuple):
    """A layer type.  `text` is what its docstring says beyond the first sentence; `picture` are lines of text."""

    type: str
    title: str
    text: str
    keys: tuple[KeyEntry, ...]
    joins: bool
    elsewhere: tuple[str, ...]
    example: str
    pattern: bool  # the example is one; else it is a spec
    facts: tuple[Fact, ...]
    picture: tuple[str, ...]


def entries() -> Iterator[Entry]:
    """All layer types in the order of their names."""
    return (entry(type) for type in sorted(TYPES))


def entry(type: str) -> Entry:
    """One layer type, its example measured; raises KeyError for a type that there is not."""
    layer = TYPES[type]
    title, _, text = (inspect.getdoc(layer) or "").partition("\n\n")
    example = example_of(layer)
    pattern = "\n" not in example
    found = examine(SpecText(type, example, pattern=pattern))
    row = next(row for row in reversed(found.report.rows) if row.node.layer.type == type)
    return Entry(
        type,
        title.replace("\n", " "),
        text,
        tuple(_key(name, one) for name, one in layer.keys.items()),
        issubclass(layer, Merge),
        layer.aka,
        example,
        pattern,
        tuple(
            Fact(one.word, _SHARE.sub("", one.text))
            for one in facts(found.report, row)
            if one.word not in ("memory", "read by")
        ),
        tuple(_picture(row)),
    )


def example_of(layer: type[Layer]) -> str:
    """The type's own example, or the shortest there is."""
    if "example" in vars(layer):  # not its base's
        return layer.example
    if issubclass(layer, Merge):
        return f"input: 8x8x4\nlayers: [{layer.type}: [[], [CONV3-4p1 -> RELU]]]\n"
    if layer.type == "input":
        return "INPUT[224x224x3] -> RELU"
    return f"INPUT[8x8x4] -> {layer.type.upper()}"


def _key(name: str, one: Any) -> KeyEntry:
    default = "" if one.required or one.default is None else shown(one.default)
    return KeyEntry(name, one.help, one.kind.words, one.notation, default, one.required, one.foreign)


def shown(value: object) -> str:
    """A value as a spec has it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _picture(row: Row) -> Iterator[str]:
    """What the layer does, in lines of text; none where there is nothing to see."""
    layer, cost = row.node.layer, row.cost
    if isinstance(layer, Merge):
        return _branches(row.inputs, row.output, layer.type)
    if row.inputs and layer.windows(row.inputs[0]):
        return _along(layer, row)
    if not cost.params and cost.flops == row.output.size:  # an operation on every value, and nothing else
        return _curve(layer)
    return iter(())


def _curve(layer: Layer) -> Iterator[str]:
    """A function of one value between -3 and 3, a row for each half of its result; nothing where NumPy is not installed."""
    try:
        import numpy as np

        from archcalc.forward.run import Run
    except ModuleNotFoundError:
        return
    x = np.linspace(-3, 3, 25).reshape(1, 1, 25, 1)
    y = layer.forward(Run(dtype="float64", batch=1), x.copy()).reshape(25)
    rows = [floor(2 * float(one) + 0.5) for one in y]
    for row in range(min(6, max(*rows, 0)), max(-6, min(*rows, 0)) - 1, -1):
        axis = {12: "|"} if row else dict.fromkeys(range(25), "-") | {12: "+"}
        cells = ("*" if rows[at] == row else axis.get(at, " ") for at in range(25))
        yield f"{row / 2:4} {''.join(cells)}".rstrip()
    yield f"{'x':>4} -3          0           3"


def _along(layer: Layer, row: Row) -> Iterator[str]:
    """What the first outputs see of the input along the width, a column of two characters for each of its positions."""
    windows = layer.windows(row.inputs[0]) if row.inputs else None
    if windows is None:
        return
    window, extent, outputs = windows[0], row.inputs[0].width, row.output.width
    reach = window.reach(extent) if isinstance(window, Window) else window
    if not reach.ends:
        return
    dilation = window.dilation if isinstance(window, Window) else 1
    seen = [_seen(reach, output, dilation) for output in range(min(outputs, MOST_WINDOWS))]
    if max(extent, *(one[-1] + 1 for one in seen if one)) > 40:  # wider than a page
        return
    last = _seen(reach, outputs - 1, dilation)
    first, end = (
        min([0, *(one[0] for one in seen if one)]),
        max([extent - 1, *(one[-1] for one in [*seen, last] if one)]),
    )
    axis = ("." if position < 0 or position >= extent else str(position % 10) for position in range(first, end + 1))
    yield f"{'input':9} {' '.join(axis)}"
    for output, positions in enumerate(seen):
        cells = " ".join("#" if at in positions else " " for at in range(first, end + 1))
        yield f"output {output:<2} {cells}".rstrip()
    if outputs > len(seen):
        yield f"and {outputs - len(seen):,} more"


def _seen(reach: Reach, output: int, dilation: int) -> range:
    rounds, place = divmod(output, len(reach.ends))
    begin, end = (one + rounds * reach.advance for one in reach.ends[place])
    return range(begin, end, dilation)


def _branches(inputs: tuple[Volume, ...], output: Volume, type: str) -> Iterator[str]:
    """What is joined, a line a branch."""
    width = max(len(str(one)) for one in inputs)
    middle = len(inputs) - 1
    for number, one in enumerate(inputs):
        left = f"{one!s:>{width}} --+"
        yield f"{left}-- {type} --> {output}" if number == middle else left
