"""`archcalc explain`."""

import click

from archcalc import formats
from archcalc.commands._common import FOUND, USAGE, deliver, examine_spec, look_for, print_findings, refuse_overwriting
from archcalc.commands._options import complete_layers, format_option, output_option, spec_argument, spec_options


@click.command()
@spec_argument()
@click.argument("layer", shell_complete=complete_layers)
@format_option("explain")
@output_option()
@spec_options
def explain(
    spec: str, layer: str, form: str, path: str | None, variables: tuple[str, ...], input_size: str | None
) -> int:
    """Say why a LAYER is as it is: its size, parameters, operations, memory and receptive field, with the arithmetic.

    For a layer that does not fit, says what would.  Exits 1 where the layer has no volume.
    """
    from archcalc.analysis.explanation import facts
    from archcalc.files import shown_path
    from archcalc.language.suggest import nearest

    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    found = examine_spec(spec, variables, input_size)
    if found is None:
        return USAGE
    nodes = {node.name: node for node in found.document.graph.nodes}
    if layer not in nodes:
        print_findings(found)
        meant = nearest(layer, nodes)
        help = f"; did you mean {meant}?" if meant else ""
        click.echo(f"archcalc: {found.path} has no layer {shown_path(layer)}{help}", err=True)
        return FOUND if found.diagnostics and not found.fits else USAGE
    row = next((one for one in found.report.rows if one.node.name == layer), None)
    if row is None:
        print_findings(found)
        click.echo(f"archcalc: {layer} has no volume: it, or a layer before it, does not fit", err=True)
        return FOUND
    node = row.node
    place = f", {found.path}:{node.span.line}" if node.span.line else f", {found.path}"
    head = f"{node.name}: {node.layer.label}{place}"
    return deliver(formats.renderer("explain", form)(head, facts(found.report, row), look_for(path)), path)
