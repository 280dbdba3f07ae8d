"""Graph -> files of other tools; one file a format, found by its name.

In: the report of a network that fits together.  Out: the bytes of a file.  A writer is a module with `write(report)`, which
raises Unwritable with all layers that its format has nothing for; one whose files can have weights declares `WEIGHTS` and
takes `weights` and `seed`.
Imports: the ground, layers, graph, analysis, verification (for weights), and from `authoring` joins and folding.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, cast

from archcalc.authoring.export._exact import Unwritable as Unwritable

if TYPE_CHECKING:
    from typing import Any, Protocol

    from archcalc.analysis.analyze import Report

    class Writer(Protocol):
        def write(self, report: "Report", **options: Any) -> bytes: ...


def names() -> list[str]:
    """The formats: the files of this folder."""
    files = os.listdir(os.path.dirname(__file__))
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def writer(name: str) -> "Writer":
    return cast("Writer", import_module(f"{__name__}.{name}"))
