"""README is run: its specs are checked, its commands executed, its Python too."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from runner import CliRunner

from archcalc.architecture import examine
from archcalc.cli import cli
from archcalc.language.specfile import SpecText

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("archcalc ")]


@pytest.mark.parametrize("text", [block for block in blocks("yaml") if "input:" in block])
def test_every_spec_is_clean(text: str) -> None:
    assert examine(SpecText("README.md", text)).diagnostics == ()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(command.partition(" > ")[0], comments=True)
    result = subprocess.run([sys.executable, "-m", *words], check=False, capture_output=True, text=True)
    assert result.returncode == ("# exits 1" in command), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("code", blocks("python"))
def test_every_example_runs(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})


def test_every_command_is_documented_and_has_help() -> None:
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert f"**`archcalc {name}" in README, name
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert len(result.output.splitlines()) > 5


def test_the_picture_is_current() -> None:
    from importlib.metadata import version

    if int(version("rich").partition(".")[0]) < 14:
        pytest.skip("rich before 14 breaks the lines of an SVG elsewhere")
    from pictures import PICTURE, draw

    def text(svg: str) -> str:
        return re.sub(r"<style>.*?</style>|<[^>]*>", "", svg, flags=re.DOTALL)

    assert text(draw()) == text(PICTURE.read_text(encoding="utf-8")), "run python tests/pictures.py"
