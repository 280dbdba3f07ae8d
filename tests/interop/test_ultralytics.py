"""Ultralytics' files: the published counts of parameters, from files written here, and every message."""

import pytest

from archcalc.analysis.analyze import analyze
from archcalc.diagnostics import Refusal, headline
from archcalc.interop import ultralytics
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.volume import Volume

Rows = list[tuple[object, int, str, object]]  # from, number, module, arguments


def v5(depth: float, width: float, classes: int = 80) -> str:
    """The structure of the detectors of v5: five stages that halve the image, then up and down again."""
    rows: Rows = [(-1, 1, "Conv", "64, 6, 2, 2")]
    for filters, number in ((128, 3), (256, 6), (512, 9), (1024, 3)):
        rows += [(-1, 1, "Conv", f"{filters}, 3, 2"), (-1, number, "C3", filters)]
    rows += [(-1, 1, "SPPF", "1024, 5")]
    head: Rows = []
    for filters, other in ((512, 6), (256, 4)):
        head += [(-1, 1, "Conv", f"{filters}, 1, 1"), (-1, 1, "nn.Upsample", "None, 2, 'nearest'")]
        head += [([-1, other], 1, "Concat", 1), (-1, 3, "C3", f"{filters}, False")]
    for filters, other in ((256, 14), (512, 10)):
        head += [(-1, 1, "Conv", f"{filters}, 3, 2"), ([-1, other], 1, "Concat", 1)]
        head += [(-1, 3, "C3", f"{filters * 2}, False")]
    head += [([17, 20, 23], 1, "Detect", "nc, anchors")]
    anchors = "[[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]"
    start = f"nc: {classes}\ndepth_multiple: {depth}\nwidth_multiple: {width}\nanchors: {anchors}\n"
    return start + listed("backbone", rows) + listed("head", head)


SCALES = "scales:\n  n: [0.33, 0.25, 1024]\n  s: [0.33, 0.50, 1024]\n  m: [0.67, 0.75, 768]\n  l: [1.00, 1.00, 512]\n  x: [1.00, 1.25, 512]\n"


def v8(head: str = "Detect", arguments: str = "nc") -> str:
    """The structure of the detectors of v8."""
    rows: Rows = [(-1, 1, "Conv", "64, 3, 2")]
    for filters, number in ((128, 3), (256, 6), (512, 6), (1024, 3)):
        rows += [(-1, 1, "Conv", f"{filters}, 3, 2"), (-1, number, "C2f", f"{filters}, True")]
    if head == "Classify":
        return SCALES + "nc: 1000\n" + listed("backbone", rows) + listed("head", [(-1, 1, "Classify", "nc")])
    rows += [(-1, 1, "SPPF", "1024, 5")]
    ends: Rows = []
    for filters, other in ((512, 6), (256, 4)):
        ends += [(-1, 1, "nn.Upsample", "None, 2, nearest"), ([-1, other], 1, "Concat", 1), (-1, 3, "C2f", filters)]
    for filters, other in ((256, 12), (512, 9)):
        ends += [(-1, 1, "Conv", f"{filters}, 3, 2"), ([-1, other], 1, "Concat", 1), (-1, 3, "C2f", filters * 2)]
    ends += [([15, 18, 21], 1, head, arguments)]
    classes = 1 if head == "Pose" else 80
    return SCALES + f"nc: {classes}\n" + listed("backbone", rows) + listed("head", ends)


def listed(name: str, rows: Rows) -> str:
    return f"{name}:\n" + "".join(f"  - [{one}, {number}, {module}, [{rest}]]\n" for one, number, module, rest in rows)


def read(text: str, path: str = "net.yaml", input: Volume | None = None) -> Reading:
    return ultralytics.read(text.encode(), path, input=input)


def messages(text: str) -> list[str]:
    try:
        found = read(text).problems
    except Refusal as refusal:
        found = (refusal.diagnostic,)
    return [headline("net", one) for one in found]


