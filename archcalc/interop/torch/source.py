"""Where the code of a user's modules is written, for findings."""

import inspect
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

OWN = ("torch.", "archcalc.interop.")  # code that is not the user's
Site = tuple[str, int]  # a file and a line


def calling() -> Site | None:
    """The line that called an operator: the innermost that is not PyTorch's or ours."""
    frame = sys._getframe(1)  # noqa: SLF001 - what Python offers for this
    while frame is not None:
        if users(frame.f_globals.get("__name__", "")):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None


def failing(traceback: TracebackType | None) -> Site | None:
    """The innermost line of an error's way that is the user's."""
    found = None
    while traceback is not None:
        if users(traceback.tb_frame.f_globals.get("__name__", "")):
            found = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def users(module: str) -> bool:
    return not f"{module}.".startswith(OWN)


def written(paths: Iterable[str], modules: Mapping[str, Any]) -> list[str]:
    """`aux1: InceptionAux (googlenet.py:260)` of every innermost module of the user's that one of these paths is in."""
    found: dict[str, None] = {}
    for path in paths:
        while path and not (path in modules and users(type(modules[path]).__module__)):
            path = path.rpartition(".")[0]
        kind = type(modules[path]) if path in modules else None
        if kind is None or not users(kind.__module__):
            continue
        try:
            file, line = inspect.getsourcefile(kind), inspect.getsourcelines(kind)[1]
        except (OSError, TypeError):  # not of a file
            continue
        found[f"{path or 'the model'}: {kind.__name__} ({file}:{line})"] = None
    return [*found]
