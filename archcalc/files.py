"""Files that somebody else may have laid down: read under a bound, and through no link that leads elsewhere.

A pull request can hold links, FIFOs and names with any character in them.  Whatever archcalc opens because of
a path in a repository is opened here; what it writes is written in output.py.
"""

import os
import stat
from functools import cache

_OWN = ("/dev/", "/proc/")  # links of the system's own, such as /dev/stdin, which no repository can hold


class Unreadable(Exception):
    """A file cannot be read; says why in a few words."""


def read_bounded(path: str, limit: int) -> bytes:
    """At most one byte more than the limit: never all of /dev/zero, and never waiting for a FIFO's writer.

    Raises Unreadable.
    """
    try:
        nonblocking = getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, os.O_RDONLY | nonblocking)
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if nonblocking and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
                os.set_blocking(descriptor, True)
            return file.read(limit + 1)
    except IsADirectoryError:
        raise Unreadable("it is a folder") from None
    except (OSError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error)) from None


def check_links(path: str, *, anywhere: bool = True) -> None:
    """Raise Unreadable where a path leads, by way of a link, out of the repository it stands in.

    What is quoted of a file is then always of the repository.  Outside of a repository it is, unless `anywhere` is
    off, the current folder that is not left, and for a file elsewhere its own folder.
    """
    try:
        whole, real = os.path.abspath(path), os.path.realpath(path)
        if real == whole or whole.startswith(_OWN):
            return
        folder = os.path.dirname(whole)
        root = repository(folder)
        where = "repository" if root else "folder"
        if root is None and not anywhere:
            return
        if root is None:
            current = os.getcwd()
            root = current if _inside(whole, current) else folder
        if _inside(real, os.path.realpath(root)):
            return
    except (OSError, ValueError):  # whoever opens it says what is wrong
        return
    raise Unreadable(f"it is a link that leads out of its {where}")


def current_folder() -> str:
    """The current folder; empty where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def same_file(path: str, other: str) -> bool:
    """Whether two paths name one file, be it there already or not."""
    try:
        return os.path.samefile(path, other)
    except ValueError:  # a null character
        return False
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


@cache
def repository(folder: str) -> str | None:
    """The nearest folder from here upwards that holds `.git`."""
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def shown_path(path: str) -> str:
    """A path as one printable line."""
    return path if path.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in path)


def _inside(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))
