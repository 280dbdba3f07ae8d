"""What inference and training need in memory, and what fits under a budget.

Everything is bytes and either fixed or proportional to the batch, so that the largest batch has a closed form:
at every moment of the execution image * N + fixed must stay within the budget.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple, get_args

from archcalc.analysis.analyze import Report
from archcalc.layers.norm import BatchNorm
from archcalc.memory.arena import Arena, arrange
from archcalc.memory.autograd import Device, Retained, Rules, retain, rules_of
from archcalc.memory.held import held
from archcalc.memory.liveness import Buffer, highest, lifetimes, live
from archcalc.memory.moments import Pass
from archcalc.memory.ordering import Order, better_order
from archcalc.memory.step import Devices, Group, Step, step_of
from archcalc.precision import OPTIMIZERS, PRECISIONS, Implementation, Precision
from archcalc.volume import Volume

Convention = Literal["cs231n", "pytorch", "arena"]
Purpose = Literal["training", "inference"]
Status = Literal["complete", "partial", "unavailable"]

HEADROOM = 10  # percent of a CUDA device's memory: the allocator's rounding and fragments, workspaces, the context
MOST_HEADROOM = 90
COUNTER = 8  # bytes of batch norm's num_batches_tracked


class Settings(NamedTuple):
    """What is planned.  `batch` None is the largest that fits `budget` (bytes) for `purpose`.

    `implementation` None: the optimizer's default on the device.  `accumulate`: passes of `batch` images each
    before a step.  `keep_gradients`: they are set to zero, not to None.  `average`: a moving average of the parameters
    is kept.  `gpus` take a batch each; `shard` is ZeRO's stage.  `headroom` is the share of the budget, in percent, that is left for what
    is not counted (None: HEADROOM on CUDA, nothing on the CPU); `context` are bytes that the driver takes of it.
    """

    batch: int | None = 1
    dtype: str = "float32"
    optimizer: str = "sgd-momentum"
    convention: Convention = "pytorch"
    device: Device = "cpu"
    inplace: bool = True
    budget: int | None = None
    purpose: Purpose = "training"
    weight_decay: bool = False
    implementation: Implementation | None = None
    accumulate: int = 1
    keep_gradients: bool = False
    average: bool = False
    gpus: int = 1
    shard: int = 0
    headroom: int | None = None
    context: int = 0

    def validate(self) -> None:
        """Raise ValueError for what is none of its kind, with what there is."""
        for kind, word, known in (
            ("dtype", self.dtype, [*PRECISIONS]),
            ("optimizer", self.optimizer, [*OPTIMIZERS]),
            ("convention", self.convention, [*get_args(Convention)]),
            ("device", self.device, [*get_args(Device)]),
            ("purpose", self.purpose, [*get_args(Purpose)]),
        ):
            if word not in known:
                raise ValueError(f"there is no {kind} {word!r}; there are {', '.join(known)}")
        there = OPTIMIZERS[self.optimizer].implementations()
        if self.implementation not in (None, *there):
            raise ValueError(f"{self.optimizer} has no {self.implementation} implementation; it has {', '.join(there)}")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"a batch has at least one image, not {self.batch}")
        if self.accumulate < 1:
            raise ValueError(f"a step has at least one pass, not {self.accumulate}")
        if self.gpus < 1:
            raise ValueError(f"there is at least one device, not {self.gpus}")
        if self.shard not in (0, 1, 2, 3):
            raise ValueError(f"shard is a stage of ZeRO, 1, 2 or 3, or 0 for none, not {self.shard}")
        if not 0 <= self.spare <= MOST_HEADROOM:
            raise ValueError(f"headroom is from 0 to {MOST_HEADROOM} percent, not {self.headroom}")
        if self.context < 0:
            raise ValueError("the context has no negative size")

    @property
    def precision(self) -> Precision:
        return PRECISIONS[self.dtype]

    @property
    def spare(self) -> int:
        """Percent of the budget that are left free."""
        return (HEADROOM if self.device == "cuda" else 0) if self.headroom is None else self.headroom

    @property
    def usable(self) -> int | None:
        """What there is of the budget for what is counted."""
        return None if self.budget is None else max(0, (self.budget - self.context) * (100 - self.spare) // 100)

    @property
    def stepping(self) -> Implementation:
        """The optimizer's implementation: PyTorch takes all parameters at once on CUDA, one after the other on the CPU."""
        default: Implementation = "loop" if self.device == "cpu" else OPTIMIZERS[self.optimizer].implementations()[0]
        return self.implementation or default


