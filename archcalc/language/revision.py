"""Specs as they were committed: `HEAD~3:nets/resnet.yaml`, read from git's objects.

Only `git cat-file` is run, which reads objects: no hook, no filter, no textconv, no pager, nothing that a repository's
configuration names, and nothing is fetched (a clone may lack objects, and a remote's address may name a program).  What is
asked goes over standard input, so that no revision is an option.
"""

import os
import re
import shutil
import subprocess

from archcalc.files import Unreadable, current_folder
from archcalc.records import NamedTuple
from archcalc.regex import regex

TIMEOUT = 30  # seconds that git has for an answer

_REVISION = regex(r"[^\s:\-\x00-\x1f][^:\x00-\x1f\x7f]*")
_COMMAND = ("--no-pager", "-c", "core.fsmonitor=false", "cat-file")
_SURROUNDINGS = {
    "LC_ALL": "C",  # its complaints are read
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # git before 2.45 does not know the variable above
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}


class Revision(NamedTuple):
    """A folder as it was committed."""

    name: str
    folder: str

    def read(self, file: str, limit: int) -> bytes:
        """The file of this name in the folder, at most a byte more than the limit; raises Unreadable."""
        return read_committed(self.name, f"{self.folder}/{file}" if self.folder else file, limit)


def named_revision(spec: str) -> tuple[str, str] | None:
    """The revision and the path that `REV:PATH` names; None where SPEC is a file, or is written otherwise."""
    revision, colon, path = spec.partition(":")
    if not colon or not path or revision in ("zoo", "torch") or os.path.lexists(spec):
        return None
    if os.name == "nt" and len(revision) == 1:  # a drive
        return None
    return (revision, path) if _REVISION.fullmatch(revision) and not path.startswith("/") else None


def read_committed(revision: str, path: str, limit: int) -> bytes:
    """What a file, by its path from the current folder, held at a revision: at most a byte more than the limit.

    Raises Unreadable, with the reason in a few words.
    """
    if any(ord(one) < 32 or ord(one) == 127 for one in path):  # a line each is what git is asked
        raise Unreadable("a path at a revision has no control characters")
    program = _git()
    asked = f"{revision}^{{tree}}\n{revision}:./{path}\n"
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words; what a user wrote goes over standard input
            [program, *_COMMAND, "--batch-check"],
            input=asked.encode(),
            check=False,
            capture_output=True,
            timeout=TIMEOUT,
            env={**os.environ, **_SURROUNDINGS},
        )
        lines = answer.stdout.decode("utf-8", "replace").splitlines()
        if answer.returncode or len(lines) != 2:
            raise Unreadable(_complaint(answer.stderr.decode("utf-8", "replace"), path))
        _kind(lines[0], f"git knows no revision {revision}")
        name, kind = _kind(lines[1], f"there is no {path} at {revision}")
        if kind != "blob":
            raise Unreadable(f"it is a {'folder' if kind == 'tree' else 'submodule'} at {revision}")
        return _blob(program, name, limit)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"git did not answer for {TIMEOUT} seconds") from None
    except OSError as error:
        raise Unreadable(f"git cannot be run: {error.strerror or error}") from None


def _git() -> str:
    """Git from the path, and never one that lies in the current folder."""
    program = shutil.which("git")
    if program is None or os.path.dirname(os.path.abspath(program)) == current_folder():
        raise Unreadable("git is not installed")
    return program


def _kind(line: str, missing: str) -> tuple[str, str]:
    """An object's name and type from git's `NAME TYPE SIZE`."""
    found = re.fullmatch(r"([0-9a-f]{40,64}) (\w+) \d+", line)
    if found is None:
        raise Unreadable(
            missing if not line.endswith(" ambiguous") else f"{line.split(maxsplit=1)[0]} names several commits"
        )
    return found[1], found[2]


def _blob(program: str, name: str, limit: int) -> bytes:
    with subprocess.Popen(  # noqa: S603 - fixed words and an object's name in hexadecimal
        [program, *_COMMAND, "blob", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_SURROUNDINGS},
    ) as reading:
        assert reading.stdout is not None
        data = reading.stdout.read(limit + 1)
        if len(data) > limit:
            reading.kill()
            return data
    if reading.returncode:
        raise Unreadable("git cannot read it")
    return data


def _complaint(said: str, path: str) -> str:
    if "not a git repository" in said:
        return "the current folder is in no git repository"
    if "dubious ownership" in said:
        return "git does not trust this repository, whose owner is another"
    if "outside repository" in said:
        return f"{path} is outside of the repository"
    return "git cannot read this repository"
