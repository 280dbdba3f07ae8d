"""The plan by layer: what is alive while each runs at inference, what it keeps, what its parameters take in training.

A layer that neither keeps nor trains anything (an in-place ReLU) stands behind the layer it follows; lines
that only repeat the ones above are counted instead of printed again.
"""

from archcalc import units
from archcalc.formats import Look
from archcalc.formats._grid import Choice, Column, bar, below, cell, grid, wrapped
from archcalc.formats._grid import Line as Row
from archcalc.formats.folding import head_of, named, runs, under
from archcalc.memory.results import Line, Plan
from archcalc.precision import OPTIMIZERS
from archcalc.records import NamedTuple

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
            found.append(Shown("", named(run, rest[-1].name), "", live, kept, params, folded=True))
    return found


def layers(plan: Plan, look: Look) -> list[str]:
    """The table's lines, and what it leaves out at this width."""
    lines = shown(plan.lines)
    roomy = look.width is None or look.width >= ROOMY
    training, doubled = plan.training is not None, plan.settings.convention == "cs231n"
    kept, params = sum(one.kept for one in lines), sum(one.params for one in lines)
    peak = plan.inference.activations_peak_bytes
    keeps = ("kept, and gradients" if doubled else "kept for backward") if roomy else "training"
    takes = "weights, gradients, state" if roomy else f"params x{2 + OPTIMIZERS[plan.settings.optimizer].state}"
    alive = "alive at inference" if roomy else "inference"
    columns = [
        Column("layer", "layer", foot="total", comfort=26, least=9),
        Column("type", "type", comfort=22, least=8),
        Column("output", "output"),
        Column(alive, alive, right=True, foot=units.size(peak)),
        Column("bars"),
        Column(keeps, keeps, right=True, foot=units.size(kept)),
        Column("bars"),
        Column(takes, takes, right=True, foot=units.size(params)),
    ]
    figures = (3, 5, 7) if training else (3,)
    bars = ((4,) if roomy else ()) + ((6,) if training else ())
    wanted = sorted((0, 1, 2, *figures, *bars))
    plain = [0, 1, 2, *figures]
    choices = [Choice(wanted), Choice(plain), Choice(plain, tight=True), Choice([0, 2, *figures], tight=True)]
    length = 8 if roomy else 3
    most = max((one.kept for one in lines if not one.folded), default=0)
    rows: list[Row] = []
    head = ""
    for one in lines:
        heading, name = under(head, one.name, headed=look.width is not None and not one.folded)
        if heading:
            rows.append(Row((cell(heading, "dim"),), 3))
        if not one.folded:
            head = head_of(one.name)
        known = (units.size(one.kept) if one.kept else "") if one.known else "?"
        sizes = (
            cell(units.size(one.live)),
            cell("" if one.folded else bar(one.live, peak, length, look), "blue"),
            cell(known),
            cell("" if one.folded else bar(one.kept, most, length, look), "magenta"),
            cell(units.size(one.params) if one.params else ""),
        )
        if one.folded:
            whole, shorter = (cell(f"  ... {text}", "dim") for text in (one.label, one.label.partition(", to ")[0]))
            rows.append(Row((whole, (), (), *sizes), 3, shorter))
            continue
        label = cell(one.label) if one.known else (*cell(one.label), (" (not known)", "yellow"))
        rows.append(Row((cell(name, "bold"), label, cell(one.output, "cyan"), *sizes)))
    found = grid(columns, rows, look, choices)
    return [*found.lines, *(text for note in below(found, look) for text in wrapped(note, look))]
