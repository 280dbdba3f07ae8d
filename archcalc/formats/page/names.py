"""Names of layers as ids of a page, so that `#conv5` is a place in it."""

import re
from collections.abc import Mapping

from archcalc.analysis.analyze import Report
from archcalc.regex import regex

_SAFE = regex(r"[A-Za-z_/][A-Za-z0-9_./-]{0,127}", re.ASCII)


def ids(report: Report) -> Mapping[int, str]:
    """By position; a name that no spec could have, or that is there twice, gives way to `:12`, which is nobody's name.

    An id needs no quotes in HTML, and no escapes in a URL.
    """
    found: dict[int, str] = {}
    taken = set()
    for row in report.rows:
        name = row.node.name
        good = _SAFE.fullmatch(name) is not None and name not in taken
        found[row.position] = name if good else f":{row.position}"
        taken.add(name)
    return found
