"""A comparison as a page: what changed in total and for each layer, and both networks to scale with what changed marked."""

from collections.abc import Iterable, Iterator

from archcalc.formats import Look
from archcalc.formats.diff._words import SIGNS, describe, field_change, signed, told, totals, verdict
from archcalc.formats.drawing.markup import text
from archcalc.formats.drawing.picture import draw
from archcalc.formats.page.page import page
from archcalc.variants.diff import Comparison

WORDS = {"added": "added", "removed": "removed", "changed": "changed", "affected": "by what is before"}


def render(found: Comparison, names: tuple[str, str], look: Look) -> str:
    return page(f"{names[0]} and {names[1]}", _body(found, names, look), script=False)


def _body(found: Comparison, names: tuple[str, str], look: Look) -> Iterator[str]:
    first, second = map(text, names)
    yield f"<h1>{first} <small>and</small> {second}</h1>"
    if found.equal:
        yield f"<p>Equal: {found.unchanged:,} layers."
    else:
        yield "<p>" + "<br>".join(map(text, verdict(found).split("\n")))
        yield from _table(("", "before", "after", "change"), totals(found, look), "Totals", words=1)
    yield "<h2>Volumes</h2><p class=dim>Each network in its own scale; layers that were added, removed or changed have a thick outline."
    places = (
        [change.a.position for change in found.changes if change.a and change.status != "affected"],
        [change.b.position for change in found.changes if change.b and change.status != "affected"],
    )
    for name, report, marked in zip((first, second), (found.a, found.b), places, strict=True):
        yield f'<h3>{name}</h3><div class=scroll tabindex=0 role=region aria-label="{name}">'
        yield f"{draw(report, css=False, marked=marked).svg}</div>"
    if not found.equal:
        yield from _table(
            ("", "layer", "what", "params", "MACs", "memory", "field"), _changes(found, look), "Layers", words=3
        )
        yield f"<p class=dim>Memory is of the activations in {text(look.dtype)}, batch {look.batch:,}."


def _changes(found: Comparison, look: Look) -> Iterator[tuple[str, ...]]:
    width = look.value_bytes
    for change in told(found):
        yield (
            f"{SIGNS[change.status]} {WORDS[change.status]}".strip(),
            change.row.node.name,
            describe(change),
            signed(change.params),
            signed(change.macs),
            signed(change.activations * width, "size"),
            field_change(change),
        )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], name: str, *, words: int) -> Iterator[str]:
    """A table whose first `words` columns are words, the others figures."""
    sides = "".join(f" l{place}" for place in range(1, words + 1))
    yield f"<h2>{name}</h2><div class=scroll tabindex=0 role=region aria-label={name}>"
    yield f'<table class="d{sides}"><thead><tr>'
    yield "".join(f"<th scope=col>{text(head)}" if head else "<td>" for head in heads) + "</thead><tbody>"
    yield from (f"<tr>{''.join(f'<td>{text(cell)}' for cell in row)}" for row in rows)
    yield "</table></div>"
