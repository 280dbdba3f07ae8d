"""The plan for the terminal: whether it fits, where the memory goes, the live memory over the execution.

The table of layers comes last, and only where it is asked for.
"""

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.formats import Look
from archcalc.formats._console import printed
from archcalc.formats.plan._chart import chart, place, squeeze
from archcalc.formats.plan._layers import layers
from archcalc.memory.blocks import BLOCK, segments
from archcalc.memory.liveness import highest
from archcalc.memory.results import Budget, Line, Plan
from archcalc.precision import OPTIMIZERS

LEAST = 48  # columns that names and figures take at the least
CHART = 100  # the widest chart
COSTLIEST = 3
NOT_COUNTED = "what the allocator rounds up and cannot reuse, workspaces of libraries, the driver's own memory"
NOT_RESERVED = "what the allocator cannot reuse, workspaces of libraries, the driver's own memory"


def render(plan: Plan, look: Look) -> str:
    parts = [_title(plan), *_answer(plan), Text(), _sums(plan), Text(), *_pictures(plan, look)]
    above = printed(Group(*parts), look, least=LEAST)
    table = "\n".join(["", *layers(plan, look), ""]) if look.layers else ""
    return above + table + "\n" + printed(Text(_device(plan), style="dim"), look, least=LEAST)


def _title(plan: Plan) -> Text:
    name = plan.name or "network"
    while cell_len(name) > 50:
        name = name[:-8] + "..."
    settings = plan.settings
    images = "1 image" if plan.batch == 1 else f"{plan.batch:,} images"
    trained = ""
    if plan.training:
        decay = " with weight decay" if settings.weight_decay else ""
        trained = f", {settings.optimizer} ({settings.stepping}){decay}"
    how = {
        "cs231n": "every activation and its gradient, as cs231n counts",
        "pytorch": f"as PyTorch holds it on {settings.device}, {'' if settings.inplace else 'nothing '}in place",
        "arena": "inference in memory that is reused",
    }[settings.convention]
    if settings.gpus > 1 and plan.training:
        kind = f"ZeRO stage {settings.shard}" if settings.shard else "DistributedDataParallel"
        how += f"; each of {settings.gpus:,} devices under {kind}, by its formula, not measured"
    return Text(f"{name}: {images}, {settings.dtype}{trained}; {how}", style="bold")


def _answer(plan: Plan) -> list[Text | Table]:
    """What is needed; whether that fits, the largest batches, and what it would take."""
    budget = plan.budget
    if budget is None:
        return [Text(_needs(plan))]
    most = budget.max_batch
    purpose = "inference" if plan.settings.purpose == "inference" or not plan.training else "training"
    total = plan.total_bytes
    spare = budget.usable_bytes - total
    least = "at least " if plan.unknown and purpose == "training" else ""
    said = f"{units.size(spare)} to spare" if budget.fits else f"{units.size(-spare)} too much"
    verdict = Text(f"{purpose} needs {least}{units.size(total)} of {_usable(plan, budget)}: {said}")
    verdict.stylize("green" if budget.fits else "bold red")
    largest = [f"{name} {_batch(value)}" for name, value in most._asdict().items() if value is not None]
    found: list[Text | Table] = [verdict, Text(f"the largest batch that fits: {', '.join(largest)}")]
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


def _needs(plan: Plan) -> str:
    """What training and inference need, where no budget is asked about."""
    inference = f"inference {'needs ' * (plan.training is None)}{units.size(plan.inference.total_bytes)}"
    if plan.training is None:
        return inference
    least = "at least " if plan.unknown else ""
    return f"training needs {least}{units.size(plan.training.total_bytes)}, {inference}"


def _usable(plan: Plan, budget: Budget) -> str:
    if budget.usable_bytes == budget.bytes:
        return units.size(budget.bytes)
    settings = plan.settings
    without = [f"{settings.spare}% headroom"] if settings.spare else []
    without += [f"{units.size(settings.context)} of context"] if settings.context else []
    return f"{units.size(budget.usable_bytes)} ({units.size(budget.bytes)} without {' and '.join(without)})"


