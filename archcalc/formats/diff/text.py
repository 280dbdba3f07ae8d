"""A comparison for the terminal: a line a layer that is not as it was, then the totals."""

from rich import box
from rich.table import Table
from rich.text import Text

from archcalc.formats import Look
from archcalc.formats._console import printed
from archcalc.formats.diff._words import SIGNS, describe, field_change, signed, told, totals, verdict
from archcalc.variants.diff import Comparison

NAMES_FROM, LONGEST_NAME = 76, 25  # columns from which names of this length are not broken
_COLORS = {"added": "green", "removed": "red", "changed": "yellow", "affected": ""}


def render(found: Comparison, names: tuple[str, str], look: Look) -> str:
    first, second = (
        f"{sign} {name}{f': {report.graph.name}' if report.graph.name else ''}\n"
        for sign, name, report in zip("-+", names, (found.a, found.b), strict=True)
    )
    head = Text.assemble((first, _COLORS["removed"]), (second.rstrip("\n"), _COLORS["added"]))
    if found.equal:
        report = found.b
        same = f"equal: {len(report.rows):,} layers, {report.totals.params:,} params, {report.totals.macs:,} MACs\n"
        return _plain(head, look) + same
    return _plain(head, look) + "\n" + _changes(found, look) + "\n" + _totals(found, look) + verdict(found) + "\n"


def _plain(text: Text, look: Look) -> str:
    table = Table.grid()
    table.add_column(overflow="fold")
    table.add_row(text)
    return printed(table, look)


def _table(look: Look, *columns: tuple[str, bool]) -> Table:
    table = Table(box=box.SIMPLE_HEAD if look.unicode else box.ASCII2, show_edge=False, pad_edge=False, padding=(0, 0))
    for head, number in columns:
        table.add_column(head, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table


def _changes(found: Comparison, look: Look) -> str:
    numbers = [(head, True) for head in ("params", "MACs", "memory", "field")]
    table = _table(look, ("", False), ("layer", False), ("what", False), *numbers)
    longest = max(len(change.row.node.name) for change in found.changes)
    table.columns[1].no_wrap = longest <= LONGEST_NAME and (look.width or NAMES_FROM) >= NAMES_FROM
    width = look.value_bytes
    for change in told(found):
        cells = [
            SIGNS[change.status],
            change.row.node.name,
            describe(change),
            signed(change.params),
            signed(change.macs),
            signed(change.activations * width, "size"),
            field_change(change),
        ]
        color = _COLORS[change.status]
        styles = [color, f"bold {color}".strip(), color, "", "", "", ""]
        table.add_row(*(Text(cell, style=style) for cell, style in zip(cells, styles, strict=True)))
    return printed(table, look)


def _totals(found: Comparison, look: Look) -> str:
    table = _table(look, ("total", False), ("before", True), ("after", True), ("change", True))
    for row in totals(found, look):
        table.add_row(*(Text(cell) for cell in row))
    return printed(table, look)
