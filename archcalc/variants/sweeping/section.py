"""The wish of a spec's `sweep:` section, under what a command line or a call says."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from archcalc.diagnostics import Problems, Refusal, SpecError
from archcalc.language.program import Program
from archcalc.language.sweeping import Said, SweepSection, read_sweep
from archcalc.reader.values import Choice, Integer
from archcalc.variants.sweeping.conditions import read_objectives

T = TypeVar("T")

KINDS: dict[str, Any] = {
    "top": Integer(1, 1_000_000),
    "sample": Integer(1),
    "seed": Integer(0),
    "sampling": Choice("random", "lhs"),
}


def section(program: Program) -> SweepSection:
    """The section of a program that has no errors."""
    if "sweep" not in program.entries:
        return SweepSection()
    return read_sweep(program.entries["sweep"][1], Problems())


def options(found: SweepSection, path: str) -> dict[str, Any]:
    """The options of a section by the names that a Wish has."""
    read: dict[str, Any] = {}
    for word, said in found.options.items():
        read[word] = taken(said, path, partial(_option, word, said))
    return read


def _option(word: str, said: Said) -> Any:
    """An option's value; figures are kept as their text, once that can be read."""
    if word in KINDS:
        return KINDS[word].read(said.node, {})
    read_objectives(said.text)
    return said.text


def taken(said: Said, path: str, read: Callable[[], T]) -> T:
    """What is read of a section's text; its refusals stand where the text does."""
    try:
        return read()
    except Refusal as refusal:
        raise SpecError(path, [refusal.diagnostic._replace(span=said.node.span)]) from None
