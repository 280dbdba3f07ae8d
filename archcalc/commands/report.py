"""`archcalc report`."""

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
from archcalc.precision import DTYPES


@click.command()
@click.argument("spec", shell_complete=complete_specs)
@click.option("--format", "-f", "form", type=click.Choice(formats.names("report")), default="table", show_default=True)
@click.option(
    "--batch", type=click.IntRange(1, 2**31 - 1), default=1, show_default=True, help="Images at a time, for memory."
)
@click.option(
    "--dtype",
    type=click.Choice(list(DTYPES)),
    default="float32",
    show_default=True,
    help="Type of the values, for memory.",
)
@click.option(
    "--layout",
    type=click.Choice(["WxHxC", "NCHW", "NHWC"], case_sensitive=False),
    default="WxHxC",
    show_default=True,
    help="How volumes are written.",
)
@click.option(
    "--convention",
    type=click.Choice(["inplace", "separate"]),
    default="inplace",
    show_default=True,
    help="Whether ReLU and dropout own memory.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 64),
    help="One line for a block or a pass of a named repeat, this many inside each other (table, markdown).",
)
@click.option("--im2col", is_flag=True, help="Show the im2col matrix of every convolution, [F*F*C/g x W'*H'].")
@spec_options
def report(
    spec: str,
    form: str,
    batch: int,
    dtype: str,
    layout: str,
    convention: str,
    depth: int | None,
    im2col: bool,
    variables: tuple[str, ...],
    input_size: str | None,
) -> int:
    """Print volumes, parameters, operations and memory of every layer.

    On a spec that fails, the table goes as far as the first layer that does not fit; exits 1.

    SPEC may be torch:package.module:factory, a PyTorch model; that code then runs on this machine.
    """
    renderer = formats.module("report", form)
    if depth and not getattr(renderer, "FOLDS", False):
        raise click.UsageError(f"--depth folds {', '.join(formats.able('report', 'FOLDS'))}, not {form}")
    found = examine_spec(spec, variables, input_size, convention=convention, runs=True)
    if found is None:
        return USAGE
    look = look_of(sys.stdout)._replace(batch=batch, dtype=dtype, layout=layout, depth=depth, im2col=im2col)
    if found.fits or (found.report.rows and getattr(renderer, "PARTIAL", False)):
        sys.stdout.write(renderer.render(found.report, look))
        sys.stdout.flush()
    explain(found)
    return OK if found.ok else FOUND
