"""Output formats: one file each, found by its name; nothing is imported before it is used.

A module in `check/` has `render(results, look)` and yields text as results arrive; a module in
`report/` has `render(report, look)`; a module in `rule/` has `render(rules)` for the catalogue and
`render_one(rule)` for an entry.  A module says what it can beyond that: FOLDS, with `--depth`; PARTIAL, a
report that ends at the layer that does not fit; CHOOSES, with `--columns`, `--sort` and `--top`; TELLS, what
else is known of a network (About), as a third argument.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report
    from archcalc.diagnostics import Diagnostic
    from archcalc.memory.results import Plan

from archcalc.diagnostics import SEVERITIES, Severity
from archcalc.precision import PRECISIONS


class Look(NamedTuple):
    """How the output is to look: where it goes, and in which units."""

    width: int | None = None  # columns; None: as wide as it needs
    color: bool = False
    quiet: bool = False  # findings only
    unicode: bool = True
    layout: str = "WxHxC"
    batch: int = 1
    dtype: str = "float32"
    depth: int | None = None  # blocks and named repeats below this level are folded into one line
    im2col: bool = False  # show the sizes of im2col matrices
    columns: tuple[str, ...] = ()  # the columns to show; none: those of the format
    sort: str = ""  # the column that the lines are sorted by; none: as the network runs
    top: int | None = None  # how many of the sorted lines are shown
    layers: bool = False  # show what each layer takes
    concise: bool = False  # a line a finding
    fail_on: Severity | None = "error"  # the least severity that fails a spec; None: nothing does

    @property
    def value_bytes(self) -> int:
        """Bytes of a value of the whole batch."""
        return PRECISIONS[self.dtype].activations * self.batch

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of this severity fails a spec."""
        return self.fail_on is not None and SEVERITIES.index(severity) <= SEVERITIES.index(self.fail_on)


class About(NamedTuple):
    """What is known of a network besides its report: where it was read, what is wrong with it, its memory, an image as a `data:` address."""

    path: str = ""
    problems: "tuple[Diagnostic, ...]" = ()
    plan: "Plan | None" = None
    image: str = ""


def names(command: str) -> list[str]:
    """The formats of a command: the files in its folder."""
    folder = os.path.join(os.path.dirname(__file__), command)
    return sorted(file[:-3] for file in os.listdir(folder) if file.endswith(".py") and not file.startswith("_"))


def renderer(command: str, name: str) -> Any:
    return module(command, name).render


def module(command: str, name: str) -> Any:
    return import_module(f"{__name__}.{command}.{name}")


def able(command: str, ability: str) -> list[str]:
    """The formats of a command that declare an ability: a true constant of that name in their module."""
    return [name for name in names(command) if getattr(module(command, name), ability, False)]


def incomplete(report: "Report") -> str:
    """What to say below totals that leave out layers that do not fit; empty where they leave out none."""
    if report.complete:
        return ""
    return f"incomplete: {len(report.rows):,} of {len(report.graph.nodes):,} layers; totals are of these"
