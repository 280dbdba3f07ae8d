"""Ultralytics' YAML files: `backbone` and `head`, lists of [from, number, module, arguments], in the style of v5 and v8.

Read through archcalc's own YAML reader; where the original evaluates text as Python, this takes numbers, True, False,
None, `nc` and `anchors`, and modules from a table.  Layers have the names of the PyTorch model's parameters:
`model.0.conv`, `model.2.m.0.cv1.bn`.  Depth and width multiples and the rounding of channels up to a multiple of 8 are
the original's, in floating point too.
"""

import os
import re
from math import ceil, isfinite
from typing import TYPE_CHECKING

from archcalc.diagnostics import Diagnostic, Refusal, Span
from archcalc.graph import UNKNOWN, Graph
from archcalc.interop._ultralytics_modules import MODULES, REPEATED, SCALED, Args, Lost, Net
from archcalc.interop.reading import (
    BAD_SETTING,
    DANGLING,
    INEXPRESSIBLE,
    MAX_LAYERS,
    OVERSIZED,
    UNREADABLE,
    Draft,
    Reading,
    made,
    text_of,
)
from archcalc.layers.reshape import Input
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.source import parse
from archcalc.reader.text import MAX_BYTES, in_backticks
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Ultralytics YAML"
LIMIT = MAX_BYTES

_BACKBONE = regex(rb"^backbone[ \t]*:", re.MULTILINE)
_HEAD = regex(rb"^head[ \t]*:", re.MULTILINE)
_SCALE = regex(r"yolo[a-z]*-?v?\d+([nslmx])(?:[-_.]|$)", re.IGNORECASE)
_ACTIVATION = regex(r"(?:torch\.)?nn\.(\w+)\(\s*([\d.]*)\s*(?:,\s*)?(?:inplace\s*=\s*True)?\s*\)", re.ASCII)
_LARGEST_MULTIPLE = 1000


class Multiples(NamedTuple):
    """What a file's numbers are multiplied by."""

    depth: float = 1.0
    width: float = 1.0
    most: float = float("inf")  # channels, before they are multiplied

    def repeats(self, number: int) -> int:
        return max(round(number * self.depth), 1) if number > 1 else number

    def channels(self, number: int) -> int:
        return ceil(min(number, self.most) * self.width / 8) * 8


def recognises(data: bytes, path: str) -> bool:
    """A YAML file with the lists `backbone` and `head`."""
    return bool(_BACKBONE.search(data) and _HEAD.search(data))


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    root, problems = parse(text_of(data))
    if not isinstance(root, Mapping):
        wrong = problems or [Diagnostic(UNREADABLE, "the file is no mapping", Span(1, 1, 1, 1))]
        return Reading(Graph("", ()), tuple(wrong))
    name = os.path.basename(path).rpartition(".")[0]
    scale, multiples = _multiples(root, name)
    draft = Draft(f"{name} ({scale})" if scale and not _SCALE.search(name) else name)
    draft.problems.extend(problems)
    rows = [row for part in ("backbone", "head") for row in _rows(root, part)]
    net = Net(draft, _whole(root, "nc", 80), _anchors(root), _activation(root))
    net.old = root.get("scales") is None and root.get("anchors") is not None
    classifies = any(isinstance(one, Scalar) and one.text == "Classify" for row in rows for one in row.items)
    side = 224 if classifies else 640  # Ultralytics' own sizes
    image = input or Volume(side, side, _whole(root, "ch", 3))
    last = draft.add("images", made(Input, "images", root.span, **image._asdict()), (), Span(1, 1, 1, 1))
    given: list[int] = []
    for row in rows:
        found = draft.problems.attempt(_row, net, row, given, last, multiples)
        last = draft.add(f"model.{len(given)}", UNKNOWN, (last,), row.span) if found is None else found
        given.append(last)
    return draft.reading([] if net.outputs in ([], [len(draft.nodes) - 1]) else net.outputs)


