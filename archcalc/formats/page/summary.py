"""The top of a page: the numbers people ask for, what they count, and what is wrong with the network."""

from collections.abc import Iterable, Iterator, Sequence

from archcalc import units
from archcalc.analysis.analyze import Report
from archcalc.diagnostics import Diagnostic
from archcalc.formats import Look, incomplete
from archcalc.formats._figures import missing, total
from archcalc.formats.drawing.markup import text
from archcalc.formats.report.markdown import convention
from archcalc.memory.results import Plan

SHOWN = 20  # problems; `check` lists them all


def summary(report: Report, look: Look, plan: Plan | None) -> Iterator[str]:
    """Key numbers, each with a word on what it counts."""
    totals = report.totals
    images = "1 image" if look.batch == 1 else f"{look.batch:,} images"
    of = "" if report.complete else f" of {len(report.graph.nodes):,}"
    ends = report.ends if report.outputs else f"{report.ends}?"
    numbers = [
        ("layers", f"{len(report.rows):,}{of}", text(ends)),
        ("parameters", total(totals, "params"), f"{totals.weights:,} weights, {totals.biases:,} biases"),
        ("multiply-accumulates", total(totals, "macs", units.count), f"for 1 image; {total(totals, 'macs')}"),
        ("activations", units.size(totals.activations * look.value_bytes), f"{images}, {look.dtype}"),
    ]
    if plan and plan.training:
        least = "at least " if plan.unknown or plan.training.status != "complete" else ""
        numbers.append(
            ("training step", least + units.size(plan.training.total_bytes), f"{images}, {plan.settings.optimizer}")
        )
    yield "<dl class=keys>"
    yield from (f"<div><dt>{word}<dd>{value}<small>{note}</small></div>" for word, value, note in numbers)
    yield "</dl>"
    yield (
        f"<p class=dim>A multiply-accumulate (MAC) is one product and one sum, of convolutions and fully connected layers, without the bias; "
        f"it is about two FLOPs. Activations are the values that layers own, {convention(report)}. Sizes are in KiB, MiB and GiB of 1024."
    )
    for note in filter(None, (missing(report.rows), incomplete(report))):
        yield f"<p><strong>{text(note)}</strong>"


def problems(found: Sequence[Diagnostic], path: str) -> Iterator[str]:
    """What `archcalc check` says, without the lines of the spec."""
    if not found:
        return
    yield "<div class=bad role=region aria-label=Problems>"
    for one in found[:SHOWN]:
        place = f"{path}:{one.span.line}:{one.span.column}" if one.span.line else path
        yield f"<p><code>{text(place)}</code> <b>{one.severity}[{one.code}]</b> {text(one.message)}"
        yield from _more(one.notes, "")
        yield from _more(one.help, "help: ")
    if len(found) > SHOWN:
        yield f"<p>and {len(found) - SHOWN:,} more like these"
    yield "</div>"


def _more(lines: Iterable[str], word: str) -> Iterator[str]:
    yield from (f"<br><code>{word}{text(line)}</code>" for line in lines)
