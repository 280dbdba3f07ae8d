"""`archcalc rule`."""

import click

from archcalc import formats
from archcalc.commands._common import deliver
from archcalc.commands._options import complete_codes, format_option, output_option


@click.command()
@click.argument("code", required=False, shell_complete=complete_codes)
@format_option("rule")
@output_option()
def rule(code: str | None, form: str, path: str | None) -> int:
    """Explain a code like AC201, or a word like mac; without one, list them all.

    The words are parameters, mac, flop, activations, inplace, receptive-field, memory and rounding; `conventions`
    is all of these, `layers` the layer types.
    """
    from archcalc.checks.catalogue import rules
    from archcalc.checks.terms import named

    if code is not None and (terms := named(code)):
        return deliver(formats.module("rule", form).render_terms(terms), path)
    listed = rules()
    renderer = formats.module("rule", form)
    if code is None:
        return deliver(renderer.render(listed), path)
    one = next((one for one in listed if one.code == code.upper()), None)
    if one is None:
        raise click.UsageError(
            f"there is no rule {code!r}; `archcalc rule` lists them, `archcalc rule --help` the words"
        )
    return deliver(renderer.render_one(one), path)
