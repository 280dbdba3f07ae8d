"""`archcalc diff`."""

import click

from archcalc import formats
from archcalc.commands._common import (
    FOUND,
    OK,
    USAGE,
    deliver,
    examine_spec,
    look_for,
    print_findings,
    refuse_overwriting,
)
from archcalc.commands._options import format_option, output_option, spec_argument, spec_options


@click.command()
@spec_argument("first", "A")
@spec_argument("second", "[B]", required=False)
@format_option("diff")
@output_option()
@spec_options
def diff(
    first: str, second: str | None, form: str, path: str | None, variables: tuple[str, ...], input_size: str | None
) -> int:
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
    read = {one: "a spec that is compared" for one in (first, second) if one}
    refuse_overwriting({"--output": path}, read)
    a = examine_spec(
        first, variables if second else (), input_size if second or first.startswith("torch:") else None, runs=True
    )
    b = examine_spec(second or first, variables, input_size, runs=True) if a is not None else None
    if a is None or b is None:
        return USAGE
    print_findings(a)
    print_findings(b)
    if not (a.fits and b.fits):
        return USAGE
    from archcalc.variants.diff import compare

    found = compare(a.report, b.report)
    settings = " ".join([*variables, *([input_size] if input_size else [])])
    names = (a.path, b.path if second else f"{b.path} with {settings}")
    if code := deliver(formats.renderer("diff", form)(found, names, look_for(path)), path):
        return code
    return OK if found.equal else FOUND
