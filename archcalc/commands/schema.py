"""`archcalc schema`."""

import sys

import click

from archcalc.commands._common import OK


@click.command()
def schema() -> int:
    """Print the JSON Schema of specs, for editors that complete and check YAML."""
    import json

    from archcalc.authoring.schema import schema as generated

    json.dump(generated(), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return OK
