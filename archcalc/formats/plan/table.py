"""The plan for the terminal: a table by layer, the sums, a picture of the live memory, and what fits.

A layer that neither keeps nor trains anything (an in-place ReLU) stands behind the layer it follows; lines
that only repeat the ones above are counted instead of printed again.
"""

from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.formats import Look
from archcalc.formats._console import bar, printed
from archcalc.formats.folding import head_of, named, runs, under
from archcalc.formats.plan._chart import chart, place, squeeze
from archcalc.memory.liveness import highest
from archcalc.memory.plan import Line, Plan
from archcalc.precision import OPTIMIZERS

ROOMY = 112  # columns from which there is room for longer bars and air
LEAST = 72  # columns that names and figures take at the least
CHART = 100  # the widest chart
COSTLIEST = 3
NOT_COUNTED = (
    "what the allocator rounds up, workspaces of libraries, the driver's own memory, an optimizer's temporaries"
)


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


def render(plan: Plan, look: Look) -> str:
    parts = [_title(plan), _layers(plan, look), Text(), _sums(plan), Text(), *_pictures(plan, look), *_fitting(plan)]
    parts.append(Text(f"\nnot counted: {NOT_COUNTED}", style="dim"))
    return printed(Group(*parts), look, least=LEAST)


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


def _layers(plan: Plan, look: Look) -> Table:
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
        head = "parameters in training" if roomy else "parameters"
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


def _title(plan: Plan) -> Text:
    name = plan.name or "network"
    while cell_len(name) > 50:
        name = name[:-8] + "..."
    settings = plan.settings
    images = "1 image" if plan.batch == 1 else f"{plan.batch:,} images"
    how = f"convention {settings.convention}"
    if settings.convention == "pytorch":
        how = f"what PyTorch keeps on {settings.device}, {'' if settings.inplace else 'nothing '}in place"
    trained = f", {settings.optimizer}; {how}" if plan.training else ""
    return Text(f"{name}: {images}, {settings.dtype}{trained}", style="bold")


