"""`archcalc check`."""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from archcalc import formats
from archcalc.commands._common import (
    FOUND,
    OK,
    USAGE,
    deliver,
    examine_spec,
    extended_by,
    look_for,
    refuse_overwriting,
    spec_files,
)
from archcalc.commands._options import format_option, output_option, spec_argument, spec_options, watch_option

if TYPE_CHECKING:
    from archcalc.architecture import Examination

FILE = click.Path(dir_okay=False)


@click.command()
@spec_argument("specs", metavar="SPEC...", nargs=-1, required=True)
@format_option("check")
@click.option("--concise", is_flag=True, help="Print a line a finding; for --format text.")
@click.option("--quiet", "-q", is_flag=True, help="Print findings only.")
@click.option("--info", is_flag=True, help="Give all advice, also what is off by default.")
@output_option("--output-file")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    default="error",
    show_default=True,
    help="The least severity that exits 1.",
)
@click.option("--baseline", type=FILE, help="Leave out the findings that this file has.")
@click.option("--write-baseline", type=FILE, help="Write all findings to this file, and leave them out.")
@click.option("--extending", is_flag=True, help="Check also the specs beside each SPEC that extend it.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Examine many specs by N processes.",
)
@spec_options
@watch_option
def check(
    specs: tuple[str, ...],
    form: str,
    concise: bool,
    quiet: bool,
    info: bool,
    path: str | None,
    fail_on: Literal["error", "warning", "never"],
    baseline: str | None,
    write_baseline: str | None,
    extending: bool,
    jobs: int,
    variables: tuple[str, ...],
    input_size: str | None,
) -> int:
    """Validate specs; print problems as file:line:col.

    A folder stands for every .yaml and .yml file in it.  Exits 1 if any spec has an error.  Warnings can be
    hidden by a comment (# archcalc: disable-line=AC602) and by [tool.archcalc] in pyproject.toml.
    """
    from archcalc.files import current_folder, shown_path
    from archcalc.project.config import find_configuration

    if concise and form != "text":
        raise click.UsageError("--concise belongs to --format text")
    if baseline and write_baseline:
        raise click.UsageError("--baseline and --write-baseline exclude each other")
    files = list(spec_files(specs))
    if extending:
        files += extended_by(files)
    outputs = {"--output": path, "--write-baseline": write_baseline}
    read = dict.fromkeys(files, "a spec that is checked") | ({baseline: "the baseline"} if baseline else {})
    refuse_overwriting(outputs, read)
    configuration = find_configuration(current_folder())
    known = None
    if baseline or write_baseline:
        from archcalc.project.baseline import Baseline, read_baseline

        known = read_baseline(baseline) if baseline else Baseline()
    look = look_for(path)._replace(quiet=quiet, concise=concise, fail_on=None if fail_on == "never" else fail_on)
    select: Any = None if configuration.select is None else configuration
    if info:
        from archcalc.checks.rules import RULES

        select = RULES
    failed = unreadable = False
    bases: dict[str, str] = {}

    def results() -> Iterator["Examination"]:
        nonlocal failed, unreadable
        options: Any = {"variables": variables, "input_size": input_size, "select": select}
        examined: Iterator[Examination | None] = (examine_spec(spec, **options) for spec in files)
        if jobs > 1:
            from archcalc.commands import _parallel

            examined = _parallel.examined(files, jobs, **options)
        for spec, found in zip(files, examined, strict=True):
            if found is None:
                unreadable = True
                continue
            if extension := found.document.extension:
                bases[os.path.join(os.path.dirname(spec), f"{extension.base}.yaml")] = "a spec that another one extends"
            kept = [one for one in found.diagnostics if configuration.keeps(found.path, one)]
            shown = found._replace(diagnostics=tuple(kept))
            if known is not None:
                shown = known.new(shown)
            failed |= any(look.fails(one.severity) for one in shown.diagnostics)
            yield shown

    texts = formats.renderer("check", form)(results(), look)
    code = OK
    if path:
        whole = "".join(texts)
        refuse_overwriting(outputs, bases)
        code = deliver(whole, path)
    else:
        for text in texts:
            sys.stdout.write(text)
        refuse_overwriting(outputs, bases)
    if write_baseline and known is not None and not unreadable:
        code = max(code, deliver(known.text(), write_baseline))
    if baseline and known is not None:
        hidden, stale = len(known.met), known.stale()
        if hidden and not quiet:
            click.echo(
                f"archcalc: {hidden:,} {'finding' if hidden == 1 else 'findings'} hidden by {shown_path(baseline)}",
                err=True,
            )
        if stale:
            entries = f"{stale:,} {'entry' if stale == 1 else 'entries'}"
            again = "write it again with --write-baseline"
            click.echo(f"archcalc: {shown_path(baseline)} is stale: {entries} no longer found; {again}", err=True)
    return USAGE if unreadable else max(code, FOUND if failed else OK)
