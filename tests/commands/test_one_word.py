"""One meaning a word: an option of a name has one type, one help and the same choices in every command."""

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from runner import CliRunner

from archcalc import formats
from archcalc.cli import cli
from archcalc.commands._options import Batch, Form, complete_specs
from archcalc.commands._shell import joined
from archcalc.precision import PRECISIONS

NAMES = cli.list_commands(click.Context(cli))


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    context = click.Context(cli)
    for name in NAMES:
        command = cli.get_command(context, name)
        assert command is not None
        for one in command.params:
            yield name, one


def options() -> dict[str, list[tuple[str, click.Option]]]:
    """The options that help shows, by name, with their commands."""
    found = defaultdict(list)
    for command, one in parameters():
        if isinstance(one, click.Option) and not one.hidden:
            for name in (*getattr(one, "shown_opts", one.opts), *one.secondary_opts):
                found[name].append((command, one))
    return found


SHARED = {name: found for name, found in options().items() if len(found) > 1}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_an_option_is_the_same_in_every_command(name: str) -> None:
    found = [one for _, one in SHARED[name]]
    first = found[0]
    for one in found[1:]:
        assert (one.opts[0], one.help, one.metavar, type(one.type)) == (
            first.opts[0],
            first.help,
            first.metavar,
            type(first.type),
        )
        assert (one.multiple, one.is_flag, one.nargs) == (first.multiple, first.is_flag, first.nargs)
    if isinstance(first.type, click.Choice) and not isinstance(first.type, Form):
        every = [*PRECISIONS] if name == "--dtype" else list(first.type.choices)
        for one in found:
            assert isinstance(one.type, click.Choice)
            assert list(one.type.choices) == [choice for choice in every if choice in one.type.choices]


def test_only_formats_and_types_of_values_differ_in_their_choices() -> None:
    differ = set()
    for name, found in SHARED.items():
        if len({tuple(getattr(one.type, "choices", ())) for _, one in found}) > 1:
            differ.add(name)
    assert differ == {"--format", "-f", "--dtype"}


def test_max_is_a_batch_where_there_is_a_budget_to_fill() -> None:
    for command, one in SHARED["--batch"]:
        assert isinstance(one.type, Batch)
        assert one.type.most == (command == "plan")
        if one.type.most:
            assert "--budget" in {name for other, two in parameters() if other == command for name in two.opts}


def test_letters_have_one_meaning() -> None:
    letters = {
        name: {one.opts[0] for _, one in found} for name, found in options().items() if not name.startswith("--")
    }
    assert letters == {"-f": {"--format"}, "-o": {"--output"}, "-q": {"--quiet"}}


def test_every_result_has_a_file_to_go_to() -> None:
    with_output = {command for command, _ in options()["--output"]}
    assert {command for command, _ in options()["--format"]} <= with_output
    assert set(NAMES) - with_output == {"fix", "lsp"}  # one writes into its SPEC, one answers an editor


def test_everything_has_help() -> None:
    for command, one in parameters():
        if isinstance(one, click.Option) and not one.hidden:
            assert one.help, (command, one.opts)
            assert one.help[0].isupper() or one.help.startswith(("onnx", "f")), (command, one.opts)
            assert one.help.endswith((".", "]")), (command, one.opts)


@pytest.mark.parametrize("command", sorted(command for command, _ in options()["--format"]))
def test_text_is_what_people_read(command: str) -> None:
    (form,) = (one for name, one in options()["--format"] if name == command)
    folder = "diff" if command == "match" else command
    assert list(form.type.choices) == formats.names(folder)  # type: ignore[attr-defined]
    assert form.type.convert("text", form, None) in ("text", "table")
    assert form.default in ("text", "table")


def test_old_spellings_still_work(tmp_path: Path) -> None:
    out = tmp_path / "found.txt"
    for words in (
        ["check", "zoo:lenet5", "--output-file", str(out)],
        ["report", "zoo:lenet5", "--convention", "separate", "-f", "csv", "-o", str(out)],
        ["report", "zoo:lenet5", "--no-inplace", "--format", "text"],
    ):
        assert CliRunner().invoke(cli, words, standalone_mode=False).return_value == 0, words
        assert "--output-file" not in CliRunner().invoke(cli, [words[0], "--help"]).output
    separate = out.read_text()
    assert CliRunner().invoke(cli, ["report", "zoo:lenet5", "--no-inplace", "-f", "csv"]).output == separate
    assert CliRunner().invoke(cli, ["report", "zoo:lenet5", "-f", "csv"]).output != separate


