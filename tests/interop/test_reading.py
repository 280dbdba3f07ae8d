"""What readers share: the draft of a graph and layers whose values nobody has looked at."""

from typing import Any

import pytest

from archcalc.analysis.analyze import analyze
from archcalc.diagnostics import Diagnostic, Refusal, Span
from archcalc.interop import reading
from archcalc.interop.reading import Draft, made
from archcalc.layers.activation import ReLU
from archcalc.layers.conv import Conv
from archcalc.layers.merge import Add
from archcalc.layers.norm import Dropout
from archcalc.layers.pool import MaxPool
from archcalc.layers.reshape import Input
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

PLACE = Span(3, 5, 3, 9)


def test_a_draft_knows_volumes_and_numbers_names() -> None:
    draft = Draft("net")
    image = draft.add("data", Input(width=8, height=6, channels=3))
    first = draft.add("conv", Conv(filters=4, kernel_size=Pair(3, 3)), [image])
    second = draft.add("conv", Conv(filters=6, kernel_size=Pair(3, 3), groups=3), [first])
    draft.add("conv_2", MaxPool(kernel_size=Pair(2, 2)), [second])
    assert [draft.volumes[one] for one in (image, first, second)] == [Volume(8, 6, 3), Volume(6, 4, 4), None]
    assert [one.name for one in draft.nodes] == ["data", "conv", "conv_2", "conv_2_2"]
    graph, problems = draft.reading([first])
    assert problems == ()
    assert graph.outputs == (first,)
    assert [one.code for one in analyze(graph).problems] == ["AC203"]


def test_all_unknown_operators_are_one_error() -> None:
    draft = Draft()
    image = draft.add("data", Input(width=8, height=6, channels=3))
    for number, operator in enumerate(("Warp", "Splat", "Splat")):
        draft.missing(operator, f"x{number}", [image], PLACE._replace(line=number + 3))
    graph, problems = draft.reading()
    assert problems == (Diagnostic("AC703", "operators that are not known: `Splat` (2), `Warp` (1)", PLACE),)
    assert len(graph.nodes) == 4


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ({"filters": 0}, "AC707", "c: filters cannot be 0; it is a whole number from 1"),
        ({"filters": 10**99}, "AC707", "c: filters cannot be a number; it is a whole number from 1"),
        (
            {"filters": 4, "kernel_size": Pair(3, 0)},
            "AC707",
            "c: kernel_size cannot be 3x0; it is a whole number from 1",
        ),
        ({"filters": 4, "padding": Padding(-1)}, "AC707", "c: padding cannot be -1,0,0,0; it is a whole number from 0"),
        ({"filters": 4, "groups": 3}, "AC203", "c: 4 filters cannot be split into 3 groups"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        made(Conv, "c", PLACE, **{"kernel_size": Pair(3, 3), **values})
    found = caught.value.diagnostic
    assert (found.code, found.span) == (code, PLACE)
    assert found.message.startswith(message) or found.message == message.replace("c: ", "c ")


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan"), float("inf")])
def test_numbers_are_finite_and_in_range(rate: float) -> None:
    with pytest.raises(Refusal):
        made(Dropout, "d", rate=rate)
    assert made(Dropout, "d", rate=0.25).rate == 0.25


def test_a_layer_reads_as_many_inputs_as_it_can() -> None:
    draft = Draft()
    image = draft.add("data", Input(width=8, height=6, channels=3))
    with pytest.raises(Refusal, match=r"^relu reads 2 inputs, and relu takes one$"):
        draft.add("relu", ReLU(), [image, image])
    with pytest.raises(Refusal, match=r"^sum reads 0 inputs, and add takes some$"):
        draft.add("sum", Add())
    assert draft.volumes[draft.add("sum", Add(), [image] * 3)] == Volume(8, 6, 3)


def test_a_network_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LAYERS", 2)
    draft = Draft()
    draft.add("data", Input(width=8, height=6, channels=3))
    draft.add("x", Dropout(), [0])
    with pytest.raises(Refusal, match="more than 2 layers"):
        draft.add("x", Dropout(), [0])
