"""What shells offer, asked for as their scripts ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "import sys; sys.argv[0] = 'archcalc'; from archcalc.cli import main; main()"


def offered(*words: str) -> list[str]:
    """The answer to bash for the last word of a command line: `type,value` lines."""
    environment = {
        **os.environ,
        "_ARCHCALC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("archcalc", *words)),
        "COMP_CWORD": str(len(words)),
    }
    result = subprocess.run([sys.executable, "-c", MAIN], check=False, capture_output=True, text=True, env=environment)
    assert result.stderr == ""
    return result.stdout.splitlines()


@pytest.mark.parametrize("command", ["check", "report", "convert", "diff"])
def test_specs(command: str, tmp_path: Path) -> None:
    assert offered(command, "zoo:vgg1") == [
        "file,zoo:vgg1",
        *(f"plain,zoo:{name}" for name in ("vgg11", "vgg13", "vgg16", "vgg16_bn", "vgg16_pattern", "vgg19")),
    ]
    assert offered(command, "spe") == ["file,spe"]


def test_codes() -> None:
    assert {"plain,AC201", "plain,AC202"} <= set(offered("rule", "ac20"))
    assert offered("rule", "AC50") == ["plain,AC501"]


def test_formats() -> None:
    assert offered("check", "--format", "s") == ["plain,sarif"]
