"""Pages made of the program: docs/commands.md of click's commands, docs/architecture.md of the rooms' docstrings, docs/rules.md of the rules'.

`pytest --update-goldens` writes them anew.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from archcalc.cli import cli
from archcalc.formats._prose import prose

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

COMMANDS = """# Commands

Generated from the commands' own help (`archcalc COMMAND --help`); do not edit. SPEC is a YAML file, `-` for standard input, `zoo:NAME`, a
pattern, or a [model file of another tool](interop.md); where it says so, `torch:package.module:factory`, a [PyTorch model](pytorch.md).
Results go to standard output, everything else to standard error. `NO_COLOR`, `FORCE_COLOR` and `COLUMNS` are honoured; off a terminal
nothing is cut and nothing is coloured. Exit codes: 0 fine; 1 findings; 2 usage, input or output; 70 a bug in archcalc; 130 interrupted; 141 broken pipe.

"""


def command_section(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"archcalc {name}")
    yield f"## {name}\n\n"
    yield f"`{command.get_usage(context).removeprefix('Usage: ')}`\n\n".replace("\n  ", " ")
    for paragraph in (command.help or "").replace("\b\n", "").split("\n\n"):
        yield prose(" ".join(line.strip() for line in paragraph.splitlines())) + "\n\n"
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        yield "| option | takes | default | what it does |\n|---|---|---|---|\n"
        yield from (option_row(one) for one in options)
        yield "\n"


def option_row(option: click.Option) -> str:
    names = ", ".join(
        f"`{one}`" for one in sorted([*getattr(option, "shown_opts", option.opts), *option.secondary_opts], key=len)
    )
    if option.is_flag or option.secondary_opts:
        takes = ""
    elif isinstance(option.type, click.Choice):
        takes = ", ".join(f"`{one}`" for one in option.type.choices)
    else:
        takes = f"`{option.metavar or type_name(option.type)}`"
    default = option.default
    shown = f"`{default}`" if option.show_default and isinstance(default, str | int | float) and takes else ""
    return f"| {names} | {cell(takes)} | {shown} | {cell(option.help or '')} |\n"


def type_name(type: "click.ParamType[Any]") -> str:
    return (
        "N"
        if isinstance(type, click.IntRange)
        else "NUMBER"
        if isinstance(type, click.FloatRange)
        else type.name.upper()
    )


def cell(text: str) -> str:
    return " ".join(prose(text).split()).replace("|", "\\|")


def commands_page() -> str:
    context = click.Context(cli)
    sections = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        sections.append("".join(command_section(name, command)))
    return COMMANDS + "".join(sections)


ARCHITECTURE = """# Architecture

Generated from [CONTRIBUTING](https://github.com/archcalc/archcalc/blob/main/CONTRIBUTING.md) and from what each room says about itself; do not edit. Data flows one way:

    YAML text -> nodes -> steps -> Graph -> Report -> plan | verify | checks -> formats

Folders are rooms on a staircase: each imports only from those above it in this list, which a test checks. Adding a layer type, a rule, an output
format, a reader of a file format or a command touches one file and its test.

"""


def architecture_page() -> str:
    house = re.search(
        r"^```house\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert house is not None
    parts = []
    for line in house[1].splitlines():
        names, about = re.fullmatch(r"([\w/]+(?: [\w/]+)*)  +(.*)", line).groups() if "  " in line else (line, "")  # type: ignore[union-attr]
        parts.append(f"## {names}\n\n" + (f"{about[:1].upper()}{about[1:]}.\n\n" if about else ""))
        parts += map(room, names.split())
    return ARCHITECTURE + "".join(parts).rstrip() + "\n"


def rules_page() -> str:
    """The catalogue, as the package has it."""
    return (ROOT / "archcalc" / "CATALOGUE.md").read_text(encoding="utf-8")


def room(name: str) -> str:
    """What a room, or a module of that name, says about itself; of a folder its files', too."""
    path = ROOT / "archcalc" / name
    if not name.endswith("/"):
        return f"- `{name}.py`: {first(path.with_suffix('.py'))}\n\n"
    files = sorted(one for one in path.glob("*.py") if not one.name.startswith("__"))
    text = ast.get_docstring(ast.parse((path / "__init__.py").read_text(encoding="utf-8"))) or ""
    return f"{text}\n\n" + "".join(f"- `{one.name}`: {first(one)}\n" for one in files) + "\n"


def first(path: Path) -> str:
    """The first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return prose(" ".join(text.partition("\n\n")[0].split()))


@pytest.mark.parametrize(
    ("name", "make"), [("commands.md", commands_page), ("architecture.md", architecture_page), ("rules.md", rules_page)]
)
def test_the_page_is_current(name: str, make: object, request: pytest.FixtureRequest) -> None:
    assert callable(make)
    text = make()
    if request.config.getoption("--update-goldens"):
        (DOCS / name).write_text(text, encoding="utf-8")
    assert (DOCS / name).read_text(encoding="utf-8") == text, "pytest --update-goldens writes it anew"


def test_every_option_is_described() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        for one in command.params:
            if isinstance(one, click.Option) and not one.hidden:
                assert one.help, f"{name} {one.opts}"
