"""Folding a report by where its layers stand: one entry for a block or a pass of a named repeat."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")

Path = tuple[str, ...]


def by_path(items: Iterable[T], path: Callable[[T], Path], depth: int) -> list[tuple[str, list[T]]]:
    """Neighbours that share the first `depth` names of their paths, under that name; others alone, under "".

    A layer that stands less deep than `depth` blocks is not in any of them.
    """
    out: list[tuple[str, list[T]]] = []
    for around, group in groupby(items, lambda one: path(one)[:depth]):
        if len(around) == depth:
            out.append((".".join(around), list(group)))
        else:
            out += [("", [one]) for one in group]
    return out
