"""`archcalc layers`."""

from typing import TYPE_CHECKING

import click

from archcalc import formats
from archcalc.commands._common import deliver, look_for
from archcalc.commands._options import format_option, output_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    from archcalc.layers import TYPES

    return [CompletionItem(one) for one in sorted(TYPES) if one.startswith(begun.lower())]


@click.command()
@click.argument("type", required=False, shell_complete=_complete)
@format_option("layers")
@output_option()
def layers(type: str | None, form: str, path: str | None) -> int:
    """Explain a layer TYPE: its keys, its formula and what it sees, on an example; without one, list them all.

    TYPE is a spec's word, or another tool's for the same layer (Conv2d).
    """
    from archcalc.authoring.reference import entries, entry
    from archcalc.language.suggest import nearest
    from archcalc.layers import TYPES

    renderer = formats.module("layers", form)
    if type is None:
        return deliver(renderer.render(entries(), look_for(path)), path)
    word = type.lower()
    found = word if word in TYPES else next((name for name in sorted(TYPES) if word in TYPES[name].aka), None)
    if found is None:
        meant = nearest(word, TYPES)
        help = f"did you mean {meant}?" if meant else "`archcalc layers` lists them"
        raise click.UsageError(f"there is no layer type {type!r}; {help}")
    return deliver(renderer.render_one(entry(found), look_for(path)), path)
