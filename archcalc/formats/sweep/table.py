"""The networks that were kept, best first, and what became of the others."""

from rich import box
from rich.table import Table
from rich.text import Text

from archcalc import units
from archcalc.formats import Look
from archcalc.formats._console import printed
from archcalc.variants.sweeping.quantities import QUANTITIES, Wanted
from archcalc.variants.sweeping.sweep import Result, flat

SHOWN = 20  # of a front
REASONS = 10


def render(result: Result, look: Look) -> str:
    request = result.request
    most = request.keep.most or SHOWN
    table = Table(box=box.SIMPLE_HEAD if look.unicode else box.ASCII2, show_edge=False, pad_edge=False)
    heads, lines = cells(result, most)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right", style="bold" if number < len(request.space.names()) else "")
    for line in lines:
        table.add_row(*map(Text, line))
    out = [printed(table, look)] if lines else []
    return "\n".join([*out, "\n".join(below(result, most)) + "\n"])


def cells(result: Result, most: int) -> tuple[list[str], list[list[str]]]:
    """The heads of the columns, and a line for each of the first networks."""
    request, names = result.request, result.request.space.names()
    lines = []
    for record in request.records(result.rows.take(slice(0, most))):
        values = flat(record)
        lines.append(
            [*(str(values[one]) for one in names), *(_figure(one, values[str(one)]) for one in request.wanted)]
        )
    return [*names, *map(str, request.wanted)], lines


def _figure(wanted: Wanted, value: int | None) -> str:
    if value is None:
        return "unknown"
    quantity = QUANTITIES[wanted.name]
    return units.size(value) if quantity.bytes else units.count(value) if quantity.counted else str(value)


def below(result: Result, most: int) -> list[str]:
    """How many networks there are, and how many are not shown for which reason."""
    request, tally = result.request, result.tally
    what = f"the front of {', '.join(map(str, request.keep.objectives))}"
    if not request.keep.front:
        what = f"the best by {', '.join(map(str, request.keep.objectives))}"
    found = [f"{tally.networks:,} networks, {tally.fitting:,} fit; {what}: {len(result.rows):,}"]
    if len(result.rows) > most:
        found[0] += f", of which {most:,} are shown (--top, or another --format)"
    lines = [(count, f"do not satisfy `{text}`") for text, count in tally.rejected.items()]
    if tally.excluded:
        lines.append((tally.excluded, "are excluded by conditions on variables"))
    if tally.unknown:
        lines.append((tally.unknown, "have a figure that is not known"))
    misfits = sorted(tally.misfits.items(), key=lambda one: (-one[1], one[0]))
    for (code, layer), count in misfits[:REASONS]:
        message, point = tally.examples[code, layer]
        example = request.command(request.space.point(point))
        lines.append((count, f"do not fit, {code} at {layer}; one of them: {message}\n{'':{16}}{example}"))
    if len(misfits) > REASONS:
        rest = misfits[REASONS:]
        lines.append(
            (sum(count for _, count in rest), f"do not fit for {len(rest)} more reasons (--format json has all)")
        )
    found += [f"{count:>14,}  {text}" for count, text in lines]
    rate = f", {result.rate:,.0f} a second" if result.seconds > 0 else ""
    structures = f"{result.structures:,} structure{'s' * (result.structures != 1)}"
    found.append(f"{structures} in {result.seconds:.1f} s{rate}")
    if tally.single:
        found.append(f"{tally.single:,} networks had structures of their own and were analysed one by one")
    if len(result.rows):
        first = request.records(result.rows.take(slice(0, 1)))[0]
        found.append(f"the first: {first['command']}")
    return found
