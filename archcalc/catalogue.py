"""Every code archcalc can report: the rules that its modules declare beside the code that raises them."""

from importlib import import_module
from pkgutil import walk_packages

import archcalc
from archcalc.diagnostics import CATALOGUE, Rule

# The last two need pytest and torch, which are large or not installed.
_WITHOUT_RULES = (
    "archcalc.__main__",
    "archcalc.commands",
    "archcalc.formats",
    "archcalc.pytest_plugin",
    "archcalc.against",
)


def rules() -> list[Rule]:
    """The whole catalogue in the order of the codes.

    Imports every module that may declare a rule.
    """
    for module in walk_packages(archcalc.__path__, "archcalc."):
        if not module.name.startswith(_WITHOUT_RULES):
            import_module(module.name)
    return sorted(CATALOGUE.values())
