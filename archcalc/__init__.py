"""archcalc: check and measure ConvNet architectures before anyone trains them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcalc.analyze import Report as Report
    from archcalc.architecture import Architecture as Architecture
    from archcalc.architecture import check as check
    from archcalc.architecture import load as load
    from archcalc.diagnostics import Diagnostic as Diagnostic
    from archcalc.diagnostics import SpecError as SpecError
    from archcalc.plan import Plan as Plan
    from archcalc.specfile import SpecUnavailable as SpecUnavailable
    from archcalc.volume import Volume as Volume

__version__ = "0.1.0"

_HOMES = {
    "Architecture": "architecture",
    "Diagnostic": "diagnostics",
    "Plan": "plan",
    "Report": "analyze",
    "SpecError": "diagnostics",
    "SpecUnavailable": "specfile",
    "Volume": "volume",
    "check": "architecture",
    "load": "architecture",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: `import archcalc` alone stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
