"""The layers of an execution one by one, with the weights that were drawn for them: those of `verify` for the same seed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archcalc.analysis.analyze import Report, Row
from archcalc.memory.liveness import last_readers
from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class Traced(NamedTuple):
    """A layer with its weights, biases and buffers in the order in which they were drawn, and what it gave."""

    row: Row
    weights: "list[Array]"
    output: "Array"


def trace(report: Report, *, seed: int = 0, batch: int = 1, dtype: str = "float32") -> Iterator[Traced]:
    """Execute a complete report's network; volumes are let go as soon as nobody needs them."""
    from archcalc.forward.run import Run

    run = Run(seed, dtype, batch=batch, keep=True)
    last = last_readers(report.graph)
    lenders = {node.shares for node in report.graph.nodes if node.shares is not None}
    lent: dict[int, list[Array]] = {}
    values: dict[int, Array] = {}
    for row in report.rows:
        at, shares = row.position, row.node.shares
        run.begin(inplace=False, lent=() if shares is None else lent[shares])
        values[at] = row.node.layer.forward(run, *(values[one] for one in row.node.inputs))
        if at in lenders:
            lent[at] = run.kept
        yield Traced(row, run.kept, values[at])
        for one in {at, *row.node.inputs}:
            if last[one] == at:
                del values[one]
