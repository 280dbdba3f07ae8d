"""Figures as people write them, with what they allow: `25.6M +- 1%`, `<= 11 GiB`, `1M .. 2M`, `138_357_544`."""

import re
from collections.abc import Callable

from archcalc import units
from archcalc.records import NamedTuple
from archcalc.regex import regex

_COUNT = regex(r"(\d+(?:_\d+)*)(?:\.(\d{1,12}))?\s*([KMGT]?)", re.ASCII)
_PERCENT = regex(r"(\d{1,3})(?:\.(\d{1,6}))?\s*%", re.ASCII)
_FIGURE = regex(r"(<=|>=|<|>)?\s*(.*)", re.DOTALL)


class Wanted(NamedTuple):
    """A range of whole numbers, None where it has no end; differences are measured from `about`, else its ends."""

    low: int | None = None
    high: int | None = None
    about: int | None = None


def read_count(text: str) -> int:
    """`25.6M` -> 25,600,000; ValueError, fit to be shown."""
    match = _COUNT.fullmatch(text)
    if match is None:
        plain = text.replace(",", "")
        if "," in text and _COUNT.fullmatch(plain):
            raise ValueError(f"write `{text.replace(',', '_')}`, or `{plain}`")
        raise ValueError(f"{_shown(text)} is no count, like `138_357_544` or `25.6M`")
    whole, fraction, suffix = match[1].replace("_", ""), match[2] or "", match[3]
    factor = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}[suffix]
    value, rest = divmod(int(whole + fraction) * factor, int("1" + "0" * len(fraction)))
    if rest:
        raise ValueError(f"{_shown(text)} is not a whole number")
    if len(str(value)) > 18:
        raise ValueError("a number has at most 18 digits")
    return value


def read_figure(text: str, read: Callable[[str], int]) -> Wanted:
    """A figure with its comparison, range or tolerance; `read` reads a single number.  ValueError, fit to be shown."""
    sign, text = _FIGURE.fullmatch(text.strip()).groups()  # type: ignore[union-attr]
    if sign:
        value = read(text.strip())
        return {
            "<=": Wanted(high=value),
            ">=": Wanted(low=value),
            "<": Wanted(high=value - 1),
            ">": Wanted(low=value + 1),
        }[sign]
    if ".." in text:
        low, _, high = text.partition("..")
        first, last = read(low.strip()), read(high.strip())
        if first > last:
            raise ValueError(f"nothing is in a range from {low.strip()} down to {high.strip()}")
        return Wanted(first, last)
    figure, *tolerance = re.split(r"\s*(?:\+-|\+/-|\u00b1)\s*", text, maxsplit=1)
    value = read(figure.strip())
    if not tolerance:
        return Wanted(value, value, value)
    if percent := _PERCENT.fullmatch(tolerance[0].strip()):
        fraction = percent[2] or ""
        share, of = int(percent[1] + fraction), 100 * 10 ** len(fraction)
        return Wanted(-(-value * (of - share) // of), value * (of + share) // of, value)
    around = read(tolerance[0].strip())
    return Wanted(value - around, value + around, value)


def difference(value: int, wanted: Wanted, show: Callable[[int], str] = "{:,}".format) -> str:
    """`38,357,544 (38.4%) more`; empty where the value is as wanted."""
    if wanted.high is not None and value > wanted.high:
        end, word = wanted.high, "more"
    elif wanted.low is not None and value < wanted.low:
        end, word = wanted.low, "less"
    else:
        return ""
    about = end if wanted.about is None else wanted.about
    by = abs(value - about)
    return f"{show(by)} ({units.percent(by, about)}) {word}" if about > 0 else f"{show(by)} {word}"


def _shown(text: str) -> str:
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`" if text else "nothing"
