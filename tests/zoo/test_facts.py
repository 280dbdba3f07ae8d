"""Published figures that must come out."""

import pytest

import archcalc
from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.receptive import Field
from archcalc.architecture import examine
from archcalc.diagnostics import SpecError
from archcalc.formats import Look
from archcalc.formats.report import cs231n
from archcalc.language.specfile import SpecText


def report(spec: str) -> Report:
    return archcalc.load(spec).analyze()


def last(spec: str) -> Row:
    return report(spec).rows[-1]


def written(text: str) -> Report:
    """The report of a spec's text."""
    found = examine(SpecText("spec.yaml", text))
    assert found.diagnostics == ()
    return found.architecture.analyze()


SIZES = [
    ("INPUT[5x5x1] -> CONV3-1p1", "[5x5x1]"),
    ("INPUT[5x5x1] -> CONV3-1p1s2", "[3x3x1]"),
    ("INPUT[7x7x1] -> CONV3-1", "[5x5x1]"),
    ("INPUT[7x7x1] -> CONV3-1s2", "[3x3x1]"),
    ("INPUT[11x11x4] -> CONV5-2s2", "[4x4x2]"),
    ("INPUT[5x5x3] -> CONV3-2s2p1", "[3x3x2]"),
    ("INPUT[32x32x3] -> CONV5-10p2", "[32x32x10]"),
    ("INPUT[32x32x3] -> CONV5-6", "[28x28x6]"),
    ("INPUT[13x13x1] -> CONV6-1s5psame", "[3x3x1]"),
    ("INPUT[227x227x3] -> CONV11-96s4", "[55x55x96]"),
    ("INPUT[224x224x64] -> POOL2", "[112x112x64]"),
    ("INPUT[55x55x96] -> POOL3s2", "[27x27x96]"),
]


@pytest.mark.parametrize(("pattern", "volume"), SIZES)
def test_output_size(pattern: str, volume: str) -> None:
    assert str(last(pattern).output) == volume


MISFITS = [
    ("INPUT[5x5x1] -> CONV3-1p1s3", "2.333..."),
    ("INPUT[7x7x1] -> CONV3-1s3", "2.333..."),
    ("INPUT[10x10x1] -> CONV3-1s2", "4.5"),
    ("INPUT[224x224x3] -> CONV11-96s4", "54.25"),
]


@pytest.mark.parametrize(("pattern", "quotient"), MISFITS)
def test_what_is_not_whole_does_not_fit(pattern: str, quotient: str) -> None:
    (found,) = archcalc.check(pattern)
    assert found.code == "AC201"
    assert found.message == f"conv1 does not fit: output width would be {quotient}"


def test_alexnet_at_224_names_the_nearest_widths() -> None:
    (found,) = archcalc.check("INPUT[224x224x3] -> CONV11-96s4")
    assert found.help[0] == "the nearest widths that fit are 223 (-> 54) and 227 (-> 55)"


def test_a_last_window_outside_the_image_is_clipped() -> None:
    pool = "{kernel_size: 2, stride: 3, padding: 1, rounding: ceil}"
    assert written(f"input: 4x4x1\nlayers:\n- pool: {pool}\n").output == (2, 2, 1)


PARAMETERS = [  # weights, biases
    ("INPUT[32x32x3] -> CONV5-10p2", 750, 10),
    ("INPUT[32x32x3] -> CONV5-1", 75, 1),
    ("INPUT[32x32x20] -> CONV3-1", 180, 1),
    ("INPUT[150x100x3] -> CONV5-200psame", 15_000, 200),
    ("INPUT[227x227x3] -> CONV11-96s4", 34_848, 96),
    ("INPUT[227x227x3] -> LOCAL11-96s4", 290_400 * 363, 290_400),
]


@pytest.mark.parametrize(("pattern", "weights", "biases"), PARAMETERS)
def test_parameters(pattern: str, weights: int, biases: int) -> None:
    cost = last(pattern).cost
    assert (cost.weights, cost.biases) == (weights, biases)


def test_figures_quoted_for_single_layers() -> None:
    assert last("INPUT[32x32x3] -> CONV5-10p2").cost.params == 760
    assert last("INPUT[150x100x3] -> CONV5-200psame").cost.macs == 225_000_000
    assert last("INPUT[227x227x3] -> CONV11-96s4").output.size == 290_400
    assert last("INPUT[227x227x3] -> CONV11-96s4").cost.params == 34_944
    assert last("INPUT[227x227x3] -> LOCAL11-96s4").cost.params == 105_705_600


