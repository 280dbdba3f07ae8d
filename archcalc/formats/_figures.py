"""How figures are written that a layer's is missing from: `?` alone, `>= 1.79K` in a sum, `at least` in a sentence."""

from collections.abc import Callable, Collection, Iterable

from archcalc import units
from archcalc.analysis.analyze import Row, Totals


def cell(value: int, name: str, unknown: Collection[str], show: Callable[[int], str] = units.count) -> str:
    """A figure of one layer or of some; empty for 0."""
    if name in unknown:
        return f">= {show(value)}" if value else "?"
    return show(value) if value else ""


def total(totals: Totals, name: str, show: Callable[[int], str] = "{:,}".format) -> str:
    """A sum over the network, in a sentence."""
    return ("at least " if name in totals.unknown else "") + show(getattr(totals, name))


def least(totals: Totals, name: str, show: Callable[[int], str] = "{:,}".format) -> str:
    """A sum over the network, below a column."""
    return (">= " if name in totals.unknown else "") + show(getattr(totals, name))


def missing(rows: Iterable[Row]) -> str:
    """Whose figures the sums leave out; empty where none is missing."""
    names = [row.node.name for row in rows if row.cost.unknown]
    if not names:
        return ""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"not stated, so that sums are the least: figures of {', '.join(names[:3])}{more}"


def union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """What is unknown of some layers together."""
    return tuple(dict.fromkeys(name for one in groups for name in one))
