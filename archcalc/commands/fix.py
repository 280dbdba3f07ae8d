"""`archcalc fix`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archcalc.commands._common import FOUND, OK, USAGE, deliver, print_findings
from archcalc.commands._options import spec_argument

if TYPE_CHECKING:
    from archcalc.authoring.fix import Fixed


@click.command()
@spec_argument()
@click.option("--diff", is_flag=True, help="Print what would change; write nothing.")
def fix(spec: str, diff: bool) -> int:
    """Make the repairs that are certain: other frameworks' names, slips of the pen, forgotten quotes.

    Comments and layout stay.  The file is written whole, and only where the result checks better; - reads
    standard input and prints the result.  Exits 1 if errors are left, with --diff also if something would change.
    """
    from archcalc.architecture import unreadable
    from archcalc.authoring.fix import fix as repair
    from archcalc.diagnostics import SpecError
    from archcalc.language.pattern import is_pattern
    from archcalc.language.specfile import SpecUnavailable, read_spec

    if is_pattern(spec) or spec.startswith("zoo:"):
        raise click.UsageError("fix takes a file, or - for standard input")
    try:
        text = read_spec(spec)
    except SpecUnavailable as error:
        click.echo(f"archcalc: {error}", err=True)
        return USAGE
    except SpecError as error:
        print_findings(unreadable(error))
        return FOUND
    fixed = repair(text)
    changed = fixed.text != text.text
    code = OK
    if diff:
        sys.stdout.writelines(_diff(text.path, text.text, fixed.text))
    elif spec == "-":
        sys.stdout.write(fixed.text)
    elif changed:
        code = deliver(_mark(spec) + fixed.text, spec)
    if code != OK:
        return code
    for line in _summary(text.path, fixed, "would repair" if diff else "repaired"):
        click.echo(line, err=True)
    print_findings(fixed.found)
    return OK if fixed.found.ok and not (diff and changed) else FOUND


def _mark(path: str) -> str:
    """The byte order mark a file begins with, if it does: it stays."""
    with open(path, "rb") as file:
        return "\ufeff" if file.read(3) == b"\xef\xbb\xbf" else ""


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    from difflib import unified_diff

    for line in unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), path, path):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _summary(path: str, fixed: "Fixed", word: str) -> Iterator[str]:
    """A line for every repair, and for every one that was not made."""
    for one in fixed.made:
        yield f"{path}:{one.span.line}:{one.span.column}: {word} {one.code}: {one.message}"
    for one in fixed.refused:
        yield f"{path}:{one.span.line}:{one.span.column}: left {one.code} alone: repaired, the spec would not check better"
