"""A forward pass without gradients, of any batch, under a convention."""

from archcalc.analysis.analyze import Report
from archcalc.memory.held import held
from archcalc.memory.liveness import Buffer, lifetimes, live
from archcalc.memory.operations import Execution
from archcalc.memory.ordering import Order, better_order
from archcalc.memory.settings import Settings
from archcalc.records import NamedTuple


class Forward(NamedTuple):
    """Bytes by moment: activations of an image, `image`, and copies of parameters, `copies`; `layers` are the moments' rows.

    `weights` are the parameters.  `arena` and `order` are of one image.
    """

    weights: int
    image: list[int]
    copies: list[int]
    layers: list[int]
    arena: list[Buffer]
    order: Order | None


def forward(report: Report, settings: Settings, execution: Execution) -> Forward:
    """As PyTorch holds it, or as a runtime that reuses memory."""
    rows, precision, params = report.rows, settings.precision, report.totals.params
    if settings.convention == "pytorch":
        layers = [one.layer for one in execution.operations]
        home = execution.homes
        views = [rows[layer].node.layer.view and home[layer] == one for one, layer in enumerate(layers)]
        found = held(execution, views, inplace=settings.inplace)
        return Forward(params * precision.stored, found.image, found.copies, layers, [], None)
    sizes = [row.output.size * precision.activations for row in rows]
    arena = lifetimes(report.graph, sizes, inplace=settings.inplace)
    order = better_order(report.graph, sizes, inplace=settings.inplace)
    steps = len(rows)
    return Forward(params * precision.activations, live(arena, steps), [0] * steps, [*range(steps)], arena, order)
