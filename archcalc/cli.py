"""The command line: options -> one call -> text -> exit code.  It computes nothing.

Exit codes: 0 fine; 1 findings; 2 usage, input or output; 70 a bug in archcalc; 130 interrupted; 141 broken
pipe.  What a command needs is imported when it runs.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from archcalc import __version__, formats

if TYPE_CHECKING:
    from archcalc.architecture import Examination

FOUND, USAGE, BUG, INTERRUPTED, BROKEN_PIPE = 1, 2, 70, 130, 141
DTYPES = ("float32", "float16", "bfloat16", "float64", "int8")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="archcalc")
def cli() -> None:
    """Check and measure ConvNet architectures before anyone trains them.

    SPEC is a YAML file, - for standard input, zoo:NAME for a spec that ships with archcalc (zoo:vgg16), or
    a pattern such as 'INPUT[32x32x3] -> CONV3-12p1 -> RELU -> POOL2 -> FC-10'.
    """


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that reads a spec takes."""
    for option in (
        click.option("--set", "variables", multiple=True, metavar="NAME=N", help="Set a variable of the spec."),
        click.option("--input", "input_size", metavar="WxHxC", help="Use another input, like 384x384x3."),
    ):
        command = option(command)
    return command


@cli.command()
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
        for spec in _files(specs):
            found = _examine(spec, variables, input_size)
            if found is None:
                unreadable = True
                continue
            failed |= not found.ok
            if not (quiet and not found.diagnostics):
                yield found

    for text in formats.renderer("check", form)(results(), _look(sys.stdout)):
        sys.stdout.write(text)
    return USAGE if unreadable else FOUND if failed else 0


@cli.command()
@click.argument("spec")
@click.option("--format", "-f", "form", type=click.Choice(formats.names("report")), default="table", show_default=True)
@click.option(
    "--batch", type=click.IntRange(1, 2**31 - 1), default=1, show_default=True, help="Images at a time, for memory."
)
@click.option(
    "--dtype", type=click.Choice(DTYPES), default="float32", show_default=True, help="Type of the values, for memory."
)
@click.option(
    "--layout",
    type=click.Choice(["WxHxC", "NCHW", "NHWC"], case_sensitive=False),
    default="WxHxC",
    show_default=True,
    help="How volumes are written.",
)
@click.option(
    "--convention",
    type=click.Choice(["inplace", "separate"]),
    default="inplace",
    show_default=True,
    help="Whether ReLU and dropout own memory.",
)
@spec_options
def report(
    spec: str,
    form: str,
    batch: int,
    dtype: str,
    layout: str,
    convention: str,
    variables: tuple[str, ...],
    input_size: str | None,
) -> int:
    """Print volumes, parameters, operations and memory of every layer.

    On a spec that fails, the table goes as far as the first layer that does not fit; exits 1.
    """
    found = _examine(spec, variables, input_size, convention=convention)
    if found is None:
        return USAGE
    look = _look(sys.stdout)._replace(batch=batch, dtype=dtype, layout=layout)
    if found.ok or (found.report.rows and form in ("table", "cs231n", "markdown")):
        sys.stdout.write(formats.renderer("report", form)(found.report, look))
        sys.stdout.flush()
    _explain(found)
    return 0 if found.ok else FOUND


def _examine(spec: str, variables: Iterable[str], input_size: str | None, **options: Any) -> "Examination | None":
    """Read and examine a spec; None, with a line on stderr, where there is nothing to read."""
    from archcalc.analyze import analyze
    from archcalc.architecture import Examination, examine
    from archcalc.diagnostics import SpecError
    from archcalc.document import Document, UnknownVariable
    from archcalc.graph import Graph
    from archcalc.specfile import SpecUnavailable, read_spec

    try:
        return examine(read_spec(spec), set=_variables(variables), input=input_size, **options)
    except SpecError as error:  # not text: nothing was read
        empty = Graph("", ())
        document = Document("", empty, error.diagnostics, {}, {}, ())
        return Examination(error.path, document, analyze(empty), error.diagnostics)
    except SpecUnavailable as error:
        click.echo(f"archcalc: {error}", err=True)
        return None
    except UnknownVariable as error:
        raise click.UsageError(f"--set: {error}") from None


def _explain(found: "Examination") -> None:
    """Findings of a command whose result is something else go to stderr."""
    if found.diagnostics:
        from archcalc.formats.check.text import finding

        look = _look(sys.stderr)
        for one in found.diagnostics:
            sys.stderr.write(finding(found.path, one, found.document.lines, look))


def _variables(settings: Iterable[str]) -> dict[str, int]:
    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        digits = value.strip().removeprefix("-").replace("_", "")
        if not equals or not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
            raise click.UsageError(f"--set takes NAME=WHOLE_NUMBER, not {setting!r}")
        found[name.strip()] = int(value)
    return found


def _files(specs: Iterable[str]) -> Iterator[str]:
    """SPECs with folders replaced by the YAML files in them."""
    for spec in specs:
        if not os.path.isdir(spec):
            yield spec
            continue
        for folder, folders, files in os.walk(spec):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            yield from (os.path.join(folder, file) for file in sorted(files) if file.endswith((".yaml", ".yml")))


def _look(stream: Any) -> formats.Look:
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
    return formats.Look(width=max(width, 40) if width else None, color=color, unicode=encoding.startswith("utf"))


def main() -> NoReturn:
    """Run the command line; every way out has its exit code, none of them shows a traceback."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = cli.main(prog_name="archcalc", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as exit:
        code = exit.exit_code
    except click.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as error:
        code = _complain(f"archcalc: cannot write: {error.strerror or error}", USAGE)
    except Exception as error:
        if os.environ.get("ARCHCALC_DEBUG") == "1":
            raise
        code = _complain(
            f"archcalc: a bug: {type(error).__name__}. Please report it with the spec; ARCHCALC_DEBUG=1 shows more.",
            BUG,
        )
    _leave(code or 0)


def _complain(message: str, code: int) -> int:
    try:
        click.echo(message, err=True)
    except OSError:
        pass
    return code


def _leave(code: int) -> NoReturn:
    """Exit without Python's own complaints about a stream that cannot be flushed any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or USAGE
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
