"""What inference and training need in memory, and what fits under a budget.

Everything is bytes and either fixed or proportional to the batch, so that the largest batch has a closed form:
at every moment of the execution image * N + fixed must stay within the budget.
"""

from collections.abc import Sequence

from archcalc.analysis.analyze import Report
from archcalc.memory.autograd import Retained, retain
from archcalc.memory.blocks import allocated
from archcalc.memory.doubled import doubled
from archcalc.memory.inference import Forward, forward
from archcalc.memory.liveness import highest
from archcalc.memory.operations import Execution, operations
from archcalc.memory.results import Budget, Inference, Line, MaxBatch, Plan, Training
from archcalc.memory.settings import Settings
from archcalc.memory.step import Devices, Step, step_of
from archcalc.precision import OPTIMIZERS
from archcalc.records import NamedTuple
from archcalc.symbolic import largest

COUNTER = 8  # bytes of num_batches_tracked beside running statistics


def plan(report: Report, settings: Settings = Settings()) -> Plan:
    """Plan a complete report with valid settings.  ValueError where the batch is to be the largest and there is no budget."""
    if not report.complete:
        raise ValueError("only a network that fits together can be planned")
    if settings.batch is None and settings.budget is None:
        raise ValueError("the largest batch needs a budget")
    rows, precision = report.rows, settings.precision
    execution, found, running, step = parts(report, settings)

    usable = settings.usable
    most = MaxBatch(0, None)
    if usable is not None:
        most = MaxBatch(
            largest_batch(usable - found.weights - running, found.image, found.copies),
            largest_batch(usable, step.image, step.fixed) if step else None,
        )
    chosen = most.inference if settings.purpose == "inference" or step is None else most.training
    batch = settings.batch or max(chosen or 0, 1)
    inference = _inference(report, found, running, batch, partial=bool(precision.copies and execution.unknown))
    planned = Plan(
        report.graph.name,
        settings,
        batch,
        inference,
        _training(
            report,
            settings,
            step,
            batch,
            sum([execution.operations[execution.homes[row.position]].size for row in report.inputs]),
        )
        if step
        else None,
        None,
        _lines(report, settings, step, inference.live, batch),
        tuple(rows[one].node.name for one in step.unknown) if step else (),
    )
    if settings.budget is None or usable is None:
        return planned
    return planned._replace(budget=Budget(settings.budget, planned.total_bytes <= usable, most, usable))


class Parts(NamedTuple):
    """What a plan is made of, whatever the batch; `running` are bytes of running statistics."""

    execution: Execution
    forward: Forward
    running: int
    step: Step | None

    def inference(self, batch: int) -> int:
        """Bytes that a forward pass needs."""
        found = self.forward
        needed = [image * batch + copies for image, copies in zip(found.image, found.copies, strict=True)]
        return found.weights + self.running + largest(needed)

    def training(self, batch: int) -> int | None:
        """Bytes that a training step needs; None where there is none."""
        step = self.step
        return step and largest([image * batch + fixed for image, fixed in zip(step.image, step.fixed, strict=True)])


def parts(report: Report, settings: Settings) -> Parts:
    """What does not depend on the batch."""
    precision = settings.precision
    execution = operations(report, precision, settings.device)
    counters = sum([1 for row in report.rows if row.cost.buffers and getattr(row.node.layer, "statistics", False)])
    running = report.totals.buffers * precision.parameters + COUNTER * counters
    step = _step(report, settings, running, execution) if precision.trains else None
    return Parts(execution, forward(report, settings, execution), running, step)


def _inference(report: Report, found: Forward, running: int, batch: int, *, partial: bool) -> Inference:
    needed = [image * batch + copies for image, copies in zip(found.image, found.copies, strict=True)]
    peak = highest(needed)
    weights = found.weights + found.copies[peak.step]
    activations = found.image[peak.step] * batch
    alive = [0] * len(report.rows)
    for layer, image in zip(found.layers, found.image, strict=True):
        alive[layer] = max(alive[layer], image * batch)
    return Inference(
        "partial" if partial or "params" in report.totals.unknown else "complete",
        weights,
        running,
        activations,
        weights + running + activations,
        report.rows[found.layers[peak.step]].node.name,
        tuple(alive),
        tuple([one._replace(size=one.size * batch) for one in found.arena]),
        found.order and found.order._replace(peak=found.order.peak * batch),
    )


def _training(report: Report, settings: Settings, step: Step, batch: int, image: int) -> Training:
    moments = [one * batch + fixed for one, fixed in zip(step.image, step.fixed, strict=True)]
    worst = highest(moments)
    where, layer = step.where(worst.step)
    constant = step.constant
    return Training(
        "partial" if step.unknown or "params" in report.totals.unknown else "complete",
        constant.parameters + step.copies,
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
        step.forward,
        allocated(report, step, worst.step, batch, settings.precision, settings.optimizer)
        if settings.device == "cuda" and settings.gpus == 1 and settings.convention != "cs231n"
        else None,
    )


def largest_batch(budget: int, image: Sequence[int], fixed: Sequence[int]) -> int:
    """The most images for which image * N + fixed <= budget at every moment; 0 where not even one fits."""
    if any(own > budget for own in fixed):
        return 0
    return max(0, min(((budget - own) // one for one, own in zip(image, fixed, strict=True) if one), default=0))


def _step(report: Report, settings: Settings, running: int, execution: Execution) -> Step:
    if settings.convention == "cs231n":
        return doubled(report, settings, running)
    return stepped(report, settings, retained(report, settings, execution), running)


def retained(report: Report, settings: Settings, execution: Execution | None = None) -> Retained:
    """What a step's activations hold."""
    execution = execution or operations(report, settings.precision, settings.device)
    volumes = [report.rows[one].output for one in report.graph.results()]
    return retain(execution, tuple([one.width * one.height for one in volumes]), inplace=settings.inplace)


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
        devices=Devices(settings.gpus, settings.shard, settings.bucket_views),
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
