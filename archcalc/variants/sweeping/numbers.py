"""Whole numbers that stand for the variables of many networks at once, and for what is computed from them.

A number is a polynomial in *atoms*, with the value that it has for one network, its sample, and the bounds between which it
is for all of them.  Atoms are the axes of the space, and what is no polynomial: floor(p/q), the largest of several, and long
sums under a name.  Atoms are never negative, whatever is below is a constant beside them; so bounds are sums of products.

What a comparison says is decided by bounds where these suffice.  Where they do not, the answer is the sample's, and the
trace keeps it as a guard: what was computed holds for the networks that answer every guard alike.  The use as an index, as a
count of repeats or as anything else that wants one definite integer is the guard that it is this one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from archcalc.records import NamedTuple
from archcalc.variants.sweeping.polynomials import Monomial, Polynomial, Terms, added, divided, plain, quotient_bounds

MOST_TERMS = 64  # of a product; longer factors get a name


class Atom(NamedTuple):
    """`kind` of `parts`, less `offset`.  axis: the column `axis`; floor: of a quotient; most: the largest; sum: of one part."""

    kind: Literal["axis", "floor", "most", "sum"]
    parts: tuple[Polynomial, ...] = ()
    offset: int = 0
    axis: int = 0


class Guard(NamedTuple):
    """That a polynomial is positive, or zero; or, `holds` off, that it is not."""

    polynomial: Polynomial
    kind: Literal["positive", "zero"]
    holds: bool


class Trace:
    """The atoms and guards of one run of the analysis."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.bounds: list[tuple[int, int]] = []  # of the atoms, under the guards so far
        self.samples: list[int] = []
        self.known: dict[Atom, int] = {}
        self.numbers: dict[frozenset[tuple[Monomial, int]], Number] = {}
        self.guards: dict[tuple[str, Number], bool] = {}

    def axis(self, column: int, most: int, sample: int) -> int:
        """The number of a column that holds 0 to `most`."""
        return self.atom(Atom("axis", axis=column), most, sample)

    def atom(self, atom: Atom, most: int, sample: int) -> int:
        if atom not in self.known:
            self.known[atom] = len(self.atoms)
            self.atoms.append(atom)
            self.bounds.append((0, most))
            self.samples.append(sample)
        return self.number({(self.known[atom],): 1}, sample)

    def number(self, terms: Terms, sample: int, low: int | None = None, high: int | None = None) -> int:
        """The number of these terms, once; a plain integer where it is the same for all."""
        terms = {monomial: factor for monomial, factor in terms.items() if factor}
        if not terms or (len(terms) == 1 and () in terms):
            return terms.get((), 0)
        least, most = self.range(terms)
        low, high = least if low is None else max(low, least), most if high is None else min(high, most)
        key = frozenset(terms.items())
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = Number(self, terms, sample, low, high)
        else:
            found.low, found.high = max(low, found.low), min(high, found.high)
        return found.low if found.low == found.high else found  # type: ignore[return-value]

    def range(self, terms: Terms) -> tuple[int, int]:
        """Bounds of a sum of products of atoms, none of which is negative."""
        low = high = 0
        bounds = self.bounds
        for monomial, factor in terms.items():
            least = most = factor
            for one in monomial:
                least *= bounds[one][0]
                most *= bounds[one][1]
            if factor < 0:
                least, most = most, least
            low += least
            high += most
        return low, high

    def decide(self, number: Any, kind: Literal["positive", "zero"]) -> bool:
        """Whether a number is positive, or zero: by its bounds, or as for the sample, which is then a guard."""
        if not isinstance(number, Number):
            return bool(number > 0 if kind == "positive" else number == 0)
        low, high = number.low, number.high
        if kind == "positive":
            if low > 0 or high <= 0:
                return low > 0
        elif low > 0 or high < 0:
            return False
        key = kind, number
        if key not in self.guards:
            holds = self.guards[key] = number.sample > 0 if kind == "positive" else number.sample == 0
            if kind == "positive":
                number.low, number.high = (max(low, 1), high) if holds else (low, min(high, 0))
            elif holds:
                number.low = number.high = 0
            elif low == 0:
                number.low = 1
            self._narrow(number)
        return self.guards[key]

    def _narrow(self, number: "Number") -> None:
        """What a guard says of a single atom."""
        terms = {monomial: factor for monomial, factor in number.terms.items() if monomial}
        (monomial, factor), *more = terms.items()
        if more or len(monomial) > 1:
            return
        low, high = (end - number.terms.get((), 0) for end in (number.low, number.high))
        if factor < 0:
            low, high, factor = -high, -low, -factor
        least, most = self.bounds[monomial[0]]
        self.bounds[monomial[0]] = max(least, -(-low // factor)), min(most, high // factor)

    def floor(self, above: int, below: int) -> int:
        """The quotient, rounded down; `below` is never 0."""
        over, under = _terms(above), _terms(below)
        sample = plain_of(above) // plain_of(below)
        if len(under) == 1:
            ((monomial, factor),) = under.items()
            if factor < 0:
                return self.floor(-above, -below)
            whole, over = divided(over, monomial, factor)
            if whole:
                quotient = self.number(whole, _value(self, whole))
                return quotient + self.floor(above - quotient * below, below)
            if not over:
                return 0
        low, high = quotient_bounds(bounds_of(above), bounds_of(below))
        if low == high:
            return low
        atom = Atom("floor", (plain(over), plain(under)), low)
        return low + self.atom(atom, high - low, sample - low)

    def most(self, values: Iterable[int]) -> int:
        """The largest of several; those that another one is never below are left out."""
        kept: list[int] = []
        for one in sorted(dict.fromkeys(values), key=lambda one: -plain_of(one)):
            if not any(self.range(added(_terms(other), _terms(one), -1))[0] >= 0 for other in kept):
                kept.append(one)
        if len(kept) == 1:
            return kept[0]
        ends = [bounds_of(one) for one in kept]
        low, high = max(one for one, _ in ends), max(one for _, one in ends)
        atom = Atom("most", tuple(sorted(plain(_terms(one)) for one in kept)), low)
        return low + self.atom(atom, high - low, plain_of(kept[0]) - low)

    def named(self, number: Any) -> Any:
        """A long sum as an atom."""
        atom = Atom("sum", (plain(number.terms),), number.low)
        return number.low + self.atom(atom, number.high - number.low, number.sample - number.low)

    def conditions(self) -> tuple[Guard, ...]:
        """The guards, in the order in which they were asked."""
        return tuple(
            Guard(plain(one.terms), kind, holds)  # type: ignore[arg-type]
            for (kind, one), holds in self.guards.items()
        )


class Number:
    """A whole number of a trace.  To `isinstance` it is an int; equal numbers are one object."""

    __slots__ = ("high", "low", "sample", "terms", "trace")

    def __init__(self, trace: Trace, terms: Terms, sample: int, low: int, high: int) -> None:
        self.trace, self.terms, self.sample, self.low, self.high = trace, terms, sample, low, high

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int

    def __add__(self, other: Any) -> int:
        if not isinstance(other, int):
            return NotImplemented
        low, high = bounds_of(other)
        terms = added(self.terms, _terms(other))
        return self.trace.number(terms, self.sample + plain_of(other), self.low + low, self.high + high)

    __radd__ = __add__

    def __neg__(self) -> int:
        terms = {monomial: -factor for monomial, factor in self.terms.items()}
        return self.trace.number(terms, -self.sample, -self.high, -self.low)

    def __sub__(self, other: Any) -> int:
        if not isinstance(other, int):
            return NotImplemented
        low, high = bounds_of(other)
        terms = added(self.terms, _terms(other), -1)
        return self.trace.number(terms, self.sample - plain_of(other), self.low - high, self.high - low)

    def __rsub__(self, other: Any) -> Any:
        return -(self - other)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented  # a list is repeated, by __index__
        one: Any = self
        if len(_terms(one)) * len(_terms(other)) > MOST_TERMS:
            one, other = (self.trace.named(each) if len(_terms(each)) > 2 else each for each in (one, other))
        terms: dict[Monomial, int] = {}
        for left, factor in _terms(one).items():
            for right, by in _terms(other).items():
                monomial = tuple(sorted(left + right))
                terms[monomial] = terms.get(monomial, 0) + factor * by
        ends = [left * right for left in bounds_of(one) for right in bounds_of(other)]
        return self.trace.number(terms, plain_of(one) * plain_of(other), min(ends), max(ends))

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> int:
        return _divmod(self.trace, self, other)[0]

    def __rfloordiv__(self, other: Any) -> int:
        return _divmod(self.trace, other, self)[0]

    def __mod__(self, other: Any) -> int:
        return _divmod(self.trace, self, other)[1]

    def __rmod__(self, other: Any) -> int:
        return _divmod(self.trace, other, self)[1]

    def __divmod__(self, other: Any) -> tuple[int, int]:
        return _divmod(self.trace, self, other)

    def __rdivmod__(self, other: Any) -> tuple[int, int]:
        return _divmod(self.trace, other, self)

    def __pow__(self, exponent: int) -> int:
        found: int = 1
        for _ in range(exponent):
            found = found * self
        return found

    def __abs__(self) -> int:
        return -self if self < 0 else self  # type: ignore[return-value]

    def __pos__(self) -> "Number":
        return self

    def __gt__(self, other: Any) -> bool:
        return self.trace.decide(self - _whole(other), "positive")

    def __lt__(self, other: Any) -> bool:
        return self.trace.decide(_whole(other) - self, "positive")

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, int):
            return False
        return self.trace.decide(abs_first(self - other), "zero")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        return not self.trace.decide(self, "zero")

    def __index__(self) -> int:
        """The sample; that it is this very integer is then a guard."""
        self.trace.decide(abs_first(self - self.sample), "zero")
        return self.sample

    __int__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())

    def __truediv__(self, other: Any) -> float:
        return self.__index__() / other  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> float:
        return other / self.__index__()  # type: ignore[no-any-return]

    def __lshift__(self, other: int) -> int:
        return self * 2**other  # type: ignore[no-any-return]

    def bit_length(self) -> int:
        return self.__index__().bit_length()

    @property
    def numerator(self) -> "Number":
        return self

    @property
    def denominator(self) -> int:
        return 1

    def largest(self, values: Sequence[int]) -> int:
        """What `archcalc.symbolic.largest` asks for."""
        return self.trace.most(values)

    def __repr__(self) -> str:
        return repr(self.sample)

    def __format__(self, spec: str) -> str:
        return format(self.sample, spec)


