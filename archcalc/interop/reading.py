"""What a reader of another tool's files is and gives.

A reader is a module of this room with

    NAME = "Caffe prototxt"                                 # as a message calls the format
    def recognises(data: bytes, path: str) -> bool          # by content: cheap, and sure enough to be asked first
    def read(data: bytes, path: str, *, input: Volume | None = None) -> Reading

`read` never raises: what is wrong is in `problems`, with line and column where the format has lines.  `input` stands
for the size that the file gives, or leaves out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.diagnostics import NOWHERE, Diagnostic, Problems, Refusal, Span, rule
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.layers.misfit import LayerError, placed
from archcalc.layers.reshape import Input
from archcalc.reader.text import in_backticks
from archcalc.reader.values import Extents, Integer, Kind, Number, Padding, Paddings
from archcalc.records import NamedTuple
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

MAX_LAYERS = 100_000  # as many as a spec may have

UNREADABLE = rule(
    "AC701",
    "a model file is broken",
    "The file is of a kind that archcalc reads, but does not follow its syntax from here on.",
)
OVERSIZED = rule(
    "AC702",
    "a model file exceeds a limit of its reader",
    """
    Model files are untrusted input, so they are read under budgets: of bytes, of nesting, of nodes, of a shape's
    dimensions (8), and of 100,000 layers after everything is expanded.
    """,
)
UNKNOWN_OPERATOR = rule(
    "AC703",
    "operators that are not known",
    """
    What an unknown operator gives, costs and keeps is not known, and neither is anything behind it.  All of a file's
    unknown operators are named at once, with how often each occurs.
    """,
)
INEXPRESSIBLE = rule(
    "AC704",
    "an operator is set in a way that has no layer here",
    "The operator is known, but a setting of it means something that no layer type of archcalc computes.",
)
DANGLING = rule(
    "AC705",
    "a layer reads what no layer gives",
    "The name or number of an input belongs to nothing that stands before it in the file.",
)
NO_SIZE = rule(
    "AC706",
    "the file does not say how large its input is",
    "Files for training often leave the size of an image to the data.  Give it on the command line: `--input 227x227x3`.",
)
BAD_SETTING = rule(
    "AC707",
    "a setting of a layer in a model file cannot be",
    "The value is missing, is of another kind, or is out of range, so that the tool itself would refuse it.",
)
UNUSED_VALUES = rule(
    "AC708",
    "a model file holds values that no layer reads",
    """
    They are in the file and no operator reads them, so they are not among the parameters.  A tool that adds up
    a file's tensors counts them.
    """,
    "warning",
)


# What a setting of another kind than a layer takes, a text for a number, ends in where it is used.
WRONG_KIND = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


class Reading(NamedTuple):
    """A network as a file of another tool has it, and what was wrong; the graph holds what could be read."""

    graph: Graph
    problems: tuple[Diagnostic, ...] = ()


MOST_DIGITS = 18  # of a whole number; more is no size of anything

AnyLayer = TypeVar("AnyLayer", bound=Layer)


class Draft:
    """A graph in the making.  Volumes are known as soon as a node is added, for what depends on them."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.volumes: list[Volume | None] = []
        self.problems = Problems()
        self.unknown: Counter[str] = Counter()
        self.first_unknown = NOWHERE
        self.names: dict[str, int] = {}

    def add(
        self,
        name: str,
        layer: Layer,
        inputs: Iterable[int] = (),
        span: Span = NOWHERE,
        places: Mapping[str, Span] = {},
        **further: Any,
    ) -> int:
        """Add a node and give its position.  A name that is taken already is numbered: `relu`, `relu_2`.

        `further` are the node's fields `shares`, `trainable` and `inplace`.
        """
        if len(self.nodes) >= MAX_LAYERS:
            raise Refusal(OVERSIZED, f"the network has more than {MAX_LAYERS:,} layers, the limit", span)
        inputs = tuple(inputs)
        if layer is not UNKNOWN and not isinstance(layer, Input):
            joins = isinstance(layer, Merge) or getattr(layer, "several", False)
            if len(inputs) != 1 and not (joins and inputs):
                message = f"{name} reads {len(inputs)} inputs, and {layer.type} takes {'some' if joins else 'one'}"
                raise Refusal(UNREADABLE, message, span)
        self.nodes.append(Node(self._free(name), layer, inputs, span, places, **further))
        self.volumes.append(self._measured(layer, inputs))
        return len(self.nodes) - 1

    def missing(self, operator: str, name: str, inputs: Iterable[int] = (), span: Span = NOWHERE) -> int:
        """Add a node of an operator that is not known, so that the rest can be read."""
        if not self.unknown:
            self.first_unknown = span
        self.unknown[operator] += 1
        return self.add(name, UNKNOWN, inputs, span)

    def reading(self, outputs: Iterable[int] = ()) -> Reading:
        """What was read, with one error for all unknown operators together."""
        problems = list(self.problems)
        if self.unknown:
            counted = sorted(self.unknown.items(), key=lambda one: (-one[1], one[0]))
            listed = ", ".join(f"{in_backticks(name)} ({count})" for name, count in counted)
            message = f"operators that are not known: {listed}"
            problems.append(Diagnostic(UNKNOWN_OPERATOR, message, self.first_unknown))
        if not self.nodes and not problems:
            problems.append(Diagnostic(UNREADABLE, "there is no layer in this file", NOWHERE))
        return Reading(Graph(self.name, tuple(self.nodes), tuple(outputs)), tuple(problems))

    def _free(self, name: str) -> str:
        count = self.names[name] = self.names.get(name, 0) + 1
        while count > 1 and f"{name}_{count}" in self.names:
            count += 1
        if count == 1:
            return name
        self.names[name] = count
        self.names[f"{name}_{count}"] = 1
        return f"{name}_{count}"

    def _measured(self, layer: Layer, inputs: tuple[int, ...]) -> Volume | None:
        """The volume, where it is known; why it is not, the analysis says."""
        if isinstance(layer, Input):
            return layer.volume
        read = [self.volumes[one] for one in inputs if one >= 0]
        known = tuple(one for one in read if one is not None)
        if layer is UNKNOWN or not known or len(known) < len(inputs):
            return None
        try:
            return layer.measure(known)[0]
        except LayerError:
            return None


