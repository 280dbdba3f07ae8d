"""Layers and values as text: pattern notation, flow mappings, lists, repetitions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from archcalc.layers import Layer
from archcalc.reader.values import Padding, Scaling
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import Pair, Volume

LONGEST_PATTERN = 90  # characters of a line before it is broken at an arrow
LONGEST_UNIT = 32  # steps of a pattern that are looked at as one repetition

_PLAIN = regex(r"[A-Za-z](?:[\w.+/()-]|:(?=[\w/])|,? (?=[\w(]))*", re.ASCII)
_WORD = regex(r"[A-Za-z_/][\w./-]*", re.ASCII)  # safe inside of brackets, too
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def quoted(text: str) -> str:
    """A text as a YAML scalar on one line: plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return json.dumps(text, ensure_ascii=False)


class Item(NamedTuple):
    """One item of a list of layers: a step of a pattern, or lines of YAML."""

    step: str = ""
    lines: tuple[str, ...] = ()


def step_text(layer: Layer, values: Mapping[str, Any]) -> str:
    """The layer in pattern notation: `CONV3-64s2p1`; empty where it cannot be written that way."""
    text = layer.type.upper()
    signs = {name: layer.keys[name].notation for name in values}  # "" and "-" come before the suffixes
    for name in sorted(signs, key=lambda one: {"": 0, "-": 1, None: 2}.get(signs[one], 2)):
        sign, value = signs[name], scalar(values[name])
        if sign is None or not re.fullmatch(r"\d+(?:x\d+|\.\d+)?|same|half", value):
            return ""
        text += sign + value
    return text


def scalar(value: Any) -> str:
    """A value as YAML that can stand in brackets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Padding):
        if value.mode or (value.left, value.top) == (value.right, value.bottom):
            return str(value)
        return flow(value._asdict(), but="mode")
    if isinstance(value, str):
        return (
            value
            if _WORD.fullmatch(value) and value.lower() not in _RESERVED
            else json.dumps(value, ensure_ascii=False)
        )
    if isinstance(value, Volume):
        return str(value)[1:-1]
    if isinstance(value, Pair | Scaling | int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(scalar(one) for one in value)}]"
    raise TypeError(f"no way to write {value!r}")


def flow(values: Mapping[str, Any], but: str = "") -> str:
    return "{" + ", ".join(f"{name}: {scalar(value)}" for name, value in values.items() if name != but) + "}"


def listed(items: list[Item]) -> list[str]:
    """The lines of a YAML list."""
    out = []
    for item in patterns(items):
        if item.step:
            out.append(f"- {item_text(item.step)}")
        else:
            out.append(f"- {item.lines[0]}")
            out += [f"  {line}" for line in item.lines[1:]]
    return out


def item_text(text: str) -> str:
    return f'"{text}"' if text.startswith("[") else text


def patterns(items: list[Item]) -> list[Item]:
    """Steps in a row joined into patterns: a line for what leads up to each pool, broken where it gets long."""
    out: list[Item] = []
    stages: list[str] = []
    stage: list[str] = []

    def end_stage() -> None:
        if stage:
            stages.append(" -> ".join(_folded(stage)))
            stage.clear()

    for item in items:
        if item.step:
            stage.append(item.step)
            if "POOL" in item.step:
                end_stage()
        else:
            end_stage()
            out += [Item(line) for one in _folded(stages) for line in _broken(one)]
            stages.clear()
            out.append(item)
    end_stage()
    return [*out, *(Item(line) for one in _folded(stages) for line in _broken(one))]


def _broken(pattern: str) -> Iterator[str]:
    """A pattern in lines that are not too long, broken at arrows that stand in no bracket."""
    line, depth = "", 0
    for step in pattern.split(" -> "):
        if line and depth == 0 and len(line) + len(step) > LONGEST_PATTERN:
            yield line
            line = ""
        line = f"{line} -> {step}" if line else step
        depth += step.count("[") - step.count("]")
    yield line


def _folded(steps: list[str]) -> list[str]:
    """Repetitions of up to LONGEST_UNIT steps as `[..]*n`, the repetition that saves most first."""
    out: list[str] = []
    at = 0
    while at < len(steps):
        best, times = 0, 1
        for unit in range(1, min(LONGEST_UNIT, (len(steps) - at) // 2) + 1):
            repeats = 1
            while steps[at : at + unit] == steps[at + repeats * unit : at + (repeats + 1) * unit]:
                repeats += 1
            if unit * (repeats - 1) > best * (times - 1):
                best, times = unit, repeats
        if times == 1:
            out.append(steps[at])
            at += 1
        else:
            out.append(f"[{' -> '.join(_folded(steps[at : at + best]))}]*{times}")
            at += best * times
    return out


def joined(type: str, branches: list[list[Item]], name: str) -> Iterator[str]:
    """The lines of a join of nested branches, with its name if it has one."""
    yield f"{type}:"
    for items in branches:
        steps = patterns(items)
        if not items:
            yield "  - []"
        elif len(steps) == 1 and steps[0].step:
            yield f"  - {item_text(steps[0].step)}"
        else:
            lines = [*steps[0].lines] if len(steps) == 1 else listed(items)
            yield f"  - {lines[0]}"
            yield from (f"    {line}" for line in lines[1:])
    if name:
        yield f"name: {name}"
