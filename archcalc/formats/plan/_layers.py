"""The plan by layer: what is alive while each runs at inference, what it keeps, what its parameters take in training.

A layer that neither keeps nor trains anything (an in-place ReLU) stands behind the layer it follows; lines
that only repeat the ones above are counted instead of printed again.
"""

from typing import NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.formats import Look
from archcalc.formats._console import bar
from archcalc.formats.folding import head_of, named, runs, under
from archcalc.memory.results import Line, Plan
from archcalc.precision import OPTIMIZERS

ROOMY = 112  # columns from which there is room for longer bars and air


class Shown(NamedTuple):
    """A line of the table: a layer with those behind it, or a fold of repeated lines."""

    name: str
    label: str
    output: str
    live: int
    kept: int
    params: int
    known: bool = True
    folded: bool = False


def shown(lines: tuple[Line, ...]) -> list[Shown]:
    """What the table shows of the layers: joined, then folded."""
    joined: list[Shown] = []
    for line in lines:
        kept, params = line.saved_bytes + line.gradients_bytes, line.training_parameters_bytes
        output = str(line.output)
        if joined and len(joined) > 1 and not kept and not params and line.known and joined[-1].output == output:
            last = joined[-1]
            joined[-1] = last._replace(label=f"{last.label} {line.label}", live=max(last.live, line.live_bytes))
        else:
            joined.append(Shown(line.name, line.label, output, line.live_bytes, kept, params, line.known))
    found: list[Shown] = []
    for run in runs([one[1:] for one in joined], [one.name for one in joined]):
        found += joined[run.at : run.at + run.unit]
        if rest := joined[run.at + run.unit : run.at + run.unit * run.times]:
            live, kept, params = (
                max(one.live for one in rest),
                sum(one.kept for one in rest),
                sum(one.params for one in rest),
            )
            found.append(Shown("  ...", named(run, rest[-1].name), "", live, kept, params, folded=True))
    return found


def layers(plan: Plan, look: Look) -> Table:
    lines = shown(plan.lines)
    roomy = look.width is None or look.width >= ROOMY
    table = Table(
        box=box.SIMPLE_HEAD if look.unicode else box.ASCII2,
        show_footer=True,
        show_edge=False,
        padding=(0, 1) if roomy else (0, 0, 0, 1),
        pad_edge=False,
    )
    doubled = plan.settings.convention == "cs231n"
    kept, params = sum(one.kept for one in lines), sum(one.params for one in lines)
    table.add_column("layer", "total", overflow="fold", footer_style="bold")
    table.add_column("type", overflow="fold")
    table.add_column("output", no_wrap=True, style="cyan")
    peak = units.size(plan.inference.activations_peak_bytes)
    table.add_column("alive at inference" if roomy else "inference", peak, justify="right", footer_style="bold")
    if roomy:
        table.add_column("", no_wrap=True)
    if plan.training:
        head = "kept, and gradients" if doubled else "kept for backward"
        table.add_column(head if roomy else "training", units.size(kept), justify="right", footer_style="bold")
        table.add_column("", no_wrap=True)
        head = "weights, gradients, state" if roomy else f"params x{2 + OPTIMIZERS[plan.settings.optimizer].state}"
        table.add_column(head, units.size(params), justify="right", footer_style="bold")
    length = 8 if roomy else 3
    live, most = plan.inference.activations_peak_bytes, max((one.kept for one in lines if not one.folded), default=0)
    head = ""
    for one in lines:
        heading, name = under(head, one.name, headed=look.width is not None and not one.folded)
        if heading:
            table.add_row(Text(heading, style="dim"))
        if not one.folded:
            head = head_of(one.name)
        cells = [
            Text(name, style="" if one.folded else "bold"),
            Text(one.label) if one.known else Text(one.label).append(" (not known)", style="yellow"),
            Text(one.output),
            Text(units.size(one.live)),
            *([bar(0 if one.folded else one.live, live, length, "blue", look)] if roomy else []),
            Text(units.size(one.kept) if one.kept else "" if one.known else "?"),
            bar(0 if one.folded else one.kept, most, length, "magenta", look),
            Text(units.size(one.params) if one.params else ""),
        ]
        table.add_row(*cells[: len(table.columns)], style="dim" if one.folded else "")
    return table
