"""`archcalc import`."""

import os

import click

from archcalc.commands._common import FOUND, OK, USAGE, deliver, examine_spec, print_findings, refuse_overwriting
from archcalc.commands._options import input_option, output_option, spec_argument


@click.command(name="import")
@spec_argument("spec", "FILE")
@output_option()
@click.option("--names", is_flag=True, help="Keep every layer's name and order; nothing is folded.")
@input_option
def import_file(spec: str, path: str | None, names: bool, input_size: str | None) -> int:
    """Write a model file of another tool, or a PyTorch model, as a spec that a person would keep.

    Stretches of layers that differ only in numbers become blocks with variables, equal ones repeats; names are left
    to archcalc.  What is written is read back and compared with the file's network.  A spec can be folded the same way.

    FILE may be torch:package.module:factory, whose code then runs on this machine; names are module paths.

    Exits 1 where the file cannot be read whole.
    """
    from archcalc.authoring.folding import fold
    from archcalc.authoring.write import write
    from archcalc.files import shown_path

    refuse_overwriting({"--output": path}, {spec: "the file itself"})
    found = examine_spec(spec, (), input_size, runs=True)
    if found is None:
        return USAGE
    print_findings(found)
    if not found.fits:
        return FOUND
    source = "a pattern" if "->" in spec else spec if spec.startswith("torch:") else os.path.basename(shown_path(spec))
    head: dict[str, str | int] = {
        "source": found.document.line("source"),
        "year": int(found.document.line("year") or 0),
    }
    text = (write if names else fold)(found.document.graph, head=head, comment=f"From {source}, by `archcalc import`.")
    code = deliver(text, path)
    if code == OK:
        layers, lines = len(found.report.rows), text.count("\n")
        click.echo(f"{layers:,} layers in {lines:,} lines, {found.report.totals.params:,} params", err=True)
    return code


globals()["import"] = import_file
