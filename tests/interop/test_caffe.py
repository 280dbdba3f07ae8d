"""Caffe's prototxt files: its arithmetic by its own formulas, published figures of its files, and every message."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.analysis.analyze import Report, analyze
from archcalc.diagnostics import Refusal, headline
from archcalc.graph import Graph
from archcalc.interop import _prototxt, caffe
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.layers.norm import LocalResponseNorm
from archcalc.layers.pool import Pooling
from archcalc.volume import Volume

MODELS = Path(__file__).parents[3] / "shared" / "models" / "caffe"
IMAGE = "input: 'data' input_dim: 1 input_dim: 3 input_dim: 24 input_dim: 32\n"


def layer(type: str, rest: str = "", bottom: str = "data", top: str = "x") -> str:
    return f"layer {{ name: '{top}' type: '{type}' bottom: '{bottom}' top: '{top}' {rest} }}\n"


def read(text: str, input: Volume | None = None) -> Reading:
    return caffe.read(text.encode(), "net.prototxt", input=input)


def report_of(text: str, input: Volume | None = None) -> Report:
    found = read(text, input)
    assert [one.message for one in found.problems] == []
    report = analyze(found.graph)
    assert report.problems == ()
    return report


def output(text: str) -> str:
    return str(report_of(text).output)


def messages(text: str) -> list[str]:
    try:
        found = read(text).problems
    except Refusal as refusal:
        found = (refusal.diagnostic,)
    return [headline("net", one) for one in found]


def outputs(graph: Graph) -> list[str]:
    return [graph.nodes[one].name for one in graph.results()]


LENET = """
name: "LeNet"
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


