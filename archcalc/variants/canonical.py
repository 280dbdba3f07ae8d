"""Networks that compute the same, written as one: what makes no difference between a spec and a model is taken out.

Layers stand in an order that depends on the network alone, not on how it was written down: from the outputs back,
the branches of a sum by their depth.  Nested sums and nested concats are one; what fc does implicitly is not
there; a layer that can be written in two ways is written in one.
"""

from collections.abc import Collection, Sequence
from typing import Any

from archcalc.analysis.analyze import Report, analyze
from archcalc.graph import Graph, Node
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU6
from archcalc.layers.base import Windowed
from archcalc.layers.depthwise import DepthwiseConv
from archcalc.layers.norm import LayerScale
from archcalc.layers.pool import GlobalAveragePool
from archcalc.reader.values import Padding
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

LOOSE = ("eps", "slope", "initial", "momentum")  # keys that only a strict comparison looks at
_UNORDERED = ("add", "multiply", "maximum", "minimum")
_NESTING = ("add", "multiply", "concat")


class Canonical(NamedTuple):
    """A report of the network in its one form; `origins` has the position every node had."""

    report: Report
    origins: tuple[int, ...]


class _Step(NamedTuple):
    layer: Layer
    inputs: tuple[int, ...]


def canonical(report: Report, *, strict: bool = False) -> Canonical:
    """A complete report's network in the form in which networks that compute the same are equal."""
    nodes = report.graph.nodes
    steps = [_Step(_plain(row.node.layer, row.inputs, strict=strict), row.node.inputs) for row in report.rows]
    steps = _implicit(steps, report)
    steps = _unnested(steps, report.graph.readers(), frozenset(report.graph.results()))
    order = _ordered(steps, report)
    place = {old: new for new, old in enumerate(order)}
    lenders = _lenders(nodes, order)
    made = [
        Node(
            nodes[old].name,
            steps[old].layer,
            tuple(place[one] for one in steps[old].inputs),
            nodes[old].span,
            path=nodes[old].path,
            shares=lenders.get(old),
            trainable=nodes[old].trainable or not strict,
        )
        for old in order
    ]
    outputs = tuple(place[one] for one in report.graph.results())
    graph = Graph(report.graph.name, tuple(made), outputs)
    return Canonical(analyze(graph), tuple(order))


def _lenders(nodes: Sequence[Node], order: Sequence[int]) -> dict[int, int]:
    """Whose weights a node uses, by its new place: those of the first that has them in the new order."""
    first: dict[int, int] = {}
    found: dict[int, int] = {}
    for new, old in enumerate(order):
        shares = nodes[old].shares
        lender = first.setdefault(old if shares is None else shares, new)
        if lender != new:
            found[old] = lender
    return found


# -- one way to write a layer ----------------------------------------------------------------------------


def _plain(layer: Layer, inputs: tuple[Volume, ...], *, strict: bool) -> Layer:
    if isinstance(layer, DepthwiseConv):
        layer = layer.grouped(inputs[0].channels)
    values = layer.values()
    if not strict:
        loose = (*LOOSE, "rate") if layer.type == "drop_path" else LOOSE  # a rate that mostly grows with the depth
        values.update({name: type(layer).keys[name].default for name in loose if name in values})
    if layer.type in ("adaptive_avgpool", "avgpool") and _whole(layer, inputs[0]):
        return GlobalAveragePool()
    if layer.type in ("hardtanh", "clamp") and (values["low"], values["high"]) == (0, 6):
        return ReLU6()
    if layer.type == "scale" and (values["by"], values["per"], values["trained"]) == (None, "channel", True):
        return LayerScale()
    if layer.type in ("adaptive_avgpool", "adaptive_pool"):
        values["size"] = Pair(*layer.output(inputs[0])[:2])
    if layer.type == "upsample":
        values.update(_factor(layer, inputs[0]))
    if isinstance(layer, Windowed):
        values.update(_windows(layer, inputs[0]))
    return type(layer)(**values)


def _whole(layer: Any, x: Volume) -> bool:
    """Whether an average is over the whole image."""
    if layer.type == "adaptive_avgpool":
        return bool(layer.output(x)[:2] == (1, 1))
    return bool(layer.kernel_size == x[:2] and layer.padding == Padding())


