"""archcalc: check and measure ConvNet architectures before anyone trains them.

A spec is a path, `zoo:name`, or a pattern; `load` reads it or raises SpecError with every problem it has:

>>> import archcalc
>>> net = archcalc.load("INPUT[32x32x3] -> [CONV3-16p1 -> RELU -> POOL2]*2 -> FC-10")
>>> report = net.analyze()
>>> str(report.output), report.totals.params, report.totals.macs
('[1x1x10]', 13018, 1042432)
>>> [(row.node.name, str(row.output)) for row in report.rows if row.cost.params]
[('conv1', '[32x32x16]'), ('conv2', '[16x16x16]'), ('fc1', '[1x1x10]')]

`check` raises nothing for a spec that is wrong, and gives the problems with their places:

>>> [(one.code, one.span.column) for one in archcalc.check("INPUT[10x10x3] -> CONV3-4s2")]
[('AC201', 27)]

`compare` says what differs between two reports, layer by layer:

>>> other = archcalc.load("INPUT[32x32x3] -> [CONV3-16p1 -> RELU -> POOL2]*2 -> FC-20").analyze()
>>> for change in archcalc.compare(report, other).changes:
...     print(change.status, change.row.node.name, change.params)
changed fc1 10250

In a test, `archcalc.testing.assert_architecture` asserts what a network is and costs.  Everything here is plain
data: it can be pickled, copied and compared.  Nothing prints or exits.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Convention as Convention
    from archcalc.analysis.analyze import Report as Report
    from archcalc.analysis.analyze import Row as Row
    from archcalc.analysis.analyze import Totals as Totals
    from archcalc.analysis.receptive import Field as Field
    from archcalc.analysis.receptive import ReceptiveField as ReceptiveField
    from archcalc.architecture import Architecture as Architecture
    from archcalc.architecture import Spec as Spec
    from archcalc.architecture import check as check
    from archcalc.architecture import compile_spec as compile_spec
    from archcalc.architecture import from_graph as from_graph
    from archcalc.architecture import load as load
    from archcalc.authoring.write import write as write
    from archcalc.diagnostics import Diagnostic as Diagnostic
    from archcalc.diagnostics import Edit as Edit
    from archcalc.diagnostics import Label as Label
    from archcalc.diagnostics import Span as Span
    from archcalc.diagnostics import SpecError as SpecError
    from archcalc.graph import Graph as Graph
    from archcalc.graph import Node as Node
    from archcalc.language.definitions import UnknownVariable as UnknownVariable
    from archcalc.language.program import Program as Program
    from archcalc.language.specfile import SpecUnavailable as SpecUnavailable
    from archcalc.language.training import TrainingSettings as TrainingSettings
    from archcalc.layers.base import Cost as Cost
    from archcalc.layers.base import Layer as Layer
    from archcalc.memory.results import Plan as Plan
    from archcalc.memory.results import Training as Training
    from archcalc.memory.settings import Settings as Settings
    from archcalc.models import from_torch as from_torch
    from archcalc.variants.diff import Change as Change
    from archcalc.variants.diff import Comparison as Comparison
    from archcalc.variants.diff import Setting as Setting
    from archcalc.variants.diff import compare as compare
    from archcalc.variants.sweeping.sweep import Result as Result
    from archcalc.variants.sweeping.sweep import Sweep as Sweep
    from archcalc.variants.sweeping.sweep import sweep as sweep
    from archcalc.verification.verify import Verification as Verification
    from archcalc.volume import Pair as Pair
    from archcalc.volume import Volume as Volume
    from archcalc.volume import Window as Window

__version__ = "0.1.0"

_NAMES = {
    "analysis.analyze": ("Convention", "Report", "Row", "Totals"),
    "architecture": ("Architecture", "Spec", "check", "compile_spec", "from_graph", "load"),
    "language.definitions": ("UnknownVariable",),
    "diagnostics": ("Diagnostic", "Edit", "Label", "Span", "SpecError"),
    "variants.diff": ("Change", "Comparison", "Setting", "compare"),
    "variants.sweeping.sweep": ("Result", "Sweep", "sweep"),
    "graph": ("Graph", "Node"),
    "layers.base": ("Cost", "Layer"),
    "language.program": ("Program",),
    "language.training": ("TrainingSettings",),
    "memory.results": ("Plan", "Training"),
    "memory.settings": ("Settings",),
    "models": ("from_torch",),
    "analysis.receptive": ("Field", "ReceptiveField"),
    "language.specfile": ("SpecUnavailable",),
    "authoring.write": ("write",),
    "verification.verify": ("Verification",),
    "volume": ("Pair", "Volume", "Window"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - strings, all of them


if not TYPE_CHECKING:  # which would take every misspelt name for one that is found here

    def __getattr__(name: str) -> Any:
        """Import what is asked for, when it is asked for: `import archcalc` alone stays cheap."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
