"""Training with checkpoints every sqrt(n) layers (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).

The network is cut into segments of about sqrt(n) layers where a single tensor passes from one to the next.
The forward pass keeps these tensors only; each segment but the last runs forward again when its backward
pass begins, as in torch.utils.checkpoint.
"""

from math import isqrt

from archcalc.analysis.analyze import Report
from archcalc.memory.autograd import Retained
from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Moments
from archcalc.memory.operations import Execution
from archcalc.records import NamedTuple


class Checkpointed(NamedTuple):
    """What a step with checkpoints holds, and the MACs an image that are computed twice."""

    cuts: tuple[int, ...]  # nodes whose output is kept
    retained: Retained
    extra_macs: int


def checkpointed(report: Report, found: Retained) -> Checkpointed | None:
    """The step of `found` with checkpoints; None where the network cannot be cut."""
    execution = found.execution
    every = execution.operations
    cuts = _cuts(execution, found.owners)
    if not cuts:
        return None
    moments = Moments(len(every))
    segment = [0] * len(every)
    for number, cut in enumerate(cuts, 1):
        segment[cut + 1 :] = [number] * (len(segment) - cut - 1)
    last = len(cuts)  # this segment is kept whole, as its backward pass comes at once
    begins = [moments.backward(cut) for cut in cuts]  # a segment runs again before its last layer's backward pass
    passed = {found.owners[cut]: cut for cut in cuts}

    def again(buffers: tuple[Buffer, ...]) -> list[Buffer]:
        """Those that a layer of their own segment needs come to be when that runs again."""
        found = []
        for one in buffers:
            number = segment[one.first] if one.first < len(segment) else last
            if number == last or one.last <= moments.loss or one.last == moments.step:
                found.append(one)
            elif one.last >= begins[number]:
                found.append(one._replace(first=begins[number]))
        return found

    kept = tuple(  # what passes in a segment that runs again is among the forward buffers
        one
        for one in found.output_buffers
        if not every[one.first].inputs or segment[one.first] == last or one.last > moments.loss
    )
    outputs, extras = again(kept), again(found.extra_buffers)
    for one in found.forward_buffers:
        position = one.first
        if segment[position] < last and every[position].inputs:
            until = moments.backward(passed[position] + 1) + 1 if position in passed else one.last
            outputs.append(one._replace(last=until))
    fixed, copies = again(found.fixed_buffers), again(found.copies_buffers)
    for one in found.copies_buffers:  # of parameters, which autocast keeps the first time, too
        if one.last > moments.loss and one.first < len(every) and segment[one.first] < last:
            copies.append(one._replace(last=moments.loss))
    extras += [one._replace(last=one.first) for one in found.extra_buffers if segment[one.first] < last]
    return Checkpointed(
        tuple([every[one].layer for one in cuts]),
        found._replace(
            output_buffers=tuple(outputs),
            extra_buffers=tuple(extras),
            fixed_buffers=tuple(fixed),
            copies_buffers=tuple(copies),
        ),
        sum(row.cost.macs for row, home in zip(report.rows, execution.homes, strict=True) if segment[home] < last),
    )


def _cuts(execution: Execution, owners: tuple[int, ...]) -> tuple[int, ...]:
    """Layers, about sqrt(n) apart, after which nothing reads further back and nothing overwrites them."""
    every = execution.operations
    homes = frozenset(execution.homes)
    reach = len(every)  # the furthest back that any later layer reads
    allowed = []
    for position in range(execution.homes[-1] - 1, 0, -1):
        reach = min([reach, *every[position + 1].inputs])
        if position in homes and reach >= position and owners[position + 1] != owners[position]:
            allowed.append(position)
    length, last = isqrt(len(every)), 0
    cuts = []
    for position in reversed(allowed):
        if position - last >= length:
            cuts.append(position)
            last = position
    return tuple(cuts)
