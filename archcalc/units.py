"""Numbers for people: counts in decimal K, M, G; bytes in binary KiB, MiB, GiB."""

import re

from archcalc.regex import regex
from archcalc.volume import Volume


def count(value: int) -> str:
    """1,792 -> `1.79K`; below 1,000 as it is."""
    for power, unit in ((12, "T"), (9, "G"), (6, "M"), (3, "K")):
        # 999,995 rounds to 1.00M, not to 1000.00K
        if value * 1000 >= 999_995 * 10 ** (power - 3):
            return _scaled(value, 10**power) + unit
    return str(value)


def size(value: int) -> str:
    """12,845,056 -> `12.25 MiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{_scaled(value, 1024**power)} {unit}"
    return f"{value} B"


_SIZE = regex(r"(\d+(?:_\d+)*)(?:\.(\d{1,9}))?\s*([A-Za-z]*)", re.ASCII)
_UNITS: dict[str, int] = {"B": 1} | {
    name: base**power
    for power, letter in enumerate("kMGT", 1)
    for name, base in ((f"{letter}B", 1000), (f"{letter.upper()}B", 1000), (f"{letter.upper()}iB", 1024))
}


def read_size(text: str) -> int:
    """`11 GiB` -> 11,811,160,064 bytes.  GB is 10^9 and GiB 2^30; ValueError, fit to be shown, for anything else.

    A fraction of a byte is dropped.  A bare G is refused, as people mean either.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(match[1]) > 18:
        raise ValueError("a size is a number and a unit, like `11 GiB` or `800 MB`")
    whole, fraction, unit = match[1].replace("_", ""), match[2] or "", match[3]
    if unit in _UNITS:
        return int(whole + fraction) * _UNITS[unit] // int(10 ** len(fraction))
    number = match[0][: match.start(3)].strip()
    meant = unit[:1].upper()
    if unit.lower() in ("k", "m", "g", "t"):
        decimal, binary = (_UNITS[meant + ending] for ending in ("B", "iB"))
        raise ValueError(
            f"a bare {unit} is 10^{len(str(decimal)) - 1} to some and 2^{binary.bit_length() - 1} to others; "
            f"write `{number} {meant}B` or `{number} {meant}iB`"
        )
    if not unit:
        raise ValueError(f"`{number}` has no unit; write `{number} GiB`, or `{number} B` for bytes")
    raise ValueError(f"{unit} is no unit of size; there are B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB")


def percent(part: int, whole: int) -> str:
    """262,144 of 1,048,576 -> `25%`; one decimal where it is not whole, rounded half up."""
    tenths = (part * 2000 + whole) // (2 * whole)
    if part and not tenths:
        return "<0.1%"
    return f"{tenths // 10:,}.{tenths % 10}%" if tenths % 10 else f"{tenths // 10:,}%"


def _scaled(value: int, unit: int) -> str:
    """Two decimals below 100, one above; integers only, rounded half up."""
    hundredths = (value * 200 + unit) // (2 * unit)
    if hundredths < 100_00:
        return f"{hundredths // 100}.{hundredths % 100:02d}"
    tenths = (value * 20 + unit) // (2 * unit)
    return f"{tenths // 10:,}.{tenths % 10}"


def short(value: int) -> str:
    """cs231n's rounding: two significant digits (3,211,264 -> `3.2M`), exact below 10,000."""
    if value < 10_000:
        return str(value)
    digits = len(str(value))
    step = 10 ** (digits - 2)
    value = (value + step // 2) // step * step
    for power, unit in ((9, "G"), (6, "M"), (3, "K")):
        if value >= 10**power:
            tenths = value * 10 // 10**power
            return (
                f"{tenths // 10}{unit}" if tenths >= 100 or tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}{unit}"
            )
    return str(value)


def matrix(value: tuple[int, int] | None) -> str:
    """`[363 x 3025]`, or nothing."""
    return f"[{value[0]} x {value[1]}]" if value else ""


def volume(value: Volume, layout: str, batch: int = 1) -> str:
    """`[224x224x64]`, or as a tensor `[1, 64, 224, 224]`."""
    if layout == "NCHW":
        return f"[{batch}, {value.channels}, {value.height}, {value.width}]"
    if layout == "NHWC":
        return f"[{batch}, {value.height}, {value.width}, {value.channels}]"
    return str(value)