def test_lenet() -> None:
    """431,080 parameters, as BVLC's example prints."""
    report = report_of(LENET)
    assert report.graph.name == "LeNet"
    assert report.totals.params == 431_080
    assert report.totals.macs == 2_293_000
    assert [one.name for one in report.graph.nodes] == [
        *("data", "conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "prob")
    ]
    assert report.graph.nodes[6].inplace
    assert report.graph.nodes[8].inplace is None


@given(
    extent=st.integers(1, 40),
    kernel=st.integers(1, 6),
    stride=st.integers(1, 7),
    pad=st.integers(0, 5),
    mode=st.sampled_from(["", "round_mode: FLOOR", "round_mode: CEIL", "ceil_mode: false", "ceil_mode: true"]),
    method=st.sampled_from(["MAX", "AVE"]),
)
def test_pools_round_as_caffe_does(extent: int, kernel: int, stride: int, pad: int, mode: str, method: str) -> None:
    """pooling_layer.cpp: ceil or floor of (H + 2*pad - kernel)/stride, and 1; clipped `if (pad_h_ || pad_w_)` only."""
    param = f"pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad} {mode}"
    text = f"input: 'data' input_dim: [1, 2, {extent}, {extent}]" + layer("Pooling", f"pooling_param {{ {param} }}")
    found = read(text)
    report = analyze(found.graph)
    codes = [one.code for one in (*found.problems, *report.problems)]
    if pad >= kernel:  # CHECK_LT(pad_h_, kernel_h_)
        assert codes == ["AC206"]
        return
    if extent + 2 * pad < kernel:
        assert codes == ["AC202"]
        return
    steps, rest = divmod(extent + 2 * pad - kernel, stride)
    out = steps + 1 + (rest > 0 and "FLOOR" not in mode and "false" not in mode)
    if pad and (out - 1) * stride >= extent + pad:
        out -= 1
    if (out - 1) * stride >= extent + pad:  # a window without a single value, which Caffe computes
        assert codes == ["AC704"]
    else:
        assert report.output == Volume(out, out, 2)


def test_a_pool_has_a_stride_of_1() -> None:
    assert output(IMAGE + layer("Pooling", "pooling_param { kernel_size: 3 }")) == "[30x22x3]"
    assert output(IMAGE + layer("Pooling", "pooling_param { pool: AVE global_pooling: true }")) == "[1x1x3]"
    wide = layer("Pooling", "pooling_param { kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 4 pad_h: 1 }")
    assert output(IMAGE + wide) == "[8x25x3]"
    assert isinstance(report_of(IMAGE + wide).graph.nodes[1].layer, Pooling)


def test_a_convolution_rounds_down_and_orders_axes_height_first() -> None:
    param = "convolution_param { num_output: 6 kernel_size: 3 kernel_size: 5 stride: 2 pad: 1 dilation: 2 group: 3 bias_term: false }"
    report = report_of(IMAGE + layer("Convolution", param))
    assert report.output == Volume((32 + 2 - 9) // 2 + 1, (24 + 2 - 5) // 2 + 1, 6)
    assert report.totals.params == 3 * 5 * 1 * 6


def test_a_deconvolution() -> None:
    """deconv_layer.cpp: stride*(in - 1) + kernel - 2*pad."""
    report = report_of(
        IMAGE + layer("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }")
    )
    assert report.output == Volume(64, 48, 4)
    assert report.totals.params == 4 * 4 * 3 * 4 + 4


def test_lrn_divides_alpha_by_its_size() -> None:
    text = IMAGE + layer("LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    assert report_of(text).graph.nodes[1].layer == LocalResponseNorm(size=5, alpha=0.0001 / 5, beta=0.75, k=1.0)


def test_batch_norm_trains_nothing_and_scale_is_apart() -> None:
    text = IMAGE + layer("BatchNorm", top="bn") + layer("Scale", "scale_param { bias_term: true }", "bn", "scale")
    report = report_of(text)
    assert [(row.node.name, row.cost.weights, row.cost.biases) for row in report.rows[1:]] == [
        ("bn", 0, 0),
        ("scale", 3, 0),
        ("scale.bias", 0, 3),
    ]
    assert report.totals.buffers == 2 * 3 + 1  # batch_norm_layer.cpp: mean, variance, and what they are divided by
    assert report_of(IMAGE + layer("Scale")).totals.params == 3
    assert report_of(IMAGE + layer("Bias")).totals.params == 3


def test_two_bottoms_of_a_scale_are_multiplied() -> None:
    gap = layer("Pooling", "pooling_param { pool: AVE global_pooling: true }", top="gap")
    assert (
        output(IMAGE + gap + "layer { name: 's' type: 'Scale' bottom: 'data' bottom: 'gap' top: 's' }") == "[32x24x3]"
    )


def test_a_clip() -> None:
    (six, other) = (
        report_of(IMAGE + layer("Clip", f"clip_param {{ {one} }}")) for one in ("min: 0 max: 6", "min: -1 max: 2")
    )
    assert six.rows[1].node.layer == TYPES["relu6"]()
    assert other.rows[1].node.layer == TYPES["clamp"](low=-1.0, high=2.0)


TRAIN_VAL = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 20 mean_value: 104 mean_value: 117 mean_value: 123 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 16 mean_value: 104 mean_value: 117 mean_value: 123 } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 7 }
  param { lr_mult: 0 } param { lr_mult: 0 } }
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" include: { phase: TRAIN } }
layer { name: "aux" type: "InnerProduct" bottom: "data" top: "aux" inner_product_param { num_output: 5 } exclude { phase: TEST } }
layer { name: "acc" type: "Accuracy" bottom: "fc" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


def test_a_training_file_shows_the_test_phase() -> None:
    report = report_of(TRAIN_VAL)
    assert [str(row.output) for row in report.rows] == ["[16x16x3]", "[1x1x7]"]
    assert outputs(report.graph) == ["fc"]
    assert not report.graph.nodes[1].trainable


def test_several_losses_are_several_outputs_and_targets_are_none() -> None:
    text = (
        IMAGE
        + layer("Flatten", top="target")
        + layer("InnerProduct", "inner_product_param { num_output: 5 }", top="a")
        + layer("InnerProduct", "inner_product_param { num_output: 2304 }", top="b")
        + "layer { name: 'l1' type: 'SoftmaxWithLoss' bottom: 'a' bottom: 'y' }\n".replace("'y'", "'target'")
        + "layer { name: 'l2' type: 'EuclideanLoss' bottom: 'b' bottom: 'target' }\n"
    )
    assert outputs(report_of(text).graph) == ["a", "b"]


def test_old_layers() -> None:
    text = (
        IMAGE
        + "layers { name: 'c' type: CONVOLUTION bottom: 'data' top: 'c' blobs_lr: 0 blobs_lr: 0 convolution_param { num_output: 2 kernel_size: 1 } }"
        + "layers { name: 'r' type: RELU bottom: 'c' top: 'c' } layers { name: 'p' type: SOFTMAX bottom: 'c' top: 'p' }"
    )
    report = report_of(text)
    assert [one.layer.type for one in report.graph.nodes] == ["input", "conv", "relu", "softmax"]
    assert not report.graph.nodes[1].trainable
    assert report.graph.nodes[2].trainable


def test_parameters_with_one_name_are_shared() -> None:
    named = "param { name: 'w' } param { name: 'b' } inner_product_param { num_output: 4 }"
    text = IMAGE + layer("InnerProduct", named, top="a") + layer("InnerProduct", named, top="b")
    assert [one.shares for one in report_of(text).graph.nodes] == [None, None, 1]
    assert messages(text.replace("'b' }", "'c' }", 1)) == [
        "net:3:1: error[AC701]: `b` shares some of its parameters and has others of its own"
    ]


def test_joins_and_slices() -> None:
    two = IMAGE + layer("ReLU", top="a") + layer("TanH", top="b")

    def joined(rest: str) -> str:
        return two + f"layer {{ name: 'j' bottom: 'a' bottom: 'b' top: 'j' {rest} }}"

    assert output(joined("type: 'Concat'")) == "[32x24x6]"
    assert output(joined("type: 'Eltwise'")) == "[32x24x3]"
    assert output(joined("type: 'Eltwise' eltwise_param { operation: SUM coeff: 1 coeff: 1.0 }")) == "[32x24x3]"
    assert output(joined("type: 'Eltwise' eltwise_param { operation: PROD }")) == "[32x24x3]"
    assert output(joined("type: 'Eltwise' eltwise_param { operation: MAX }")) == "[32x24x3]"
    scaled = report_of(joined("type: 'Eltwise' eltwise_param { coeff: 1 coeff: 0.17 }")).graph.nodes
    assert [one.name for one in scaled] == ["data", "a", "b", "j.scale1", "j"]
    assert scaled[3].layer == TYPES["scale"](by=0.17)
    assert scaled[4].inputs == (1, 3)
    less = report_of(joined("type: 'Eltwise' eltwise_param { coeff: 1 coeff: -1.0 }")).graph.nodes
    assert less[3].layer == TYPES["subtract"]()
    assert messages(joined("type: 'Eltwise' eltwise_param { coeff: 2 }")) == [
        "net:4:91: error[AC707]: `j`: 1 factors for 2 bottoms"
    ]
    sliced = "layer { name: 's' type: 'Slice' bottom: 'data' top: 'p' top: 'q' top: 'r' slice_param { slice_point: 1 slice_point: 2 } }"
    report = report_of(IMAGE + sliced)
    assert [(one.name, str(row.output)) for one, row in zip(report.graph.nodes, report.rows, strict=True)][1:] == [
        *(("s.p", "[32x24x1]"), ("s.q", "[32x24x1]"), ("s.r", "[32x24x1]"))
    ]


def test_a_crop_takes_the_size_of_its_second_bottom() -> None:
    small = layer("Pooling", "pooling_param { kernel_size: 8 stride: 8 }", top="small")
    text = (
        IMAGE
        + small
        + "layer { name: 'c' type: 'Crop' bottom: 'data' bottom: 'small' top: 'c' crop_param { offset: 2 } }"
    )
    report = report_of(text)
    assert report.output == Volume(4, 3, 3)
    assert report.rows[2].node.inputs == (0,)


def test_reshapes_that_are_volumes() -> None:
    assert output(IMAGE + layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 } }")) == "[1x1x2304]"
    assert output(IMAGE + layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 1 dim: 1 } }")) == "[1x1x2304]"
    assert output(IMAGE + layer("Reshape", "reshape_param { shape { dim: 0 dim: 0 dim: 24 dim: -1 } }")) == "[32x24x3]"


