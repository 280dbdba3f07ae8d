"""`training:` of a spec."""

from pathlib import Path

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


@pytest.mark.parametrize(
    ("text", "column", "code", "message", "help"),
    [
        ("{batch_size: 3}", 12, "AC102", "training has no key `batch_size`", ("did you mean `batch`?",)),
        ("{optmizer: sgd}", 12, "AC102", "training has no key `optmizer`", ("did you mean `optimizer`?",)),
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
