"""What inference and training need in memory, and what fits under a budget.

Everything is bytes and either fixed or proportional to the batch, so that the largest batch has a closed form:
at every moment of the execution image * N + fixed must stay within the budget.

Not counted: what the allocator rounds up or cannot reuse, workspaces of convolution libraries, the driver's
own memory (a CUDA context takes hundreds of MiB), and temporaries inside an optimizer's step.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from archcalc.analysis.analyze import Report
from archcalc.memory.arena import Arena, arrange
from archcalc.memory.autograd import Device, retain
from archcalc.memory.liveness import Buffer, highest, lifetimes, live
from archcalc.memory.ordering import Order, better_order
from archcalc.precision import OPTIMIZERS, PRECISIONS, Precision
from archcalc.volume import Volume

Convention = Literal["cs231n", "pytorch"]
Purpose = Literal["training", "inference"]
Status = Literal["complete", "partial", "unavailable"]


class Settings(NamedTuple):
    """What is planned.  `batch` None is the largest that fits `budget` (bytes) for `purpose`."""

    batch: int | None = 1
    dtype: str = "float32"
    optimizer: str = "sgd-momentum"
    convention: Convention = "pytorch"
    device: Device = "cpu"
    inplace: bool = True
    budget: int | None = None
    purpose: Purpose = "training"

    @property
    def precision(self) -> Precision:
        return PRECISIONS[self.dtype]


class Inference(NamedTuple):
    """A forward pass that drops every buffer after its last reader.

    `live` is what is alive while each layer runs; `peak_at` names the layer where that is most; `buffers`
    are for the whole batch and can be laid out in one arena.  `order` runs independent branches in another
    order, where that is known to need less; its peak is for the whole batch, too.
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
    """A training step: parameters, their gradients, the optimizer's state, activations.

    `saved_activations_bytes` are kept from the forward to the backward pass, the network's input included;
    `input_bytes` is the batch of images.  `transient_bytes` is what the worst moment adds to what is saved:
    outputs nobody keeps and gradients of activations; under cs231n the gradients of all activations.
    `live` are the activations and their gradients alive at each moment, forward and then backward.
    """

    status: Status
    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    buffers_bytes: int
    saved_activations_bytes: int
    transient_bytes: int
    total_bytes: int
    input_bytes: int
    peak_at: str
    peak_pass: Literal["forward", "backward"]
    live: tuple[int, ...]


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
    """`fits` is of the purpose planned for."""

    bytes: int
    fits: bool
    max_batch: MaxBatch


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

    @property
    def total_bytes(self) -> int:
        """What the pass planned for needs."""
        needed = self.inference if self.settings.purpose == "inference" or self.training is None else self.training
        return needed.total_bytes


class _Kept(NamedTuple):
    """A training step, by layer and by moment; `image` grows with the batch, `fixed` does not."""

    saved: Sequence[int]
    saved_fixed: Sequence[int]
    image: Sequence[int]
    fixed: Sequence[int]
    unknown: tuple[int, ...] = ()


def plan(report: Report, settings: Settings = Settings()) -> Plan:
    """Plan a complete report.  ValueError where the batch is to be the largest and there is no budget."""
    if not report.complete:
        raise ValueError("only a network that fits together can be planned")
    if settings.batch is None and settings.budget is None:
        raise ValueError("the largest batch needs a budget")
    rows, precision, totals = report.rows, settings.precision, report.totals
    width = precision.activations
    sizes = [row.output.size * width for row in rows]
    held = lifetimes(report.graph, sizes, inplace=settings.inplace)
    alive = live(held, len(rows))
    order = better_order(report.graph, sizes, inplace=settings.inplace)
    weights = totals.params * width
    running = totals.buffers * precision.parameters
    copied = sum(row.cost.weights for row in rows if row.cost.macs) * precision.copies
    parameters = totals.params * precision.parameters
    state = parameters * OPTIMIZERS[settings.optimizer]
    trained = 2 * parameters + copied + state + running
    kept = _kept(report, settings, sizes) if precision.trains else None

    budget = settings.budget
    most = MaxBatch(0, None)
    if budget is not None:
        most = MaxBatch(
            largest_batch(budget - weights - running, alive, [0] * len(alive)),
            largest_batch(budget - trained, kept.image, kept.fixed) if kept else None,
        )
    chosen = most.inference if settings.purpose == "inference" or kept is None else most.training
    batch = settings.batch or max(chosen or 0, 1)

    found = highest(alive)
    inference = Inference(
        "complete",
        weights,
        running,
        found.size * batch,
        weights + running + found.size * batch,
        rows[found.step].node.name,
        tuple(one * batch for one in alive),
        tuple(one._replace(size=one.size * batch) for one in held),
        order and order._replace(peak=order.peak * batch),
    )
    training = None
    if kept:
        moments = [image * batch + fixed for image, fixed in zip(kept.image, kept.fixed, strict=True)]
        worst = highest(moments)
        forward = worst.step < len(rows)
        saved = sum(kept.saved) * batch + sum(kept.saved_fixed)
        training = Training(
            "partial" if kept.unknown else "complete",
            parameters + copied,
            parameters,
            state,
            running,
            saved,
            worst.size - saved,
            trained + worst.size,
            sizes[0] * batch,
            rows[worst.step if forward else 2 * len(rows) - 1 - worst.step].node.name,
            "forward" if forward else "backward",
            tuple(moments),
        )
    planned = Plan(
        report.graph.name,
        settings,
        batch,
        inference,
        training,
        None,
        _lines(report, settings, kept, inference.live, batch),
        tuple(rows[one].node.name for one in kept.unknown) if kept else (),
    )
    if budget is None:
        return planned
    return planned._replace(budget=Budget(budget, planned.total_bytes <= budget, most))


def largest_batch(budget: int, image: Sequence[int], fixed: Sequence[int]) -> int:
    """The most images for which image * N + fixed <= budget at every moment; 0 where not even one fits."""
    if any(own > budget for own in fixed):
        return 0
    return max(0, min(((budget - own) // one for one, own in zip(image, fixed, strict=True) if one), default=0))


def _kept(report: Report, settings: Settings, sizes: list[int]) -> _Kept:
    if settings.convention == "cs231n":
        owned = [row.activations for row in report.rows]
        saved = [size if own else 0 for size, own in zip(sizes, owned, strict=True)]
        # Every activation is kept, and the gradient of each once its backward pass has run.
        return _Kept(saved, [0] * len(saved), list(accumulate(saved + saved[::-1])), [0] * (2 * len(saved)))
    found = retain(report, settings.precision, device=settings.device, inplace=settings.inplace)
    moments = 2 * len(report.rows)
    return _Kept(
        found.saved,
        found.fixed,
        live(found.scaled_buffers, moments),
        live(found.fixed_buffers, moments),
        found.unknown,
    )


def _lines(
    report: Report, settings: Settings, kept: _Kept | None, alive: Sequence[int], batch: int
) -> tuple[Line, ...]:
    precision = settings.precision
    copies = 2 + OPTIMIZERS[settings.optimizer]
    unknown = frozenset(kept.unknown) if kept else frozenset()
    lines = []
    for position, row in enumerate(report.rows):
        cost = row.cost
        saved = kept.saved[position] * batch + kept.saved_fixed[position] if kept else 0
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
