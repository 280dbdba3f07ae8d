"""`archcalc rule`."""

import sys

import click

from archcalc import formats
from archcalc.commands._common import OK, complete_codes


@click.command()
@click.argument("code", required=False, shell_complete=complete_codes)
@click.option("--format", "-f", "form", type=click.Choice(formats.names("rule")), default="text", show_default=True)
def rule(code: str | None, form: str) -> int:
    """Explain a code like AC201, or a word like mac; without one, list them all.

    The words are parameters, mac, flop, activations, inplace, receptive-field, memory and rounding; `conventions`
    is all of these, `layers` the layer types.
    """
    from archcalc.checks.catalogue import rules
    from archcalc.checks.terms import named

    if code is not None and (terms := named(code)):
        sys.stdout.write(formats.module("rule", form).render_terms(terms))
        return OK
    listed = rules()
    renderer = formats.module("rule", form)
    if code is None:
        sys.stdout.write(renderer.render(listed))
        return OK
    one = next((one for one in listed if one.code == code.upper()), None)
    if one is None:
        raise click.UsageError(
            f"there is no rule {code!r}; `archcalc rule` lists them, `archcalc rule --help` the words"
        )
    sys.stdout.write(renderer.render_one(one))
    return OK
