"""What commands share: reading a spec named on the command line, and how output is to look."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from archcalc import formats
from archcalc.formats import Look

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archcalc.architecture import Examination
    from archcalc.language.definitions import Setting

OK, FOUND, USAGE = 0, 1, 2
READ = "archcalc.read"  # in a context's meta: files that were read besides SPEC, where somebody watches them


def read_input(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """--input, once or for each input, refused as wrong usage where it is no volume."""
    if not values:
        return None
    from archcalc.diagnostics import Refusal, Span
    from archcalc.reader.values import read_volume_text

    for value in values:
        try:
            read_volume_text(value.rpartition("=")[2], Span(1, 1, 1, 1))
        except Refusal as refusal:
            raise click.BadParameter("; ".join((refusal.diagnostic.message, *refusal.diagnostic.help))) from None
    return ",".join(values) if len(values) > 1 or "=" in values[0] else values[0]


class MemorySize(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Bytes, written like 512MiB, 2GiB or 16GB."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from archcalc.units import read_size

        if isinstance(value, int):
            return value
        try:
            return read_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Option(click.Option):
    """An option; the names in `old` still work, and help does not show them."""

    def __init__(self, *arguments: Any, old: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.shown_opts = self.opts
        self.opts = [*self.opts, *old]

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        every, self.opts = self.opts, self.shown_opts
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every


class Form(click.Choice):  # type: ignore[type-arg,unused-ignore]
    """A format; `text` is what people read, whatever that is called where it is a table."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "text" and "text" not in self.choices:
            value = "table"
        return super().convert(value, param, ctx)


def spec_argument(name: str = "spec", metavar: str | None = None, **options: Any) -> Callable[..., Any]:
    """An argument that names a network."""
    return click.argument(name, metavar=metavar, shell_complete=complete_specs, **options)


def format_option(command: str) -> Callable[..., Any]:
    """--format of a command: the files in its folder of formats, and `text` everywhere."""
    names = formats.names(command)
    return click.option(
        "--format",
        "-f",
        "form",
        type=Form(names),
        default="text" if "text" in names else "table",
        show_default=True,
        help="How the result is written; `text` is for people.",
    )


def output_option(*old: str, **options: Any) -> Callable[..., Any]:
    """--output of a command whose result is a text or a file."""
    help = "Write to FILE, whole or not at all; - is standard output."
    return click.option("--output", "-o", "path", cls=Option, old=old, metavar="FILE", help=help, **options)


def input_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--input",
        "input_size",
        multiple=True,
        metavar="[NAME=]WxHxC",
        callback=read_input,
        help="Use another input, like 384x384x3; of several one by its name.",
    )(command)


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--set", "variables", multiple=True, metavar="NAME=N", help="Set a variable of the spec.")(
        command
    )


def inplace_option(**options: Any) -> Callable[..., Any]:
    help = "Whether ReLU, dropout and others overwrite their input."
    return click.option("--inplace/--no-inplace", default=True, show_default=True, help=help, **options)


def batch_option(default: int | None, *, most: bool = False) -> Callable[..., Any]:
    return click.option(
        "--batch", type=Batch(most), default=default, show_default=default is not None, help="Images at a time."
    )


def budget_option() -> Callable[..., Any]:
    help = "The memory there is, like '11 GiB' or 16GB."
    return click.option("--budget", callback=read_budget, metavar="SIZE", help=help)


def read_budget(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """Bytes, from a number with its unit."""
    from archcalc.units import read_size

    try:
        return None if text is None else read_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def dtype_option(names: Iterable[str], default: str | None) -> Callable[..., Any]:
    return click.option(
        "--dtype",
        type=click.Choice([*names]),
        default=default,
        show_default=default is not None,
        help="Type of the values.",
    )


def seed_option() -> Callable[..., Any]:
    return click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of what is drawn at random."
    )


class Batch(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of images; with `most` also max, the most that fit a budget."""

    def __init__(self, most: bool = False) -> None:
        self.most = most
        self.name = "N|max" if most else "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if isinstance(value, int):
            return value
        if self.most and value == "max":
            return "max"
        digits = value.replace("_", "")
        if digits.isascii() and digits.isdecimal() and len(digits) <= 10 and 1 <= int(digits) < 2**31:
            return int(digits)
        return self.fail(f"a whole number from 1 to {2**31 - 1:,}{', or max' * self.most}, not {value!r}", param, ctx)


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that reads a spec takes."""
    return input_option(set_option(command))


def watch_option(function: Callable[..., int]) -> Callable[..., int]:
    """--watch: the command again whenever what it read is saved.  What `examine_spec` reads is in the context's meta."""

    @wraps(function)
    def watching(*, watch: bool, **options: Any) -> int:
        if not watch:
            return function(**options)
        from archcalc.commands import _watch
        from archcalc.language.specfile import is_path

        specs = options.get("specs") or (options["spec"],)
        if not any(is_path(one) and not one.startswith("torch:") for one in specs) or "-" in specs:
            raise click.UsageError("--watch: SPEC is no file that could be saved")
        if not sys.stdout.isatty():
            raise click.UsageError("--watch needs a terminal; a program may run the command again instead")
        read: set[str] = click.get_current_context().meta.setdefault(READ, set())

        def listed() -> list[str]:
            try:
                return [one for one in spec_files(specs) if is_path(one)]
            except click.UsageError:  # a folder that is empty for now
                return []

        return _watch.watch(lambda: function(**options), read, listed)

    help = "Run again whenever a file that was read is saved, until Ctrl-C."
    return click.option("--watch", is_flag=True, help=help)(watching)


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


def explain(found: "Examination") -> None:
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


def complete_specs(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """What a shell offers for SPEC: files, and the zoo once its prefix is begun."""
    from click.shell_completion import CompletionItem

    from archcalc.language.specfile import zoo_names

    names = [f"zoo:{name}" for name in zoo_names()] if begun else []
    # files first: bash forgets what stands before them
    return [CompletionItem(begun, type="file"), *(CompletionItem(one) for one in names if one.startswith(begun))]


def complete_layers(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """What a shell offers for LAYER: the layers of SPEC, where that can be read and runs no code."""
    from click.shell_completion import CompletionItem

    from archcalc.architecture import examine
    from archcalc.diagnostics import SpecError
    from archcalc.interop import open_source
    from archcalc.language.specfile import SpecUnavailable

    spec = context.params.get("spec")
    if not spec or spec == "-":
        return []
    try:
        nodes = examine(open_source(spec)).document.graph.nodes
    except (SpecError, SpecUnavailable):
        return []
    return [CompletionItem(node.name, help=node.layer.label) for node in nodes if node.name.startswith(begun)]


def complete_codes(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """What a shell offers for CODE."""
    from click.shell_completion import CompletionItem

    from archcalc.checks.catalogue import rules

    return [CompletionItem(one.code, help=one.title) for one in rules() if one.code.startswith(begun.upper())]


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
