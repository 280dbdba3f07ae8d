"""`archcalc export`."""

import sys

import click

from archcalc.authoring.export import names
from archcalc.commands._common import FOUND, OK, USAGE, examine_spec, print_findings, refuse_overwriting
from archcalc.commands._options import output_option, seed_option, spec_argument, spec_options


@click.command()
@spec_argument()
@click.option("--to", "form", type=click.Choice(names()), required=True, help="The tool whose file it is to be.")
@output_option(required=True)
@click.option(
    "--weights", is_flag=True, help="onnx: with the weights that `verify` draws; the network is executed once."
)
@seed_option()
@spec_options
def export(
    spec: str, form: str, path: str, weights: bool, seed: int, variables: tuple[str, ...], input_size: str | None
) -> int:
    """Write a network as a file of another tool.

    caffe: a deploy prototxt.  darknet: a cfg, with the layers' names in comments.  keras: the JSON of a functional
    model of Keras 3, for `keras.models.model_from_json`.  onnx: the operators, with weights of zeros that are made when
    the file is run.  pytorch: a Python module with `build()`.

    Exits 1 where the spec is wrong, or the format has nothing that is exactly one of its layers: all of them are named.
    """
    from archcalc.authoring.export import Unwritable, writer
    from archcalc.output import OutputError, write_whole

    module = writer(form)
    if weights and not hasattr(module, "WEIGHTS"):
        raise click.UsageError(f"--weights: {form} files are written without; ONNX can have them")
    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    found = examine_spec(spec, variables, input_size)
    if found is None:
        return USAGE
    print_findings(found)
    if not found.fits:
        return FOUND
    try:
        data = module.write(found.report, weights=True, seed=seed) if weights else module.write(found.report)
    except Unwritable as error:
        click.echo(f"archcalc: {found.path}: {error}", err=True)
        return FOUND
    if path == "-":
        sys.stdout.buffer.write(data)
        return OK
    try:
        write_whole(path, data)
    except OutputError as error:
        click.echo(f"archcalc: {error}", err=True)
        return USAGE
    return OK