@pytest.mark.parametrize("channels", [1, 3, 64, 512])
def test_one_7x7_against_three_3x3(channels: int) -> None:
    def weights(layer: str, times: int) -> int:
        convolutions = f"repeat: {times}\n  layers: [conv: {{filters: {channels}, bias: false, {layer}}}]"
        return written(f"input: 32x32x{channels}\nlayers:\n- {convolutions}\n").totals.params

    assert weights("kernel_size: 7", 1) == 49 * channels**2
    assert weights("kernel_size: 3", 3) == 27 * channels**2


def test_activations_of_three_convolutions() -> None:
    rows = report("INPUT[224x224x3] -> [CONV3-64p1]*3").rows[1:]
    values = sum(row.activations for row in rows)
    assert round(values / 1e6, 1) == 9.6
    assert round(2 * values * 4 / 2**20, 1) == 73.5  # with their gradients


def test_a_fully_connected_layer_as_a_convolution() -> None:
    dense, convolution = (last(f"INPUT[7x7x512] -> {layer}") for layer in ("FC-4096", "CONV7-4096"))
    assert dense.output == convolution.output == (1, 1, 4096)
    assert dense.cost == convolution.cost
    assert dense.cost.params == 102_764_544


ALEXNET_V2 = "CONV11-64s4 -> POOL3s2 -> CONV5-192p2 -> POOL3s2 -> CONV3-384p1 -> CONV3-384p1 -> CONV3-256p1 -> POOL3s2"
VGG16 = (
    "[CONV3-64p1]*2 -> POOL2 -> [CONV3-128p1]*2 -> POOL2 -> [CONV3-256p1]*3 -> POOL2 -> [[CONV3-512p1]*3 -> POOL2]*2"
)
CONVOLUTIONAL = f"{VGG16} -> CONV7-4096 -> CONV1-4096 -> CONV1-1000"


def test_vgg16_as_convolutions_on_a_larger_image() -> None:
    found = report(f"INPUT[384x384x3] -> {CONVOLUTIONAL}")
    assert next(row.output for row in found.rows if row.node.name == "pool5") == (12, 12, 512)
    assert found.output == (6, 6, 1000)
    assert found.totals.params == 138_357_544
    assert report(f"INPUT[224x224x3] -> {CONVOLUTIONAL}").output == (1, 1, 1000)


def test_cifar10_toy_row_by_row() -> None:
    found = report("INPUT[32x32x3] -> CONV3-12p1 -> RELU -> POOL2 -> FC-10")
    volumes = ["[32x32x3]", "[32x32x12]", "[32x32x12]", "[16x16x12]", "[1x1x10]"]
    assert [str(row.output) for row in found.rows] == volumes
    assert found.totals.params == 31_066


FIELDS = [  # size, jump
    ("INPUT[32x32x3] -> [CONV3-8]*2", 5, 1),
    ("INPUT[32x32x3] -> [CONV3-8]*3", 7, 1),
    # both before their FC layers
    (f"INPUT[227x227x3] -> {ALEXNET_V2}", 195, 32),
    (f"INPUT[224x224x3] -> {VGG16}", 212, 32),
]


@pytest.mark.parametrize(("pattern", "size", "jump"), FIELDS)
def test_receptive_field(pattern: str, size: int, jump: int) -> None:
    for field in last(pattern).receptive_field:
        assert isinstance(field, Field)
        assert (field.size, field.jump) == (size, jump)


