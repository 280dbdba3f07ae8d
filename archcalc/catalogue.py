"""Every code archcalc can report: the rules that its modules declare beside the code that raises them."""

from importlib import import_module
from pkgutil import walk_packages

import archcalc
from archcalc.diagnostics import CATALOGUE, Rule

_WITHOUT_RULES = ("archcalc.__main__", "archcalc.commands", "archcalc.formats")


def rules() -> list[Rule]:
    """The whole catalogue in the order of the codes.

    Imports every module that may declare a rule; one that needs a package which is not installed (a plugin
    of another tool) has nothing to report without it and is passed over.
    """
    for module in walk_packages(archcalc.__path__, "archcalc."):
        if not module.name.startswith(_WITHOUT_RULES):
            try:
                import_module(module.name)
            except ModuleNotFoundError as error:
                if (error.name or "archcalc").startswith("archcalc"):
                    raise
    return sorted(CATALOGUE.values())
