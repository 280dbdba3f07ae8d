"""`torch:package.module:factory` -> the object of that name.  Importing runs the user's code, and so does calling it.

Nothing here is reached but from a command line that says so, or from Python: never from a spec, a folder of specs
or the collection of tests.  No pickle is read and no hub is asked.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from archcalc.regex import regex

PREFIX = "torch:"
_FORM = regex(r"torch:([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", re.ASCII)


class NotFound(Exception):
    """There is no such module or factory, or importing it fails; says why in one line."""


def names_code(spec: object) -> bool:
    """Whether SPEC names code; a file of such a name is a file, so that nobody's file name runs anything."""
    return isinstance(spec, str) and spec.startswith(PREFIX) and not os.path.lexists(spec)


def located(spec: str) -> Callable[[], Any]:
    """How to make the model; the current folder is on Python's path meanwhile, as for `python -m`."""
    match = _FORM.fullmatch(spec)
    if match is None:
        raise NotFound(f"{_line(spec)} is not torch:package.module:factory")
    module, path = match.groups()
    with running():
        found: Any = _attempt(lambda: import_module(module), f"cannot import {module}")
        for name in path.split("."):
            if not hasattr(found, name):
                raise NotFound(f"{module} has no {path}")
            found = getattr(found, name)
    if not isinstance(found, type) and hasattr(found, "named_modules"):
        return lambda: found  # a module, made when its file was imported
    if not callable(found):
        raise NotFound(f"{path} of {module} is a {type(found).__name__}: neither a torch.nn.Module nor what makes one")

    def make() -> Any:
        with running():
            return _attempt(found, f"{path}() fails")

    return make


@contextlib.contextmanager
def running() -> Iterator[None]:
    """The user's code at work: modules of the current folder can be imported, and what is printed goes to stderr."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(here)


def _attempt(run: Callable[[], Any], what: str) -> Any:
    try:
        return run()
    except (NotImplementedError, RuntimeError):
        raise  # on meta there are no values to compute with: the caller tries again with some
    except (Exception, SystemExit) as error:
        raise NotFound(f"{what}: {type(error).__name__}: {_line(str(error))}") from error


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."
