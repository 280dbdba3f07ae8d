"""Polynomials in atoms, which are numbered: a sum is a mapping of monomials to whole factors."""

from collections.abc import Mapping

Monomial = tuple[int, ...]  # atoms, ascending, as often as they are factors
Terms = Mapping[Monomial, int]
Polynomial = tuple[tuple[Monomial, int], ...]  # terms as plain data, in one order


def plain(terms: Terms) -> Polynomial:
    """Terms as plain data."""
    return tuple(sorted(terms.items()))


def added(one: Terms, other: Terms, times: int = 1) -> dict[Monomial, int]:
    found = dict(one)
    for monomial, factor in other.items():
        found[monomial] = found.get(monomial, 0) + times * factor
    return found


def divided(terms: Terms, monomial: Monomial, factor: int) -> tuple[dict[Monomial, int], dict[Monomial, int]]:
    """Terms over a single one: the quotient, of whole terms, and the terms of the rest."""
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for one, by in terms.items():
        left = list(one)
        for atom in monomial:
            if atom not in left:
                rest[one] = by
                break
            left.remove(atom)
        else:
            times, over = divmod(by, factor)
            if times:
                whole[tuple(left)] = times
            if over:
                rest[one] = over
    return whole, rest


def quotient_bounds(above: tuple[int, int], below: tuple[int, int]) -> tuple[int, int]:
    """Bounds of a quotient, rounded down."""
    low, high = below
    if low <= 0 <= high:
        most = max(map(abs, above))
        return -most - 1, most
    ends = [one // other for one in above for other in below]
    return min(ends), max(ends)
