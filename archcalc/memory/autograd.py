"""What a training step holds in memory under PyTorch: the tensors autograd saves, and the gradients.

The step has 2n moments for n layers: layer i runs forward at i and backward at 2n - 1 - i.  A tensor's memory
is kept while a later layer reads it or, if a backward pass needs it, until that has run; memory that
several layers save counts once.  What each layer saves is declared with the layer (`Layer.kept`).
"""

from typing import Literal, NamedTuple

from archcalc.analysis.analyze import Report
from archcalc.graph import Graph
from archcalc.layers.base import Kept
from archcalc.memory.liveness import Buffer
from archcalc.precision import Precision

Device = Literal["cpu", "cuda"]

INDEX = 8  # bytes of a max pool's int64 index


class Retained(NamedTuple):
    """The memory of a training step, by node and as buffers over its 2n moments.

    `saved` grows with the batch and is for one image, `fixed` (batch norm's statistics) does not.  A tensor
    is put down to the layer that made it, whoever saves it.  `unknown` are layers without a rule; of
    these only the output is counted.
    """

    saved: tuple[int, ...]
    fixed: tuple[int, ...]
    scaled_buffers: tuple[Buffer, ...]
    fixed_buffers: tuple[Buffer, ...]
    unknown: tuple[int, ...]
    owners: tuple[int, ...]  # by node: the node whose memory holds its output
    forward_buffers: tuple[Buffer, ...]  # were nothing kept for the backward pass


def retain(report: Report, precision: Precision, *, device: Device = "cpu", inplace: bool = True) -> Retained:
    """What autograd saves (as saved_tensors_hooks sees it, parameters and buffers apart), and for how long.

    As in PyTorch nothing is saved before the first trained layer, since no gradient is wanted there; the
    network's input counts where a layer saves it, and is held for the whole step in any case.
    """
    nodes, rows = report.graph.nodes, report.rows
    end = 2 * len(nodes) - 1
    rules, unknown = _rules(report, precision)
    wanted: list[bool] = []  # whether a gradient flows through
    for node, row in zip(nodes, rows, strict=True):
        wanted.append(bool(row.cost.params) or any(wanted[one] for one in node.inputs))
    owners = _storages(report, rules, wanted, inplace)

    width = precision.activations
    mask = 1 if device == "cuda" else width
    statistic = max(width, 4) if precision.copies or device == "cuda" else width
    sizes = [row.output.size * width for row in rows]
    last = list(range(len(nodes)))  # of the memory a node owns
    keeper: dict[int, int] = {}  # memory -> the first layer that needs it in its backward pass
    saved, fixed = [0] * len(nodes), [0] * len(nodes)
    scaled_buffers: list[Buffer] = []
    fixed_buffers: list[Buffer] = []
    for position, node in enumerate(nodes):
        kept = rules[position]
        last[owners[position]] = position
        for one in node.inputs:
            last[owners[one]] = position
        if not wanted[position]:
            continue
        if kept.input:
            for one in node.inputs:
                keeper.setdefault(owners[one], position)
        if kept.output:
            keeper.setdefault(owners[position], position)
        extra = kept.values * width + kept.indices * INDEX + kept.mask * mask
        if extra:
            saved[position] += extra
            scaled_buffers.append(Buffer(extra, position, end - position))
        if kept.statistics:
            fixed[position] = kept.statistics * statistic
            fixed_buffers.append(Buffer(fixed[position], position, end - position))
    last[owners[-1]] = len(nodes)  # the loss reads it
    forward = tuple(Buffer(sizes[one], one, last[one]) for one, owner in enumerate(owners) if owner == one)
    last[0] = end  # the batch belongs to the training loop
    for position, owner in enumerate(owners):
        if owner != position:
            continue
        if position in keeper:
            saved[position] += sizes[position]
            last[position] = max(last[position], end - keeper[position])
        scaled_buffers.append(Buffer(sizes[position], position, last[position]))
    scaled_buffers += _gradients(report.graph, rules, wanted, sizes)
    return Retained(
        tuple(saved), tuple(fixed), tuple(scaled_buffers), tuple(fixed_buffers), unknown, tuple(owners), forward
    )


def _rules(report: Report, precision: Precision) -> tuple[list[Kept], tuple[int, ...]]:
    """What every layer keeps, and the nodes for which that is not known."""
    known: dict[tuple[object, ...], Kept | None] = {}
    rules: list[Kept] = []
    unknown: list[int] = []
    for position, row in enumerate(report.rows):
        layer = row.node.layer
        key = id(layer), row.inputs
        if key not in known:
            known[key] = layer.kept(row.inputs, row.output)
        rule = known[key]
        if rule is None or (precision.copies and not rule.autocast):
            unknown.append(position)
            rule = rule or Kept(output=True)
        rules.append(rule)
    return rules, tuple(unknown)


def _storages(report: Report, rules: list[Kept], wanted: list[bool], inplace: bool) -> list[int]:
    """For every node the node whose memory holds its output while training.

    A layer may overwrite its input only if that is a whole tensor, nobody else reads it and nobody before
    needs it unchanged (PyTorch refuses the backward pass otherwise), and never the network's input.
    """
    graph, rows = report.graph, report.rows
    found: list[int] = []
    taken = [False] * len(graph.nodes)  # by owner: read by several, or saved
    readers = graph.readers()
    for position, node in enumerate(graph.nodes):
        rule = rules[position]
        owner = found[node.inputs[0]] if node.inputs else position
        free = owner > 0 and not taken[owner] and rows[owner].output.size == rows[position].output.size
        allowed = inplace and rule.storage == "inplace" and free
        if not (rule.storage == "view" or allowed):
            owner = position
        found.append(owner)
        if readers[position] > 1 or (wanted[position] and rule.output) or (allowed and rule.input):
            taken[owner] = True
        if wanted[position] and rule.input and not allowed:
            for one in node.inputs:
                taken[found[one]] = True
    return found


def _gradients(graph: Graph, rules: list[Kept], wanted: list[bool], sizes: list[int]) -> list[Buffer]:
    """The gradient of every output: from the backward pass of its last reader to that of its own layer.

    A view's gradient is a view; gradients of the weights are counted with the parameters.
    """
    end = 2 * len(graph.nodes) - 1
    latest = [len(graph.nodes) - 1] * len(graph.nodes)  # reader, of a node or of the views on it
    for position, node in enumerate(graph.nodes):
        for one in node.inputs:
            latest[one] = position
    found = []
    for position in reversed(range(len(graph.nodes))):
        if rules[position].storage == "view" and position:
            source = graph.nodes[position].inputs[0]
            latest[source] = max(latest[source], latest[position])
        elif wanted[position]:
            found.append(Buffer(sizes[position], end - latest[position], end - position))
    return found