# https://github.com/ultralytics/yolov5 and .../ultralytics: parameters that the models' summaries print
V5 = {(0.33, 0.25): 1_872_157, (0.33, 0.5): 7_235_389, (0.67, 0.75): 21_190_557, (1.0, 1.0): 46_563_709, (1.33, 1.25): 86_749_405}  # fmt: skip
V8 = {"n": 3_157_200, "s": 11_166_560, "m": 25_902_640, "l": 43_691_520, "x": 68_229_648}


@pytest.mark.parametrize("multiples", V5)
def test_v5_has_the_published_parameters(multiples: tuple[float, float]) -> None:
    found = read(v5(*multiples))
    assert found.problems == ()
    report = analyze(found.graph)
    assert report.complete
    assert report.totals.params == V5[multiples]
    assert [str(report.rows[one].output) for one in found.graph.results()] == [
        *("[80x80x255]", "[40x40x255]", "[20x20x255]")
    ]


@pytest.mark.parametrize("scale", V8)
def test_v8_has_the_published_parameters(scale: str) -> None:
    """The file's name says which of the scales is meant."""
    found = read(v8(), f"models/yolov8{scale}.yaml")
    assert found.problems == ()
    report = analyze(found.graph)
    assert report.complete
    assert report.totals.params == V8[scale]
    assert [str(report.rows[one].output) for one in found.graph.results()] == [
        *("[80x80x84]", "[40x40x84]", "[20x20x84]")
    ]


@pytest.mark.parametrize(
    ("head", "arguments", "published"),
    [("Segment", "nc, 32, 256", 3_409_968), ("Pose", "nc, [17, 3]", 3_295_470), ("Classify", "nc", 2_719_288)],
)
def test_other_heads(head: str, arguments: str, published: int) -> None:
    found = read(v8(head, arguments), "yolov8n-x.yaml")
    assert found.problems == ()
    assert analyze(found.graph).totals.params == published


def test_names_are_those_of_the_parameters_in_pytorch() -> None:
    graph = read(v5(0.33, 0.25), "yolov5n.yaml").graph
    assert graph.name == "yolov5n"
    names = [one.name for one in graph.nodes]
    assert names[:5] == ["images", "model.0.conv", "model.0.bn", "model.0.act", "model.1.conv"]
    assert {"model.2.cv1.conv", "model.2.m.0.cv2.bn", "model.2.m.0.add", "model.24.m.2"} < set(names)
    assert graph.nodes[2].layer == TYPES["bn"](eps=0.001)


def test_the_input() -> None:
    found = read(v5(0.33, 0.25, classes=2), input=Volume(320, 192, 1))
    report = analyze(found.graph)
    assert report.input == Volume(320, 192, 1)
    assert next(str(report.rows[one].output) for one in found.graph.results()) == "[40x24x21]"


