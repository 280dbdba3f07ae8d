"""Specs examined by several processes: what is said is the same, in the same order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archcalc.commands._parallel import WORTH


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough specs for several processes: right ones, one in seven that does not fit, an unreadable one, one that extends."""
    folder = tmp_path_factory.mktemp("specs")
    for number in range(WORTH + 30):
        stride = 2 if number % 7 == 0 else 1
        (folder / f"s{number:03}.yaml").write_text(
            f"input: {10 + number % 3 * 2}x10x3\nlayers: [CONV3-{4 + number}s{stride}, relu, relu]\n"
        )
    (folder / "t.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "u.yaml").write_text("extends: s001\nvars: {}\n")
    return folder


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archcalc", "check", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_the_answer_is_the_same(folder: Path, form: str) -> None:
    one, two = check(folder, "-f", form), check(folder, "-f", form, "--jobs", "2")
    assert one.stdout.count("AC201") >= 19
    assert (two.returncode, two.stdout, two.stderr) == (one.returncode, one.stdout, one.stderr)


def test_a_baseline_is_the_same(folder: Path, tmp_path: Path) -> None:
    for jobs in "12":
        check(folder, "--write-baseline", tmp_path / f"{jobs}.json", "--jobs", jobs)
    assert (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text() != ""


def test_standard_input_is_read_by_the_process_that_has_it(folder: Path) -> None:
    files = [str(one) for one in sorted(folder.glob("s*.yaml"))]
    command = [sys.executable, "-m", "archcalc", "check", "-q", "--jobs", "2", "-", *files]
    found = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, input="input: 8x8x3\nlayers: [POOL3]\n"
    )
    assert found.stdout.startswith("<stdin>:2:14: error[AC201]")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_an_interrupt_ends_all_of_them(folder: Path) -> None:
    many = [str(one) for one in sorted(folder.glob("s*.yaml"))] * 60
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from archcalc.__main__ import main; main()"
    )
    command = [sys.executable, "-c", code, "check", "-q", "--jobs", "2", *many]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_wrong_numbers() -> None:
    found = check("zoo:vgg16", "--jobs", "0")
    assert found.returncode == 2
    assert "Invalid value for '--jobs': 0 is not in the range x>=1." in found.stderr
