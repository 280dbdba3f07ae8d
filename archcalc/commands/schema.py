"""`archcalc schema`."""

import click

from archcalc.commands._common import deliver
from archcalc.commands._options import output_option


@click.command()
@output_option()
def schema(path: str | None) -> int:
    """Print the JSON Schema of specs, for editors that complete and check YAML."""
    import json

    from archcalc.authoring.schema import schema as generated

    return deliver(json.dumps(generated(), indent=1) + "\n", path)
