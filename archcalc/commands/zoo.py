"""`archcalc zoo`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archcalc import formats
from archcalc.commands._common import FOUND, OK, USAGE, deliver, examine_spec, look_for, print_findings
from archcalc.commands._options import format_option, output_option

if TYPE_CHECKING:
    from archcalc.architecture import Examination


@click.command()
@format_option("zoo")
@output_option()
def zoo(form: str, path: str | None) -> int:
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
                print_findings(found)
                code = code or FOUND

    text = formats.renderer("zoo", form)(list(entries()), look_for(path))
    return deliver(text, path) or code
