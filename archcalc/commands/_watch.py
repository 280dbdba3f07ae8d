"""`--watch`: the command again whenever a file that it read is saved, in place, until it is interrupted.

Files are looked at five times a second (their time, size and number), which needs nothing of the system and works where
editors replace files and over networks, too.  A screen is written at once, so that it does not flicker; it is the terminal's
alternate one, and what was found last stays behind on the ordinary one.
"""

import gc
import io
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import click

from archcalc.records import NamedTuple

INTERVAL = 0.2  # seconds
SHOWN_FILES = 3

_ENTER, _LEAVE = "\x1b[?1049h", "\x1b[?1049l"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # what is between is drawn at once, where the terminal knows how
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"

_COLOR = re.compile(r"\x1b\[[\d;]*m")

Stamp = tuple[int, int, int] | None


class Screen(io.StringIO):
    """What a run writes, to be shown at once; it looks like the terminal that it will be shown on."""

    def __init__(self, terminal: Any) -> None:
        super().__init__()
        self.terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self.terminal.encoding)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self.terminal.fileno())


class Shown(NamedTuple):
    text: str
    code: int


def watch(run: Callable[[], int], read: set[str], more: Callable[[], Iterable[str]]) -> int:
    """Run, show, wait for a change, and again; the exit code after Ctrl-C.

    `read` is what runs have read, as they enter it; `more` names what is to be read, which may change.
    """
    terminal = sys.stdout
    gc.enable()  # this process is not a short one
    signal.signal(signal.SIGTERM, _interrupted)
    last: Shown | None = None
    _write(terminal, _ENTER)
    try:
        while True:
            before = _stamps({*read, *more()})
            last = _captured(run, terminal)
            before = _stamps({*read, *more()}) | before  # what changed during the run has changed
            _write(terminal, _frame(last, sorted(before), terminal))
            _wait(before, read, more)
    except KeyboardInterrupt:
        return 130
    finally:
        _write(terminal, _LEAVE + (last.text if last else ""))


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _captured(run: Callable[[], int], terminal: Any) -> Shown:
    """What a run says on either stream, in its order; wrong usage is said, too, as a file may be half written."""
    screen = Screen(terminal)
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = screen
    try:
        code = run()
    except click.ClickException as error:
        error.show(file=screen)
        code = error.exit_code
    finally:
        sys.stdout, sys.stderr = streams
    return Shown(screen.getvalue(), code)


def _frame(shown: Shown, files: list[str], terminal: Any) -> str:
    """The whole screen: as many of the last lines as fit, and what is watched."""
    from archcalc.files import shown_path

    size = os.get_terminal_size(terminal.fileno())
    lines = shown.text.splitlines()
    room = max(1, (size.lines or 24) - 2)
    heights = [_height(line, size.columns or 80) for line in lines]
    if sum(heights) > room:
        hidden = next(n for n in range(len(lines) + 1) if sum(heights[n:]) < room)
        lines = [f"{hidden:,} lines above are not shown; they are when this ends", *lines[hidden:]]
    names = ", ".join(shown_path(one) for one in files[:SHOWN_FILES])
    if len(files) > SHOWN_FILES:
        names += f" and {len(files) - SHOWN_FILES:,} more"
    status = f"exit {shown.code}; watching {names}; Ctrl-C ends"[: (size.columns or 80) - 1]
    text = "".join(f"{line}{_REST_OF_LINE}\n" for line in [*lines, ""])
    return f"{_BEGIN}{_HOME}{text}{status}{_REST_OF_LINE}{_REST}{_END}"


def _height(line: str, columns: int) -> int:
    """How many rows of the terminal a line takes, without its colours."""
    return max(1, -(-len(_COLOR.sub("", line)) // columns))


def _write(terminal: Any, text: str) -> None:
    terminal.write(text)
    terminal.flush()


def _wait(before: dict[str, Stamp], read: set[str], more: Callable[[], Iterable[str]]) -> None:
    """Until a file is not as it was before the run, or another one came, and nothing has changed since the last look."""
    latest = before
    while True:
        time.sleep(INTERVAL)
        now = _stamps({*read, *more()})
        if now == latest != before:
            return
        latest = now


def _stamps(files: Iterable[str]) -> dict[str, Stamp]:
    return {name: _stamp(name) for name in files}


def _stamp(name: str) -> Stamp:
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