def _sums(plan: Plan) -> Table:
    """Where the memory goes: parameters, activations, images; one column for inference, one for training."""
    inference, training = plan.inference, plan.training
    table = Table(box=None, pad_edge=False, show_header=True, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("inference", justify="right", header_style="bold")
    if training:
        table.add_column("training", justify="right", header_style="bold")
    table.add_column("")

    def add(what: str, first: int, second: int, why: str = "", style: str = "") -> None:
        if first or second:
            cells = [units.size(one) if one else "" for one in ((first, second) if training else (first,))]
            table.add_row(what, *cells, Text(why, style="dim"), style=style)

    if training is None:
        add("parameters", inference.parameters_bytes, 0)
        add("running statistics", inference.buffers_bytes, 0)
        add("activations, at most", inference.activations_peak_bytes, 0, f"while {inference.peak_at} runs")
        add("total", inference.total_bytes, 0, f"{plan.settings.dtype} cannot be trained", "bold")
        return table
    kept = OPTIMIZERS[plan.settings.optimizer]
    add("parameters", inference.parameters_bytes, training.parameters_bytes, _copies(plan))
    add("their gradients", 0, training.gradients_bytes)
    add("optimizer state", 0, training.optimizer_bytes, f"{plan.settings.optimizer}: {kept} for each parameter")
    add("running statistics", inference.buffers_bytes, training.buffers_bytes)
    image = plan.lines[0].saved_bytes
    add("batch of images", 0, training.input_bytes, "at inference among the activations")
    if plan.settings.convention == "cs231n":
        activations, both = training.saved_activations_bytes - image, 2 * training.saved_activations_bytes
        add(
            "activations", inference.activations_peak_bytes, activations, f"at inference while {inference.peak_at} runs"
        )
        why = f"{units.size(training.saved_activations_bytes)} forward, {units.size(both)} with gradients; {units.size(2 * activations)} without the images"
        add("their gradients", 0, training.transient_bytes, why)
    else:
        activations = training.saved_activations_bytes - image
        moment = training.transient_bytes - (training.input_bytes - image)
        why = f"at inference the most alive, while {inference.peak_at} runs; in training what is kept"
        add("activations", inference.activations_peak_bytes, activations, why)
        why = f"what else is alive at the worst moment, {training.peak_at} {training.peak_pass}"
        add("largest transient", 0, moment, why)
    add("total", inference.total_bytes, training.total_bytes, _partial(plan), "bold")
    return table


def _copies(plan: Plan) -> str:
    copies = plan.settings.precision.copies
    return f"in training with copies of {copies} bytes for the layers to work with" if copies else ""


def _partial(plan: Plan) -> str:
    if not plan.unknown:
        return ""
    names = ", ".join(plan.unknown[:3]) + (" ..." if len(plan.unknown) > 3 else "")
    return f"partial: what autograd keeps is not known of {names}"


def _pictures(plan: Plan, look: Look) -> list[Text]:
    """Live activations over the execution, as bars, with the peak named."""
    columns = min((look.width or CHART) - 12, CHART)
    inference = plan.inference
    found = _picture("inference", inference.live, inference.peak_at, columns, "blue", look)
    if plan.training:
        training = plan.training
        where = f"{training.peak_at} {training.peak_pass}"
        found += [Text(), *_picture("training", training.live, where, columns, "magenta", look, passes=2)]
    arena = inference.arena
    found.append(Text())
    found.append(
        Text(
            f"inference in one arena: {units.size(arena.bytes)} with memory reused, {units.size(arena.trivial)} without"
        )
    )
    if inference.order:
        found.append(
            Text(
                f"another order of the branches needs {units.size(inference.order.peak)} of activations at inference "
                f"instead of {units.size(inference.activations_peak_bytes)} (--format json lists it)"
            )
        )
    return found


def _picture(
    what: str, live: tuple[int, ...], peak_at: str, columns: int, color: str, look: Look, passes: int = 1
) -> list[Text]:
    peak = highest(live)
    width = len(squeeze(live, columns))
    title = Text(f"{what}: activations alive, at most {units.size(peak.size)}, {peak_at}", style="bold")
    rows = [Text(f"{'':11}") + Text(row, style=color) for row in chart(live, columns, unicode=look.unicode)]
    rows[0] = Text(f"{units.size(peak.size):>10} ") + rows[0][11:]
    under = [" "] * (width + 1)
    half = place(len(live) // 2, len(live), columns)
    if passes > 1:
        under[half] = "\u2502" if look.unicode else "|"
    under[place(peak.step, len(live), columns)] = "\u25b2" if look.unicode else "^"
    found = [title, *rows, Text(f"{'':11}{''.join(under)}")]
    if passes > 1:
        found.append(Text(f"{'':11}{'forward':>{max(half - 1, 0)}}   backward", style="dim"))
    return found


def _fitting(plan: Plan) -> list[Text | Table]:
    budget = plan.budget
    if budget is None:
        return []
    most = budget.max_batch
    purpose = "inference" if plan.settings.purpose == "inference" or not plan.training else "training"
    total = plan.total_bytes
    spare = budget.bytes - total
    said = f"{units.size(spare)} to spare" if budget.fits else f"{units.size(-spare)} too much"
    verdict = Text(f"{purpose} needs {units.size(total)} of {units.size(budget.bytes)}: {said}")
    verdict.stylize("green" if budget.fits else "bold red")
    largest = [f"{name} {_batch(value)}" for name, value in most._asdict().items() if value is not None]
    found: list[Text | Table] = [Text(), verdict, Text(f"the largest batch that fits: {', '.join(largest)}")]
    if budget.fits:
        return found
    costly = sorted(plan.lines, key=lambda one: -_cost(one, purpose))[:COSTLIEST]
    costs = ", ".join(f"{one.name} ({units.size(_cost(one, purpose))})" for one in costly)
    found += [Text(f"the layers that cost most: {costs}"), Text()]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("what it would take", header_style="bold", overflow="fold")
    table.add_column("needs", justify="right", header_style="bold", no_wrap=True)
    table.add_column("fits", header_style="bold", no_wrap=True)
    table.add_column("largest batch", justify="right", header_style="bold")
    for one in plan.suggestions:
        extra = f", {units.count(one.extra_macs)} MACs more" if one.extra_macs else ""
        fits = Text("yes", style="green") if one.fits else Text("no")
        table.add_row(Text(one.text + extra), units.size(one.total_bytes), fits, _batch(one.max_batch))
    if plan.suggestions:
        found.append(table)
    return found


def _batch(most: int) -> str:
    return f"{most:,}" if most else "none"


def _cost(line: Line, purpose: str) -> int:
    if purpose == "inference":
        return line.live_bytes + line.parameters_bytes
    return line.saved_bytes + line.gradients_bytes + line.training_parameters_bytes
