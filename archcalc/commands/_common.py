"""What commands share: exit codes, reading what is named on the command line, and where results go and how they look."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from archcalc.formats import Look

if TYPE_CHECKING:
    from archcalc.architecture import Examination
    from archcalc.language.definitions import Setting

OK, FOUND, USAGE = 0, 1, 2
READ = "archcalc.read"  # in a context's meta: files that were read besides SPEC, where somebody watches them


def examine_spec(
    spec: str, variables: Iterable[str], input_size: str | None, *, runs: bool = False, **options: Any
) -> "Examination | None":
    """Read and examine a spec; None, with a line on stderr, where there is nothing to read.

    `runs`: SPEC may be torch:module:factory, whose code then runs; a command must say so.
    """
    from archcalc.architecture import examine, unreadable
    from archcalc.diagnostics import SpecError
    from archcalc.files import shown_path
    from archcalc.interop import open_source
    from archcalc.language.definitions import UnknownVariable
    from archcalc.language.specfile import SpecUnavailable

    found = None
    try:
        if spec.startswith("torch:") and not os.path.lexists(spec):  # a file's name never runs anything
            return _examine_code(spec, variables, input_size, runs=runs, **options)
        found = examine(open_source(spec, revisions=True), set=read_settings(variables), input=input_size, **options)
    except SpecError as error:  # not text: nothing was read
        return unreadable(error)
    except SpecUnavailable as error:
        click.echo(f"archcalc: {error}", err=True)
    except UnknownVariable as error:
        click.echo(f"archcalc: --set: {shown_path(spec)}: {error}", err=True)
    if found is not None:
        remember(spec, found)
    return found


def remember(spec: str, found: "Examination") -> None:
    """Enter the base of a spec that is watched."""
    context = click.get_current_context(silent=True)
    extension = found.document.extension
    if context is not None and READ in context.meta and extension and not extension.base.startswith("zoo:"):
        context.meta[READ].add(os.path.join(os.path.dirname(spec), f"{extension.base}.yaml"))


def _examine_code(
    spec: str, variables: Iterable[str], input_size: str | None, *, runs: bool, **options: Any
) -> "Examination":
    from archcalc.files import shown_path
    from archcalc.language.specfile import SpecUnavailable
    from archcalc.models import examine_torch

    if not runs:
        raise SpecUnavailable(
            f"{shown_path(spec)} names code, and this command runs none; report, plan, diff, match and import do"
        )
    if [*variables]:
        raise SpecUnavailable(f"{shown_path(spec)}: a PyTorch model has no variables to --set")
    try:
        return examine_torch(spec, input_size, **options)
    except ImportError as error:
        raise SpecUnavailable(str(error)) from None


def print_findings(found: "Examination") -> None:
    """Findings of a command whose result is something else go to stderr."""
    if found.diagnostics:
        from archcalc.formats.check.text import SHOWN, finding

        look = look_of(sys.stderr)
        for one in found.diagnostics[:SHOWN]:
            sys.stderr.write(finding(found.path, one, found.document.lines, look))
        if len(found.diagnostics) > SHOWN:
            more = len(found.diagnostics) - SHOWN
            sys.stderr.write(f"{found.path}: and {more:,} more like these; archcalc check --format json has all\n")


def deliver(text: str | bytes, path: str | None, *, overwrite: bool = True) -> int:
    """Write a result to a file, or to standard output for None and `-`; the exit code."""
    if path in (None, "-"):
        sys.stdout.write(text if isinstance(text, str) else text.decode())
        return OK
    from archcalc.output import OutputError, write_whole

    try:
        write_whole(path, text, overwrite=overwrite)
    except OutputError as error:
        click.echo(f"archcalc: {error}", err=True)
        return USAGE
    return OK


def refuse_overwriting(outputs: Mapping[str, str | None], read: Mapping[str, str]) -> None:
    """Refuse to write over what is read; both by path, with the words for the file and the option that names it."""
    from archcalc.files import same_file, shown_path

    named = {option: path for option, path in outputs.items() if path not in (None, "-")}
    for option, path in named.items():
        assert path is not None
        for other, what in read.items():
            if same_file(path, other):
                raise click.UsageError(f"{option}: {shown_path(path)} is {what}; write to another file")
        for second, one in named.items():
            if second > option and same_file(path, str(one)):
                raise click.UsageError(f"{option} and {second} name one file, {shown_path(path)}")


def read_settings(settings: Iterable[str]) -> "dict[str, Setting]":
    """Variables by name: whole numbers, or lists of them, `N=2,2,3` or `N=[2,2,3]`."""
    found: dict[str, Setting] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        text = text.strip()
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        values = []
        for value in bare.split(",") if bare.strip() or bare == text else ():
            digits = value.strip().removeprefix("-").split("_")  # `1_000`, but not `1__0`
            if not equals or not all(one.isascii() and one.isdecimal() for one in digits) or len("".join(digits)) > 18:
                raise click.UsageError(f"--set takes NAME=WHOLE_NUMBER, not {setting!r}")
            values.append(int(value))
        found[name.strip()] = values[0] if bare == text and len(values) == 1 else tuple(values)
    return found


def spec_files(specs: Iterable[str]) -> Iterator[str]:
    """SPECs with folders replaced by the YAML files in them."""
    for spec in specs:
        if not os.path.isdir(spec):
            yield spec
            continue
        found = False
        for folder, folders, files in os.walk(spec):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for file in sorted(files):
                if file.endswith((".yaml", ".yml")):
                    found = True
                    yield os.path.join(folder, file)
        if not found:  # a gate that checks nothing must not be green
            from archcalc.files import shown_path

            raise click.UsageError(f"the folder {shown_path(spec)} holds no .yaml and no .yml file")


def extended_by(specs: Iterable[str]) -> list[str]:
    """Files beside the specs that extend one of them, or one another that does, and are not among them."""
    from archcalc.language.specfile import is_path, names_base

    todo = [spec for spec in specs if is_path(spec)]
    known = {os.path.abspath(spec) for spec in todo}
    listed: dict[str, list[tuple[str, str]]] = {}  # folder -> its files, each with the base it names
    found = []
    for spec in todo:
        folder, file = os.path.split(spec)
        if folder not in listed:
            listed[folder] = [(one, base) for one, base in names_base(folder or ".") if base]
        for one, base in listed[folder]:
            path = os.path.join(folder, one)
            if f"{base}.yaml" == file and os.path.abspath(path) not in known:
                known.add(os.path.abspath(path))
                found.append(path)
                todo.append(path)
    return found


def look_for(path: str | None) -> Look:
    """How to write to a file, or to standard output for None and `-`."""
    return look_of(sys.stdout) if path in (None, "-") else Look()


def look_of(stream: Any) -> Look:
    """How to write to a stream: NO_COLOR, FORCE_COLOR and COLUMNS are honoured; nothing is cut off a terminal."""
    terminal = stream.isatty()
    environment = os.environ
    color = terminal and environment.get("TERM") != "dumb"
    if environment.get("NO_COLOR"):
        color = False
    elif environment.get("FORCE_COLOR"):
        color = True
    columns = environment.get("COLUMNS", "")
    width = int(columns) if columns.isascii() and columns.isdecimal() and 0 < int(columns[:6]) < 100_000 else None
    if width is None and terminal:
        try:
            width = os.get_terminal_size(stream.fileno()).columns or 80
        except (OSError, ValueError):
            width = 80
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return Look(width=max(width, 40) if width else None, color=color, unicode=encoding.startswith("utf"))
