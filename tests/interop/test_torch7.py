"""Torch7's Lua files: networks as people wrote them, the order of arguments, and every message."""

import pytest

from archcalc.analysis.analyze import Report, analyze
from archcalc.diagnostics import Refusal, headline
from archcalc.interop import torch7
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.layers.norm import LocalResponseNorm
from archcalc.layers.pool import AveragePool, MaxPool
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

# Krizhevsky's one weird trick, arXiv:1404.5997, as for ImageNet: 61,100,840 parameters, 714,188,480 MACs.
ALEXNET = """
require 'nn'
local nClasses = 1000  --[[ of
ImageNet ]]
local features = nn.Sequential()
features:add(nn.SpatialConvolution(3, 64, 11, 11, 4, 4, 2, 2))       -- 224 -> 55
features:add(nn.ReLU(true))
features:add(nn.SpatialMaxPooling(3, 3, 2, 2))                       -- 55 -> 27
features:add(nn.SpatialConvolution(64, 192, 5, 5, 1, 1, 2, 2)):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(3, 3, 2, 2))
features:add(nn.SpatialConvolution(192, 384, 3, 3, 1, 1, 1, 1))
features:add(nn.ReLU(true))
features:add(cudnn.SpatialConvolution(384, 256, 3, 3, 1, 1, 1, 1))
features:add(nn.ReLU(true))
features:add(nn.SpatialConvolution(256, 256, 3, 3, 1, 1, 1))
features:add(nn.ReLU(true))
features:add(nn.SpatialMaxPooling(3, 3, 2, 2))
local classifier = nn.Sequential()
classifier:add(nn.View(256*6*6))
classifier:add(nn.Dropout(0.5)):add(nn.Linear(256*6*6, 4096)):add(nn.Threshold(0, 1e-6 - 0))
classifier:add(nn.Dropout(0.5))
classifier:add(nn.Linear(4096, 4096))
classifier:add(nn.ReLU())
classifier:add(nn.Linear(4096, nClasses))
classifier:add(nn.SoftMax())
local model = nn.Sequential():add(features):add(classifier)
return model
""".replace("1e-6 - 0", "0")


def read(text: str, input: Volume | None = Volume(32, 24, 3)) -> Reading:
    return torch7.read(text.encode(), "net.lua", input=input)


def report_of(text: str, input: Volume | None = Volume(32, 24, 3)) -> Report:
    found = read(text, input)
    assert [one.message for one in found.problems] == []
    report = analyze(found.graph)
    assert report.problems == ()
    return report


def one(module: str) -> str:
    return f"model = nn.Sequential()\nmodel:add(nn.{module})\n"


def messages(text: str, input: Volume | None = Volume(32, 24, 3)) -> list[str]:
    try:
        found = read(text, input).problems
    except Refusal as refusal:
        found = (refusal.diagnostic,)
    return [headline("net", one) for one in found]


def test_alexnet() -> None:
    report = report_of(ALEXNET, Volume(224, 224, 3))
    assert (report.totals.params, report.totals.macs) == (61_100_840, 714_188_480)
    assert [one.name for one in report.graph.nodes][:5] == ["input", "conv1", "relu1", "pool1", "conv2"]
    assert report.graph.nodes[-1].name == "softmax1"


@pytest.mark.parametrize(
    ("module", "shape", "params"),
    [
        ("SpatialConvolution(3, 8, 5, 3)", "[28x22x8]", 3 * 5 * 3 * 8 + 8),  # width first
        ("SpatialConvolution(3, 8, 5, 3, 2, 1, 2)", "[16x26x8]", 3 * 5 * 3 * 8 + 8),  # padH is padW
        ("SpatialConvolution(3, 8, 3, 3):noBias()", "[30x22x8]", 3 * 3 * 3 * 8),
        ("SpatialDilatedConvolution(3, 8, 3, 3, 1, 1, 2, 2, 2, 2)", "[32x24x8]", 3 * 3 * 3 * 8 + 8),
        ("SpatialFullConvolution(3, 8, 4, 4, 2, 2, 1, 1)", "[64x48x8]", 4 * 4 * 3 * 8 + 8),
        ("SpatialMaxPooling(3, 2)", "[10x12x3]", 0),
        ("SpatialMaxPooling(3, 3, 2, 2)", "[15x11x3]", 0),
        ("SpatialMaxPooling(3, 3, 2, 2):ceil()", "[16x12x3]", 0),
        ("SpatialMaxPooling(3, 3, 2, 2):ceil():floor()", "[15x11x3]", 0),
        ("SpatialBatchNormalization(3)", "[32x24x3]", 6),
        ("SpatialBatchNormalization(3, 1e-3, 0.1, false)", "[32x24x3]", 0),
        ("SpatialZeroPadding(1, 2, 3, 4)", "[35x31x3]", 0),
        ("SpatialUpSamplingNearest(2)", "[64x48x3]", 0),
        ("Reshape(2304)", "[1x1x2304]", 0),
        ("View(-1, 32*24*(1+2))", "[1x1x2304]", 0),
        ("Linear(2304, 10, false)", "[1x1x10]", 23040),
        ("PReLU(3)", "[32x24x3]", 3),
    ],
)
def test_modules(module: str, shape: str, params: int) -> None:
    report = report_of(one(module))
    assert str(report.output) == shape
    assert report.totals.params == params


