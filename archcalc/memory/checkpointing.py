"""Training with checkpoints every sqrt(n) layers (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).

The network is cut into segments of about sqrt(n) layers where a single tensor passes from one to the next.
The forward pass keeps these tensors only; each segment but the last runs forward again when its backward
pass begins, as in torch.utils.checkpoint.
"""

from math import isqrt
from typing import NamedTuple

from archcalc.analysis.analyze import Report
from archcalc.memory.autograd import Device, retain
from archcalc.memory.liveness import Buffer, live
from archcalc.precision import Precision


class Checkpointed(NamedTuple):
    """Bytes alive at each moment, for one image and whatever the batch; MACs an image computed twice."""

    cuts: tuple[int, ...]  # nodes whose output is kept
    image: tuple[int, ...]
    fixed: tuple[int, ...]
    extra_macs: int


def checkpoint(
    report: Report, precision: Precision, *, device: Device = "cpu", inplace: bool = True
) -> Checkpointed | None:
    """Predict a training step with checkpoints; None where the network cannot be cut."""
    found = retain(report, precision, device=device, inplace=inplace)
    cuts = _cuts(report, found.owners)
    if not cuts:
        return None
    count = len(report.rows)
    end = 2 * count - 1
    segment = [0] * count
    for number, cut in enumerate(cuts, 1):
        segment[cut + 1 :] = [number] * (count - cut - 1)
    # A segment's backward pass begins when that of its last layer does.
    begins = [end - cut for cut in cuts] + [count]
    kept = {found.owners[cut]: end - cut - 1 for cut in cuts}

    kept[0] = end  # the batch belongs to the training loop
    scaled = [one._replace(last=max(one.last, kept.get(one.first, 0))) for one in found.forward_buffers]
    scaled += _again(found.scaled_buffers, segment, begins, count, frozenset(kept))
    fixed = _again(found.fixed_buffers, segment, begins, count, frozenset())
    return Checkpointed(
        cuts,
        tuple(live(scaled, 2 * count)),
        tuple(live(fixed, 2 * count)),
        sum(row.cost.macs for row, number in zip(report.rows, segment, strict=True) if number < len(cuts)),
    )


def _again(
    found: tuple[Buffer, ...], segment: list[int], begins: list[int], count: int, held: frozenset[int]
) -> list[Buffer]:
    """What the backward pass of each segment needs from the moment it begins: recomputed values, gradients."""
    needed = []
    for one in found:
        if one.first >= count:  # a gradient
            needed.append(one)
        elif one.last >= count and one.first not in held:
            needed.append(one._replace(first=begins[segment[one.first]]))
    return needed


def _cuts(report: Report, owners: tuple[int, ...]) -> tuple[int, ...]:
    """Nodes, about sqrt(n) apart, after which nothing reads further back and nothing overwrites them."""
    nodes = report.graph.nodes
    reach = len(nodes)  # the furthest back that any later layer reads
    allowed = []
    for position in range(len(nodes) - 2, 0, -1):
        reach = min(reach, *nodes[position + 1].inputs)
        if reach >= position and owners[position + 1] != owners[position]:
            allowed.append(position)
    length, last = isqrt(len(nodes)), 0
    cuts = []
    for position in reversed(allowed):
        if position - last >= length:
            cuts.append(position)
            last = position
    return tuple(cuts)
