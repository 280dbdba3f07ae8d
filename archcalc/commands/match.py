"""`archcalc match`."""

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
@spec_argument()
@spec_argument("model", "TORCH")
@click.option("--strict", is_flag=True, help="Compare eps, slopes, rates of drop path and what is frozen, too.")
@click.option("--values", is_flag=True, help="Run both with the model's weights, too, and compare what they give.")
@format_option("diff")
@output_option()
@spec_options
def match(
    spec: str,
    model: str,
    form: str,
    path: str | None,
    strict: bool,
    values: bool,
    variables: tuple[str, ...],
    input_size: str | None,
) -> int:
    """Compare a spec with a PyTorch model, layer by layer.

    TORCH is torch:package.module:factory, whose code runs on this machine, on the spec's inputs (or --input); any other
    SPEC will do, too.  Layers that are missing, more than there should be, or different are named by their module's
    path.  It makes no difference how a network is written: rounding where nothing is left over, nested sums and
    concats, the order of branches, flatten before fc, names.

    With --values the spec's layers are executed in NumPy with the model's own weights, on two random images, and must give
    what the model gives.

    Exits 0 if they compute the same, 1 if they differ, 2 if one cannot be read or is in error.
    """
    if values and not model.startswith("torch:"):
        raise click.UsageError("--values needs a PyTorch model, torch:package.module:factory")
    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    a = examine_spec(spec, variables, input_size)
    if a is None:
        return USAGE
    print_findings(a)
    if not a.fits:
        return USAGE
    sizes = {row.node.name: "x".join(map(str, row.output)) for row in a.report.inputs}
    size = ",".join(f"{name}={one}" for name, one in sizes.items()) if len(sizes) > 1 else next(iter(sizes.values()))
    b = examine_spec(model, (), size, runs=True)
    if b is None:
        return USAGE
    print_findings(b)
    if not b.fits:
        return USAGE
    from archcalc.variants.match import match

    found = match(a.report, b.report, strict=strict)
    if code := deliver(formats.renderer("diff", form)(found, (a.path, b.path), look_for(path)), path):
        return code
    if not values or not found.equal:
        return OK if found.equal else FOUND
    from archcalc.models import captured_torch
    from archcalc.variants.match import compare_values

    run = captured_torch(model, size, values=True)
    try:
        result = compare_values(a.report, run)
    except ValueError as error:
        click.echo(f"archcalc: {error}", err=True)
        return USAGE
    said = f"values {'agree' if result.equal else 'differ'}: the results are {result.furthest:.1e} of their largest value apart"
    if result.parted and not result.equal:
        first, distance = result.parted
        said += f"; {run.graph.nodes[first].name} is the first layer, by {distance:.1e}"
    click.echo(said, err=form != "text" or path not in (None, "-"))
    return OK if result.equal else FOUND
