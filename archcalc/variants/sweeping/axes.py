"""What varies, as it is written: `width=16..256:8`, `kernel=3,5,7`, `N=[1,1,2],[2,2,2]`, `input=224x224x3,160x160x3`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.diagnostics import Refusal, Span, rule
from archcalc.language.definitions import Setting
from archcalc.language.suggest import nearest
from archcalc.reader.expression import names_in
from archcalc.regex import regex
from archcalc.variants.sweeping.space import INPUT, SIDES, Axis, Derived, Space

BAD_AXIS = rule(
    "AC830",
    "what a sweep varies cannot be read",
    """
    `--vary 'NAME=VALUES'` varies a variable of the spec, or the input.  VALUES are whole numbers and ranges between commas,
    `3,5,7` or `16..256:8` (both ends are in it; without `:8` in steps of 1, with `:*2` doubling), or lists in brackets where the
    variable is a list of the general pattern, `[1,1,2],[2,2,2]`.  The input is `input=160..256:32` for a square image,
    `input=224x224x3,160x160x3`, or one side: `input.width=...`.

    Several names vary together where both sides are in parentheses, `(depth,width)=(1,64),(2,48)`.  A text with `$` is
    no list but an expression, which varies with what it names: `out=4*$width`.
    """,
)

MAX_VALUES = 1_000_000  # of one axis that is no range

_NAME = regex(r"\s*([A-Za-z_]\w*(?:\.(?:width|height|channels))?)\s*", re.ASCII)
_RANGE = regex(r"(-?[\d_]+)\s*\.\.\s*(-?[\d_]+)(?:\s*:\s*(\*?)\s*([\d_]+))?", re.ASCII)
_NUMBER = regex(r"-?\d+(?:_\d+)*", re.ASCII)
_VOLUME = regex(r"(\d+)\s*[xX\u00d7]\s*(\d+)\s*[xX\u00d7]\s*(\d+)", re.ASCII)
_ITEM = regex(r"\s*(?:\[([^\[\]()]*)\]|\(([^\[\]()]*)\)|([^,\[\]()]+))\s*(,|$)")


def read_axis(text: str, line: int = 1) -> Axis | Derived:
    """An axis from its text; Refusal (AC830) with a place in it."""
    left, equals, right = text.partition("=")
    if not equals:
        raise _refused(f"`{text.strip()[:40]}` varies nothing: NAME=VALUES is expected", line, 0, len(text))
    joined = left.strip().startswith("(")
    names = tuple(_name(one, left, line) for one in (left.strip()[1:].rstrip(") ").split(",") if joined else [left]))
    start = len(left) + 1
    if "$" in right:
        if len(names) > 1:
            raise _refused("an expression is for one name", line, start, len(text))
        return Derived(names[0], right.strip(), Span(line, start + 1, line, len(text) + 1))
    found = _RANGE.fullmatch(right.strip())
    if found and not joined and not found[3]:
        return Axis(names, (_range(found, line, start, len(text)),))
    items = _items(right, line, start, joined=joined, single=len(names) == 1)
    if len(items) > MAX_VALUES:
        raise _refused(f"{len(items):,} values are listed; the limit is {MAX_VALUES:,}", line, start, len(text))
    if len(set(items)) < len(items):
        again = next(one for at, one in enumerate(items) if one in items[:at])
        raise _refused(f"{_shown(again)} is listed twice", line, start, len(text))
    if not joined:
        return Axis(names, (tuple(items),))
    for one in items:
        if not isinstance(one, tuple) or len(one) != len(names):
            raise _refused(
                f"{_shown(one)} stands where {len(names)} numbers in parentheses are expected", line, start, len(text)
            )
    return Axis(names, tuple(tuple(column) for column in zip(*items, strict=True)))


def _name(text: str, left: str, line: int) -> str:
    match = _NAME.fullmatch(text)
    if match is None:
        at = left.index(text) if text in left else 0
        raise _refused(f"`{text.strip()}` is no name of a variable", line, at, at + max(1, len(text)))
    return match[1]


def _items(text: str, line: int, start: int, *, joined: bool, single: bool) -> list[Setting]:
    found: list[Setting] = []
    at = 0
    if not text.strip():
        raise _refused("no values are listed", line, start, start + max(1, len(text)))
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None or (match[4] and not text[match.end() :].strip()):
            raise _refused(f"`{text[at:].strip()[:40]}` is no list of values", line, start + at, start + len(text))
        listed, together, alone = match[1], match[2], match[3]
        begin, end = start + at, start + match.end() - len(match[4])
        if alone is None:
            inner = listed if together is None else together
            found.append(tuple(_number(one, line, begin, end) for one in inner.split(",")) if inner.strip() else ())
        elif volume := _VOLUME.fullmatch(alone.strip()):
            found.append(tuple(int(one) for one in volume.groups()))
        elif part := _RANGE.fullmatch(alone.strip()):
            values = _range(part, line, begin, end) if not part[3] else _doubling(part, line, begin, end)
            if len(values) > MAX_VALUES:
                raise _refused(f"{len(values):,} values are listed; the limit is {MAX_VALUES:,}", line, begin, end)
            found += values
        else:
            found.append(_number(alone, line, begin, end))
        at = match.end()
    if len({isinstance(one, tuple) for one in found}) > 1:
        raise _refused("numbers and lists are mixed", line, start, start + len(text))
    return found


def _number(text: str, line: int, begin: int, end: int) -> int:
    if not _NUMBER.fullmatch(text.strip()) or len(text.strip()) > 24:
        raise _refused(f"`{text.strip()[:40]}` stands where a whole number is expected", line, begin, end)
    value = int(text)
    if abs(value) >= 10**18:
        raise _refused("a number has at most 18 digits", line, begin, end)
    return value


def _range(match: re.Match[str], line: int, begin: int, end: int) -> range:
    first, last = (_number(one, line, begin, end) for one in match.groups()[:2])
    step = _number(match[4] or "1", line, begin, end)
    if step == 0:
        raise _refused("a range with steps of 0 never ends", line, begin, end)
    if last < first:
        raise _refused(f"nothing is in a range from {first} up to {last}", line, begin, end)
    return range(first, last + 1, step)


def _doubling(match: re.Match[str], line: int, begin: int, end: int) -> list[int]:
    first, last = (_number(one, line, begin, end) for one in match.groups()[:2])
    factor = _number(match[4], line, begin, end)
    if first < 1 or factor < 2:
        raise _refused("a range that multiplies begins at 1 at least, by 2 at least", line, begin, end)
    if last < first:
        raise _refused(f"nothing is in a range from {first} up to {last}", line, begin, end)
    found = []
    while first <= last:
        found.append(first)
        first *= factor
    return found


def read_space(vary: Sequence[Axis | Derived], known: Mapping[str, Any]) -> Space:
    """The space that axes and expressions make around a spec with the variables `known`; Refusal where they do not fit it."""
    axes = tuple(one for one in vary if isinstance(one, Axis))
    derived = tuple(one for one in vary if isinstance(one, Derived))
    seen: set[str] = set()
    for number, one in enumerate(vary, 1):
        for name in one.names if isinstance(one, Axis) else (one.name,):
            if name in seen:
                raise _refused(f"{name} varies twice", number, 0, len(name))
            seen.add(name)
    mentioned = {name for one in derived for name in names_in(one.text)}
    for number, one in enumerate(vary, 1):
        for name in one.names if isinstance(one, Axis) else (one.name,):
            if not (name in known or name in mentioned or _of_the_input(name)):
                meant = nearest(name, [*known, INPUT, *(f"{INPUT}.{side}" for side in SIDES)])
                has = f"it has {', '.join(known)}" if known else "it has none"
                why = f"the spec has no variable {name}"
                raise _refused(f"{why} (did you mean {meant}?)" if meant else f"{why}; {has}", number, 0, len(name))
    space = Space(axes, _in_order(derived), frozenset(known))
    if axes:
        space.point([0] * len(axes))  # what cannot be evaluated is said now
    return space


def _of_the_input(name: str) -> bool:
    return name == INPUT or name.partition(".")[::2] in [(INPUT, side) for side in SIDES]


def _in_order(derived: Sequence[Derived]) -> tuple[Derived, ...]:
    """Each behind those that it names; Refusal for a circle."""
    waiting, found = list(derived), list[Derived]()
    while waiting:
        open_names = {one.name for one in waiting}
        ready = next((one for one in waiting if open_names.isdisjoint(names_in(one.text))), None)
        if ready is None:
            raise Refusal(BAD_AXIS, f"{waiting[0].name} is made of itself", waiting[0].span)
        waiting.remove(ready)
        found.append(ready)
    return tuple(found)


def axis_of(names: Any, values: Any) -> Axis | Derived:
    """An axis from Python: a text as on the command line, or its values."""
    joined = not isinstance(names, str)
    written = f"({','.join(names)})" if joined else names
    if isinstance(values, str):
        return read_axis(f"{written}={values}")
    if isinstance(values, range) and not joined:
        return Axis((names,), (values,))
    listed = [tuple(one) if isinstance(one, list | tuple) else one for one in values]
    return read_axis(
        f"{written}={','.join(map(_shown, listed)) if not joined else ','.join(f'({_inner(one)})' for one in listed)}"
    )


def _inner(values: Any) -> str:
    return ",".join(map(str, values))


def _shown(value: Any) -> str:
    return f"[{_inner(value)}]" if isinstance(value, tuple) else str(value)


def _refused(message: str, line: int, begin: int, end: int) -> Refusal:
    return Refusal(BAD_AXIS, message, Span(line, begin + 1, line, max(end, begin + 1) + 1))
