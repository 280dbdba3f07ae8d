"""A comparison for a pull request."""

from archcalc.formats import Look
from archcalc.formats.diff._words import describe, field_change, signed, told, totals, verdict
from archcalc.formats.report.markdown import escape
from archcalc.variants.diff import Comparison


def render(found: Comparison, names: tuple[str, str], look: Look) -> str:
    first, second = (escape(name) for name in names)
    lines = [f"### {first} → {second}", ""]
    if found.equal:
        lines.append(f"Equal: {found.unchanged:,} layers.")
        return "\n".join(lines) + "\n"
    lines += ["| total | before | after | change |", "|---|--:|--:|--:|"]
    lines += [f"| {' | '.join(escape(cell) for cell in row)} |" for row in totals(found, look)]
    lines += ["", "| | layer | what | params | MACs | memory | field |", "|---|---|---|--:|--:|--:|--:|"]
    width = look.value_bytes
    for change in told(found):
        cells = (
            change.status,
            change.row.node.name,
            describe(change),
            signed(change.params),
            signed(change.macs),
            signed(change.activations * width, "size"),
            field_change(change),
        )
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    lines += ["", verdict(found), f"Memory is of the activations in {look.dtype}, batch {look.batch}."]
    return "\n".join(lines) + "\n"