def _sums(plan: Plan) -> Table:
    """Where the memory goes: at inference, and at the worst moment of training."""
    inference, training = plan.inference, plan.training
    table = Table(box=None, pad_edge=False, show_header=True, padding=(0, 2, 0, 0))
    table.add_column("at the peak of", overflow="fold")
    table.add_column("inference", justify="right", header_style="bold")
    if training:
        table.add_column("training", justify="right", header_style="bold")
    table.add_column("", overflow="fold")

    def add(what: str, first: int, second: int, why: str = "", style: str = "") -> None:
        if first or second:
            cells = [units.size(one) if one else "" for one in ((first, second) if training else (first,))]
            table.add_row(what, *cells, Text(why, style="dim"), style=style)

    if training is None:
        add("parameters", inference.parameters_bytes, 0)
        add("running statistics", inference.buffers_bytes, 0)
        add("activations", inference.activations_peak_bytes, 0, f"while {inference.peak_at} runs")
        add("total", inference.total_bytes, 0, f"{plan.settings.dtype} cannot be trained", "bold")
        return table
    peak, state = training.at_peak, OPTIMIZERS[plan.settings.optimizer].state
    add("parameters", inference.parameters_bytes, peak.parameters, _copies(plan))
    whole = training.gradients_bytes
    add("their gradients", 0, peak.gradients, f"of {units.size(whole)} in all" if peak.gradients < whole else "")
    add("optimizer state", 0, peak.optimizer, f"{plan.settings.optimizer}: {state} for each parameter")
    add("running statistics", inference.buffers_bytes, peak.buffers)
    runs = f"at inference while {inference.peak_at} runs"
    saved = training.saved_activations_bytes
    if plan.settings.convention == "cs231n":
        why = f"{units.size(saved)} forward, {units.size(2 * saved)} with gradients, images included"
        add("activations", inference.activations_peak_bytes, peak.saved, runs)
        add("their gradients", 0, peak.passing, why)
    else:
        add("images and classes", 0, peak.batch, "at inference among the activations")
        why = f"{runs}; saved for the backward pass, {units.size(saved)} in all"
        add("activations", inference.activations_peak_bytes, peak.saved, why)
        add("what passes", 0, peak.passing, "gradients of activations, outputs, temporaries")
    stepping = training.peak_pass == "step"  # noqa: S105
    where = "the optimizer's step" if stepping else f"{training.peak_at} {training.peak_pass}"
    add("total", inference.total_bytes, training.total_bytes, f"the worst moment: {where}{_partial(plan)}", "bold")
    return table


def _device(plan: Plan) -> str:
    """What is not in the totals: on CUDA the allocator's blocks, which are known, and the least that it reserves."""
    if plan.training is None or (allocated := plan.training.allocated_bytes) is None:
        return f"not counted: {NOT_COUNTED}"
    context = plan.settings.context
    driver = f", and {units.size(context)} of context" if context else ""
    return (
        f"in blocks of {BLOCK} bytes: {units.size(allocated)} allocated for training, of which the allocator reserves at least "
        f"{units.size(segments(allocated))}{driver}\nnot counted: {NOT_RESERVED}"
    )


def _copies(plan: Plan) -> str:
    copies = plan.settings.precision.copies
    return f"in training with copies of {copies} bytes for the layers to work with" if copies else ""


def _partial(plan: Plan) -> str:
    if not plan.unknown:
        return ""
    names = ", ".join(plan.unknown[:3]) + (" ..." if len(plan.unknown) > 3 else "")
    return f"; at least: what autograd keeps is not known of {names}"


def _pictures(plan: Plan, look: Look) -> list[Text]:
    """Live activations over the execution, as bars, with the peak named."""
    columns = min((look.width or CHART) - 12, CHART)
    inference = plan.inference
    found = _picture("inference", inference.live, inference.peak_at, columns, "blue", look)
    if plan.training:
        training = plan.training
        where = f"{training.peak_at} {training.peak_pass}"
        half = training.moments_forward
        found += [Text(), *_picture("training", training.live, where, columns, "magenta", look, half)]
    if inference.buffers:
        arena = inference.arena
        sizes = f"{units.size(arena.bytes)} with memory reused, {units.size(arena.trivial)} without"
        found += [Text(), Text(f"inference in one arena: {sizes}")]
    if inference.order:
        found.append(
            Text(
                f"another order of the branches needs {units.size(inference.order.peak)} of activations at inference "
                f"instead of {units.size(inference.activations_peak_bytes)} (--format json lists it)"
            )
        )
    return found


def _picture(
    what: str, live: tuple[int, ...], peak_at: str, columns: int, color: str, look: Look, forward: int = 0
) -> list[Text]:
    peak = highest(live)
    width = len(squeeze(live, columns))
    of = "all that is alive" if forward else "activations alive"
    title = Text(f"{what}: {of}, at most {units.size(peak.size)}, {peak_at}", style="bold")
    rows = [Text(f"{'':11}") + Text(row, style=color) for row in chart(live, columns, unicode=look.unicode)]
    rows[0] = Text(f"{units.size(peak.size):>10} ") + rows[0][11:]
    under = [" "] * (width + 1)
    half = place(forward, len(live), columns)
    if forward:
        under[half] = "\u2502" if look.unicode else "|"
    under[place(peak.step, len(live), columns)] = "\u25b2" if look.unicode else "^"
    found = [title, *rows, Text(f"{'':11}{''.join(under)}")]
    if forward:
        found.append(Text(f"{'':11}{'forward':>{max(half - 1, 0)}}   backward, then the step", style="dim"))
    return found


def _batch(most: int) -> str:
    return f"{most:,}" if most else "none"


def _cost(line: Line, purpose: str) -> int:
    if purpose == "inference":
        return line.live_bytes + line.parameters_bytes
    return line.saved_bytes + line.gradients_bytes + line.training_parameters_bytes