# The table of Stanford's CS231n notes, "Case studies"; its rows are right, its totals are not.
CS231N = """
INPUT: [224x224x3]        memory:  224*224*3=150K   weights: 0
CONV3-64: [224x224x64]  memory:  224*224*64=3.2M   weights: (3*3*3)*64 = 1,728
CONV3-64: [224x224x64]  memory:  224*224*64=3.2M   weights: (3*3*64)*64 = 36,864
POOL2: [112x112x64]  memory:  112*112*64=800K   weights: 0
CONV3-128: [112x112x128]  memory:  112*112*128=1.6M   weights: (3*3*64)*128 = 73,728
CONV3-128: [112x112x128]  memory:  112*112*128=1.6M   weights: (3*3*128)*128 = 147,456
POOL2: [56x56x128]  memory:  56*56*128=400K   weights: 0
CONV3-256: [56x56x256]  memory:  56*56*256=800K   weights: (3*3*128)*256 = 294,912
CONV3-256: [56x56x256]  memory:  56*56*256=800K   weights: (3*3*256)*256 = 589,824
CONV3-256: [56x56x256]  memory:  56*56*256=800K   weights: (3*3*256)*256 = 589,824
POOL2: [28x28x256]  memory:  28*28*256=200K   weights: 0
CONV3-512: [28x28x512]  memory:  28*28*512=400K   weights: (3*3*256)*512 = 1,179,648
CONV3-512: [28x28x512]  memory:  28*28*512=400K   weights: (3*3*512)*512 = 2,359,296
CONV3-512: [28x28x512]  memory:  28*28*512=400K   weights: (3*3*512)*512 = 2,359,296
POOL2: [14x14x512]  memory:  14*14*512=100K   weights: 0
CONV3-512: [14x14x512]  memory:  14*14*512=100K   weights: (3*3*512)*512 = 2,359,296
CONV3-512: [14x14x512]  memory:  14*14*512=100K   weights: (3*3*512)*512 = 2,359,296
CONV3-512: [14x14x512]  memory:  14*14*512=100K   weights: (3*3*512)*512 = 2,359,296
POOL2: [7x7x512]  memory:  7*7*512=25K  weights: 0
FC: [1x1x4096]  memory:  4096  weights: 7*7*512*4096 = 102,760,448
FC: [1x1x4096]  memory:  4096  weights: 4096*4096 = 16,777,216
FC: [1x1x1000]  memory:  1000 weights: 4096*1000 = 4,096,000
"""


def test_vgg16_as_in_the_notes() -> None:
    text = cs231n.render(report("zoo:vgg16"), Look())
    rows, _, totals = text.partition("\n\n")
    assert [row.split() for row in rows.split("\n")] == [row.split() for row in CS231N.strip().split("\n")]
    assert totals.startswith(
        "TOTAL memory: 15,237,608 * 4 bytes = 58.13 MiB / image (forward only; with gradients 116.3 MiB)\n"
        "TOTAL params: 138,344,128 weights + 13,416 biases = 138,357,544\n"
    )


def test_vgg16_totals() -> None:
    totals = report("zoo:vgg16").totals
    assert totals.weights == 138_344_128
    assert totals.params == 138_357_544
    assert totals.macs == 15_470_264_320
    assert totals.activations == 15_237_608


def test_load_refuses_what_does_not_fit() -> None:
    with pytest.raises(SpecError, match=r"^<pattern>:1:\d+: error\[AC201\]: conv1 does not fit"):
        archcalc.load("INPUT[224x224x3] -> CONV11-96s4")


DETECTORS = [  # published parameters, what of them the spec has not or has besides, and operations with two for a MAC
    ("yolov3", 61_949_149, 0, 65.86),  # Darknet prints 65.86 BFLOPs
    ("ssd300_vgg16", 35_641_826, 0, 69.72),  # torchvision 34.858 GMACs
    ("retinanet_resnet50_fpn", 34_014_999, 53_120, 303.08),  # torchvision's batch norms are frozen and not counted
    ("deeplabv3_resnet50", 42_004_074, -(9 * 1024 * 256 + 512 + 256 * 21 + 21), None),  # without its auxiliary head
    ("yolov8n_like", 3_157_200, -16, 8.7),  # the constants of the decoding
]


@pytest.mark.parametrize(("name", "published", "besides", "billions"), DETECTORS)
def test_detectors_and_segmenters(name: str, published: int, besides: int, billions: float | None) -> None:
    totals = report(f"zoo:{name}").totals
    assert totals.params == published + besides
    if billions is not None:
        assert 2 * totals.macs / 1e9 == pytest.approx(billions, abs=0.05 if name == "yolov8n_like" else 0.005)


def test_the_file_of_yolov3_weights() -> None:
    """248,007,048 bytes: a header of 20, and four for each parameter and running statistic."""
    totals = report("zoo:yolov3").totals
    assert 20 + 4 * (totals.params + totals.buffers) == 248_007_048


def test_retinanets_heads_have_one_set_of_weights() -> None:
    """Four convolutions of 256 channels and one for 9 anchors' classes or sides, on five levels (torchvision)."""
    rows = [row for row in report("zoo:retinanet_resnet50_fpn").rows if row.node.name.startswith(("classes", "boxes"))]
    head = 4 * (9 * 256 * 256 + 256)
    own = 2 * head + (9 * 256 + 1) * 9 * 91 + (9 * 256 + 1) * 9 * 4
    assert sum(row.cost.params for row in rows) == own == 6_691_415
    assert len([row for row in rows if row.lender]) == 4 * 2 * 5
