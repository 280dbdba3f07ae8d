"""What `plan` assumes about training: the key `training:` of a spec, and its words."""

from collections.abc import Mapping as Table
from typing import get_args

from archcalc.diagnostics import Diagnostic, Problems, Refusal
from archcalc.graph import Node
from archcalc.language.entries import entries_of, unknown_key
from archcalc.language.names import UNKNOWN_NAME, read_name
from archcalc.language.suggest import MAX_SUGGESTIONS, nearest
from archcalc.precision import OPTIMIZERS, PRECISIONS, Device, Implementation
from archcalc.reader.expression import Environment
from archcalc.reader.integers import bad
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value
from archcalc.reader.values import Boolean, Choice, Integer, Kind
from archcalc.records import NamedTuple


class TrainingSettings(NamedTuple):
    batch: int = 1
    dtype: str = "float32"
    optimizer: str = "sgd-momentum"
    weight_decay: bool = False
    implementation: Implementation | None = None  # of the optimizer's step; None: the default of the device
    accumulate: int = 1
    keep_gradients: bool = False
    average: bool = False
    device: Device = "cpu"
    gpus: int = 1
    shard: int = 0
    bucket_views: bool = False
    freeze: tuple[str, ...] = ()  # layers and blocks whose weights get no gradient


KINDS: dict[str, Kind] = {
    "batch": Integer(1),
    "dtype": Choice(*PRECISIONS),
    "optimizer": Choice(*OPTIMIZERS),
    "weight_decay": Boolean(),
    "implementation": Choice(*get_args(Implementation)),
    "accumulate": Integer(1),
    "keep_gradients": Boolean(),
    "average": Boolean(),
    "device": Choice(*get_args(Device)),
    "gpus": Integer(1),
    "shard": Integer(0, 3),
    "bucket_views": Boolean(),
}

_FOREIGN = {
    "frozen": "freeze",
    "freeze_layers": "freeze",
    "batch_size": "batch",
    "minibatch": "batch",
    "precision": "dtype",
    "data_type": "dtype",
    "policy": "dtype",
    "solver": "optimizer",
    "optim": "optimizer",
    "accumulation": "accumulate",
    "gradient_accumulation": "accumulate",
    "accumulation_steps": "accumulate",
    "ema": "average",
    "foreach": "implementation",
    "fused": "implementation",
    "zero": "shard",
    "zero_stage": "shard",
    "gradient_as_bucket_view": "bucket_views",
}


def read_training(node: Value, variables: Environment) -> tuple[TrainingSettings, list[Diagnostic]]:
    """The value of `training:` -> what it says, with defaults for the rest, and what is wrong with it."""
    problems = Problems()
    frozen_names: tuple[str, ...] = ()
    values: dict[str, int | str | bool] = {}
    try:
        entries: Table[str, tuple[Scalar, Value]] = entries_of(node, "training")
    except Refusal as refusal:
        return TrainingSettings(), [refusal.diagnostic]
    for word, (key, value) in entries.items():
        if word == "freeze":
            names = value.items if isinstance(value, Sequence) else (value,)
            found = [problems.attempt(read_name, one) for one in names]
            frozen_names = tuple(one.text for one in found if one is not None)
            continue
        if word not in KINDS:
            meant = _FOREIGN.get(word.lower()) or nearest(word, [*KINDS, "freeze"])
            problems.append(unknown_key("training", key, meant, ", ".join([*KINDS, "freeze"])))
            continue
        try:
            values[word] = KINDS[word].read(value, variables)
        except Refusal as refusal:
            problems.append(refusal.diagnostic)
    said = TrainingSettings()._replace(**values, freeze=frozen_names)  # type: ignore[arg-type]
    there = OPTIMIZERS[said.optimizer].implementations()
    if said.implementation not in (None, *there):
        message = f"{said.optimizer} has no {said.implementation} implementation"
        problems.append(bad(entries["implementation"][1], message, help=(f"it has {', '.join(there)}",)).diagnostic)
        said = said._replace(implementation=None)
    return said, problems


def frozen(
    nodes: tuple[Node, ...], freeze: tuple[str, ...], training: Value
) -> tuple[tuple[Node, ...], list[Diagnostic]]:
    """The nodes, those that `freeze` names, or that stand in a block or repeat it names, without gradients."""
    problems: list[Diagnostic] = []
    given = training.get("freeze") if isinstance(training, Mapping) else None
    changed = list(nodes)
    inside: dict[str, list[int]] = {name: [] for name in freeze}  # nodes of this name, or in what has it
    for at, node in enumerate(nodes):
        parts = node.name.split(".")
        for end in range(1, len(parts) + 1):
            if (around := ".".join(parts[:end])) in inside:
                inside[around].append(at)
    listed = given.items if isinstance(given, Sequence) else (given,)
    for place in listed:
        if not isinstance(place, Scalar) or place.text not in freeze:
            continue  # no name, and said already
        name = place.text
        found = inside[name]
        if not found:
            meant = nearest(name, (node.name for node in nodes)) if len(problems) < MAX_SUGGESTIONS else None
            help = (f"did you mean `{meant}`?",) if meant else ()
            problems.append(Diagnostic(UNKNOWN_NAME, f"no layer or block is named `{name}`", place.span, help=help))
        for at in found:
            if nodes[at].layer.weighs():
                changed[at] = nodes[at]._replace(trainable=False)
    return tuple(changed), problems
