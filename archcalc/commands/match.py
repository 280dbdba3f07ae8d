"""`archcalc match`."""

import sys

import click

from archcalc import formats
from archcalc.commands._common import (
    FOUND,
    OK,
    USAGE,
    complete_specs,
    examine_spec,
    explain,
    look_of,
    spec_options,
)


@click.command()
@click.argument("spec", shell_complete=complete_specs)
@click.argument("model", metavar="TORCH")
@click.option("--strict", is_flag=True, help="Compare eps, slopes and what is frozen, too.")
@click.option("--format", "-f", "form", type=click.Choice(formats.names("diff")), default="text", show_default=True)
@spec_options
def match(spec: str, model: str, form: str, strict: bool, variables: tuple[str, ...], input_size: str | None) -> int:
    """Compare a spec with a PyTorch model, layer by layer.

    TORCH is torch:package.module:factory, whose code runs on this machine, on the spec's input (or --input); any other
    SPEC will do, too.  Layers that are missing, more than there should be, or different are named by their module's
    path.  It makes no difference how a network is written: rounding where nothing is left over, nested sums and
    concats, the order of branches, flatten before fc, names.

    Exits 0 if they compute the same, 1 if they differ, 2 if one cannot be read or is in error.
    """
    a = examine_spec(spec, variables, input_size)
    if a is None:
        return USAGE
    explain(a)
    if not a.fits:
        return USAGE
    size = "x".join(map(str, a.report.input))
    b = examine_spec(model, (), size, runs=True)
    if b is None:
        return USAGE
    explain(b)
    if not b.fits:
        return USAGE
    from archcalc.variants.match import match

    found = match(a.report, b.report, strict=strict)
    sys.stdout.write(formats.renderer("diff", form)(found, (a.path, b.path), look_of(sys.stdout)))
    return OK if found.equal else FOUND
