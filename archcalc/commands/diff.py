"""`archcalc diff`."""

import sys

import click

from archcalc import formats
from archcalc.commands._common import FOUND, OK, USAGE, complete_specs, examine_spec, explain, look_of, spec_options


@click.command()
@click.argument("first", metavar="A", shell_complete=complete_specs)
@click.argument("second", metavar="[B]", required=False, shell_complete=complete_specs)
@click.option("--format", "-f", "form", type=click.Choice(formats.names("diff")), default="text", show_default=True)
@spec_options
def diff(first: str, second: str | None, form: str, variables: tuple[str, ...], input_size: str | None) -> int:
    """Compare two specs, layer by layer.

    Prints layers that were added (+), removed (-) or changed (~), those that only the layers before them
    affect, and the change in params, MACs, memory of the activations and receptive field, for each and in
    total.  Layers belong together by names you gave, else by what they are; other names, comments and the
    way a network is written make no difference.

    A and B may be torch:package.module:factory, a PyTorch model; that code then runs on this machine.

    --set and --input apply to both; without B they make the second network: archcalc diff A --set width=128.

    Exits 0 if the networks are equal, 1 if they differ, 2 if one cannot be read or is in error.
    """
    if second is None and not variables and input_size is None:
        raise click.UsageError("give a second SPEC, or --set or --input to compare A with")
    a = examine_spec(
        first, variables if second else (), input_size if second or first.startswith("torch:") else None, runs=True
    )
    b = examine_spec(second or first, variables, input_size, runs=True) if a is not None else None
    if a is None or b is None:
        return USAGE
    explain(a)
    explain(b)
    if not (a.fits and b.fits):
        return USAGE
    from archcalc.variants.diff import compare

    found = compare(a.report, b.report)
    settings = " ".join([*variables, *([input_size] if input_size else [])])
    names = (a.path, b.path if second else f"{b.path} with {settings}")
    sys.stdout.write(formats.renderer("diff", form)(found, names, look_of(sys.stdout)))
    return OK if found.equal else FOUND
