"""A structure: the formulas of all networks that answer the same comparisons alike, from one run of the analysis."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from archcalc.analysis.analyze import analyze
from archcalc.diagnostics import Diagnostic
from archcalc.language.making import Layers
from archcalc.language.program import Program
from archcalc.layers.reshape import Input
from archcalc.records import NamedTuple
from archcalc.variants.sweeping.numbers import Atom, Guard, Trace, polynomial_of
from archcalc.variants.sweeping.polynomials import Polynomial
from archcalc.variants.sweeping.quantities import Network, Wanted
from archcalc.variants.sweeping.space import Space, input_of, settings
from archcalc.volume import Volume


class Misfit(NamedTuple):
    """Why a network is none; `layer` is its name, or what of the spec is at fault."""

    code: str
    layer: str
    message: str


class Structure(NamedTuple):
    """`figures` hold for the points that answer the guards; None is a figure that nobody knows."""

    atoms: tuple[Atom, ...]
    guards: tuple[Guard, ...]
    figures: Mapping[Wanted, Polynomial | None]
    misfit: Misfit | None = None


class Source:
    """A compiled spec and the space around it."""

    def __init__(self, program: Program, space: Space) -> None:
        self.program, self.space = program, space

    @cached_property
    def input(self) -> Volume:
        """The input's size in the spec."""
        layer = self.program.document().graph.nodes[0].layer
        return layer.volume if isinstance(layer, Input) else Volume(1, 1, 1)

    def expected(self, wanted: Sequence[Wanted]) -> int:
        """How many structures there may be: all combinations of the axes that the first network's guards fix."""
        total = 1
        first = self.structure([0] * len(self.space.axes), wanted)
        for guard in first.guards:
            atoms = [first.atoms[one] for monomial, _ in guard.polynomial for one in monomial]
            if guard.kind == "zero" and guard.holds and len(atoms) == 1 and atoms[0].kind == "axis":
                total *= self.space.axes[atoms[0].axis].size if atoms[0].axis < len(self.space.axes) else 1
        return total

    def structure(self, index: Sequence[int], wanted: Sequence[Wanted]) -> Structure:
        """The structure of the point `index`."""
        trace = Trace()
        found = self.measured(self.space.numbers(trace, index), wanted)
        if isinstance(found, Misfit):
            return Structure(tuple(trace.atoms), trace.conditions(), {}, found)
        formulas = {one: None if value is None else polynomial_of(value) for one, value in found.items()}
        return Structure(tuple(trace.atoms), trace.conditions(), formulas)

    def figures(self, index: Sequence[int], wanted: Sequence[Wanted]) -> dict[Wanted, int | None] | Misfit:
        """The figures of one point, in plain integers."""
        return self.measured(self.space.point(index), wanted)

    def measured(self, point: Mapping[str, Any], wanted: Sequence[Wanted]) -> dict[Wanted, int | None] | Misfit:
        """The figures of a point, or why there are none."""
        program, known = self.program, self.space.known
        program.layers = Layers()  # those of another trace would not ask its questions again
        input = input_of(point, known, lambda: self.input)
        document = program.document(settings(point, known), input)
        for one in document.problems:
            if one.severity == "error":
                return Misfit(one.code, self._place(one), one.message)
        report = analyze(document.graph, fields=any(one.name.startswith("receptive_field") for one in wanted))
        if report.problems:
            there = {row.position for row in report.rows}
            failed = next(
                node
                for position, node in enumerate(report.graph.nodes)
                if position not in there and there.issuperset(node.inputs)
            )
            first = report.problems[0]
            return Misfit(first.code, failed.name, first.message)
        network = Network(report, document.training)
        return {one: network.figure(one) for one in wanted}

    def _place(self, one: Diagnostic) -> str:
        return f"line {one.span.line}"