def plain_of(value: Any) -> int:
    """The sample."""
    return value.sample if isinstance(value, Number) else value


def bounds_of(value: Any) -> tuple[int, int]:
    return (value.low, value.high) if isinstance(value, Number) else (value, value)


def polynomial_of(value: Any) -> Polynomial:
    """A number as plain data."""
    return plain(_terms(value))


def abs_first(number: Any) -> Any:
    """A difference or its negative: one of both, so that a = b and b = a are one guard."""
    if not isinstance(number, Number):
        return number
    return -number if number.terms[min(one for one in number.terms if one)] < 0 else number


def _whole(value: Any) -> int:
    """What is compared with: an infinite number is beyond all bounds."""
    if isinstance(value, float):
        return int(value) if abs(value) < float("inf") else (1 if value > 0 else -1) << 4000
    return value  # type: ignore[no-any-return]


def _terms(value: Any) -> Terms:
    return value.terms if isinstance(value, Number) else {(): value} if value else {}


def _value(trace: Trace, terms: Terms) -> int:
    """The sample's value of terms."""
    total = 0
    for monomial, factor in terms.items():
        for one in monomial:
            factor *= trace.samples[one]
        total += factor
    return total


def _divmod(trace: Trace, above: Any, below: Any) -> tuple[int, int]:
    if below == 0:
        raise ZeroDivisionError("integer division or modulo by zero")
    quotient = trace.floor(above, below)
    rest: Any = above - quotient * below
    if isinstance(rest, Number):
        low, high = bounds_of(below)
        least, most = (0, high - 1) if low > 0 else (low + 1, 0) if high < 0 else (low, high)
        rest = trace.number(rest.terms, rest.sample, least, most)
    return quotient, rest
