"""`archcalc report`."""

import sys
from typing import TYPE_CHECKING

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
from archcalc.commands._options import (
    batch_option,
    budget_option,
    dtype_option,
    format_option,
    inplace_option,
    output_option,
    spec_argument,
    spec_options,
    watch_option,
)
from archcalc.precision import DTYPES

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archcalc.architecture import Examination


def read_columns(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Names of columns with commas between; `help` prints them all."""
    if text is None:
        return ()
    if text == "help":
        from archcalc.formats.report._columns import COLUMNS

        click.echo("\n".join(f"{name:14}{column.what}" for name, column in COLUMNS.items()))
        context.exit()
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        read_column(context, option, name)
        if names.count(name) > 1:
            raise click.BadParameter(f"{name} is named twice")
    return names


def read_column(context: click.Context, option: click.Parameter, name: str | None) -> str:
    """A column's name."""
    from archcalc.formats.report._columns import UnknownColumn, column

    if name is None:
        return ""
    try:
        return column(name).name
    except UnknownColumn as error:
        raise click.BadParameter(str(error)) from None


def complete_columns(context: click.Context, option: click.Parameter, begun: str) -> "list[CompletionItem]":
    """What a shell offers for names of columns; several have commas between."""
    from click.shell_completion import CompletionItem

    from archcalc.formats.report._columns import COLUMNS

    before, comma, last = begun.rpartition(",")
    names = [one for one in COLUMNS if one.startswith(last)]
    return [CompletionItem(f"{before}{comma}{name}", help=COLUMNS[name].what) for name in names]


@click.command()
@spec_argument()
@format_option("report")
@output_option()
@batch_option(1)
@dtype_option(DTYPES, "float32")
@click.option(
    "--layout",
    type=click.Choice(["WxHxC", "NCHW", "NHWC"], case_sensitive=False),
    default="WxHxC",
    show_default=True,
    help="How volumes are written.",
)
@inplace_option()
@click.option("--convention", type=click.Choice(["inplace", "separate"]), hidden=True)
@click.option(
    "--depth",
    type=click.IntRange(1, 64),
    help="One line for a block or a pass of a named repeat, this many inside each other (table, markdown).",
)
@click.option(
    "--columns",
    callback=read_columns,
    metavar="NAME,...",
    shell_complete=complete_columns,
    help="Show these columns, in this order (table, markdown, csv); --columns help lists them.",
)
@click.option(
    "--sort",
    metavar="NAME",
    callback=read_column,
    shell_complete=complete_columns,
    help="Sort the layers by a column, the largest first.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Show the first N lines of a sorted table.")
@budget_option()
@click.option("--photo", metavar="FILE", help="An image on which html shows what a layer sees; PNG, JPEG, GIF or WebP.")
@click.option("--im2col", is_flag=True, help="Show the im2col matrix of every convolution, [F*F*C/g x W'*H'].")
@spec_options
@watch_option
def report(
    spec: str,
    form: str,
    path: str | None,
    batch: int,
    dtype: str,
    layout: str,
    inplace: bool,
    convention: str | None,
    depth: int | None,
    columns: tuple[str, ...],
    sort: str,
    top: int | None,
    budget: int | None,
    photo: str | None,
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
    if (columns or sort) and not getattr(renderer, "CHOOSES", False):
        option = "--columns" if columns else "--sort"
        raise click.UsageError(f"{option} is for {', '.join(formats.able('report', 'CHOOSES'))}, not {form}")
    if top and not sort:
        raise click.UsageError(
            "--top takes the first lines of a sorted table; say by what with --sort, as in --sort macs"
        )
    tells = getattr(renderer, "TELLS", False)
    if (budget or photo) and not tells:
        option = "--budget" if budget else "--photo"
        raise click.UsageError(f"{option} is for {', '.join(formats.able('report', 'TELLS'))}, not {form}")
    refuse_overwriting({"--output": path}, {spec: "the spec itself", **({photo: "the image"} if photo else {})})
    counted = convention or ("inplace" if inplace else "separate")
    found = examine_spec(spec, variables, input_size, convention=counted, runs=True)
    if found is None:
        return USAGE
    look = look_for(path)._replace(
        batch=batch, dtype=dtype, layout=layout, depth=depth, im2col=im2col, columns=columns, sort=sort, top=top
    )
    code = OK
    if found.fits or (found.report.rows and getattr(renderer, "PARTIAL", False)):
        told = (_about(found, look, budget, photo),) if tells else ()
        code = deliver(renderer.render(found.report, look, *told), path)
        sys.stdout.flush()
    print_findings(found)
    return code or (OK if found.ok else FOUND)


def _about(found: "Examination", look: formats.Look, budget: int | None, photo: str | None) -> formats.About:
    """What a page tells besides the report: problems, memory of a network that fits, an image."""
    from archcalc.diagnostics import Unusable

    plan = shown = None
    if found.fits and found.report.complete:
        plan = found.architecture.plan(batch=look.batch, dtype=look.dtype, budget=budget)
    if photo:
        from archcalc.formats.page.image import data_uri

        try:
            shown = data_uri(photo)
        except Unusable as error:
            raise click.UsageError(f"--photo: {error}") from None
    return formats.About(found.path, found.diagnostics, plan, shown or "")
