"""`archcalc rule`."""

import sys

import click

from archcalc import formats
from archcalc.commands._common import OK, complete_codes


@click.command()
@click.argument("code", required=False, shell_complete=complete_codes)
@click.option("--format", "-f", "form", type=click.Choice(formats.names("rule")), default="text", show_default=True)
def rule(code: str | None, form: str) -> int:
    """Explain a code like AC201; without one, list them all."""
    from archcalc.checks.catalogue import rules

    listed = rules()
    renderer = formats.module("rule", form)
    if code is None:
        sys.stdout.write(renderer.render(listed))
        return OK
    one = next((one for one in listed if one.code == code.upper()), None)
    if one is None:
        raise click.UsageError(f"there is no rule {code!r}; `archcalc rule` lists them")
    sys.stdout.write(renderer.render_one(one))
    return OK
