"""What the arithmetic says to numbers that stand for many at once.

`archcalc sweep` runs the analysis on such numbers (variants/sweeping/numbers.py).  They add, multiply and divide as
integers do; a comparison answers for one network and is remembered as a condition.  Where a largest number is wanted, not
which one it is, they are asked for it here, so that a peak needs no condition; and a message says one network's numbers.
"""

from collections.abc import Sequence
from typing import Any


def largest(values: Sequence[int]) -> int:
    """The largest, 0 of none."""
    for one in values:
        if type(one) is not int:
            return one.largest(values)  # type: ignore[attr-defined, no-any-return]
    return max(values, default=0)


def plain(value: Any) -> Any:
    """A number, or a tuple of them, as a message says it."""
    if isinstance(value, tuple):
        made = map(plain, value)
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return getattr(value, "sample", value)
