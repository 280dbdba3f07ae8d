"""The figures that `expect:` may name: how each is read, shown, and taken from a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from archcalc import units
from archcalc.analysis.analyze import Report
from archcalc.checks.figures import read_count
from archcalc.language.document import Document
from archcalc.precision import PRECISIONS
from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.memory.results import MaxBatch, Plan, Training


class Case(NamedTuple):
    """What figures are taken from; `batch` and `budget` are what stands behind `at`."""

    document: Document
    report: Report
    judged: bool  # whether the network is all there, so that figures can be held against it
    batch: int | None = None
    budget: int = 0


class Quantity(NamedTuple):
    """Something to expect: how its figures are read and shown, and what it is for a network."""

    words: str
    read: Callable[[str], int]
    show: Callable[[int], str]
    value: Callable[[Case], int]
    at: str = ""  # what may stand behind `at`: "batch" or "budget"


class NotKnown(Exception):
    """A figure that cannot be computed; says why."""


def _plan(case: Case) -> "Plan":
    """The plan with what the spec's `training` says, except for the batch behind `at`."""
    from archcalc.memory.plan import plan
    from archcalc.memory.settings import Settings

    said = case.document.training
    _stated(case, "params")
    settings = Settings.of(said)._replace(batch=case.batch or said.batch, budget=case.budget)
    return plan(case.report, settings)


def _trained(case: Case) -> "tuple[Training, MaxBatch]":
    found = _plan(case)
    if found.training is None:
        raise NotKnown(f"{case.document.training.dtype} cannot be trained")
    if found.unknown:
        raise NotKnown(f"what autograd keeps of {found.unknown[0]} is not known")
    assert found.budget is not None
    return found.training, found.budget.max_batch


def _activation_memory(case: Case) -> int:
    training = case.document.training
    return case.report.totals.activations * PRECISIONS[training.dtype].activations * (case.batch or training.batch)


def _count(words: str, name: str) -> Quantity:
    def value(case: Case) -> int:
        _stated(case, name)
        found: int = getattr(case.report.totals, name)
        return found

    return Quantity(words, read_count, "{:,}".format, value)


def _stated(case: Case, name: str) -> None:
    """Refuse a sum that a layer's figure is missing from."""
    if name in case.report.totals.unknown:
        row = next(row for row in case.report.rows if name in row.cost.unknown)
        raise NotKnown(f"{row.node.name} does not say its {name}")


def _memory(words: str, value: Callable[[Case], int]) -> Quantity:
    return Quantity(words, units.read_size, units.size, value, "batch")


QUANTITIES = {
    "params": _count("parameters: weights and biases", "params"),
    "weights": _count("weights, without biases", "weights"),
    "macs": _count("multiply-accumulates for an image", "macs"),
    "flops": _count("operations for an image", "flops"),
    "activations": _count("values of all volumes for an image", "activations"),
    "activation_memory": _memory("memory of all volumes, forward", _activation_memory),
    "inference_memory": _memory("memory that inference needs", lambda case: _plan(case).inference.total_bytes),
    "training_memory": _memory("memory that a training step needs", lambda case: _trained(case)[0].total_bytes),
    "max_batch": Quantity(
        "the most images that can be trained on at once",
        read_count,
        "{:,}".format,
        lambda case: _trained(case)[1].training or 0,
        "budget",
    ),
}
