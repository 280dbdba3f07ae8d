"""One chunk of points: conditions on variables, structures and their formulas, conditions on figures."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from archcalc.records import NamedTuple
from archcalc.variants.sweeping.conditions import Condition
from archcalc.variants.sweeping.evaluate import Array, Arrays
from archcalc.variants.sweeping.front import Rows
from archcalc.variants.sweeping.numbers import Trace, polynomial_of
from archcalc.variants.sweeping.points import Points
from archcalc.variants.sweeping.quantities import Wanted
from archcalc.variants.sweeping.structure import Misfit, Source, Structure

LEAST_SHARED = 16  # networks a structure, on average of ...
TRIED = 48  # ... so many structures, below which tracing does not pay


class Tally(NamedTuple):
    """What became of the points.  `excluded` by a condition on variables, `misfits` by code and layer, each with an example.

    `rejected` by a condition on figures, the first that does not hold; `unknown`: a figure that a condition needs is not known.
    `single`: computed one by one, as their structures were too many.
    """

    networks: int = 0
    excluded: int = 0
    misfits: "Counter[tuple[str, str]]" = Counter()
    examples: "dict[tuple[str, str], tuple[str, tuple[int, ...]]]" = {}
    rejected: "Counter[str]" = Counter()
    unknown: int = 0
    fitting: int = 0
    single: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            self.networks + other.networks,
            self.excluded + other.excluded,
            self.misfits + other.misfits,
            {**other.examples, **self.examples},
            self.rejected + other.rejected,
            self.unknown + other.unknown,
            self.fitting + other.fitting,
            self.single + other.single,
        )


class Worker:
    """Computes chunks; what it traced for one serves the next."""

    def __init__(
        self, source: Source, points: Points, conditions: Sequence[Condition], wanted: Sequence[Wanted]
    ) -> None:
        self.source, self.points, self.wanted = source, points, tuple(wanted)
        self.of_variables = [one for one in conditions if not one.figures]
        self.of_figures = [one for one in conditions if one.figures]
        self.structures: list[Structure] = []
        self.settings: list[Structure] = []
        tables = source.space.columns()
        self.tables = [None if one is None else np.array(one) - min(one) for one in tables]
        self.tops = [size - 1 for size in points.sizes]
        self.tops += [0 if one is None else int(one.max()) for one in self.tables]
        self.owners = [at for at, axis in enumerate(source.space.axes) for _ in _columns(axis.values)]
        self.shared = self.single = 0  # points computed by formulas, and one by one

    def chunk(self, number: int) -> tuple[Rows, Tally]:
        """The networks of a chunk that satisfy all conditions, and what became of the others."""
        index = self.points.indices(number)
        there = np.arange(len(index[0]))
        tally = Tally(networks=len(there))
        if self.of_variables:
            there = self._satisfying(there, index)
            tally = tally._replace(excluded=tally.networks - len(there))
        found: list[tuple[Array, dict[Wanted, Any]]] = []
        tallies: list[Tally] = []
        for structure, at, arrays in self._spread(self.structures, there, index, self._structure):
            if structure.misfit is not None:
                tallies.append(_misfit(structure.misfit, len(at), [int(one[at[0]]) for one in index]))
                continue
            figures = {name: None if one is None else arrays(one) for name, one in structure.figures.items()}
            at, figures, more = self._judged(at, figures, index)
            tallies.append(more)
            if len(at):
                found.append((at, figures))
        for one in tallies:
            tally = tally.plus(one)
        tally, self.single = tally._replace(single=self.single), 0
        return self._rows(found, index, number), tally

    def _rows(self, found: list[tuple[Array, dict[Wanted, Any]]], index: list[Array], number: int) -> Rows:
        at = np.concatenate([one for one, _ in found]) if found else np.zeros(0, dtype=np.int64)
        columns = {
            name: np.concatenate([_filled(figures[name], len(one)) for one, figures in found])
            if found
            else np.zeros(0, dtype=np.int64)
            for name in self.wanted
        }
        rows = Rows(at + number * self.points.chunk, tuple(one[at] for one in index), columns)
        return rows if len(found) < 2 else rows.take(np.argsort(at))

    def _judged(
        self, at: Array, figures: dict[Wanted, Any], index: list[Array]
    ) -> tuple[Array, dict[Wanted, Any], Tally]:
        """What satisfies the conditions on figures."""
        rejected: Counter[str] = Counter()
        unknown = 0
        for one in self.of_figures:
            if not len(at):
                break
            if any(figures[name] is None for name in one.figures):
                unknown, at = unknown + len(at), at[:0]
                break
            variables = self._variables(at, index, one) if one.variables else {}
            known = dict[Wanted | str, Any](variables)
            known.update(figures.items())
            holds = one.holds(known.__getitem__)
            if not isinstance(holds, np.ndarray):
                holds = np.full(len(at), bool(holds))
            if not holds.all():
                holds = holds.astype(bool)
                rejected[one.text] += int(len(at) - holds.sum())
                at = at[holds]
                figures = {
                    name: value[holds] if isinstance(value, np.ndarray) else value for name, value in figures.items()
                }
        return at, figures, Tally(rejected=rejected, unknown=unknown, fitting=len(at))

    def _variables(self, at: Array, index: list[Array], condition: Condition) -> dict[Wanted | str, Any]:
        """The values of a condition's variables at points."""
        found: dict[Wanted | str, Any] = {name: np.zeros(len(at), dtype=object) for name in condition.variables}
        place = {int(one): number for number, one in enumerate(at)} if len(self.settings) > 1 else {}
        for structure, part, arrays in self._spread(self.settings, at, index, self._setting):
            for name in condition.variables:
                value = arrays(structure.figures[Wanted(f"${name}")] or ())
                if len(part) == len(at):
                    found[name] = value
                else:
                    place = place or {int(one): number for number, one in enumerate(at)}
                    found[name][[place[int(one)] for one in part]] = value
        return found

    def _satisfying(self, at: Array, index: list[Array]) -> Array:
        """The points whose variables satisfy the conditions on them."""
        for one in self.of_variables:
            if len(at):
                variables = self._variables(at, index, one)
                holds = one.holds(variables.__getitem__)
                at = at[np.broadcast_to(np.asarray(holds, dtype=bool), at.shape)]
        return at

    def _spread(
        self, known: list[Structure], at: Array, index: list[Array], make: Callable[[Sequence[int]], Structure]
    ) -> Iterator[tuple[Structure, Array, Arrays]]:
        """The points by their structures, known ones first."""
        pending = at
        tried = 0
        while len(pending):
            if tried == len(known):
                if known is self.structures and len(known) >= TRIED and self.shared < LEAST_SHARED * len(known):
                    yield from self._singly(pending, index)
                    return
                known.append(make([int(one[pending[0]]) for one in index]))
            structure = known[tried]
            arrays = self._arrays(structure, pending, index)
            mask: Any = True
            for guard in structure.guards:
                mask = arrays.holds(guard) & mask
                if not np.any(mask):
                    break
            if mask is True or np.all(mask):
                matched, pending = pending, pending[:0]
            elif not np.any(mask):
                matched = pending[:0]
            else:
                matched, pending = pending[mask], pending[~mask]
                arrays = self._arrays(structure, matched, index)
            if len(matched):
                if tried and not len(pending):  # the next chunk most likely begins with it
                    known.insert(0, known.pop(tried))
                if known is self.structures:
                    self.shared += len(matched)
                yield structure, matched, arrays
            tried += 1

    def _arrays(self, structure: Structure, at: Array, index: list[Array]) -> Arrays:
        axes = len(self.points.sizes)
        whole = len(at) == len(index[0])

        def column(number: int) -> Array:
            place = index[number if number < axes else self.owners[number - axes]]
            chosen = place if whole else place[at]
            if number < axes:
                return chosen
            table = self.tables[number - axes]
            assert table is not None
            return table[chosen]

        return Arrays(structure.atoms, column, self.tops)

    def _structure(self, index: Sequence[int]) -> Structure:
        return self.source.structure(index, self.wanted)

    def _setting(self, index: Sequence[int]) -> Structure:
        """The formulas of the variables themselves."""
        trace = Trace()
        values = self.source.space.numbers(trace, index)
        formulas = {
            Wanted(f"${name}"): polynomial_of(value) for name, value in values.items() if not isinstance(value, tuple)
        }
        return Structure(tuple(trace.atoms), trace.conditions(), formulas)

    def _singly(self, pending: Array, index: list[Array]) -> Iterator[tuple[Structure, Array, Arrays]]:
        """Points of structures of their own, by the analysis in plain integers."""
        self.single += len(pending)
        for one in pending:
            found = self.source.figures([int(axis[one]) for axis in index], self.wanted)
            figures = (
                {}
                if isinstance(found, Misfit)
                else {name: None if value is None else (((), value),) for name, value in found.items()}
            )
            structure = Structure((), (), figures, found if isinstance(found, Misfit) else None)
            yield structure, np.array([one]), Arrays((), lambda number: index[number], ())


def _misfit(misfit: Misfit, count: int, point: list[int]) -> Tally:
    key = misfit.code, misfit.layer
    return Tally(misfits=Counter({key: count}), examples={key: (misfit.message, tuple(point))})


def _filled(value: Any, length: int) -> Array:
    if isinstance(value, np.ndarray):
        return value
    kind = object if value is None or abs(value) >= 1 << 62 else np.int64
    return np.full(length, value, dtype=kind)


def _columns(values: Sequence[Sequence[Any]]) -> Iterator[None]:
    for one in values:
        if not isinstance(one[0], tuple):
            yield None
        elif len({len(each) for each in one}) == 1:
            yield from [None] * len(one[0])
