"""`archcalc convert`."""

from typing import TYPE_CHECKING

import click

from archcalc.commands._common import FOUND, OK, USAGE, deliver, examine_spec, print_findings, refuse_overwriting
from archcalc.commands._options import output_option, spec_argument, spec_options

if TYPE_CHECKING:
    from archcalc.variants.convert import Conversion
    from archcalc.volume import Volume


@click.command()
@spec_argument()
@click.option("--fc-to-conv", is_flag=True, help="Write every fc layer as the convolution that equals it.")
@output_option()
@spec_options
def convert(spec: str, fc_to_conv: bool, path: str | None, variables: tuple[str, ...], input_size: str | None) -> int:
    """Write an equivalent spec.

    --fc-to-conv makes the first fc a convolution as large as its input, and later ones 1x1, with the same
    parameters: at the spec's own input the scores are the same, and on a larger --input they become a map
    of scores, as VGG-16 on 384x384x3 gives [6x6x1000].  Names are kept, so weights can be carried over.

    What a cell of that map is worth: it equals the original network run on the corresponding crop exactly
    only where no layer pads.  VGG's padded layers see zeros at a crop's border, and the neighbours inside
    the large image, so there only shapes and strides agree, not values.

    Blocks, variables and comments are not kept: the written spec has every layer as it was expanded.

    Exits 1 where the network cannot be converted.
    """
    from archcalc.authoring.write import write
    from archcalc.variants import convert as conversion

    if not fc_to_conv:
        raise click.UsageError("say what to convert: --fc-to-conv")
    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    volume = _volume(input_size)
    found = examine_spec(spec, variables, None)
    if found is None:
        return USAGE
    print_findings(found)
    if not found.fits:
        return FOUND
    converted, problems = conversion.fc_to_conv(found.report, volume)
    if converted is None:
        print_findings(found._replace(diagnostics=tuple(problems)))
        return FOUND
    comment = "Written by `archcalc convert --fc-to-conv`: every fc is a convolution now."
    head: dict[str, str | int] = {
        "source": found.document.line("source"),
        "year": int(found.document.line("year") or 0),
    }
    code = deliver(write(converted.report.graph, head=head, comment=comment), path)
    if code == OK:
        _summarize(converted, found.report.totals.params)
    return code


def _summarize(converted: "Conversion", params: int) -> None:
    """What was done, on stderr: the spec may have gone to standard output."""
    report = converted.report
    click.echo(f"{report.input} -> {report.output}, {params:,} params as before", err=True)
    for old, new in converted.replaced:
        old_label, label = old.node.layer.label, new.node.layer.label
        click.echo(f"  {old.node.name}: {old_label} -> {label}, {new.inputs[0]} -> {new.output}", err=True)
    if converted.padded and max(report.output[:2]) > 1:
        first, *rest = converted.padded
        who = f"{first} and {len(rest)} more pad" if rest else f"{first} pads"
        click.echo(f"  {who}: a cell of the score map is not exactly the scores of its crop", err=True)


def _volume(text: str | None) -> "Volume | None":
    from archcalc.diagnostics import Refusal, Span
    from archcalc.reader.values import read_volume_text
    from archcalc.volume import Volume

    try:
        return Volume(*read_volume_text(text, Span(1, 1, 1, 1))) if text is not None else None
    except Refusal as refusal:
        raise click.UsageError(f"--input: {refusal.diagnostic.message}") from None