def test_a_snippet_needs_a_size() -> None:
    """The CS231n notes show single layers; nothing in one says how large the image is."""
    snippet = """
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  # learning rate and decay multipliers for the filters
  param { lr_mult: 1 decay_mult: 1 }
  convolution_param {
    num_output: 96     # learn 96 filters
    kernel_size: 11    # each filter is 11x11
    stride: 4          # step 4 pixels between each filter application
    weight_filler { type: "gaussian" std: 0.01 }
  }
}
"""
    assert caffe.recognises(snippet.encode(), "x")
    assert messages(snippet) == [
        "net:5:11: error[AC706]: `data` has no size in the file; give one, like --input 227x227x3"
    ]
    report = report_of(snippet, Volume(227, 227, 3))
    assert str(report.output) == "[55x55x96]"
    assert report.totals.params == 34_944


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layer {", "1:7: error[AC701]: this `{` is never closed"),
        ("layer { name: 'a\n }", "1:15: error[AC701]: a string that is not closed on its line"),
        ("layer { name }", "1:9: error[AC701]: `name` has neither `:` nor `{` behind it"),
        ("layer { name: }", "1:15: error[AC701]: `}` stands where a value is expected"),
        ("layer { name:", "1:9: error[AC701]: the file ends behind `name`"),
        ("layer { @ }", "1:9: error[AC701]: `@` means nothing"),
        ("}", "1:1: error[AC701]: `}` stands where the name of a field is expected"),
        ("a: [1, 2", "1:4: error[AC701]: this `[` is never closed"),
        ("a {" * 65, "1:195: error[AC702]: nested deeper than 64 levels, the limit"),
        (IMAGE + layer("Warp"), "2:25: error[AC703]: operators that are not known: `Warp` (1)"),
        (IMAGE + layer("Convolution"), "2:1: error[AC707]: `x` needs `kernel_size`"),
        (IMAGE + layer("Convolution", "convolution_param { kernel_size: 3 }"), "2:1: error[AC707]: x: filters cannot be 0; it is a whole number from 1"),
        (IMAGE + layer("InnerProduct", "inner_product_param { num_output: x }"), "2:98: error[AC707]: `num_output` is `x`, which is no whole number"),
        (IMAGE + layer("InnerProduct", "inner_product_param { num_output: 3 num_output: 3 }"), "2:112: error[AC701]: `num_output` is given twice"),
        (IMAGE + layer("ReLU", bottom="gone"), "2:40: error[AC705]: no layer before gives `gone`"),
        (IMAGE + "layer { name: 'n' bottom: 'data' }", "2:1: error[AC701]: `n` has no type"),
        ("layers { layer { name: 'n' type: 'conv' } bottom: 'data' }", "1:1: error[AC701]: `layer0` is of the first format of Caffe, before 2014"),
        (IMAGE + layer("Softmax", "softmax_param { axis: 2 }"), "2:81: error[AC704]: `x`: along an axis other than the channels'"),
        (IMAGE + layer("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"), "2:1: error[AC703]: operators that are not known: `Pooling STOCHASTIC` (1)"),
        (IMAGE + layer("Dropout", "dropout_param { dropout_ratio: 1 }"), "2:90: error[AC707]: x: rate cannot be 1.0; it is a number from 0 to below 1"),
        (layer("Data", "transform_param { crop_size: 224 }", top="d").replace("bottom: 'data'", "") + layer("ReLU", bottom="d"), "1:38: error[AC706]: `d` has no size in the file, only that it is 224x224 with so many channels as the data has; give one, like --input 227x227x3"),
    ],
)  # fmt: skip
def test_messages(text: str, expected: str) -> None:
    assert messages(text) == [f"net:{expected}"]


