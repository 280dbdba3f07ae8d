"""Memory over a training step, as a curve with its peak and the budget, and in words."""

from collections.abc import Iterator

from archcalc import units
from archcalc.formats.drawing.markup import number as n
from archcalc.formats.drawing.markup import text
from archcalc.formats.plan._chart import squeeze
from archcalc.memory.results import Plan

WIDE, HIGH = 900, 200
MOST = 450  # steps of the curve; each the most of its moments
ROOM = 18  # above and below the curve, for words
PARTS = {
    "parameters": "parameters",
    "gradients": "their gradients",
    "optimizer": "the optimizer's state",
    "buffers": "running statistics",
    "batch": "images and classes",
    "saved": "activations saved for the backward pass",
    "passing": "what passes: gradients of activations, outputs, temporaries",
}


def memory(plan: Plan) -> Iterator[str]:
    training = plan.training
    images = "1 image" if plan.batch == 1 else f"{plan.batch:,} images"
    yield f"<p>Inference needs {units.size(plan.inference.total_bytes)} for {images} in {plan.settings.dtype}."
    if training is None:
        yield f"{text(plan.settings.dtype)} cannot be trained."
        return
    least = "at least " if plan.unknown or training.status != "complete" else ""
    stepping = training.peak_pass == "step"  # noqa: S105
    where = "the optimizer's step" if stepping else f"{training.peak_at} {training.peak_pass}"
    total = units.size(training.total_bytes)
    yield text(f"A training step with {plan.settings.optimizer} needs {least}{total}; the worst moment: {where}.")
    if plan.budget:
        spare = plan.budget.usable_bytes - training.total_bytes
        verdict = f"{units.size(spare)} to spare" if spare >= 0 else f"{units.size(-spare)} too much"
        most = plan.budget.max_batch.training or 0
        yield (
            f"<strong>{units.size(plan.budget.usable_bytes)} are usable: {verdict};"
            f" the largest batch is {f'{most:,}' if most else 'none'}.</strong>"
        )
    yield _curve(plan)
    yield "<table class=m><caption>At the peak</caption>"
    for name, value in training.at_peak._asdict().items():
        if value:
            yield f"<tr><th scope=row>{PARTS[name]}<td>{units.size(value)}"
    yield f"<tr><th scope=row>total<td>{units.size(training.total_bytes)}</table>"


def _curve(plan: Plan) -> str:
    """What is alive at each moment; forward, backward and the step beside each other."""
    training = plan.training
    assert training is not None
    bars = squeeze(training.live, MOST)
    budget = plan.budget.usable_bytes if plan.budget else 0
    peak = max(bars)
    drawn = budget if budget <= 3 * peak else 0  # far above the curve it would flatten it; words say it
    top = max(peak, drawn)
    across = WIDE / len(bars)

    def x(moment: float) -> float:
        return moment / len(training.live) * WIDE

    def y(value: float) -> float:
        return ROOM + (HIGH - 2 * ROOM) * (1 - value / top)

    path = f"M0 {n(y(0))}V{n(y(bars[0]))}"
    for one, bar in enumerate(bars):
        if one and bar != bars[one - 1]:
            path += f"H{n(one * across)}V{n(y(bar))}"
    path += f"H{WIDE}V{n(y(0))}z"
    half = x(training.moments_forward)
    last = x(len(training.live) - 1)
    highest = bars.index(peak) * across
    side = "end" if highest > WIDE * 0.7 else "start"
    low = HIGH - 4
    marks = [
        f'<path class="a" d="{path}"/>',
        f'<path class="l" d="M{n(half)} {ROOM}V{HIGH}M{n(last)} {ROOM}V{HIGH}"/>',
        f'<text x="2" y="{low}">forward</text><text x="{n(half + 4)}" y="{low}">backward</text>',
        f'<text x="{WIDE - 2}" y="{low}" text-anchor="end">step</text>',
        f'<text x="{n(highest)}" y="{n(y(peak) - 5)}" text-anchor="{side}">{units.size(peak)}</text>',
    ]
    if drawn:
        marks.append(f'<path class="u" d="M0 {n(y(drawn))}H{WIDE}"/>')
        marks.append(f'<text x="2" y="{n(y(drawn) - 4)}">budget {units.size(drawn)}</text>')
    label = f"Memory over a step: at most {units.size(peak)}"
    return (
        f'<div class=scroll tabindex=0 role=region aria-label=Memory><svg class="mem" role="img" aria-label="{label}" '
        f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}">{"".join(marks)}</svg></div>'
    )