def _row(net: Net, row: Sequence, given: list[int], last: int, multiples: Multiples) -> int:
    """Add a module; the node that it ends with."""
    if not 3 <= len(row.items) <= 4:
        raise Refusal(UNREADABLE, "a layer is [from, number, module, arguments]", row.span)
    source, number, module = row.items[:3]
    extra = row.items[3] if len(row.items) == 4 else Sequence((), row.span)
    if not isinstance(module, Scalar) or not isinstance(extra, Sequence):
        raise Refusal(UNREADABLE, "a layer is [from, number, module, arguments]", row.span)
    name, kind = f"model.{len(given)}", module.text.strip()
    inputs = [_given(one, given, last) for one in (source.items if isinstance(source, Sequence) else (source,))]
    if not inputs:
        raise Refusal(DANGLING, f"{name} reads nothing", source.span)
    repeats = multiples.repeats(_integer(number))
    net.repeats += repeats
    if net.repeats > MAX_LAYERS:
        raise Refusal(OVERSIZED, f"with {repeats:,} more it is more layers than {MAX_LAYERS:,}, the limit", number.span)
    handler = MODULES.get(kind)
    if handler is None:
        return net.draft.missing(kind, name, inputs, module.span)
    arguments = Args(net, kind, list(extra.items), module.span)
    if kind in SCALED and arguments.has(0):
        filters = arguments.integer(0)
        if kind != "Classify" and filters != (net.boxes() if net.old else net.classes):
            filters = multiples.channels(filters)
        arguments.replace(0, filters)
    if kind == "Segment" and arguments.has(2):
        arguments.replace(2, multiples.channels(arguments.integer(2)))
    try:
        if kind in REPEATED:
            arguments.repeats = repeats
            return handler(net, name, inputs, arguments)
        for one in range(repeats):
            inputs = [handler(net, name if repeats == 1 else f"{name}.{one}", inputs, arguments)]
    except Lost:  # for a reason that was said already
        return net.draft.add(name, UNKNOWN, inputs, row.span)
    return inputs[0]


def _given(node: Value, given: list[int], last: int) -> int:
    """The node of the layer that a number means, from the start or back from here."""
    number, here = _integer(node), len(given)
    if number == -1:
        return last
    at = here + number if number < 0 else number
    if not 0 <= at < here:
        raise Refusal(DANGLING, f"layer {here} reads layer {at}, which does not stand before it", node.span)
    return given[at]


def _rows(root: Mapping, part: str) -> list[Sequence]:
    found = root.get(part)
    if not isinstance(found, Sequence) or not all(isinstance(one, Sequence) for one in found.items):
        raise Refusal(UNREADABLE, f"`{part}` is a list of layers", root.span if found is None else found.span)
    return [one for one in found.items if isinstance(one, Sequence)]


def _multiples(root: Mapping, name: str) -> tuple[str, Multiples]:
    """The name of the scale, if there are several, and its multiples: the one the file's name has, or the first."""
    scales = root.get("scales")
    if not isinstance(scales, Mapping) or not scales.entries:
        return "", Multiples(_number(root.get("depth_multiple"), 1.0), _number(root.get("width_multiple"), 1.0))
    chosen, meant = root.get("scale"), _SCALE.search(name)
    word = chosen.text if isinstance(chosen, Scalar) else meant[1].lower() if meant else ""
    known = {key.text: value for key, value in scales.entries}
    if word not in known:
        if isinstance(chosen, Scalar):
            raise Refusal(BAD_SETTING, f"there is no scale {in_backticks(word)}", chosen.span)
        word = next(iter(known))
    values = known[word]
    if not isinstance(values, Sequence) or not 2 <= len(values.items) <= 3:
        raise Refusal(UNREADABLE, "a scale is [depth, width, most channels]", values.span)
    return word, Multiples(*(_number(one, 1.0) for one in values.items))


def _anchors(root: Mapping) -> int:
    """How many boxes every place of a v5 head has: half as many as numbers in a row of `anchors`, or their number."""
    found = root.get("anchors")
    if isinstance(found, Scalar):
        return _integer(found)
    rows = found.items if isinstance(found, Sequence) else ()
    return len(rows[0].items) // 2 if rows and isinstance(rows[0], Sequence) else 0


def _activation(root: Mapping) -> tuple[str, dict[str, float]]:
    """The type and keys of the activation behind every Conv."""
    found = root.get("activation")
    if found is None:
        return "silu", {}
    match = _ACTIVATION.fullmatch(found.text.strip()) if isinstance(found, Scalar) else None
    types = {
        "SiLU": "silu",
        "ReLU": "relu",
        "ReLU6": "relu6",
        "LeakyReLU": "leaky_relu",
        "Mish": "mish",
        "GELU": "gelu",
    }
    types |= {"Hardswish": "hardswish", "Sigmoid": "sigmoid", "Tanh": "tanh", "ELU": "elu", "Identity": ""}
    if not match or match[1] not in types or (match[2] and (match[1] != "LeakyReLU" or match[2].count(".") > 1)):
        raise Refusal(INEXPRESSIBLE, f"{shown(found)} is no activation that is known", found.span)
    return types[match[1]], {"slope": float(match[2])} if match[2].strip(".") else {}


def _whole(root: Mapping, key: str, default: int) -> int:
    found = root.get(key)
    return default if found is None else _integer(found)


def _integer(node: Value) -> int:
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise Refusal(BAD_SETTING, f"{shown(node)} stands where a whole number is expected", node.span)
    return int(text)


def _number(node: Value | None, default: float) -> float:
    if node is None:
        return default
    text = node.text.strip() if isinstance(node, Scalar) else ""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not 0 < value <= max(_LARGEST_MULTIPLE, 10**9 if text.isdigit() else 0):
        raise Refusal(BAD_SETTING, f"{shown(node)} stands where a multiple is expected", node.span)
    return value
