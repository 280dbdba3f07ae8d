"""A training step as cs231n counts it: every activation is kept, and so is the gradient of each."""

from itertools import accumulate

from archcalc.analysis.analyze import Report
from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Pass
from archcalc.memory.settings import Settings
from archcalc.memory.step import Group, Step
from archcalc.precision import OPTIMIZERS


def doubled(report: Report, settings: Settings, running: int) -> Step:
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
        count,
    )