def _factor(layer: Any, x: Volume) -> dict[str, Any]:
    """How many times as large an upsampling's output is, where that is a whole number; its size, if it has one."""
    y = layer.output(x)
    if layer.size is None or y.width % x.width or y.height % x.height:
        return {}
    return {"factor": Pair(y.width // x.width, y.height // x.height), "size": None}


def _windows(layer: Windowed, x: Volume) -> dict[str, Any]:
    """Padding as four sides, a pool's stride that is not given, and the rounding where it makes a difference."""
    sides: list[tuple[int, int]] = []
    exact = True
    for window, extent in zip(layer.windows(x), x, strict=False):
        fit = window.fit(extent)
        sides.append((fit.before, fit.after))
        exact &= fit.leftover == 0
    (left, right), (top, bottom) = sides
    found: dict[str, Any] = {"rounding": "exact" if exact else layer.rounding}
    if hasattr(layer, "padding"):
        found["padding"] = Padding(left, right, top, bottom)
    if hasattr(layer, "step"):
        found["stride"] = layer.step
    return found


# -- one form for what is connected ----------------------------------------------------------------------


def _implicit(steps: list[_Step], report: Report) -> list[_Step]:
    """Flatten is passed over where fc follows, and where there is one pixel anyway."""
    source = list(range(len(steps)))
    for number, step in enumerate(steps):
        if step.layer.type == "flatten":
            one_pixel = report.rows[number].inputs[0][:2] == (1, 1)
            if one_pixel or _only_fc(number, steps):
                source[number] = source[step.inputs[0]]
    ends = frozenset(report.graph.results())
    return [
        step._replace(
            inputs=tuple(
                one if number in ends and steps[one].layer.type != "flatten" else source[one] for one in step.inputs
            )
        )
        for number, step in enumerate(steps)
    ]


def _only_fc(number: int, steps: Sequence[_Step]) -> bool:
    """Whether all that is read of a node comes to fc by way of what works on single values."""
    through = {number}
    for place, step in enumerate(steps):
        if through.intersection(step.inputs):
            if step.layer.type == "fc":
                continue
            if not (step.layer.inplace and len(step.inputs) == 1):
                return False
            through.add(place)
    return len(through) > 0


def _unnested(steps: list[_Step], readers: Sequence[Sequence[int]], ends: Collection[int]) -> list[_Step]:
    """A sum that only a sum reads is part of it, and a product likewise; a concat is, whoever reads it as well."""
    found = list(steps)
    for number, step in enumerate(found):
        if step.layer.type in _NESTING:
            inputs: list[int] = []
            for one in step.inputs:
                inner = found[one]
                alone = inner.layer.type == "concat" or (len(readers[one]) == 1 and one not in ends)
                nested = inner.layer.type == step.layer.type and alone
                inputs += inner.inputs if nested else (one,)
            found[number] = step._replace(inputs=tuple(inputs))
    return found


# -- one order -------------------------------------------------------------------------------------------


def _ordered(steps: list[_Step], report: Report) -> list[int]:
    """Positions from the inputs to the outputs, depth first; what no output is made of comes last.

    The branches of a sum stand by their depth, then by what they are.
    """
    depths: list[int] = []
    shapes: list[int] = []
    whole: list[int] = []
    for number, step in enumerate(steps):
        inputs = step.inputs
        if step.layer.type in _UNORDERED:
            inputs = tuple(sorted(inputs, key=lambda one: (depths[one], shapes[one], whole[one])))
            steps[number] = step = step._replace(inputs=inputs)
        depths.append(1 + max((depths[one] for one in inputs), default=0))
        shapes.append(hash((step.layer.type, *(shapes[one] for one in inputs))))
        whole.append(hash((step.layer, *(whole[one] for one in inputs))))
    found: dict[int, None] = {number: None for number, step in enumerate(steps) if not step.inputs}
    for end in report.graph.results():
        _visit(end, steps, found)
    return list(found)


def _visit(end: int, steps: Sequence[_Step], found: dict[int, None]) -> None:
    """Enter a node behind all it is made of, without recursion: networks are deep."""
    waiting = [(end, False)]
    while waiting:
        number, ready = waiting.pop()
        if ready:
            found.setdefault(number)
        elif number not in found:
            waiting.append((number, True))
            waiting += [(one, False) for one in reversed(steps[number].inputs)]
