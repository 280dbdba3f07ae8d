"""What outputs, several inputs, shared and frozen weights, in-place nodes and opaque layers mean to every later room."""

import json

import pytest

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.architecture import examine
from archcalc.formats import Look
from archcalc.formats.report import cs231n, csv, markdown, metrics, table
from archcalc.formats.report import json as json_format
from archcalc.formats.verify import table as verify_table
from archcalc.graph import Graph, Node
from archcalc.language.specfile import SpecText
from archcalc.layers import TYPES, Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.merge import Add, Concat
from archcalc.layers.norm import BatchNorm
from archcalc.layers.reshape import Input
from archcalc.memory.plan import plan
from archcalc.memory.settings import Settings
from archcalc.variants.diff import compare
from archcalc.verification.verify import estimate, verify
from archcalc.volume import Pair, Volume

IMAGE = Input(width=64, height=64, channels=3)
ARENA = Settings(convention="arena")
LOOK = Look()


def conv(size: int, filters: int, stride: int = 1) -> Conv:
    return Conv(kernel_size=Pair(size, size), filters=filters, stride=Pair(stride, stride))


def heads(outputs: tuple[int, ...]) -> Graph:
    """A trunk of two layers, each with a head of 512 channels."""
    nodes = (
        Node("input", IMAGE, ()),
        Node("a", conv(3, 16), (0,)),
        Node("relu1", ReLU(), (1,)),
        Node("head1", conv(1, 512), (2,)),
        Node("c", conv(1, 512), (2,)),
        Node("relu2", ReLU(), (4,)),
        Node("head2", conv(1, 512), (5,)),
    )
    return Graph("heads", nodes, outputs)


# -- outputs -------------------------------------------------------------------------------------------


def test_outputs_are_kept_to_the_end() -> None:
    """62*62*512 values of float32 for each of head1, relu2 and head2; without outputs the first head is dropped."""
    one = 62 * 62 * 512 * 4
    assert plan(analyze(heads((3, 6))), ARENA).inference.activations_peak_bytes == 3 * one
    assert plan(analyze(heads(())), ARENA).inference.activations_peak_bytes == 2 * one


