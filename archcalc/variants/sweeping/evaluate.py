"""Formulas over arrays: of 64 bits where bounds prove that no sum and no product leaves them, else of Python's integers."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from archcalc.variants.sweeping.numbers import Atom, Guard
from archcalc.variants.sweeping.polynomials import Monomial, Polynomial

Array = np.ndarray[Any, np.dtype[Any]]

LIMIT = 1 << 62


class Arrays:
    """The values of a structure's atoms and formulas at several points; `column` gives the columns' values there.

    `tops` are the largest values of the columns, which bound all that is computed from them.
    """

    def __init__(self, atoms: Sequence[Atom], column: Callable[[int], Array], tops: Sequence[int]) -> None:
        self.atoms, self.column, self.tops = atoms, column, tops
        self.products: dict[Monomial, Array] = {}
        self.bounds: list[int] = []  # of the atoms, each of which is made of those before
        for one in atoms:
            self.bounds.append(self._bound(one))

    def _bound(self, atom: Atom) -> int:
        if atom.kind == "axis":
            return self.tops[atom.axis]
        parts = atom.parts[:1] if atom.kind == "floor" else atom.parts
        return max(map(self.bound, parts)) + abs(atom.offset) + 1

    def bound(self, polynomial: Polynomial) -> int:
        """More than its value, or any part of its sum, can be."""
        total = 0
        for monomial, factor in polynomial:
            size = abs(factor)
            for one in monomial:
                size *= max(1, self.bounds[one])
            total += size
        return total

    def __call__(self, polynomial: Polynomial) -> Array | int:
        """The values of a formula; one integer where it is the same for all."""
        total: Any = 0
        large = self.bound(polynomial) >= LIMIT
        fresh = False
        for monomial, factor in polynomial:
            if not monomial:
                part: Any = factor
            else:
                part = self.product(monomial)
                part = part.astype(object) if large and part.dtype != object else part
                if factor != 1:
                    part = part * factor
                if isinstance(total, np.ndarray) and fresh and total.dtype == part.dtype:
                    total += part
                    continue
                if isinstance(total, int) and not total:
                    total, fresh = part, factor != 1
                    continue
            total, fresh = total + part, True
        return total  # type: ignore[no-any-return]

    def product(self, monomial: Monomial) -> Array:
        found = self.products.get(monomial)
        if found is None:
            if len(monomial) == 1:
                found = self._atom(monomial[0])
            else:
                one, other = self.product(monomial[:-1]), self.product(monomial[-1:])
                if self.bound(((monomial, 1),)) >= LIMIT:
                    one = one.astype(object)
                found = one * other
            self.products[monomial] = found
        return found

    def _atom(self, number: int) -> Array:
        atom = self.atoms[number]
        if atom.kind == "axis":
            return self.column(atom.axis)
        parts = [self(one) for one in atom.parts]
        found: Any
        if atom.kind == "floor":
            above, below = parts
            found = above // (np.where(np.equal(below, 0), 1, below) if isinstance(below, np.ndarray) else below)
        else:
            found = parts[0]
            for one in parts[1:]:
                found = np.maximum(found, one)
        return found - atom.offset if atom.offset else found  # type: ignore[no-any-return]

    def holds(self, guard: Guard) -> Any:
        """Where a guard holds: truth values, or one for all."""
        value = self(guard.polynomial)
        found = value > 0 if guard.kind == "positive" else value == 0
        return found if guard.holds else ~found if isinstance(found, np.ndarray) else not found


def worked(work: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    """An operation on arrays or integers that does not overflow; a division by zero gives 0."""
    product = (_most(one) + 1) * (_most(other) + 1)
    if product >= LIMIT:
        one, other = (each.astype(object) if isinstance(each, np.ndarray) else each for each in (one, other))
    if work in (operator.floordiv, operator.mod):
        return np.where(np.equal(other, 0), 0, work(one, np.where(np.equal(other, 0), 1, other)))
    return work(one, other)


def _most(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return max(abs(int(value.min())), abs(int(value.max()))) if value.size else 0
    return abs(int(value))