SMALL = "nc: 3\nanchors: 2\nbackbone:\n  - [-1, 1, Conv, [16]]\nhead:\n"


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ("[-1, 1, Conv, [20, [3, 5], 2, None, 4]]", "[320x320x24]"),  # channels go up to a multiple of 8
        ("[-1, 1, Conv, [16]]", "[640x640x16]"),  # 2*(3 + 5) are a head's channels and stay
        ("[-1, 1, Focus, [32, 3]]", "[320x320x32]"),
        ("[-1, 2, Bottleneck, [16]]", "[640x640x16]"),
        ("[-1, 2, BottleneckCSP, [24]]", "[640x640x24]"),
        ("[-1, 2, C3x, [24]]", "[640x640x24]"),
        ("[-1, 2, C3Ghost, [32]]", "[640x640x32]"),
        ("[-1, 1, GhostBottleneck, [32, 3, 2]]", "[320x320x32]"),
        ("[-1, 1, GhostConv, [32, 3, 2]]", "[320x320x32]"),
        ("[-1, 1, SPP, [24, [5, 9]]]", "[640x640x24]"),
        ("[-1, 1, DWConv, [24, 3, 2]]", "[320x320x24]"),
        ("[-1, 1, Contract, [2]]", "[320x320x64]"),
        ("[-1, 1, Expand, [2]]", "[1280x1280x4]"),
        ("[-1, 1, nn.MaxPool2d, [2, 2, 0]]", "[320x320x16]"),
        ("[-1, 1, nn.ConvTranspose2d, [24, 2, 2]]", "[1280x1280x24]"),
        ("[-1, 1, nn.BatchNorm2d, []]", "[640x640x16]"),
        ("[-1, 1, nn.Identity, []]", "[640x640x16]"),
        ("[[0], 1, Concat, [1]]", "[640x640x16]"),
    ],
)
def test_modules(row: str, shape: str) -> None:
    found = read(SMALL + f"  - {row}\n")
    assert found.problems == ()
    assert str(analyze(found.graph).output) == shape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SMALL + "  - [-1, 1, C3TR, [8]]\n  - [-1, 1, C3TR, [8]]\n", "6:13: error[AC703]: operators that are not known: `C3TR` (2)"),
        (SMALL + "  - [-1, 1]\n", "6:5: error[AC701]: a layer is [from, number, module, arguments]"),
        (SMALL + "  - [5, 1, Conv, [8]]\n", "6:6: error[AC705]: layer 1 reads layer 5, which does not stand before it"),
        (SMALL + "  - [-1, many, Conv, [8]]\n", "6:10: error[AC707]: `many` stands where a whole number is expected"),
        (SMALL + "  - [-1, 1, Conv, [__import__('os')]]\n", "6:20: error[AC707]: `__import__('os')` stands where a whole number is expected"),
        (SMALL + "  - [-1, 99999999, Conv, [8]]\n", "6:10: error[AC702]: with 99,999,999 more it is more layers than 100,000, the limit"),
        (SMALL + "  - [-1, 1, Conv, []]\n", "6:13: error[AC707]: Conv needs an argument 1"),
        (SMALL + "  - [-1, 1, C3, [8, maybe]]\n", "6:21: error[AC707]: `maybe` stands where True or False is expected"),
        (SMALL + "  - [-1, 1, Conv, [-8]]\n", "6:13: error[AC707]: model.1.conv: filters cannot be -8; it is a whole number from 1"),
        (SMALL + "  - [-1, 1, nn.Upsample, [None, 2, bicubic]]\n", "6:13: error[AC704]: model.1: upsampling by `bicubic`"),
        ("backbone: 3\nhead: []\n", "1:11: error[AC701]: `backbone` is a list of layers"),
        ("- backbone:\n", "1:1: error[AC701]: the file is no mapping"),
        ("backbone: [\n", "1:12: error[AC010]: the text is not YAML here"),
        (SMALL.replace("nc: 3", "depth_multiple: inf"), "1:17: error[AC707]: `inf` stands where a multiple is expected"),
        (SMALL.replace("nc: 3", "activation: evil()") + "  - [-1, 1, Conv, [8]]\n", "1:13: error[AC704]: `evil()` is no activation that is known"),
        ("scale: q\n" + SCALES + SMALL, "1:8: error[AC707]: there is no scale `q`"),
    ],
)  # fmt: skip
def test_messages(text: str, expected: str) -> None:
    assert messages(text) == [f"net:{expected}"]


def test_another_activation() -> None:
    text = SMALL.replace("nc: 3", "nc: 3\nactivation: nn.LeakyReLU(0.1)") + "  - [-1, 1, nn.Identity, []]\n"
    assert read(text).graph.nodes[3].layer == TYPES["leaky_relu"](slope=0.1)


def test_the_first_scale_where_nothing_says_which() -> None:
    graph = read(v8(), "net.yaml").graph
    assert graph.name == "net (n)"
    assert graph.nodes[1].layer.values()["filters"] == 16


def test_what_is_recognised() -> None:
    assert ultralytics.recognises(v8().encode(), "x")
    assert not ultralytics.recognises(b"input: 8x8x3\nlayers: [relu]\n", "yolov8n.yaml")
