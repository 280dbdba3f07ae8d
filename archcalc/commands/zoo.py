"""`archcalc zoo`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archcalc import formats
from archcalc.commands._common import FOUND, OK, USAGE, examine_spec, explain, look_of

if TYPE_CHECKING:
    from archcalc.architecture import Examination


@click.command()
@click.option("--format", "-f", "form", type=click.Choice(formats.names("zoo")), default="table", show_default=True)
def zoo(form: str) -> int:
    """List the specs that ship with archcalc.

    Each is read and measured as it is listed: parameters, multiply-accumulates, and the memory of its
    activations for one image in float32.  Use one as SPEC by its name: archcalc report zoo:vgg16.
    """
    from archcalc.language.specfile import zoo_names

    code = OK

    def entries() -> Iterator["Examination"]:
        nonlocal code
        for name in zoo_names():
            found = examine_spec(f"zoo:{name}", (), None)
            if found is None:
                code = USAGE
            elif found.ok:
                yield found
            else:
                explain(found)
                code = code or FOUND

    sys.stdout.write(formats.renderer("zoo", form)(list(entries()), look_of(sys.stdout)))
    return code