@pytest.mark.parametrize(
    "words",
    [
        ("report", "zoo:lenet5"),
        ("plan", "zoo:lenet5"),
        ("verify", "zoo:lenet5"),
        ("explain", "zoo:lenet5", "conv1"),
        ("diff", "zoo:lenet5", "zoo:lenet5"),
        ("rule", "AC201"),
        ("zoo",),
        ("schema",),
    ],
)
def test_a_file_has_what_a_pipe_gets(words: tuple[str, ...], tmp_path: Path) -> None:
    def told(text: str) -> list[str]:
        lines = text.splitlines()
        return [re.sub(r"[\d.]+ m?s|\s|\u2500", "", line) for line in lines] if words[0] == "verify" else lines

    out = tmp_path / "result"
    printed = CliRunner().invoke(cli, [*words], standalone_mode=False)
    written = CliRunner().invoke(cli, [*words, "-o", str(out)], standalone_mode=False)
    assert (printed.return_value, written.return_value, written.stdout) == (0, 0, "")
    assert told(out.read_text(encoding="utf-8")) == told(printed.stdout)


@pytest.mark.parametrize("command", ["report", "plan", "verify", "diff", "explain"])
def test_a_result_never_goes_over_its_spec(command: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 8x8x3\nlayers: [FC-2]\n")
    words = [command, str(spec), *{"diff": [str(spec)], "explain": ["fc1"]}.get(command, []), "-o", str(spec)]
    result = CliRunner().invoke(cli, words)
    what = "a spec that is compared" if command == "diff" else "the spec itself"
    assert result.exit_code == 2
    assert f"--output: {spec} is {what}; write to another file" in result.stderr
    assert spec.read_text() == "input: 8x8x3\nlayers: [FC-2]\n"


# -- completion ----------------------------------------------------------------------------------------------


def test_every_spec_is_completed() -> None:
    found = {
        (command, one.name)
        for command, one in parameters()
        if isinstance(one, click.Argument) and getattr(one, "_custom_shell_complete", None) is complete_specs
    }
    arguments = {(command, one.name) for command, one in parameters() if isinstance(one, click.Argument)}
    assert arguments - found == {("explain", "layer"), ("layers", "type"), ("new", "name"), ("rule", "code")}


@pytest.mark.parametrize(
    ("words", "last", "whole", "before"),
    [
        (["a", "report", "zoo", ":", "vgg"], 4, ["a", "report", "zoo:vgg"], "zoo:"),
        (["a", "report", "zoo", ":"], 3, ["a", "report", "zoo:"], "zoo:"),
        (["a", "report", "zoo", ":"], 4, ["a", "report", "zoo:"], "zoo:"),
        (["a", "diff", "HEAD", ":", "net.yaml", "ne"], 5, ["a", "diff", "HEAD:net.yaml", "ne"], ""),
        (["a", "check", "--format", "=", "js"], 4, ["a", "check", "--format=js"], ""),
        (["a", "check"], 2, ["a", "check", ""], ""),
        (["a", "report", "zoo:vgg"], 2, ["a", "report", "zoo:vgg"], ""),
    ],
)
def test_words_are_put_together_again(words: list[str], last: int, whole: list[str], before: str) -> None:
    assert joined(words, last) == (whole, before)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("archcalc report zoo : vgg1", ["vgg11", "vgg13", "vgg16", "vgg16_bn", "vgg16_pattern", "vgg19"]),
        ("archcalc plan zoo : lenet", ["lenet5"]),
        ("archcalc verify zoo : lenet", ["lenet5"]),
        ("archcalc diff zoo : lenet5 zoo : alex", ["alexnet", "alexnet_torchvision"]),
        ("archcalc match zoo : lenet5 zoo : lenet", ["lenet5"]),
        ("archcalc explain zoo : lenet5 conv", ["conv1", "conv2", "conv3"]),
        ("archcalc report zoo : lenet5 --columns par", ["params", "params%"]),
        ("archcalc report zoo : lenet5 --columns layer,form", ["layer,formula"]),
        ("archcalc check --format = js", ["json"]),
        ("archcalc pl", ["plan"]),
    ],
)
def test_bash_offers(line: str, offered: list[str], tmp_path: Path) -> None:
    """In a real bash, which has taken the words apart as COMP_WORDBREAKS says."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = tmp_path / "archcalc"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m archcalc \"$@\"\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    words = line.split()
    script = (
        "source <(_ARCHCALC_COMPLETE=bash_source archcalc); compopt() { :; }; COMPREPLY=()\n"
        f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
        '_archcalc_completion archcalc; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    result = subprocess.run([bash, "-c", script], check=False, capture_output=True, text=True, env=environment)
    assert (result.stdout.splitlines(), result.stderr) == (offered, "")
