"""What PyTorch's allocator hands out on CUDA for the tensors of a step: every one takes whole blocks of 512 bytes.

`torch.cuda.memory_allocated` says this.  What the allocator reserves of the device is more, as it takes segments of at least
2 MiB and keeps them: how much depends on the order of all sizes, so that only the least is known.
"""

from collections.abc import Iterable

from archcalc.analysis.analyze import Report, Row
from archcalc.memory.step import Step, trained_tensors
from archcalc.precision import OPTIMIZERS, Precision

BLOCK = 512
SEGMENT = 2 * 2**20


def blocks(size: int) -> int:
    """A tensor's bytes in whole blocks."""
    return -(-size // BLOCK) * BLOCK


def segments(allocated: int) -> int:
    """The least that is reserved."""
    return -(-allocated // SEGMENT) * SEGMENT


def allocated(report: Report, step: Step, moment: int, batch: int, precision: Precision, optimizer: str) -> int:
    """Bytes in blocks at a moment of a step on one device; where several tensors are one buffer here, the least it can be."""
    alive = step.alive(moment, batch)
    rows = [row for row in report.rows if row.cost.params]
    width = precision.parameters
    every = _lost(width * one for row in rows for one in tensors(row))
    trained = _lost(width * one for one in trained_tensors(report))
    lost = every + OPTIMIZERS[optimizer].state * trained
    if alive.gradients:
        lost += trained * alive.gradients // max(1, step.gradients)
    for row in report.rows:
        if row.cost.buffers:
            lost += 2 * _lost([row.cost.buffers // 2 * width]) + BLOCK
    for name, kinds in step.parts.items():
        if name != "gradients":
            for buffers, times in zip(kinds, (batch, 1), strict=True):
                lost += _lost(one.size * times for one in buffers if one.first <= moment <= one.last)
    return sum(alive) + lost


def tensors(row: Row) -> tuple[int, ...]:
    """Values of each of a layer's parameters."""
    return row.node.layer.tensors(row.inputs, row.output, row.cost)


def _lost(sizes: Iterable[int]) -> int:
    """Bytes between tensors' ends and those of their blocks."""
    return sum(-size % BLOCK for size in sizes if size > 0)