def test_an_output_that_others_read_is_not_overwritten() -> None:
    nodes = (Node("input", IMAGE, ()), Node("a", conv(1, 4), (0,)), Node("b", ReLU(), (1,)), Node("c", ReLU(), (2,)))
    found = {
        outputs: plan(analyze(Graph("", nodes, outputs)), ARENA).inference for outputs in ((), (1,), (1, 3), (1, 2, 3))
    }
    size = 64 * 64 * 4 * 4
    assert [len(one.buffers) for one in found.values()] == [2, 3, 3, 4]
    assert [one.activations_peak_bytes // size for one in found.values()] == [1, 2, 2, 3]


@pytest.mark.parametrize("outputs", [(3, 6), (6, 3), (3,), (1, 3, 5, 6)])
def test_outputs_are_verified_with_their_memory(outputs: tuple[int, ...]) -> None:
    report = analyze(heads(outputs))
    found = verify(report)
    assert found.ok
    assert found.measured_peak == found.estimate.size
    assert [*found.outputs] == [report.graph.nodes[one].name for one in outputs]
    assert [array.shape[3] for array in found.outputs.values()] == [report.rows[one].output.channels for one in outputs]
    assert found.output is found.outputs[report.graph.nodes[outputs[0]].name]


def test_outputs_are_shown() -> None:
    report = analyze(heads((3, 6)))
    assert repr(report) == "<Report heads: [64x64x3] -> [62x62x512], [62x62x512], 7 layers, 280,512 params>"
    record = json.loads(json_format.render(report, LOOK))
    assert record["outputs"] == {name: {"width": 62, "height": 62, "channels": 512} for name in ("head1", "head2")}
    assert record["output"] == record["outputs"]["head1"]
    assert "heads: [64x64x3] -> [62x62x512], [62x62x512]" in table.render(report, LOOK)
    assert "outputs: head1, head2" in table.render(report, LOOK)


def test_another_output_is_a_difference() -> None:
    a, b = analyze(heads((3, 6))), analyze(heads((6,)))
    (change,) = compare(a, b).changes
    assert (change.status, change.row.node.name, *change.settings) == ("changed", "head1", ("output", True, False))
    assert compare(a, analyze(heads((6, 3)))).equal


# -- inputs --------------------------------------------------------------------------------------------


def two_inputs() -> Graph:
    nodes = (
        Node("image", Input(width=8, height=8, channels=3), ()),
        Node("mask", Input(width=8, height=8, channels=1), ()),
        Node("concat1", Concat(), (0, 1)),
        Node("conv1", conv(3, 4), (2,)),
    )
    return Graph("masked", nodes)


def test_several_inputs() -> None:
    report = analyze(two_inputs())
    assert report.ends == "[8x8x3], [8x8x1] -> [6x6x4]"
    assert report.rows[3].cost.params == 3 * 3 * 4 * 4 + 4
    training = plan(report, Settings(batch=5)).training
    assert training
    assert training.input_bytes == 5 * 8 * 8 * (3 + 1) * 4
    record = json.loads(json_format.render(report, LOOK))
    assert record["inputs"]["mask"] == {"width": 8, "height": 8, "channels": 1}
    assert record["input"] == record["inputs"]["image"]


def test_several_inputs_are_verified() -> None:
    import numpy as np

    report = analyze(two_inputs())
    assert verify(report).ok
    images = {"image": np.ones((2, 8, 8, 3), "float32"), "mask": np.zeros((2, 8, 8, 1), "float32")}
    found = verify(report, image=images)
    assert found.ok
    assert found.batch == 2
    with pytest.raises(ValueError, match=r"^the network reads image, mask, not image$"):
        verify(report, image=images["image"])
    with pytest.raises(
        ValueError, match=r"^mask is 2x8x8x3, but the network reads 8x8x1 \(height x width x channels\)$"
    ):
        verify(report, image={**images, "mask": images["image"]})
    with pytest.raises(ValueError, match=r"^the inputs have different numbers of images$"):
        verify(report, image={**images, "mask": images["mask"][:1]})


# -- shared weights ------------------------------------------------------------------------------------


def siamese(second: Layer | None = None, channels: int = 3, *, trainable: bool = True) -> Graph:
    first = conv(3, 8)
    nodes = (
        Node("left", Input(width=12, height=12, channels=3), ()),
        Node("right", Input(width=12, height=12, channels=channels), ()),
        Node("conv1", first, (0,), trainable=trainable),
        Node("bn1", BatchNorm(), (2,), trainable=trainable),
        Node("conv2", second or conv(3, 8), (1,), shares=2),
        Node("bn2", BatchNorm(), (4,), shares=3),
        Node("concat1", Concat(), (3, 5)),
    )
    return Graph("siamese", nodes)


def test_shared_weights_count_once_and_work_each_time() -> None:
    report = analyze(siamese())
    totals = report.totals
    assert totals.params == 3 * 3 * 3 * 8 + 8 + 2 * 8
    assert totals.buffers == 2 * 8
    assert totals.macs == 2 * 100 * 27 * 8
    assert totals.activations == 2 * 144 * 3 + 4 * 100 * 8 + 100 * 16
    assert [row.formula for row in report.rows[4:6]] == ["as conv1", "as bn1"]
    assert [layer["shares"] for layer in json.loads(json_format.render(report, LOOK))["layers"]][4:6] == [
        "conv1",
        "bn1",
    ]
    assert "weights: as conv1" in cs231n.render(report, LOOK)


def test_shared_weights_are_one_array() -> None:
    import numpy as np

    report = analyze(siamese())
    image = np.random.default_rng(1).standard_normal((1, 12, 12, 3)).astype("float32")
    found = verify(report, image={"left": image, "right": image})
    assert found.ok, [one.problems for one in found.layers]
    assert found.measured_peak == found.estimate.size
    assert found.output is not None
    left, right = np.split(found.output, 2, axis=3)
    assert (left == right).all()
    apart = analyze(siamese()._replace(nodes=tuple(node._replace(shares=None) for node in siamese().nodes)))
    other = verify(apart, image={"left": image, "right": image}).output
    assert other is not None
    assert not (np.split(other, 2, axis=3)[0] == np.split(other, 2, axis=3)[1]).all()
    assert estimate(apart).size <= found.estimate.size


def test_strides_may_differ_where_weights_are_shared() -> None:
    report = analyze(siamese(conv(3, 8, stride=2)))
    assert [one.code for one in report.problems] == ["AC201", "AC301"][:1]
    nodes = siamese().nodes[:4]
    report = analyze(Graph("", (*nodes, Node("conv2", conv(3, 8, stride=3), (0,), shares=2))))
    assert report.complete
    assert report.rows[4].output == (4, 4, 8)


UNLIKE = [
    (conv(1, 8), 3, "cannot share these weights: kernel_size differs: 1 here, 3 there"),
    (conv(3, 9), 3, "cannot share these weights: filters differs: 9 here, 8 there"),
    (Conv(kernel_size=Pair(3, 3), filters=8, bias=False), 3, "cannot share these weights: bias differs: false here, true there"),
    (FullyConnected(units=8), 3, "cannot share these weights: this is fc, conv1 is conv"),
    (conv(3, 8), 5, "cannot share these weights: here there would be 368, there are 224: the inputs differ in channels"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "channels", "message"), UNLIKE, ids=lambda one: str(one)[:20])
def test_weights_that_cannot_be_shared(layer: Layer, channels: int, message: str) -> None:
    (one,) = analyze(siamese(layer, channels)).problems
    assert (one.code, one.message) == ("AC308", f"conv2 {message}")


def test_nothing_to_share() -> None:
    nodes = (Node("input", IMAGE, ()), Node("relu1", ReLU(), (0,)), Node("relu2", ReLU(), (1,), shares=1))
    (one,) = analyze(Graph("", nodes)).problems
    assert one.message == "relu2 cannot share these weights: relu1 has none of its own"


def test_what_is_not_shared_any_more_is_a_difference() -> None:
    shared = siamese()
    apart = shared._replace(nodes=tuple(node._replace(shares=None) for node in shared.nodes))
    settings = [change.settings for change in compare(analyze(shared), analyze(apart)).changes]
    assert settings == [(("share", "conv1", None),), (("share", "bn1", None),)]


# -- frozen and in-place nodes -------------------------------------------------------------------------


def test_frozen_layers_save_nothing_for_weights_that_get_no_gradient() -> None:
    """With the first conv frozen nothing before the fc is trained: only the fc's input is kept."""
    nodes = (
        Node("input", Input(width=8, height=8, channels=3), ()),
        Node("conv1", conv(3, 4), (0,), trainable=False),
        Node("relu1", ReLU(), (1,)),
        Node("fc1", FullyConnected(units=10), (2,)),
    )
    training = plan(analyze(Graph("", nodes))).training
    assert training
    assert training.saved_activations_bytes == 6 * 6 * 4 * 4
    thawed = plan(analyze(Graph("", (nodes[0], nodes[1]._replace(trainable=True), *nodes[2:])))).training
    assert thawed
    assert thawed.saved_activations_bytes == (8 * 8 * 3 + 6 * 6 * 4) * 4
    assert [row.trains for row in analyze(siamese(trainable=False)).rows] == [False] * 7


def test_inplace_of_one_node() -> None:
    nodes = (Node("input", IMAGE, ()), Node("a", conv(1, 4), (0,)), Node("relu1", ReLU(), (1,), inplace=False))
    size = 64 * 64 * 4
    report = analyze(Graph("", nodes))
    assert report.rows[2].activations == size
    assert plan(report, ARENA).inference.activations_peak_bytes == 2 * size * 4
    wanted = analyze(Graph("", (*nodes[:2], nodes[2]._replace(inplace=True))), convention="separate")
    assert wanted.rows[2].activations == 0
    (change,) = compare(report, analyze(Graph("", (*nodes[:2], nodes[2]._replace(inplace=None))))).changes
    assert change.settings == (("inplace", False, None),)


# -- opaque --------------------------------------------------------------------------------------------

OPAQUE = TYPES["opaque"]


def attention(**values: int | str) -> Report:
    nodes = (
        Node("input", Input(width=14, height=14, channels=64), ()),
        Node("conv1", conv(1, 64), (0,)),
        Node("attention", OPAQUE(volume=Volume(14, 14, 64), **values), (0, 1)),
        Node("add1", Add(), (1, 2)),
    )
    return analyze(Graph("attended", nodes))


def test_what_is_stated_is_counted() -> None:
    report = attention(params=4 * 64 * 64, macs=1_000_000, flops=2_000_000)
    assert report.totals.unknown == ()
    assert report.totals.params == 64 * 64 + 64 + 4 * 64 * 64
    assert report.totals.macs == 14 * 14 * 64 * 64 + 1_000_000
    assert report.rows[2].receptive_field == report.rows[3].receptive_field == (None, None)
    assert plan(report).unknown == ("attention",)


def test_what_is_not_stated_is_never_zero() -> None:
    report = attention()
    assert report.totals.unknown == ("weights", "biases", "params", "buffers", "macs", "flops")
    record = json.loads(json_format.render(report, LOOK))
    row = record["layers"][2]
    assert [row[name] for name in ("weights", "biases", "params", "buffers", "macs", "flops")] == [None] * 6
    assert record["totals"]["at_least"] == ["weights", "biases", "params", "buffers", "macs", "flops"]
    assert record["totals"]["params"] == 64 * 64 + 64
    assert "at least 4,160 parameters" in table.render(report, LOOK)
    assert "not stated, so that sums are the least: figures of attention" in table.render(report, LOOK)
    assert r"| attention | OPAQUE | \[14x14x64\] | 49.00 KiB | ? | ? |  |" in markdown.render(report, LOOK)
    assert "TOTAL params: at least" in cs231n.render(report, LOOK)
    assert "OPAQUE: [14x14x64]  memory:  14*14*64=13K   weights: ?" in cs231n.render(report, LOOK)
    assert (
        csv.render(report, LOOK).splitlines()[3].startswith("attention,opaque,OPAQUE,input conv1,14,14,64,,,,,,,12544,")
    )
    flat = json.loads(metrics.render(report, LOOK))
    assert flat["params_at_least"] == 4160
    assert "params" not in flat
    assert "at least" in repr(report)
    assert "&gt;= 4,160" in report._repr_html_()
    assert plan(report).inference.status == "partial"


def test_some_of_it_stated() -> None:
    assert attention(params=10).totals.unknown == ("macs", "flops")
    assert attention(params=10, macs=5).totals.unknown == ("flops",)
    assert attention(macs=5, flops=10, buffers=3).totals.unknown == ("weights", "biases", "params")


def test_opaque_is_drawn_and_not_verified() -> None:
    report = attention(params=100, macs=7)
    found = verify(report)
    assert found.ok
    assert found.layers[2].counted is None
    assert found.measured_peak is not None
    text = verify_table.render(found, LOOK)
    assert "not executed, since only stated: attention" in text
    assert "ok: 3 layers, 4,160 parameters and 802,816 MACs executed as predicted" in text


def test_opaque_in_a_spec() -> None:
    spec = """\
input: 14x14x64
layers:
  - opaque: {volume: 1x1x10, what: "a head, of sorts", params: 640}
expect: {params: 640, output: 1x1x10}
"""
    found = examine(SpecText("spec.yaml", spec))
    assert found.diagnostics == ()
    assert found.report.rows[1].node.layer.label == "OPAQUE a head, of sorts"
    found = examine(SpecText("spec.yaml", spec.replace("params: 640, output", "macs: 640, output")))
    (one,) = found.diagnostics
    assert (one.code, one.message) == ("AC403", "macs is not known: opaque1 does not say its macs")
    (one,) = archcalc.check("INPUT[3x3x3] -> OPAQUE")
    assert (one.code, one.message) == ("AC103", "opaque needs `volume`")
    (one,) = examine(SpecText("spec.yaml", spec.replace("volume: 1x1x10", "volume: [1, 1, 10]"))).diagnostics
    assert (one.code, one.message) == (
        "AC104",
        "opaque: volume: a volume like 7x7x512 (width x height x channels) is expected here, not a list",
    )


def test_the_change_of_what_is_not_known_is_not_known() -> None:
    from archcalc.formats.diff import json as diff_json
    from archcalc.formats.diff import text as diff_text

    found = compare(attention(), attention(macs=5))
    record = json.loads(diff_json.render(found, ("a", "b"), LOOK))
    assert record["totals"]["params"] == {"a": 4160, "b": 4160, "change": None}
    assert record["layers"][0]["change"]["params"] is None
    assert ">= 4,160" in diff_text.render(found, ("a", "b"), LOOK)
