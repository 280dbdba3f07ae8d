"""A training step as PyTorch runs it: forward, the loss, backward, the optimizer's step, as one timeline.

Parameters, the optimizer's state and running statistics are always there.  With gradients set to None after each step
(PyTorch's default) a parameter's appears when its layer runs backward; where they are kept, or accumulated over
several passes, all stand from the start, and each layer's new ones are added to them.
"""

from collections.abc import Callable, Mapping, Sequence

from archcalc.analysis.analyze import Report
from archcalc.memory.autograd import Retained
from archcalc.memory.liveness import Buffer, live
from archcalc.memory.moments import Moments, Pass
from archcalc.precision import Implementation, Optimizer, Precision
from archcalc.records import NamedTuple
from archcalc.symbolic import largest

COUNTER = 4  # bytes of an optimizer's count of steps


class Group(NamedTuple):
    """Bytes by what they are for: `saved` for the backward pass, `passing` what else is there for a time.

    `batch` are images and their classes; `passing` are outputs nobody keeps, gradients of activations, the loss's
    tensors and temporaries.
    """

    parameters: int = 0
    gradients: int = 0
    optimizer: int = 0
    buffers: int = 0
    batch: int = 0
    saved: int = 0
    passing: int = 0


class Devices(NamedTuple):
    """Several devices with the same network and a part of the batch each, by published formulas; not measured.

    `shard` 0 is DistributedDataParallel: the gradients are copied to buckets of the same size, or, with `views`, are views of
    them once they were made.  1, 2, 3 are ZeRO's
    stages (Rajbhandari et al., arXiv:1910.02054), of which FSDP is the third: of the optimizer's state, of
    gradients, too, and of parameters, too, a device keeps its share, and a layer's whole gradients or parameters
    are there while it runs.
    """

    number: int = 1
    shard: int = 0
    views: bool = False

    def share(self, size: int, stage: int) -> int:
        """What a device keeps of something that is cut up from a stage on."""
        return -(-size // self.number) if self.shard >= stage else size


Parts = Mapping[str, tuple[tuple[Buffer, ...], tuple[Buffer, ...]]]


class Step(NamedTuple):
    """A step of any batch.  `image` grows with it and `fixed` does not, by moment; `saved` are theirs by layer.

    `constant` is there at every moment; `parts` come and go, by field of Group: what grows with the batch, what
    does not.  `gradients` are those of all parameters.
    """

    constant: Group
    gradients: int
    saved: tuple[int, ...]
    saved_fixed: tuple[int, ...]
    image: tuple[int, ...]
    fixed: tuple[int, ...]
    parts: Parts
    where: Callable[[int], tuple[Pass, int]]
    forward: int  # moments of the forward pass
    copies: int = 0  # of parameters, in half precision, all of them
    unknown: tuple[int, ...] = ()

    def alive(self, moment: int, batch: int) -> Group:
        """What is there at a moment."""
        there = {
            name: sum(
                one.size * times
                for of, times in zip(kinds, (batch, 1), strict=True)
                for one in of
                if one.first <= moment <= one.last
            )
            for name, kinds in self.parts.items()
        }
        return self.constant._replace(**{name: getattr(self.constant, name) + more for name, more in there.items()})


def step_of(
    report: Report,
    found: Retained,
    precision: Precision,
    optimizer: Optimizer,
    implementation: Implementation,
    *,
    buffers: int,
    weight_decay: bool = False,
    keep_gradients: bool = False,
    average: bool = False,
    devices: Devices = Devices(),
) -> Step:
    """The step of a network whose running statistics take `buffers` bytes, and whose activations are `found`.

    `average`: a moving average of the parameters is kept, too.
    """
    execution = found.execution
    moments = Moments(len(execution.operations))
    tensors = trained_tensors(report)
    every = sum(tensors) * precision.parameters
    constant = Group(
        parameters=devices.share(report.totals.params * precision.parameters, 3) * (2 if average else 1),
        gradients=every if devices.number > 1 and not devices.shard else 0,  # buckets
        optimizer=devices.share(every * optimizer.state, 1) + COUNTER * optimizer.counters * len(tensors),
        buffers=buffers,
    )
    views = devices.views and devices.number > 1
    gradients = [Buffer(devices.share(every, 2), 0, moments.step)] if keep_gradients and not views else []
    needed = _temporaries(tensors, optimizer, implementation, decay=weight_decay) * precision.parameters
    temporaries = [Buffer(devices.share(needed, 1), moments.step, moments.step)]
    whole, gathered = devices.shard >= 2, devices.shard >= 3  # what a layer needs in one piece
    for position, row in enumerate(report.rows):
        if not row.cost.params:
            continue
        home = execution.homes[position]
        backward, size = moments.backward(home), row.cost.params * precision.parameters
        if gathered:
            temporaries += [Buffer(size, home, home), Buffer(size, backward, backward)]
        if not row.node.trainable:
            continue
        operation = execution.operations[home]
        if half := operation.weights + operation.biases:  # the gradients before they are cast
            temporaries.append(Buffer(half, backward, backward + 1))
            backward += 1
        if keep_gradients or whole or views:
            temporaries.append(Buffer(size, backward, moments.backward(home) + 1))
        if not (keep_gradients or views):
            gradients.append(Buffer(devices.share(size, 2), backward + whole, moments.step))
    activations = found.output_buffers + found.extra_buffers
    whole_step = [one.first == 0 and one.last == moments.step for one in activations]
    images = tuple(one for one, always in zip(activations, whole_step, strict=True) if always)
    kept = tuple(
        one for one, always in zip(activations, whole_step, strict=True) if one.last > moments.loss and not always
    )
    rest = tuple(one for one in activations if one.last <= moments.loss)
    parts: Parts = {
        "batch": ((*images, Buffer(found.targets, 0, moments.step)), ()),
        "saved": (kept, found.fixed_buffers),
        "passing": ((*found.passing_buffers, *rest), tuple(temporaries)),
        "gradients": ((), tuple(gradients)),
        "parameters": ((), found.copies_buffers),  # in half precision
    }
    scaled = [one for many, _ in parts.values() for one in many]
    single = [one for _, few in parts.values() for one in few]
    always = sum(constant)
    layers = [one.layer for one in execution.operations]

    def where(moment: int) -> tuple[Pass, int]:
        phase, operation = moments.where(moment)
        return phase, layers[operation]

    saved, fixed = [0] * len(report.rows), [0] * len(report.rows)
    for layer, of_image, own in zip(layers, found.saved, found.fixed, strict=True):
        saved[layer] += of_image
        fixed[layer] += own
    return Step(
        constant,
        every,
        tuple(saved),
        tuple(fixed),
        tuple(live(scaled, moments.count)),
        tuple([one + always for one in live(single, moments.count)]),
        parts,
        where,
        len(layers),
        sum(one.weights + one.biases for one in execution.operations),
        execution.unknown,
    )


def trained_tensors(report: Report) -> list[int]:
    """Values of every trained tensor, in the order of the layers, weights before biases."""
    found = []
    for row in report.rows:
        if row.node.trainable:
            found += [one for one in row.node.layer.tensors(row.inputs, row.output, row.cost) if one]
    return found


def _temporaries(tensors: Sequence[int], optimizer: Optimizer, implementation: Implementation, *, decay: bool) -> int:
    """Values that the optimizer's step allocates for itself."""
    if implementation == "fused":
        return 0
    needed = optimizer.decaying if decay else optimizer.plain
    if implementation == "foreach" and needed.foreach is not None:
        return needed.foreach * sum(tensors)
    return largest(
        [a * one + b * before for a, b in needed.loop for one, before in zip(tensors, [0, *tensors], strict=False)]
    )