def test_fields_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prototxt, "MAX_FIELDS", 3)
    assert messages("a: 1 b: 2 c: 3 d: 4") == ["net:1:16: error[AC702]: more than 3 fields, the limit"]
    assert messages("a: [1, 2, 3, 4]") == ["net:1:11: error[AC702]: more than 3 fields, the limit"]


def test_syntax_that_files_use() -> None:
    root = _prototxt.parse("a: 1, b: 'x' \"y\"; c < d: -2e-3f > # e: 3\nf: {g: true} f {g: false} h: [1, 0x1F]")
    assert root.integer("a", 0) == 1
    assert root.word("b") == "xy"
    assert root.message("c").number("d", 0) == -0.002
    assert [one.boolean("g", default=False) for one in root.messages("f")] == [True, False]
    assert root.texts("h")[1].text == "0x1F"
    assert "e" not in root.fields


# Parameters and MACs: BVLC's and FACTS of the papers; ResNets with the bias that the released first convolution has.
KNOWN = {
    "bvlc_alexnet.deploy": (60_965_224, 724_406_816),
    "bvlc_reference_caffenet.deploy": (60_965_224, 724_406_816),
    "bvlc_googlenet.deploy": (6_998_552, 1_582_671_872),
    "bvlc_reference_rcnn_ilsvrc13.deploy": (60_965_224 - 4_097_000 + 4096 * 200 + 200, None),
    "squeezenet_v1.0.deploy": (1_248_424, None),
    "squeezenet_v1.1.deploy": (1_235_496, None),
    "ResNet-50-deploy": (25_557_032 + 64, 3_857_973_248),
    "ResNet-101-deploy": (44_549_160, None),
    "ResNet-152-deploy": (60_192_808, None),
    "cvjena_VGG19_cvgj_deploy": (143_667_240 + 6, 19_632_062_464),
    "lenet": (431_080, 2_293_000),
}
SIZES = {"cifar": Volume(32, 32, 3), "siamese_train": Volume(28, 28, 2), "linear": Volume(1, 1, 4), "train_val.": Volume(1, 1, 4)}  # fmt: skip


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.prototxt")), ids=lambda path: path.stem)
def test_real_files(path: Path) -> None:
    data = path.read_bytes()
    if path.stem == "lenet_solver":
        assert not caffe.recognises(data, path.name)
        return
    assert caffe.recognises(data, path.name)
    found = caffe.read(data, str(path))
    if any(one.code == "AC706" for one in found.problems):  # the data says it
        known = [size for name, size in SIZES.items() if path.name.startswith(name) or f"_{name}" in path.name]
        grey = Volume(28, 28, 1) if path.name.startswith(("lenet", "mnist")) else None
        found = caffe.read(data, str(path), input=(known or [grey or Volume(227, 227, 3)])[0])
    assert found.problems == ()
    report = analyze(found.graph)
    assert report.complete
    params, macs = KNOWN.get(path.stem, (None, None))
    assert params in (None, report.totals.params)
    assert macs in (None, report.totals.macs)
