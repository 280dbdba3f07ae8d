"""The steps that a spec's lists are made of: a layer, a repeat, a join of branches or a use of a block.

They are written by the compiler (compiler.py) and laid out as a graph (expand.py).  `variables` are the `$names` a step
depends on.
"""

from collections.abc import Mapping

from archcalc.diagnostics import Span
from archcalc.layers import Layer
from archcalc.layers.merge import Merge
from archcalc.reader.nodes import Scalar, Value
from archcalc.records import NamedTuple


class Manner(NamedTuple):
    """How a layer, or what a block expands to, stands in its network: with whose weights, in place or not, frozen, as large as which."""

    share: Scalar | None = None
    inplace: bool | None = None
    trainable: bool = True
    like: Scalar | None = None


PLAIN = Manner()


class LayerStep(NamedTuple):
    type: type[Layer]
    values: dict[str, Value]
    span: Span
    places: dict[str, Span]
    name: Scalar | None
    sources: tuple[Scalar, ...] | None  # None: the step before
    variables: frozenset[str]
    optional: bool = False
    uncertain: bool = False  # has a key that is not known and may change the volume
    manner: Manner = PLAIN


class FromStep(NamedTuple):
    """Nothing but where the steps behind it go on from."""

    source: Scalar
    span: Span
    name: None = None
    variables: frozenset[str] = frozenset()


class IfStep(NamedTuple):
    """Steps that are there where the condition is not 0; a branch that is one of these is absent where it is 0."""

    condition: Scalar
    body: "tuple[Step, ...]"
    span: Span
    variables: frozenset[str]
    name: None = None


class RepeatStep(NamedTuple):
    """`sources`: one name for where the first pass begins, or one for each pass.  `share`: all passes have one set of weights.

    `first` is the number of the first pass, 1 unless it is given.
    """

    times: Scalar
    body: "tuple[Step, ...]"
    span: Span
    name: Scalar | None
    sources: tuple[Scalar, ...]
    counters: tuple[str, ...]  # the variables that hold the number of the pass
    variables: frozenset[str]
    each: bool = False  # `sources` are of the passes
    share: bool = False
    first: Scalar | None = None


class BranchStep(NamedTuple):
    type: type[Merge]
    branches: "tuple[tuple[Step, ...], ...]"
    span: Span
    places: dict[str, Span]
    name: Scalar | None
    source: Scalar | None
    sources: tuple[Scalar, ...]
    variables: frozenset[str]
    loose: bool = False  # how many it joins is known when it is laid out; one of them needs no join


class BlockStep(NamedTuple):
    block: str
    arguments: dict[str, Value]
    span: Span
    name: Scalar | None
    source: Scalar | None
    variables: frozenset[str]
    manner: Manner = PLAIN


Step = LayerStep | RepeatStep | BranchStep | BlockStep | FromStep | IfStep


class Block(NamedTuple):
    """A named list of steps with its variables; None is a variable that has no default.  `names` stand for layers."""

    name: str
    variables: Mapping[str, Value | None]
    body: tuple[Step, ...]
    span: Span
    names: frozenset[str] = frozenset()


class Defaults(NamedTuple):
    """What layers take unless they say otherwise: per type, and the spec's rounding; `inplace`: which types work in place."""

    by_type: dict[str, dict[str, Value]]
    rounding: Value | None = None
    inplace: Mapping[str, bool] = {}


def unreadable(span: Span) -> LayerStep:
    """A placeholder for what could not be read: a layer whose type is the base class."""
    return LayerStep(Layer, {}, span, {}, None, None, frozenset())
