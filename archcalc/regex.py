"""Regular expressions that are compiled when they are first used: most are for texts that are seldom met, and a start
of archcalc that compiled them all would spend a tenth of its time on them.
"""

import re
from typing import Any, AnyStr, cast


class _Late:
    """As a `re.Pattern`, whose methods are fetched, and then kept, when they are first asked for."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A pattern that is compiled at its first use."""
    return cast("re.Pattern[AnyStr]", _Late(text, flags))  # whose methods it has
