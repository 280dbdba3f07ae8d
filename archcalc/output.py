"""Files that are written whole or not at all: a reader, or a run cut short, never sees half of one."""

import os
import stat

from archcalc.diagnostics import Unusable
from archcalc.files import Unreadable, check_links, shown_path


class OutputError(Unusable):
    """The file cannot be written; says why in one line."""


def write_whole(path: str | os.PathLike[str], text: str | bytes, *, overwrite: bool = True) -> None:
    """Write `text`, as UTF-8 where it is one, to `path`.

    The text goes to a new file beside it, to the disk, and only then to its name.  A new file has the mode
    that the umask leaves it, a replaced one keeps its own.  Raises OutputError where that is not possible,
    where `path` is a link or no ordinary file, and, unless `overwrite`, where it exists.
    """
    name = os.fspath(path)
    try:
        check_links(os.path.dirname(name) or ".", anywhere=False)
        mode = _mode(name, overwrite)
        temporary = os.path.join(os.path.dirname(name), f".archcalc-{os.urandom(6).hex()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with open(descriptor, "wb") as file:
                file.write(text.encode() if isinstance(text, str) else text)
                file.flush()
                os.fsync(descriptor)
            if mode is not None:
                os.chmod(temporary, mode)
            _rename(temporary, name, overwrite)
        except BaseException:
            os.unlink(temporary)
            raise
    except Unreadable:
        raise OutputError(
            f"cannot write {shown_path(name)}: its folder is a link that leads out of the repository"
        ) from None
    except FileExistsError:
        raise OutputError(f"{shown_path(name)} exists already") from None
    except FileNotFoundError:
        folder = os.path.dirname(name) or "."
        why = "no file can be made there" if os.path.isdir(folder) else f"there is no folder {shown_path(folder)}"
        raise OutputError(f"cannot write {shown_path(name)}: {why}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name, a lone surrogate in the text
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"cannot write {shown_path(name)}: {reason}") from None


def _mode(name: str, overwrite: bool) -> int | None:
    """The mode of the file that is to be replaced; None where there is none."""
    try:
        mode = os.lstat(name).st_mode
    except FileNotFoundError:
        return None
    if not overwrite:
        raise FileExistsError
    if stat.S_ISLNK(mode):
        raise OutputError(f"cannot write {shown_path(name)}: it is a symbolic link; name the file it leads to")
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise OutputError(f"cannot write {shown_path(name)}: it is {what}")
    return stat.S_IMODE(mode)


def _rename(temporary: str, name: str, overwrite: bool) -> None:
    """Give the finished file its name; without `overwrite` not even over one that appeared meanwhile."""
    if overwrite:
        os.replace(temporary, name)
        return
    try:
        os.link(temporary, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(name):
            raise FileExistsError from None
        os.replace(temporary, name)
    else:
        os.unlink(temporary)
