"""Graph -> files of other tools; one file a format, found by its name.

In: the report of a network that fits together.  Out: the bytes of a file.  A writer is a module with `write(report)`.
Imports: the ground, layers, graph, analysis.
"""

import os
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Protocol

    from archcalc.analysis.analyze import Report

    class Writer(Protocol):
        def write(self, report: "Report") -> bytes: ...


class Unwritable(Exception):
    """Layers that the format has nothing for; the message names all of them with how often each occurs."""

    def __init__(self, format: str, types: Iterable[str]) -> None:
        counted = sorted(Counter(types).items(), key=lambda one: (-one[1], one[0]))
        super().__init__(f"{format} has nothing that is exactly {', '.join(f'{name} ({n})' for name, n in counted)}")


def names() -> list[str]:
    """The formats: the files of this folder."""
    files = os.listdir(os.path.dirname(__file__))
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def writer(name: str) -> "Writer":
    return cast("Writer", import_module(f"{__name__}.{name}"))
