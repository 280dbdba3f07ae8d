"""NumPy is an extra: what executes a network says how to install it, everything else does without."""

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = """
import sys
sys.modules["numpy"] = None  # importing it is a ModuleNotFoundError, as where it is not installed
sys.argv[0] = "archcalc"
from archcalc.cli import main
main()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, *arguments], check=False, capture_output=True, text=True, cwd=folder
    )


@pytest.mark.parametrize(
    "command",
    [
        "verify zoo:lenet5",
        "verify zoo:lenet5 --against torch",
        "verify zoo:lenet5 --image x.npy",
        "export zoo:lenet5 --to onnx --weights -o lenet5.onnx",
    ],
)
def test_what_executes_a_network_says_what_to_install(command: str, tmp_path: Path) -> None:
    result = run(tmp_path, *command.split())
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "archcalc: this needs NumPy, which is not installed: pip install 'archcalc[verify]'\n"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "command",
    [
        "check zoo:lenet5",
        "report zoo:lenet5",
        "plan zoo:lenet5 --budget 1GiB",
        "explain zoo:lenet5 conv1",
        "diff zoo:lenet5 zoo:lenet5",
        "match zoo:lenet5 zoo:lenet5",
        "import zoo:lenet5",
        "export zoo:lenet5 --to keras -o -",
        "export zoo:lenet5 --to onnx -o lenet5.onnx",
        "convert --fc-to-conv zoo:lenet5 -o -",
        "new mine -o -",
        "rule AC201",
        "layers relu",
        "layers --format json",
        "schema",
        "zoo",
    ],
)
def test_everything_else_does_without(command: str, tmp_path: Path) -> None:
    result = run(tmp_path, *command.split())
    assert result.returncode == 0, result.stderr