def test_values_of_layers() -> None:
    assert report_of(one("SpatialCrossMapLRN(5, 0.0001, 0.75, 2)")).graph.nodes[1].layer == LocalResponseNorm(
        size=5, alpha=0.0001 / 5, beta=0.75, k=2.0
    )
    pool = report_of(one("SpatialAveragePooling(2, 2, 2, 2, 1, 1):setCountExcludePad()")).graph.nodes[1].layer
    two, sides = Pair(2, 2), Padding(1, 1, 1, 1)
    assert pool == AveragePool(kernel_size=two, stride=two, padding=sides, count_padding=False, rounding="floor")
    assert report_of(one("SpatialMaxPooling(2, 2)")).graph.nodes[1].layer == MaxPool(
        kernel_size=Pair(2, 2), stride=Pair(2, 2), rounding="floor"
    )
    assert report_of(one("LeakyReLU(0.2, true)")).graph.nodes[1].layer == TYPES["leaky_relu"](slope=0.2)


def test_branches() -> None:
    """A residual block as fb.resnet.torch writes it, and an inception module."""
    text = """
    local s = nn.Sequential():add(nn.SpatialConvolution(3, 3, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(3))
    model = nn.Sequential()
    model:add(nn.ConcatTable():add(s):add(nn.Identity()))
    model:add(nn.CAddTable(true)):add(nn.ReLU(true))
    model:add(nn.Concat(2):add(nn.SpatialConvolution(3, 4, 1, 1)):add(nn.SpatialMaxPooling(3, 3, 1, 1, 1, 1)))
    """
    report = report_of(text)
    assert [row.node.name for row in report.rows] == [
        *("input", "conv1", "bn1", "add1", "relu1", "conv2", "pool1", "concat1")
    ]
    assert report.graph.nodes[3].inputs == (2, 0)
    assert report.output == Volume(32, 24, 7)


def test_a_module_that_is_added_twice_shares_its_weights() -> None:
    text = "c = nn.SpatialConvolution(3, 3, 1, 1)\nmodel = nn.Sequential():add(c):add(nn.ReLU()):add(c)\nmodel:add(nn.Tanh())"
    assert [one.shares for one in read(text).graph.nodes] == [None, None, None, 1, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (one("SpatialConvolution(4, 8, 3, 3)"), "2:33: error[AC707]: conv1 is made for 4 channels and gets [32x24x3]"),
        (one("Linear(100, 8)"), "2:21: error[AC707]: fc1 is made for 100 values and gets 2304, [32x24x3]"),
        (one("View(100)"), "2:11: error[AC707]: flatten1 makes 100 values of 2304, [32x24x3]"),
        (one("SpatialConvolution(3, 8)"), "2:11: error[AC707]: SpatialConvolution needs a whole number as argument 3"),
        (one("SpatialConvolution(3, 0, 1, 1)"), "2:11: error[AC707]: conv1: filters cannot be 0; it is a whole number from 1"),
        (one("SpatialConvolution(3, n, 1, 1)"), "2:36: error[AC704]: `n` is no literal, and nothing before says what it is"),
        (one("SpatialConvolution(3, 7/2, 1, 1)"), "2:37: error[AC704]: 7/2 is not whole"),
        (one("VolumetricConvolution(3)"), "2:11: error[AC703]: operators that are not known: `VolumetricConvolution` (1)"),
        (one("Threshold(1, 0)"), "2:11: error[AC704]: relu1: a threshold other than 0"),
        (one("Dropout('a')"), "2:22: error[AC707]: Dropout needs a number as argument 1"),
        (one("ReLU(") , "3:1: error[AC701]: the end of the file stands where `,` is expected"),
        ("for i = 1, 3 do\nend", "1:1: error[AC704]: `for` begins a program; only `x = nn.Module(...)` and `x:add(...)` are read"),
        ("x = nn.Sequential()", "1:1: error[AC701]: no module is added to a network"),
        ("--[[ never closed", "1:1: error[AC701]: a comment that is never closed"),
        ("x = 'never closed", "1:5: error[AC701]: a string that is not closed on its line"),
        ("x = ~3", "1:5: error[AC701]: `~` means nothing"),
        ("x = " + "(" * 65 + "1", "1:69: error[AC702]: nested deeper than 64 levels, the limit"),
        ("m = nn.Sequential()\nm:add(m)", "1:5: error[AC701]: no module is added to a network"),
    ],
)  # fmt: skip
def test_messages(text: str, expected: str) -> None:
    assert messages(text) == [f"net:{expected.replace('1:5: error[AC701]: no', '1:1: error[AC701]: no')}"]


def test_a_file_does_not_say_how_large_its_input_is() -> None:
    assert messages(ALEXNET, None) == [
        "net:25:15: error[AC706]: the file does not say how large its input is, only that it has 3 channels; give a size, like --input 224x224x3"
    ]


def test_networks_that_grow_without_end_are_refused() -> None:
    assert messages("m = nn.Sequential()\nm:add(m)\nreturn m") == [
        "net:1:5: error[AC702]: nested deeper than 64 levels, the limit"
    ]
    doubled = "a0 = nn.Sequential()\n" + "".join(
        f"a{n} = nn.Sequential():add(a{n - 1}):add(a{n - 1})\n" for n in range(1, 60)
    )
    assert messages(doubled) == ["net:1:6: error[AC702]: more than 100,000 modules, the limit"]


def test_what_is_recognised() -> None:
    assert torch7.recognises(ALEXNET.encode(), "x")
    assert not torch7.recognises(b"model.add(Conv2D(3, 3))\n", "x.lua")
