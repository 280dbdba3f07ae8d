"""The operations that PyTorch runs for a network: one a layer and, under autocast, the casts between them.

Autocast gives each operation the type that is good for it: convolutions and matrix products run in half precision and
softmaxes, most norms and whatever else they need in single; the others take what they get.  A cast is an operation of
its own, with memory of its own and a gradient; those of weights are kept for the next reader while autocast is on.
Everything here is bytes.
"""

from archcalc.analysis.analyze import Report, Row
from archcalc.layers.base import Kept
from archcalc.precision import Device, Precision
from archcalc.records import NamedTuple

INDEX = 8  # bytes of a max pool's int64 index, and of the number of a class
SINGLE, HALF = 4, 2
CAST = Kept()
UNKNOWN = Kept(output=True)  # counts the output alone


class Operation(NamedTuple):
    """`size` of its output and `rule`, what it keeps, in bytes for one image; statistics whatever the batch.

    `layer` is the position of the row, of a cast that of the layer it is made for.  `weights` and `biases` are copies of
    parameters in half precision.
    """

    layer: int
    inputs: tuple[int, ...]
    size: int
    rule: Kept
    trains: bool = False
    trainable: bool = True
    inplace: bool | None = None
    weights: int = 0
    biases: int = 0


class Execution(NamedTuple):
    """`homes`: by row, the operation that is the layer.  `results` are the network's outputs, `scored` what the loss reads.

    `logarithms` are bytes of the loss's values for an image, by output.  `unknown` are rows without a rule.
    """

    operations: tuple[Operation, ...]
    homes: tuple[int, ...]
    results: tuple[int, ...]
    scored: tuple[int, ...]
    logarithms: tuple[int, ...]
    unknown: tuple[int, ...]

    def readers(self) -> list[int]:
        """For every operation, how many read its output."""
        found = [0] * len(self.operations)
        for operation in self.operations:
            for one in operation.inputs:
                found[one] += 1
        return found

    def wanted(self) -> list[bool]:
        """For every operation, whether a gradient flows through it."""
        found: list[bool] = []
        for operation in self.operations:
            found.append(operation.trains or any(found[one] for one in operation.inputs))
        return found


def operations(report: Report, precision: Precision, device: Device) -> Execution:
    """The execution of a report's network."""
    return _Autocast(report, precision, device).execution() if precision.copies else _uniform(report, precision, device)


def _uniform(report: Report, precision: Precision, device: Device) -> Execution:
    width = precision.activations
    mask, statistic = (1, max(width, SINGLE)) if device == "cuda" else (width, width)
    known: dict[tuple[object, ...], Kept | None] = {}
    found: list[Operation] = []
    unknown: list[int] = []
    for position, row in enumerate(report.rows):
        node = row.node
        key = id(node.layer), row.inputs
        if key not in known:
            kept = node.layer.kept(row.inputs, row.output)
            known[key] = kept and weighed(kept, width, width, mask, statistic)
        rule = known[key]
        if rule is None:
            unknown.append(position)
            rule = UNKNOWN
        found.append(
            Operation(position, node.inputs, row.output.size * width, rule, row.trains, node.trainable, node.inplace)
        )
    results = report.graph.results()
    sizes = tuple(found[one].size for one in results)
    return Execution(tuple(found), tuple(range(len(found))), results, results, sizes, tuple(unknown))


def weighed(rule: Kept, width: int, single: int, mask: int, statistic: int) -> Kept:
    """What a layer keeps in bytes, with activations of `width`."""
    return rule._replace(
        values=(rule.values - rule.singles) * width + rule.singles * single,
        indices=rule.indices * INDEX,
        mask=rule.mask * mask,
        statistics=rule.statistics * statistic,
        running=rule.running * width,
        forward=rule.forward * width,
        backward=rule.backward * width + rule.masks,
    )


class _Autocast:
    """An execution with casts; `widths` are bytes of a value of each operation's output."""

    def __init__(self, report: Report, precision: Precision, device: Device) -> None:
        self.report, self.cuda = report, device == "cuda"
        self.fused = self.cuda and precision.fused
        self.found: list[Operation] = []
        self.widths: list[int] = []
        self.known: dict[tuple[object, ...], Kept | None] = {}

    def execution(self) -> Execution:
        homes: list[int] = []
        unknown: list[int] = []
        for position, row in enumerate(self.report.rows):
            if not self.add(row, position, [homes[one] for one in row.node.inputs]):
                unknown.append(position)
            homes.append(len(self.found) - 1)
        results = tuple(homes[one] for one in self.report.graph.results())
        sizes = tuple(self.found[one].size // self.widths[one] * SINGLE for one in results)
        last = len(self.report.rows) - 1
        scored = results if self.fused else tuple(self.cast(last, one, SINGLE) for one in results)
        return Execution(tuple(self.found), tuple(homes), results, scored, sizes, tuple(unknown))

    def add(self, row: Row, position: int, inputs: list[int]) -> bool:
        """Add a layer's operation, behind the casts it needs; whether its rule is known."""
        node, cost = row.node, row.cost
        key = id(node.layer), row.inputs
        if key not in self.known:
            self.known[key] = node.layer.kept(row.inputs, row.output)
        rule = self.known[key]
        policy = rule and rule.autocast
        rule = rule or UNKNOWN
        if not self.cuda and policy in ("single", "softmax"):
            policy = "keep"  # on the CPU these run in half precision, too
        width = max([self.widths[one] for one in inputs], default=SINGLE)
        if policy == "half":
            width = HALF
        elif policy not in ("keep", None):
            width = SINGLE
        if policy in ("half", "single") or (policy == "softmax" and not self.fused):
            inputs = [self.cast(position, one, width) for one in inputs]
        widths = [self.widths[one] for one in inputs] or [width]
        given, copied = max(widths), HALF if policy == "half" else 0
        kept = weighed(rule, given, SINGLE if self.cuda else given, 1 if self.cuda else given, SINGLE)
        size = row.output.size
        if given < width and policy in ("promoted", "beside"):
            kept = _mixed(kept, rule, size, given, beside=policy == "beside")
        if min(widths) < given and rule.gradient == "new":
            kept = kept._replace(backward=kept.backward + size * given * sum([one < given for one in widths]))
        self.found.append(
            Operation(
                position,
                tuple(inputs),
                size * width,
                kept,
                row.trains,
                node.trainable,
                node.inplace,
                cost.weights * copied,
                cost.biases * copied,
            )
        )
        self.widths.append(width)
        return policy is not None

    def cast(self, position: int, operation: int, width: int) -> int:
        """The operation, or behind it one that gives the same in another width."""
        if self.widths[operation] == width:
            return operation
        source = self.found[operation]
        self.found.append(Operation(position, (operation,), source.size // self.widths[operation] * width, CAST))
        self.widths.append(width)
        return len(self.found) - 1


def _mixed(kept: Kept, rule: Kept, size: int, given: int, *, beside: bool) -> Kept:
    """What a layer keeps that computes `size` values in single precision from some of `given` bytes; as measured.

    Its gradients are made in single precision, and then cast to the input's, if they are not the output's.
    """
    if beside:
        return kept._replace(
            values=kept.values + size * SINGLE,
            running=rule.running * SINGLE,
            backward=rule.backward * SINGLE + size * (SINGLE + given),
        )
    if rule.gradient == "same":
        return kept._replace(backward=rule.backward * SINGLE)
    alone = rule.weights or rule.singles  # the other operand's gradient is gone by then
    return kept._replace(backward=rule.backward * SINGLE + size * (given if alone else SINGLE))
