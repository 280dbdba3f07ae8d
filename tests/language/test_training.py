"""`training:` of a spec."""

from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.language.training import TrainingSettings
from archcalc.precision import OPTIMIZERS

KNOWN = f"{', '.join([*OPTIMIZERS][:-1])} or {[*OPTIMIZERS][-1]}"
HEAD = "input: 8x8x3\nlayers: [CONV3-4]\ntraining: "


def load(tmp_path: Path, text: str) -> archcalc.Architecture:
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + text)
    return archcalc.load(str(spec))


def test_what_is_said_and_what_is_assumed(tmp_path: Path) -> None:
    assert load(tmp_path, "{batch: 32, optimizer: adam}").training == TrainingSettings(32, "float32", "adam")
    assert archcalc.load("zoo:vgg16").training == TrainingSettings(1, "float32", "sgd-momentum")


OPTIONS: list[tuple[str, dict[str, Any]]] = [  # of `training:` and of a plan
    ("weight_decay: true", {"weight_decay": True}),
    ("implementation: fused", {"implementation": "fused"}),
    ("accumulate: 4", {"accumulate": 4}),
    ("keep_gradients: true", {"keep_gradients": True}),
    ("average: true", {"average": True}),
    ("device: cuda", {"device": "cuda"}),
    ("gpus: 4", {"gpus": 4}),
    ("gpus: 4, shard: 2", {"gpus": 4, "shard": 2}),
    ("gpus: 4, bucket_views: true", {"gpus": 4, "bucket_views": True}),
]


@pytest.mark.parametrize(("said", "options"), OPTIONS)
def test_how_a_step_trains_is_said_in_the_spec(tmp_path: Path, said: str, options: dict[str, Any]) -> None:
    """As an option does, which goes before it."""
    network = load(tmp_path, f"{{optimizer: adam, {said}}}")
    plain = load(tmp_path, "{optimizer: adam}")
    assert network.plan() == plain.plan(**options)
    others: dict[str, Any] = {"implementation": "loop", "device": "cpu", "gpus": 1, "accumulate": 1, "shard": 0}
    off = {name: others.get(name, False) for name in options}
    assert network.plan(**off).training == plain.plan().training
    assert network.training == TrainingSettings(optimizer="adam")._replace(**options)


def test_an_implementation_is_that_of_the_specs_own_optimizer(tmp_path: Path) -> None:
    network = load(tmp_path, "{optimizer: adam, implementation: fused}")
    assert network.plan(optimizer="lion").settings.stepping == "loop"


@pytest.mark.parametrize(
    ("text", "column", "code", "message", "help"),
    [
        ("{batch_size: 3}", 12, "AC102", "training has no key `batch_size`", ("did you mean `batch`?",)),
        ("{optmizer: sgd}", 12, "AC102", "training has no key `optmizer`", ("did you mean `optimizer`?",)),
        ("{zero_stage: 2}", 12, "AC102", "training has no key `zero_stage`", ("did you mean `shard`?",)),
        ("{weight_decay: yes}", 26, "AC104", "`yes` stands where true or false is expected", ("write true",)),
        ("{shard: 4}", 19, "AC104", "4 is out of range: it must be at most 3", ()),
        ("{optimizer: lion, implementation: fused}", 45, "AC104", "lion has no fused implementation", ("it has loop",)),
        ("{batch: 0}", 19, "AC104", "0 is out of range: it must be at least 1", ()),
        ("{optimizer: shampoo}", 23, "AC104", f"`shampoo` stands where {KNOWN} is expected", ()),
        ("32", 11, "AC101", "training is a mapping, not `32`", ()),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, text: str, column: int, code: str, message: str, help: tuple[str, ...]
) -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        load(tmp_path, text)
    (one,) = caught.value.diagnostics
    assert (one.span.line, one.span.column, one.code, one.message, one.help) == (3, column, code, message, help)
