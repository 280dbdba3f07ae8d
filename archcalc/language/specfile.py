"""Where a spec's text comes from: a file, standard input, the zoo, or a pattern."""

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archcalc.diagnostics import Refusal, SpecError
from archcalc.files import Unreadable, check_links, read_bounded, shown_path
from archcalc.language.pattern import is_pattern
from archcalc.language.suggest import nearest
from archcalc.reader.text import MAX_BYTES, decode
from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.language.revision import Revision


class SpecUnavailable(Exception):
    """The spec cannot be read at all: no such file, no permission, no such zoo name."""


class SpecText(NamedTuple):
    path: str  # as messages show it
    text: str
    pattern: bool = False
    folder: "str | Revision | None" = None  # of a spec that is a file, or was one


class SpecFile(NamedTuple):
    """What SPEC names before it is known to be text."""

    path: str  # as messages show it
    data: bytes  # all of it, or its beginning: a byte more than a spec may have
    folder: "str | Revision | None" = None
    name: str = ""  # of a file that has more than `data`


def read_spec(spec: str | os.PathLike[str]) -> SpecText:
    """The text of SPEC.

    Raises SpecUnavailable where there is nothing to read, SpecError where it is not text.
    """
    found = open_spec(spec)
    return found if isinstance(found, SpecText) else decoded(found)


def open_spec(spec: str | os.PathLike[str], *, revisions: bool = False) -> SpecFile | SpecText:
    """The bytes of SPEC, or the text of a pattern; raises SpecUnavailable where there is nothing to read.

    `revisions`: what names no file may be REV:PATH, which git is asked for.
    """
    name = os.fspath(spec)
    if isinstance(spec, str):
        if name == "-":
            return SpecFile("<stdin>", _standard_input())
        if name.startswith("zoo:"):
            path = zoo_path(name[4:])
            return SpecFile(name, _read(path, name), os.path.dirname(path))
        if is_pattern(name):
            return SpecText("<pattern>", name, pattern=True)
        if not os.path.lexists(name) and name in zoo_names():
            raise SpecUnavailable(f"there is no file {name}; did you mean zoo:{name}?")
        if revisions and ":" in name and (committed := _committed(name)):
            return committed
    try:
        check_links(name)
    except Unreadable as error:
        raise SpecUnavailable(f"cannot read {shown_path(name)}: {error}") from None
    data = _read(name, name)
    more = len(data) > MAX_BYTES and os.path.isfile(name)
    return SpecFile(shown_path(name), data, os.path.dirname(name) or ".", name if more else "")


def _committed(name: str) -> SpecFile | None:
    from archcalc.language.revision import Revision, named_revision

    if (found := named_revision(name)) is None:
        return None
    folder, _, file = found[1].replace("\\", "/" if os.name == "nt" else "\\").rpartition("/")
    revision = Revision(found[0], folder)
    try:
        return SpecFile(shown_path(name), revision.read(file, MAX_BYTES), revision)
    except Unreadable as error:
        raise SpecUnavailable(f"cannot read {shown_path(name)}: {shown_path(str(error))}") from None


def decoded(file: SpecFile) -> SpecText:
    """The text of a spec; raises SpecError where it is not text."""
    try:
        return SpecText(file.path, decode(file.data), folder=file.folder)
    except Refusal as refusal:
        raise SpecError(file.path, [refusal.diagnostic]) from None


def is_path(spec: str | os.PathLike[str]) -> bool:
    """Whether SPEC names a file: it is not standard input, of the zoo, or a pattern."""
    return not isinstance(spec, str) or not (spec == "-" or spec.startswith("zoo:") or is_pattern(spec))


def read_beside(folder: "str | Revision | None", name: str) -> str:
    """The text of `name`.yaml in a folder and nowhere else, or of the zoo; ValueError, in words for a message, if there is none."""
    if name.startswith("zoo:"):
        try:
            return decode(_read(zoo_path(name[4:]), name))
        except (SpecUnavailable, Refusal) as error:
            raise ValueError(str(error)) from None
    if folder is None:
        raise ValueError("there is nothing beside a spec that is not a file")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) or name.endswith((".yaml", ".yml")):
        raise ValueError("a spec beside this one is named without folder and ending, like resnet50")
    if not isinstance(folder, str):
        try:
            return decode(folder.read(f"{name}.yaml", MAX_BYTES))
        except (Unreadable, Refusal) as error:
            raise ValueError(str(error)) from None
    path = os.path.realpath(os.path.join(folder, f"{name}.yaml"))
    if os.path.dirname(path) != os.path.realpath(folder):
        raise ValueError("it is a link that leads out of the folder")
    if not os.path.isfile(path):
        raise ValueError("there is no such file beside this one")
    try:
        return decode(_read(path, f"{name}.yaml"))
    except (SpecUnavailable, Refusal) as error:
        raise ValueError(str(error)) from None


def names_base(folder: str) -> Iterator[tuple[str, str]]:
    """The specs in a folder and what each extends, as far as that can be told without reading it as YAML."""
    try:
        files = sorted(os.listdir(folder))
    except OSError:
        return
    for file in files:
        if file.endswith((".yaml", ".yml")):
            try:
                text = read_spec(os.path.join(folder, file)).text
            except (SpecUnavailable, SpecError):
                continue
            said = re.search(r"""^extends:[ ]*["']?([A-Za-z0-9_.-]+)["']?[ ]*(?:#.*)?$""", text, re.MULTILINE)
            yield file, said[1] if said else ""


def zoo_folder() -> str:
    """The folder of the specs that ship: inside the wheel, or beside the package in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "specs")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "specs")


def zoo_names() -> list[str]:
    return sorted(file[:-5] for file in os.listdir(zoo_folder()) if file.endswith(".yaml"))


def zoo_path(name: str) -> str:
    path = os.path.join(zoo_folder(), f"{name}.yaml")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or not os.path.isfile(path):
        meant = nearest(name, zoo_names())
        help = f"did you mean {meant}?" if meant else "`archcalc zoo` lists what it has"
        raise SpecUnavailable(f"the zoo has no {shown_path(name)}; {help}")
    return path


def _read(path: str, name: str) -> bytes:
    """At most one byte more than the limit."""
    try:
        return read_bounded(path, MAX_BYTES)
    except Unreadable as error:
        raise SpecUnavailable(f"cannot read {shown_path(name)}: {error}") from None


def _standard_input() -> bytes:
    if sys.stdin is None:  # closed, as by `<&-`
        raise SpecUnavailable("cannot read standard input: it is closed")
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:  # open for writing only
        raise SpecUnavailable(f"cannot read standard input: {error.strerror or error}") from None
