"""What Python hands in is refused as a spec's text would be: settings that are none, values out of range, joins of one branch."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import archcalc
from archcalc.cli import cli
from archcalc.diagnostics import SpecError
from archcalc.graph import Graph, Node
from archcalc.layers import TYPES
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Padding
from archcalc.volume import Pair

NET = archcalc.load("INPUT[8x8x3] -> CONV3-4p1 -> RELU -> FC-10")

SETTINGS: list[tuple[Callable[[], Any], str]] = [
    (lambda: NET.plan(convention="cs231"), "there is no convention 'cs231'; there are cs231n, pytorch, arena"),  # type: ignore[arg-type]
    (lambda: NET.plan(device="gpu"), "there is no device 'gpu'; there are cpu, cuda"),  # type: ignore[arg-type]
    (lambda: NET.plan(purpose="inferenc"), "there is no purpose 'inferenc'; there are training, inference"),  # type: ignore[arg-type]
    (lambda: NET.plan(batch=0), "a batch has at least one image, not 0"),
    (lambda: NET.analyze(convention="seperate"), "there is no convention 'seperate'; there are inplace, separate"),  # type: ignore[arg-type]
    (lambda: NET.verify(dtype="int8"), "there is no dtype 'int8'; there are float32, float64"),
    (lambda: NET.verify(batch=0), "a batch has at least one image, not 0"),
    (lambda: NET.verify(against="tf"), "there is no against 'tf'; there are none, torch"),
]


@pytest.mark.parametrize(("call", "message"), SETTINGS)
def test_a_setting_that_is_none_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"^(there is no|a batch)") as caught:
        call()
    assert str(caught.value).startswith(message)


CONV: dict[str, Any] = {"filters": 4, "kernel_size": Pair(3, 3)}
VALUES = [
    (
        "conv",
        {**CONV, "kernel_size": Pair(0, 0)},
        "kernel_size: Pair(width=0, height=0) stands where a whole number from 1, or",
    ),
    ("conv", {**CONV, "kernel_size": 3}, "kernel_size: 3 stands where a whole number from 1, or a pair"),
    ("conv", {**CONV, "filters": -1}, "filters: -1 stands where a whole number from 1 is expected"),
    ("conv", {**CONV, "filters": True}, "filters: True stands where a whole number from 1 is expected"),
    ("conv", {**CONV, "filters": 2**31}, "filters: 2147483648 stands where a whole number from 1 is expected"),
    ("conv", {**CONV, "groups": 0}, "groups: 0 stands where a whole number from 1 is expected"),
    ("conv", {**CONV, "padding": Padding(left=-1)}, "padding: "),
    ("conv", {**CONV, "padding": Padding(mode="full")}, "padding: "),
    ("conv", {**CONV, "rounding": "up"}, "rounding: 'up' stands where exact, floor or ceil is expected"),
    ("conv", {**CONV, "bias": 1}, "bias: 1 stands where true or false is expected"),
    ("dropout", {"rate": 1.0}, "rate: 1.0 stands where a number from 0 to below 1 is expected"),
    ("dropout", {"rate": float("nan")}, "rate: nan stands where a number from 0 to below 1 is expected"),
    ("leaky_relu", {"slope": float("inf")}, "slope: inf stands where a number from 0 is expected"),
    ("input", {"width": 0, "height": 1, "channels": 1}, "width: 0 stands where a whole number from 1 is expected"),
]


@pytest.mark.parametrize(("type", "values", "message"), VALUES)
def test_a_layer_refuses_what_a_spec_would(type: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError) as caught:
        TYPES[type](**values)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "AC104"
    assert str(caught.value).startswith(message)


def test_defaults_are_taken_by_their_kinds_or_none() -> None:
    for layer in TYPES.values():
        for key in layer.keys.values():
            assert key.required or key.default is None or key.kind.takes(key.default), (layer.type, key.default)


def test_a_join_of_one_branch_is_no_network() -> None:
    image = TYPES["input"](width=4, height=4, channels=3)
    nodes = Node("image", image, ()), Node("sum", TYPES["add"](), (0,))
    with pytest.raises(SpecError) as caught:
        archcalc.from_graph(Graph("one", nodes))
    assert [one.message for one in caught.value.diagnostics] == ["sum: joins at least two branches; here is one"]


def test_architectures_are_compared_as_their_reports_are() -> None:
    other = archcalc.load("INPUT[8x8x3] -> CONV3-8p1 -> RELU -> FC-10")
    assert archcalc.compare(NET, other) == archcalc.compare(NET.report, other.report)
    assert archcalc.compare(NET, NET).equal


@pytest.mark.parametrize("value", ["1__0", "_1", "1_", "--1", "", "1_0_"])
def test_a_setting_that_python_could_not_read(value: str) -> None:
    done = CliRunner().invoke(cli, ["report", "zoo:resnet18", "--set", f"n={value}"])
    assert done.exit_code == 2
    assert f"--set takes NAME=WHOLE_NUMBER, not 'n={value}'" in done.stderr
