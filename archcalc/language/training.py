"""What `plan` assumes about training: the key `training:` of a spec, and its words."""

from collections.abc import Mapping
from typing import NamedTuple

from archcalc.diagnostics import Diagnostic, Refusal
from archcalc.language.entries import entries_of, unknown_key
from archcalc.language.suggest import nearest
from archcalc.precision import OPTIMIZERS, PRECISIONS
from archcalc.reader.expression import Environment
from archcalc.reader.nodes import Scalar, Value
from archcalc.reader.values import Choice, Integer, Kind


class TrainingSettings(NamedTuple):
    batch: int = 1
    dtype: str = "float32"
    optimizer: str = "sgd-momentum"


KINDS: dict[str, Kind] = {"batch": Integer(1), "dtype": Choice(*PRECISIONS), "optimizer": Choice(*OPTIMIZERS)}

_FOREIGN = {
    "batch_size": "batch",
    "minibatch": "batch",
    "precision": "dtype",
    "data_type": "dtype",
    "policy": "dtype",
    "solver": "optimizer",
    "optim": "optimizer",
}


def read_training(node: Value, variables: Environment) -> tuple[TrainingSettings, list[Diagnostic]]:
    """The value of `training:` -> what it says, with defaults for the rest, and what is wrong with it."""
    problems: list[Diagnostic] = []
    values: dict[str, int | str] = {}
    try:
        entries: Mapping[str, tuple[Scalar, Value]] = entries_of(node, "training")
    except Refusal as refusal:
        return TrainingSettings(), [refusal.diagnostic]
    for word, (key, value) in entries.items():
        if word not in KINDS:
            meant = _FOREIGN.get(word.lower()) or nearest(word, KINDS)
            problems.append(unknown_key("training", key, meant, ", ".join(KINDS)))
            continue
        try:
            values[word] = KINDS[word].read(value, variables)
        except Refusal as refusal:
            problems.append(refusal.diagnostic)
    return TrainingSettings()._replace(**values), problems  # type: ignore[arg-type]