class Inference(NamedTuple):
    """A forward pass without gradients.

    `live` is what is alive of activations while each layer runs; `peak_at` names the layer where that is most.
    `buffers` are what a runtime needs that drops each activation after its last reader and reuses memory, for the
    whole batch; they can be laid out in one arena.  `order` runs independent branches in another order, where
    that is known to need less of them; its peak is for the whole batch, too.
    """

    status: Status
    parameters_bytes: int
    buffers_bytes: int
    activations_peak_bytes: int
    total_bytes: int
    peak_at: str
    live: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    order: Order | None

    @property
    def arena(self) -> Arena:
        """The buffers laid out in one arena."""
        return arrange(self.buffers)


class Training(NamedTuple):
    """A training step in the steady state: forward, the loss, backward, the optimizer's step.

    `gradients_bytes` are those of all parameters, `saved_activations_bytes` what is kept from the forward to the
    backward pass, the network's input included; they need not all be there at once.  `at_peak` is what is there at
    the worst moment, and adds up to `total_bytes`.  `live` is everything that is alive at each moment; the first
    `moments_forward` moments are the forward pass, the last is the optimizer's step, except under cs231n.
    """

    status: Status
    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    buffers_bytes: int
    saved_activations_bytes: int
    total_bytes: int
    input_bytes: int
    peak_at: str
    peak_pass: Pass
    at_peak: Group
    live: tuple[int, ...]
    moments_forward: int


class Line(NamedTuple):
    """One layer: bytes alive while it runs at inference, kept for its backward pass, and for its parameters.

    `gradients_bytes` of activations are under cs231n those of its output; under pytorch they are transient.
    """

    name: str
    label: str
    output: Volume
    live_bytes: int
    saved_bytes: int
    gradients_bytes: int
    parameters_bytes: int
    training_parameters_bytes: int
    known: bool


class MaxBatch(NamedTuple):
    """The largest batch under the budget; 0: not even one image; None: there is no such pass."""

    inference: int
    training: int | None


class Budget(NamedTuple):
    """`fits` is of the purpose planned for, in what is usable: the budget without context and headroom."""

    bytes: int
    fits: bool
    max_batch: MaxBatch
    usable_bytes: int


class Suggestion(NamedTuple):
    """A change that needs less memory, with its recomputed figures for the same batch, and the batch it allows."""

    kind: str
    text: str
    total_bytes: int
    fits: bool
    max_batch: int
    extra_macs: int = 0


class Plan(NamedTuple):
    """Memory for a network under `settings`; `batch` is settled.  `training` is None where dtype cannot be trained.

    `unknown` are the layers whose rule for the backward pass is not known.  `suggestions` say what it would
    take where the budget does not suffice.
    """

    name: str
    settings: Settings
    batch: int
    inference: Inference
    training: Training | None
    budget: Budget | None
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    suggestions: tuple[Suggestion, ...] = ()

    def __repr__(self) -> str:
        trained = f", training {self.training.total_bytes:,} B" if self.training else ""
        return f"<Plan {self.name or 'network'}: batch {self.batch:,}, inference {self.inference.total_bytes:,} B{trained}>"

    @property
    def total_bytes(self) -> int:
        """What the pass planned for needs."""
        needed = self.inference if self.settings.purpose == "inference" or self.training is None else self.training
        return needed.total_bytes


def plan(report: Report, settings: Settings = Settings()) -> Plan:
    """Plan a complete report with valid settings.  ValueError where the batch is to be the largest and there is no budget."""
    if not report.complete:
        raise ValueError("only a network that fits together can be planned")
    if settings.batch is None and settings.budget is None:
        raise ValueError("the largest batch needs a budget")
    rows, precision, totals = report.rows, settings.precision, report.totals
    sizes = [row.output.size * precision.activations for row in rows]
    rules = rules_of(report, precision)
    arena: list[Buffer] = []
    order = None
    if settings.convention == "pytorch":
        found = held(report, precision, inplace=settings.inplace, rules=rules)
    else:
        arena = lifetimes(report.graph, sizes, inplace=settings.inplace)
        found = live(arena, len(rows))
        order = better_order(report.graph, sizes, inplace=settings.inplace)
    weights = totals.params * precision.activations
    running = totals.buffers * precision.parameters + COUNTER * sum(
        isinstance(row.node.layer, BatchNorm) for row in rows
    )
    step = _step(report, settings, running, rules) if precision.trains else None

    usable = settings.usable
    most = MaxBatch(0, None)
    if usable is not None:
        most = MaxBatch(
            largest_batch(usable - weights - running, found, [0] * len(found)),
            largest_batch(usable, step.image, step.fixed) if step else None,
        )
    chosen = most.inference if settings.purpose == "inference" or step is None else most.training
    batch = settings.batch or max(chosen or 0, 1)

    peak = highest(found)
    inference = Inference(
        "partial" if "params" in totals.unknown else "complete",
        weights,
        running,
        peak.size * batch,
        weights + running + peak.size * batch,
        rows[peak.step].node.name,
        tuple(one * batch for one in found),
        tuple(one._replace(size=one.size * batch) for one in arena),
        order and order._replace(peak=order.peak * batch),
    )
    planned = Plan(
        report.graph.name,
        settings,
        batch,
        inference,
        _training(report, step, batch, sum(sizes[row.position] for row in report.inputs)) if step else None,
        None,
        _lines(report, settings, step, inference.live, batch),
        tuple(rows[one].node.name for one in step.unknown) if step else (),
    )
    if settings.budget is None or usable is None:
        return planned
    return planned._replace(budget=Budget(settings.budget, planned.total_bytes <= usable, most, usable))


