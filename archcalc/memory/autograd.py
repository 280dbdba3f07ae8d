"""What the activations of a training step hold under PyTorch: the tensors autograd saves, and their gradients.

A tensor's memory is kept while a later layer reads it or, if a backward pass needs it, until that has run; memory
that several layers save counts once.  What each layer saves is declared with the layer (`Layer.kept`).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from archcalc.analysis.analyze import Report
from archcalc.layers.base import Kept
from archcalc.memory.gradients import gradients
from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Moments
from archcalc.precision import Precision

Device = Literal["cpu", "cuda"]

INDEX = 8  # bytes of a max pool's int64 index, and of the number of a class
SCALAR = 4  # bytes of the loss


Rules = tuple[list[Kept], tuple[int, ...]]  # what each layer keeps; the nodes of which it is not known


class Retained(NamedTuple):
    """The memory of a training step's activations, by node and as buffers over its moments.

    `saved` grows with the batch and is for one image, `fixed` (batch norm's statistics) does not.  A tensor
    is put down to the layer that made it, whoever saves it.  `unknown` are layers without a rule; of
    these only the output is counted.
    """

    saved: tuple[int, ...]
    fixed: tuple[int, ...]
    targets: int  # bytes of the classes of one image, which the loss compares with
    output_buffers: tuple[Buffer, ...]
    extra_buffers: tuple[Buffer, ...]  # saved beside them
    fixed_buffers: tuple[Buffer, ...]
    passing_buffers: tuple[Buffer, ...]  # gradients, the loss's tensors and what is only there while a layer runs
    unknown: tuple[int, ...]
    owners: tuple[int, ...]  # by node: the node whose memory holds its output
    forward_buffers: tuple[Buffer, ...]  # were nothing kept for the backward pass
    wanted: tuple[bool, ...]  # by node: whether a gradient flows through


def retain(
    report: Report,
    precision: Precision,
    *,
    device: Device = "cpu",
    inplace: bool = True,
    rules: Rules | None = None,
) -> Retained:
    """What autograd saves (as saved_tensors_hooks sees it, parameters and buffers apart), and for how long.

    As in PyTorch nothing is saved before the first trained layer, since no gradient is wanted there; the
    network's input counts where a layer saves it, and is held for the whole step in any case.
    """
    nodes, rows = report.graph.nodes, report.rows
    moments = Moments(len(nodes))
    kinds, unknown = rules or rules_of(report, precision)
    wanted: list[bool] = []
    for node, row in zip(nodes, rows, strict=True):
        wanted.append(row.trains or any(wanted[one] for one in node.inputs))
    owners = storages(report, kinds, [one.storage for one in kinds], wanted, inplace=inplace)

    width = precision.activations
    mask = 1 if device == "cuda" else width
    statistic = max(width, 4) if precision.copies or device == "cuda" else width
    sizes = [row.output.size * width for row in rows]
    last = list(range(len(nodes)))  # of the memory a node owns
    viewed = [False] * len(nodes)  # whether a node's output is a view of other memory
    keeper: dict[int, int] = {}  # memory -> the first layer that needs it in its backward pass
    saved, fixed = [0] * len(nodes), [0] * len(nodes)
    outputs: list[Buffer] = []
    extras: list[Buffer] = []
    fixed_buffers: list[Buffer] = []
    passing: list[Buffer] = []
    for position, node in enumerate(nodes):
        kept = kinds[position]
        last[owners[position]] = position
        for one in node.inputs:
            last[owners[one]] = position
        if running := kept.running + (0 if wanted[position] else kept.forward):
            passing.append(Buffer(running * width, position, position))
        frozen = kept.weights and not node.trainable
        extra = (0 if frozen else kept.values * width) + kept.indices * INDEX + kept.mask * mask
        until = moments.backward(position) if wanted[position] else position
        if not wanted[position]:
            if beside := kept.indices * INDEX + kept.mask * mask:
                passing.append(Buffer(beside, position, position))
            if kept.statistics:
                fixed_buffers.append(Buffer(kept.statistics * statistic, position, position))
            continue
        if extra:
            extras.append(Buffer(extra, position, until))
        if kept.statistics:
            fixed_buffers.append(Buffer(kept.statistics * statistic, position, until))
        saved[position] += extra
        fixed[position] = kept.statistics * statistic
        if kept.input and not frozen:
            for one in node.inputs:
                keeper.setdefault(owners[one], position)
        if kept.output:
            keeper.setdefault(owners[position], position)
        viewed[position] = kept.viewed
        temporary = kept.backward * width
        if owners[position] != position and kept.storage == "inplace" and viewed[node.inputs[0]]:
            viewed[position] = True
            temporary += 2 * sizes[position]  # autograd copies the view's gradient there and back (CopySlices)
        if temporary:
            passing.append(Buffer(temporary, until, until))
    results = report.graph.results()
    for one in results:
        last[owners[one]] = moments.loss  # which reads it
    forward = tuple(Buffer(sizes[one], one, last[one]) for one, owner in enumerate(owners) if owner == one)
    for one in results:
        last[owners[one]] = moments.step  # the training loop's variable holds it
    for position, owner in enumerate(owners):
        if owner != position:
            continue
        if not nodes[position].inputs:  # the batch belongs to the training loop
            last[position] = moments.step
        if position in keeper:
            saved[position] += sizes[position]
            last[position] = max(last[position], moments.backward(keeper[position]))
        outputs.append(Buffer(sizes[position], position if nodes[position].inputs else 0, last[position]))
    targets = 0
    for one in results:
        volume = rows[one].output
        targets += volume.width * volume.height * INDEX
        passing += _loss(sizes[owners[one]], sizes[one], moments)
    passing += gradients(report.graph, kinds, wanted, sizes, moments)
    fixed_buffers += [
        Buffer(SCALAR, 0, moments.step),  # the loss, before the step that of the last
        Buffer(SCALAR, moments.loss, moments.loss),  # both, for a moment
        Buffer(SCALAR, moments.loss, moments.loss_backward),  # the number of images averaged over
        Buffer(SCALAR, moments.loss_backward, moments.step - 1),  # the gradient of the loss, 1, which its caller holds
    ]
    return Retained(
        tuple(saved),
        tuple(fixed),
        targets,
        tuple(outputs),
        tuple(extras),
        tuple(fixed_buffers),
        tuple(passing),
        unknown,
        tuple(owners),
        forward,
        tuple(wanted),
    )


def _loss(held: int, size: int, moments: Moments) -> list[Buffer]:
    """Cross entropy of an output of `size` bytes an image: logarithms of the softmax, and their gradients.

    The training loop's variable still holds the last step's output, in memory of `held` bytes, while the next
    is computed.
    """
    after = moments.loss_backward + 1
    return [
        Buffer(held, 0, moments.loss - 1),
        Buffer(size, moments.loss, after),
        Buffer(size, moments.loss_backward, after),
    ]


def rules_of(report: Report, precision: Precision) -> Rules:
    """What every layer keeps, as its type declares it; of what is not known the output."""
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


def storages(
    report: Report, rules: Sequence[Kept], kinds: Sequence[str], wanted: Sequence[bool], *, inplace: bool = True
) -> list[int]:
    """For every node the node whose memory holds its output, in a program that trains; `kinds` are Kept.storage.

    A layer may overwrite its input only if that is a whole tensor, nobody else reads it and nobody before
    needs it unchanged (PyTorch refuses the backward pass otherwise), and never the network's input.  `inplace` is
    for layers that do not say it themselves.
    """
    graph, rows = report.graph, report.rows
    found: list[int] = []
    taken = [not node.inputs for node in graph.nodes]  # by owner: the batch, or read by several, or saved
    readers, results = graph.readers(), frozenset(graph.results())
    for position, node in enumerate(graph.nodes):
        rule, kind = rules[position], kinds[position]
        owner = position
        allowed = False
        if node.inputs and kind in ("view", "inplace"):
            source = found[node.inputs[0]]
            if kind == "inplace":
                allowed = (
                    node.overwrites(inplace)
                    and not taken[source]
                    and rows[source].output.size == rows[position].output.size
                )
            if allowed or kind == "view":
                owner = source
        found.append(owner)
        saves = wanted[position]
        reads = readers[position] + (position in results)
        if reads > 1 or (saves and rule.output) or (allowed and rule.input):
            taken[owner] = True
        if saves and rule.input and not allowed:
            for one in node.inputs:
                taken[found[one]] = True
    return found
