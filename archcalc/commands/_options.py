"""The options and arguments that several commands take, each declared once, and what a shell offers for them."""

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from archcalc import formats
from archcalc.commands._common import READ, spec_files

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that reads a spec takes."""
    return input_option(set_option(command))


def inplace_option(**options: Any) -> Callable[..., Any]:
    help = "Whether ReLU, dropout and others overwrite their input."
    return click.option("--inplace/--no-inplace", default=True, show_default=True, help=help, **options)


def batch_option(default: int | None, *, most: bool = False) -> Callable[..., Any]:
    return click.option(
        "--batch", type=Batch(most), default=default, show_default=default is not None, help="Images at a time."
    )


def budget_option() -> Callable[..., Any]:
    return click.option("--budget", type=MemorySize(), help="The memory there is, like '11 GiB' or 16GB.")


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