def _training(report: Report, step: Step, batch: int, image: int) -> Training:
    moments = [one * batch + fixed for one, fixed in zip(step.image, step.fixed, strict=True)]
    worst = highest(moments)
    where, layer = step.where(worst.step)
    constant = step.constant
    return Training(
        "partial" if step.unknown or "params" in report.totals.unknown else "complete",
        constant.parameters,
        step.gradients,
        constant.optimizer,
        constant.buffers,
        sum(step.saved) * batch + sum(step.saved_fixed),
        worst.size,
        image * batch,
        report.rows[layer].node.name,
        where,
        step.alive(worst.step, batch),
        tuple(moments),
        len(report.rows),
    )


def largest_batch(budget: int, image: Sequence[int], fixed: Sequence[int]) -> int:
    """The most images for which image * N + fixed <= budget at every moment; 0 where not even one fits."""
    if any(own > budget for own in fixed):
        return 0
    return max(0, min(((budget - own) // one for one, own in zip(image, fixed, strict=True) if one), default=0))


def _step(report: Report, settings: Settings, running: int, rules: Rules) -> Step:
    if settings.convention == "cs231n":
        return _doubled(report, settings, running)
    found = retain(report, settings.precision, device=settings.device, inplace=settings.inplace, rules=rules)
    return stepped(report, settings, found, running)


def stepped(report: Report, settings: Settings, found: Retained, running: int) -> Step:
    """The step under these settings, with activations `found` and running statistics of so many bytes."""
    return step_of(
        report,
        found,
        settings.precision,
        OPTIMIZERS[settings.optimizer],
        settings.stepping,
        buffers=running,
        weight_decay=settings.weight_decay,
        keep_gradients=settings.keep_gradients or settings.accumulate > 1,
        average=settings.average,
        devices=Devices(settings.gpus, settings.shard),
    )


def _doubled(report: Report, settings: Settings, running: int) -> Step:
    """As cs231n counts: every activation is kept, and the gradient of each once its backward pass has run."""
    width, count = settings.precision.activations, len(report.rows)
    saved = [row.activations * width for row in report.rows]
    parameters = report.totals.params * settings.precision.parameters
    copies = sum(row.cost.weights for row in report.rows if row.cost.macs) * settings.precision.copies
    constant = Group(
        parameters=parameters + copies,
        gradients=parameters,
        optimizer=parameters * OPTIMIZERS[settings.optimizer].state,
        buffers=running,
    )
    forward = (Buffer(one, position, 2 * count - 1) for position, one in enumerate(saved))
    backward = (Buffer(one, 2 * count - 1 - position, 2 * count - 1) for position, one in enumerate(saved))
    parts = {"saved": (tuple(forward), ()), "passing": (tuple(backward), ())}

    def where(moment: int) -> tuple[Pass, int]:
        return ("forward", moment) if moment < count else ("backward", 2 * count - 1 - moment)

    return Step(
        constant,
        parameters,
        tuple(saved),
        (0,) * count,
        tuple(accumulate(saved + saved[::-1])),
        (sum(constant),) * (2 * count),
        parts,
        where,
    )


def _lines(report: Report, settings: Settings, step: Step | None, alive: Sequence[int], batch: int) -> tuple[Line, ...]:
    precision = settings.precision
    copies = 2 + OPTIMIZERS[settings.optimizer].state
    unknown = frozenset(step.unknown) if step else frozenset()
    lines = []
    for position, row in enumerate(report.rows):
        cost = row.cost
        saved = step.saved[position] * batch + step.saved_fixed[position] if step else 0
        trained = cost.params * precision.parameters * copies
        if cost.macs:
            trained += cost.weights * precision.copies
        lines.append(
            Line(
                row.node.name,
                row.node.layer.label,
                row.output,
                alive[position],
                saved,
                saved if settings.convention == "cs231n" else 0,
                cost.params * precision.activations,
                trained,
                position not in unknown,
            )
        )
    return tuple(lines)
