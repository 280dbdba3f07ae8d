"""--watch on a real terminal: it runs again when a file is saved, without a blank frame, and leaves the terminal as it was."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runner import CliRunner

from archcalc.cli import cli

pty = pytest.importorskip("pty")

GOOD = "input: 8x8x3\nlayers: [CONV3-{}p1]\n"
BAD = "input: 8x8x3\nlayers: [CONV4-4s3]\n"
WAIT = 60  # seconds; a busy machine is slow


class Terminal:
    """A process on a terminal of its own, and what it has written there."""

    def __init__(self, *words: str, rows: int = 40, columns: int = 100) -> None:
        ours, theirs = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archcalc", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )  # fmt: skip
        os.close(theirs)
        self.file, self.text = ours, ""

    def until(self, pattern: str, since: int = 0) -> str:
        """What was written since a place, once the pattern is in it."""
        end = time.monotonic() + WAIT
        while not re.search(pattern, self.text[since:], re.DOTALL):
            assert time.monotonic() < end, self.text
            if select.select([self.file], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.file, 65536).decode()
                except OSError:  # the process is gone
                    break
        return self.text[since:]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(WAIT)
        self.until("never$")
        os.close(self.file)
        return code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(GOOD.format(4))
    return tmp_path


def save(path: Path, text: str) -> None:
    """As editors do: a new file in the old one's place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_check_runs_again_on_save(folder: Path) -> None:
    terminal = Terminal("check", "net.yaml", "--watch")
    first = terminal.until("Ctrl-C ends")
    assert first.startswith("\x1b[?1049h")
    assert "112 params" in first
    assert "exit 0; watching net.yaml; Ctrl-C ends" in first
    at = len(terminal.text)
    save(folder / "net.yaml", BAD)
    second = terminal.until("Ctrl-C ends", at)
    assert "conv1 does not fit" in second
    assert "exit 1; watching net.yaml" in second
    assert "\x1b[2J" not in terminal.text  # the screen is never blank
    assert second.startswith("\x1b[?2026h\x1b[H")
    at = len(terminal.text)
    assert terminal.end() == 130
    last = terminal.text[at:]
    assert "\x1b[?1049l" in last
    assert "conv1 does not fit" in last.partition("\x1b[?1049l")[2]
    assert "Traceback" not in terminal.text


def test_a_base_and_new_files_are_watched(folder: Path) -> None:
    (folder / "nets").mkdir()
    (folder / "nets" / "base.yaml").write_text(GOOD.format(4))
    (folder / "nets" / "wide.yaml").write_text("extends: base\n")
    terminal = Terminal("report", "nets/wide.yaml", "--watch")
    assert "watching nets/base.yaml, nets/wide.yaml" in terminal.until("Ctrl-C ends")
    at = len(terminal.text)
    save(folder / "nets" / "base.yaml", GOOD.format(8))
    assert "224 parameters" in terminal.until("Ctrl-C ends", at)
    assert terminal.end() == 130
    terminal = Terminal("check", "nets", "--watch")
    terminal.until("Ctrl-C ends")
    at = len(terminal.text)
    (folder / "nets" / "new.yaml").write_text(BAD)
    assert "nets/new.yaml:2:" in terminal.until("new.yaml.*Ctrl-C ends", at)
    assert terminal.end() == 130


def test_a_file_that_is_gone_and_one_that_is_half_written(folder: Path) -> None:
    terminal = Terminal("check", "net.yaml", "--watch")
    terminal.until("Ctrl-C ends")
    at = len(terminal.text)
    (folder / "net.yaml").unlink()
    assert "cannot read net.yaml: No such file or directory" in terminal.until("Ctrl-C ends", at)
    at = len(terminal.text)
    (folder / "net.yaml").write_text("input: 8x")
    assert "net.yaml:1:1: " in terminal.until("exit 1.*Ctrl-C ends", at)
    at = len(terminal.text)
    save(folder / "net.yaml", GOOD.format(4))
    assert "112 params" in terminal.until("Ctrl-C ends", at)
    assert terminal.end() == 130


def test_a_low_terminal_shows_the_end_and_says_so(folder: Path) -> None:
    terminal = Terminal("report", "zoo:vgg16", "--watch")
    assert "SPEC is no file that could be saved" in terminal.until("saved")
    os.close(terminal.file)
    terminal.process.wait(WAIT)
    (folder / "net.yaml").write_text("input: 8x8x3\nlayers:\n" + "".join(f"  - CONV1-{n}\n" for n in range(1, 40)))
    terminal = Terminal("report", "net.yaml", "--watch", rows=12)
    shown = terminal.until("Ctrl-C ends")
    assert re.search(r"\d+ lines above are not shown; they are when this ends", shown)
    assert shown.count("\r\n") == 11
    at = len(terminal.text)
    assert terminal.end() == 130
    assert "conv39" in terminal.text[at:]


def test_lines_that_are_wider_than_the_terminal_take_more_rows() -> None:
    from archcalc.commands._watch import _height

    assert [_height("\x1b[1;31m" + "x" * length + "\x1b[0m", 20) for length in (0, 1, 20, 21, 40, 41)] == [
        1,
        1,
        1,
        2,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("check", "net.yaml"), "--watch needs a terminal; a program may run the command again instead"),
        (("check", "-"), "--watch: SPEC is no file that could be saved"),
        (("report", "zoo:vgg16"), "--watch: SPEC is no file that could be saved"),
        (("report", "INPUT[4x4x1] -> FC-2"), "--watch: SPEC is no file that could be saved"),
        (("report", "torch:a:b"), "--watch: SPEC is no file that could be saved"),
    ],
)
def test_where_there_is_nothing_to_watch(folder: Path, words: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(cli, [*words, "--watch"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"Error: {message}\n")
