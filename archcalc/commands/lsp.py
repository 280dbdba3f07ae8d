"""`archcalc lsp`."""

import click

from archcalc.commands._common import OK


@click.command()
def lsp() -> int:
    """Serve an editor: problems as you type, explanations, completion and repairs.

    Speaks the Language Server Protocol over standard input and output; an editor starts it (docs/editor.md).
    Needs the lsp extra: pip install 'archcalc[lsp]'.
    """
    try:
        from archcalc.commands._server import serve
    except ImportError as error:
        raise click.UsageError(f"lsp needs the lsp extra, pip install 'archcalc[lsp]' ({error})") from None
    serve()
    return OK
