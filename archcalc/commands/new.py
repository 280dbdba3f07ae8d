"""`archcalc new`."""

import click

from archcalc.authoring.starters import shapes
from archcalc.commands._common import OK, deliver
from archcalc.commands._options import output_option


@click.command()
@click.argument("name")
@click.option("--shape", type=click.Choice(shapes()), default="small", show_default=True, help="What to start from.")
@output_option()
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
def new(name: str, shape: str, path: str | None, force: bool) -> int:
    """Write a commented spec to start from.

    NAME is what the network is called.  Shapes: linear (one fc), small (two stages of convolution and
    pooling), vgg (stages of 3x3 convolutions, with variables), residual (blocks and branches).  Writes NAME.yaml
    unless --output says otherwise.
    """
    from archcalc.architecture import examine
    from archcalc.authoring.starters import file_name, starter
    from archcalc.language.specfile import SpecText

    name = name.removesuffix(".yaml")
    text = starter(shape, name)
    problems = examine(SpecText("NAME", text)).diagnostics
    if problems:
        raise click.UsageError(f"NAME cannot be used: {problems[0].message}")
    if path is None and not (path := file_name(name)):
        raise click.UsageError("NAME gives no file name; say where to write with -o FILE")
    code = deliver(text, path, overwrite=force)
    if code == OK and path != "-":
        click.echo(
            f"wrote {click.format_filename(path)}; look at it with: archcalc report {click.format_filename(path)}",
            err=True,
        )
    return code
