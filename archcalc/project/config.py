"""`[tool.archcalc]` in pyproject.toml: which findings a project wants to see.

    [tool.archcalc]
    select = ["AC"]                                  # codes, or how they begin; all unless given
    ignore = ["AC607"]                               # wins over select
    per-file-ignores = {"specs/classics/*" = ["AC6"]}

The table is looked for from the current folder upwards, as far as the root of the repository, and not beside
the specs: a spec from elsewhere does not bring its own.  These keys are all there are.  They hide warnings and
hints, never errors; what a spec means, the limits of the reader, and where output goes are not theirs to say.
"""

import os
import re
from fnmatch import fnmatchcase
from typing import Any

from archcalc.checks.catalogue import known
from archcalc.diagnostics import Diagnostic, Unusable
from archcalc.files import Unreadable, check_links, read_bounded, shown_path
from archcalc.records import NamedTuple

KEYS = ("select", "ignore", "per-file-ignores")
MAX_BYTES = 1 << 20

Codes = tuple[str, ...]


class BadConfiguration(Unusable):
    """pyproject.toml cannot be used; says why in one line."""


class Configuration(NamedTuple):
    """What a project wants to see; `select` None is what is on by default.

    `per_file` are patterns of paths, relative to `folder`, with what they hide.
    """

    select: Codes | None = None
    ignore: Codes = ()
    per_file: tuple[tuple[str, Codes], ...] = ()
    folder: str = ""

    def keeps(self, path: str, one: Diagnostic) -> bool:
        """Whether a finding of the spec at `path` is to be shown; errors always are."""
        if one.severity == "error":
            return True
        if one.code not in self:
            return False
        return not any(one.code.startswith(codes) and self._matches(path, pattern) for pattern, codes in self.per_file)

    def __contains__(self, code: object) -> bool:
        """Whether a code is selected; codes that are off by default are only where `select` names them."""
        assert isinstance(code, str)
        return code.startswith(("AC",) if self.select is None else self.select) and not code.startswith(self.ignore)

    def _matches(self, path: str, pattern: str) -> bool:
        try:
            relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        except (OSError, ValueError):  # on another drive, or no current folder to count from
            return False
        return fnmatchcase(relative, pattern) or ("/" not in pattern and fnmatchcase(relative.split("/")[-1], pattern))


def find_configuration(folder: str) -> Configuration:
    """The configuration in force in a folder, none in one that is gone; raises BadConfiguration."""
    while folder:
        file = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(file) and (found := _read(file)) is not None:
            return found
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return Configuration()
        folder = above
    return Configuration()


def _read(file: str) -> Configuration | None:
    """A file's `[tool.archcalc]`; None where it has none."""
    try:
        check_links(file)
        data = read_bounded(file, MAX_BYTES)
    except Unreadable as error:
        raise BadConfiguration(f"cannot read {shown_path(file)}: {error}") from None
    if b"archcalc" not in data:
        return None
    import tomllib

    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        document = tomllib.loads(data.decode())
    except RecursionError:
        raise BadConfiguration(f"{shown_path(file)} is not TOML: nested too deep") from None
    except ValueError as error:
        raise BadConfiguration(f"{shown_path(file)} is not TOML: {error}") from None
    tool = document.get("tool")
    table = tool.get("archcalc") if isinstance(tool, dict) else None
    return None if table is None else _configuration(table, file)


def _configuration(table: Any, file: str) -> Configuration:
    where = f"{shown_path(file)}: [tool.archcalc]"
    if not isinstance(table, dict):
        raise BadConfiguration(f"{where} is a table")
    for key in table:
        if key not in KEYS:
            raise BadConfiguration(f"{where} has no key {key!r}; it takes {', '.join(KEYS)}")
    by_file = table.get("per-file-ignores", {})
    if not isinstance(by_file, dict):
        raise BadConfiguration(f"{where}: per-file-ignores is a table of patterns, each with a list of codes")
    return Configuration(
        _codes(table["select"], "select", where) if "select" in table else None,
        _codes(table.get("ignore", []), "ignore", where),
        tuple((pattern, _codes(codes, f"per-file-ignores: {pattern!r}", where)) for pattern, codes in by_file.items()),
        os.path.dirname(file),
    )


def _codes(value: Any, key: str, where: str) -> Codes:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadConfiguration(f"{where}: {key} is a list of codes like AC607, or how they begin like AC6")
    for one in value:
        if not re.fullmatch(r"AC\d{0,3}", one, re.ASCII) or not known(one, beginning=True):
            raise BadConfiguration(f"{where}: {key}: there is no rule {one!r}; `archcalc rule` lists them")
    return tuple(value)
