"""`archcalc check`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archcalc import formats
from archcalc.commands._common import FOUND, OK, USAGE, examine_spec, look_of, spec_files, spec_options

if TYPE_CHECKING:
    from archcalc.architecture import Examination


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--format", "-f", "form", type=click.Choice(formats.names("check")), default="text", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Print findings only.")
@spec_options
def check(specs: tuple[str, ...], form: str, quiet: bool, variables: tuple[str, ...], input_size: str | None) -> int:
    """Validate specs; print problems as file:line:col.

    A folder stands for every .yaml and .yml file in it.  Exits 1 if any spec has an error.
    """
    failed = unreadable = False

    def results() -> Iterator["Examination"]:
        nonlocal failed, unreadable
        for spec in spec_files(specs):
            found = examine_spec(spec, variables, input_size, select=None)
            if found is None:
                unreadable = True
                continue
            failed |= not found.ok
            yield found

    look = look_of(sys.stdout)._replace(quiet=quiet)
    for text in formats.renderer("check", form)(results(), look):
        sys.stdout.write(text)
    return USAGE if unreadable else FOUND if failed else OK
