"""Every code archcalc can report: the rules that its modules declare beside the code that raises them."""

from importlib import import_module

import archcalc
from archcalc.diagnostics import CATALOGUE, Rule

# Some of them need NumPy, pytest or torch, which are large or not installed.
_WITHOUT_RULES = (
    "archcalc.__main__",
    "archcalc.commands",
    "archcalc.formats",
    "archcalc.forward",
    "archcalc.interop.torch.capture",
    "archcalc.interop.torch.closed",
    "archcalc.interop.torch.model",
    "archcalc.interop.torch.staging",
    "archcalc.interop.torch.values",
    "archcalc.pytest_plugin",
    "archcalc.variants.sweeping.chunks",  # and what else needs NumPy
    "archcalc.variants.sweeping.evaluate",
    "archcalc.variants.sweeping.front",
    "archcalc.variants.sweeping.cluster",
    "archcalc.variants.sweeping.points",
    "archcalc.variants.sweeping.running",
    "archcalc.variants.sweeping.state",
    "archcalc.verification.against",
)


def rules() -> list[Rule]:
    """The whole catalogue in the order of the codes.

    Imports every module that may declare a rule.
    """
    from pkgutil import walk_packages

    for module in walk_packages(archcalc.__path__, "archcalc."):
        if not module.name.startswith(_WITHOUT_RULES):
            import_module(module.name)
    return sorted(CATALOGUE.values())


def known(code: str, *, beginning: bool = False) -> bool:
    """Whether there is such a code, or one that begins so; modules are imported only where it is not known yet."""
    for _ in range(2):
        if code in CATALOGUE or (beginning and any(one.startswith(code) for one in CATALOGUE)):
            return True
        rules()
    return False