def text_of(data: "bytes | mmap") -> str:
    """A file's text; what is not UTF-8 stands in comments, or becomes U+FFFD."""
    return bytes(data[:]).decode("utf-8-sig", "replace")


def typed(type: str, name: str, span: Span = NOWHERE, places: Mapping[str, Span] = {}, **values: Any) -> Layer:
    """A layer by the name of its type, which is imported only now if it is a rare one."""
    return made(TYPES[type], name, span, places, **values)


def made(
    layer: type[AnyLayer], name: str, span: Span = NOWHERE, places: Mapping[str, Span] = {}, **values: Any
) -> AnyLayer:
    """A layer whose values, unlike those of a spec, nobody has looked at yet; Refusal for what cannot be."""
    for word, value in values.items():
        kind = layer.keys[word].kind
        if value is None and layer.keys[word].default is None:
            continue
        if not _within(kind, value):
            shown = str(value) if not isinstance(value, int) or value.bit_length() < 64 else "a number"
            message = f"{name}: {word} cannot be {shown}; it is {kind.words}"
            raise Refusal(BAD_SETTING, message, places.get(word, span))
    try:
        return layer(**values)
    except LayerError as error:
        found = placed(error, name, span, places)
        details = found._asdict()
        raise Refusal(details.pop("code"), details.pop("message"), details.pop("span"), **details) from None


def _within(kind: Kind, value: Any) -> bool:
    """Whether a value is in the range of its kind."""
    if isinstance(kind, Integer):
        return bool(kind.low <= value <= kind.high)
    if isinstance(kind, Extents):
        return value is None or all(_within(kind.one, one) for one in value)
    if isinstance(kind, Paddings):
        return isinstance(value, Padding) and all(_within(Paddings.extents.one, one) for one in value[:4])
    if isinstance(kind, Number):
        below = value < kind.high if "exclusiveMaximum" in kind.schema else value <= kind.high
        return bool(isfinite(value) and kind.low <= value and below)
    return True
