"""Every rule: the examples of its page, exact messages, and where it stays silent."""

import re
import subprocess
import sys
import time
from collections.abc import Container
from inspect import cleandoc

import pytest

from archcalc.architecture import examine
from archcalc.checks.rules import DEFAULT, RULES, advise
from archcalc.diagnostics import CATALOGUE, Diagnostic
from archcalc.language.specfile import SpecText, read_spec, zoo_names


def advice(text: str, select: Container[str] | None) -> list[Diagnostic]:
    text = cleandoc(text)
    pattern = "\n" not in text and "layers" not in text
    found = examine(SpecText("spec", text, pattern=pattern), select=select)
    assert found.ok, found.diagnostics
    return list(found.diagnostics)


def examples(code: str) -> dict[str, str]:
    """The page's examples: `Bad:` or `Good:`, then an indented pattern or spec."""
    return {
        name: cleandoc(text)
        for name, text in re.findall(r"^(Bad|Good):\n\n((?:    .*\n?|\n)+)", RULES[code].page, re.MULTILINE)
    }


SAYS = [
    (
        "AC601",
        "input: 28x28x1\nrounding: floor\nlayers: ['[CONV3-8p1 -> RELU -> POOL2]*3', FC-10]",
        "1:1: the input's width of 28 is divisible by 2 twice, and 2x2 pools halve it 3 times",
        ("the nearest multiples of 2^3 = 8: 24 and 32",),
    ),
    (
        "AC601",
        "input: 32x36x1\nrounding: ceil\nlayers: ['[CONV3-8p1 -> RELU -> POOL2]*3', FC-10]",
        "1:1: the input's height of 36 is divisible by 2 twice, and 2x2 pools halve it 3 times",
        ("the nearest multiples of 2^3 = 8: 32 and 40",),
    ),
    (
        "AC620",
        "input: 3x224x224\nlayers: [CONV3-64p1, GAP]",
        "1:1: the input is 3 wide, 224 high and 224 channels deep",
        ("`224x224x3` is an image of 3 channels",),
    ),
    (
        "AC620",
        "INPUT[1x28x28] -> CONV3-64p1 -> GAP",
        "1:1: the input is 1 wide, 28 high and 28 channels deep",
        ("`28x28x1` is an image of 1 channel",),
    ),
    (
        "AC602",
        "INPUT[32x32x3] -> CONV3-64p1 -> RELU -> CONV7-64p3 -> GAP -> FC-10",
        "1:45: a 7x7 filter on 64 channels takes 200,704 weights",
        ("3 3x3 filters see as much with 110,592",),
    ),
    (
        "AC602",
        "INPUT[32x32x3] -> CONV3-8p1 -> RELU -> CONV11-64p5 -> GAP -> FC-10",
        "1:44: a 11x11 filter on 8 channels takes 61,952 weights",
        (),
    ),
    (
        "AC602",
        "INPUT[32x32x3] -> CONV3-64p1 -> RELU -> CONV9-8p4 -> GAP -> FC-10",
        "1:45: a 9x9 filter on 64 channels takes 41,472 weights",
        ("4 3x3 filters see as much with 6,336",),
    ),
    (
        "AC603",
        "INPUT[32x32x3] -> CONV4-64 -> GAP -> FC-10",
        "1:23: a filter of even width 4 has no centre: (F - 1)/2 = 1.5",
        ("3 or 5 with `padding: half` keeps the size at stride 1",),
    ),
    (
        "AC603",
        "INPUT[32x32x3] -> CONV3x2-64 -> GAP -> FC-10",
        "1:23: a filter of even height 2 has no centre: (F - 1)/2 = 0.5",
        ("1 or 3 with `padding: half` keeps the size at stride 1",),
    ),
    (
        "AC604",
        "INPUT[32x32x3] -> CONV5-16 -> GAP -> FC-10",
        "1:19: 32x32 shrinks to 28x28: 23.4% of the positions go",
        ("`padding: half` keeps 32x32",),
    ),
    (
        "AC604",
        "INPUT[32x32x3] -> CONV4-16 -> GAP -> FC-10",
        "1:19: 32x32 shrinks to 29x29: 17.9% of the positions go",
        ("`padding: same` keeps 32x32",),
    ),
    (
        "AC604",
        "INPUT[32x32x3] -> CONV3-16d2 -> GAP -> FC-10",
        "1:19: 32x32 shrinks to 28x28: 23.4% of the positions go",
        ("`padding: half` keeps 32x32",),
    ),
    (
        "AC605",
        "INPUT[32x32x3] -> POOL4 -> FC-10",
        "1:23: a 4x4 pool with stride 4 keeps one value in 16 (6.3%)",
        ("4*4 = 16; the usual 2x2 with stride 2 keeps one in 4",),
    ),
    (
        "AC605",
        "INPUT[33x33x3] -> POOL3 -> FC-10",
        "1:23: a 3x3 pool with stride 3 keeps one value in 9 (11.1%)",
        ("3*3 = 9; the usual 2x2 with stride 2 keeps one in 4",),
    ),
    (
        "AC605",
        "INPUT[32x32x3] -> AVGPOOL4s2p1 -> FC-10",
        "1:26: a 4x4 pool with stride 2 keeps one value in 4 (25%)",
        ("2*2 = 4; the usual 2x2 with stride 2 keeps one in 4",),
    ),
    (
        "AC606",
        "INPUT[32x32x3] -> [CONV3-16p1 -> RELU]*4 -> POOL2 -> FC-10",
        "1:20: a fourth convolution before a pool: N > 3, 7.34K weights at 32x32",
        (),
    ),
    (
        "AC606",
        "INPUT[8x8x3] -> [FC-16 -> RELU]*3 -> FC-10",
        "1:18: 3 hidden fully connected layers: K >= 3; they and the last hold 100% of the parameters",
        (),
    ),
    (
        "AC607",
        "INPUT[32x32x64] -> CONV5-64p2 -> GAP -> FC-10",
        "1:24: 2 CONV3-64 see the same 5x5 with 73,728 weights instead of 102,400 (28% less)",
        ("each layer of the stack keeps 65,536 activations",),
    ),
    (
        "AC607",
        "INPUT[32x32x64] -> CONV7-64p3 -> GAP -> FC-10",
        "1:24: 3 CONV3-64 see the same 7x7 with 110,592 weights instead of 200,704 (44.9% less)",
        ("each layer of the stack keeps 65,536 activations",),
    ),
    (
        "AC608",
        "INPUT[33x33x3] -> CONV3-16s2p1 -> GAP -> FC-10",
        "1:28: stride 2 right after the input: all 33x33 positions would be 17,424 values, 68.06 KiB an image in float32",
        (),
    ),
    (
        "AC609",
        "input: 7x7x16\nrounding: floor\nlayers: [POOL2 -> FC-10]",
        "3:14: the last column and row of [7x7x16] are never read: 26.5% of the positions",
        (),
    ),
    (
        "AC609",
        "input: 11x8x16\nrounding: floor\nlayers: [POOL3x2 -> FC-10]",
        "3:14: the last 2 columns of [11x8x16] are never read: 18.2% of the positions",
        (),
    ),
    (
        "AC609",
        "input: 10x10x16\nrounding: floor\nlayers: [CONV5-8s3 -> GAP -> FC-10]",
        "3:14: the last 2 columns and 2 rows of [10x10x16] are never read: 36% of the positions",
        (),
    ),
    (
        "AC610",
        "INPUT[28x28x64] -> FC-4096 -> RELU -> FC-1000",
        "1:20: fc1 holds 205,524,992 of 209,621,992 parameters (98%)",
        ("it reads all 28*28*64 values; behind a GAP it would hold 266,240",),
    ),
    (
        "AC610",
        "INPUT[28x28x64] -> FLATTEN -> FC-4096 -> RELU -> FC-1000",
        "1:31: fc1 holds 205,524,992 of 209,621,992 parameters (98%)",
        ("it reads all 28*28*64 values; behind a GAP it would hold 266,240",),
    ),
    (
        "AC611",
        "INPUT[32x32x3] -> CONV3-16p1 -> CONV3-16p1 -> GAP",
        "1:33: no activation between conv1 and conv2: together they compute no more than one CONV5-16",
        ("conv2 costs 2,320 parameters and 2,359,296 MACs",),
    ),
    (
        "AC611",
        "INPUT[32x32x3] -> CONV3-16p1 -> BN -> CONV5x1-16 -> GAP",
        "1:39: no activation between conv1 and conv2: together they compute no more than one CONV7x3-16",
        ("conv2 costs 1,296 parameters and 1,146,880 MACs",),
    ),
    (
        "AC611",
        "INPUT[32x32x3] -> [CONV3-16p1]*3 -> GAP",
        "1:20: no activation between conv1 and conv2: together they compute no more than one CONV5-16",
        ("conv2 costs 2,320 parameters and 2,359,296 MACs",),
    ),
    (
        "AC611",
        "INPUT[8x8x3] -> FC-100 -> DROPOUT -> FC-10",
        "1:38: no activation between fc1 and fc2: together they compute no more than one FC-10",
        ("fc2 costs 1,010 parameters and 1,000 MACs",),
    ),
    (
        "AC611",
        "INPUT[8x8x3] -> CONV3-16p1 -> AVGPOOL2 -> CONV3-16p1 -> GAP",
        "1:43: no activation between conv1 and conv2: together they compute no more than one linear layer",
        ("conv2 costs 2,320 parameters and 36,864 MACs",),
    ),
    (
        "AC612",
        "INPUT[8x8x3] -> RELU -> RELU -> FC-10",
        "1:25: RELU follows RELU with no layer between: 192 operations for little or nothing",
        (),
    ),
    (
        "AC612",
        "INPUT[8x8x3] -> FC-10 -> RELU -> DROPOUT -> SOFTMAX",
        "1:45: SOFTMAX follows RELU with no layer between: 30 operations for little or nothing",
        (),
    ),
    (
        "AC613",
        "INPUT[8x8x3] -> CONV3-16p1 -> BN -> RELU -> GAP",
        "1:17: conv1: 16 biases that the batch norm behind takes away",
        ("write `bias: false`, for this layer or in `defaults`",),
    ),
    (
        "AC613",
        "INPUT[8x8x3] -> DWCONV3p1 -> BN -> GAP",
        "1:17: dwconv1: 3 biases that the batch norm behind takes away",
        ("write `bias: false`, for this layer or in `defaults`",),
    ),
    (
        "AC613",
        "INPUT[8x8x3] -> [CONV3-16p1 -> BN -> RELU]*3 -> GAP",
        "1:18: conv1 and 2 more like it: 48 biases that the batch norm behind takes away",
        ("write `bias: false`, for this layer or in `defaults`",),
    ),
    (
        "AC614",
        "INPUT[8x8x3] -> CONV3-16p1 -> SOFTMAX -> FC-10",
        "1:31: a softmax inside the network: its 16 channels share a sum of 1, so fc1 reads values of 1/16 on average",
        (),
    ),
    (
        "AC614",
        "INPUT[8x8x3] -> FC-1 -> SOFTMAX",
        "1:25: a softmax over 1 channel is 1 whatever its input",
        ("SIGMOID is meant",),
    ),
    (
        "AC615",
        "INPUT[8x8x3] -> CONV3-16p1 -> DROPOUT0.2 -> BN -> GAP",
        "1:38: a dropout right before batch norm: the variance at training is 1.25 times that later",
        (),
    ),
    (
        "AC615",
        "INPUT[8x8x3] -> FC-10 -> DROPOUT",
        "1:26: a dropout as the last layer sets 50% of the 10 outputs to 0",
        (),
    ),
    (
        "AC615",
        "INPUT[8x8x3] -> DROPOUT0.5 -> DROPOUT0.2 -> FC-10",
        "1:38: a dropout behind a dropout: 0.5 and 0.2 together drop 0.6",
        (),
    ),
    ("AC615", "INPUT[8x8x3] -> DROPOUT0 -> FC-10", "1:24: a dropout of rate 0 does nothing", ()),
    (
        "AC616",
        "INPUT[224x224x3] -> [CONV3-64p1 -> RELU]*3 -> GAP -> FC-10",
        "1:22: conv3 sees 7x7 of 224x224 pixels (0.1% of the image)",
        (),
    ),
    (
        "AC617",
        "INPUT[32x32x3] -> [CONV3-8p1 -> RELU]*20 -> GAP -> FC-10",
        "1:20: conv20 sees 41x41 pixels, the image has 32x32: at least 39.1% is padding",
        (),
    ),
    (
        "AC618",
        "INPUT[8x8x3] -> CONV3-20p1 -> RELU -> GAP -> FC-10",
        "1:23: 20 channels are computed as 24: 16.7% of the work is padding",
        ("the nearest multiples of 8: 16 and 24",),
    ),
    (
        "AC618",
        "INPUT[8x8x3] -> FC-5 -> RELU -> FC-10",
        "1:20: 5 channels are computed as 8: 37.5% of the work is padding",
        ("the nearest multiples of 8: 8",),
    ),
    (
        "AC619",
        "input: 8x8x3\nlayers: [FC-10]",
        "1:1: the spec has no `expect` block",
        ("`expect: {output: 1x1x10, params: 1_930}` holds today",),
    ),
    (
        "AC623",
        "INPUT[32x32x3] -> POOL5p4 -> FC-10",
        "1:25: a padding of 4 is more than half of the window's width of 5: PyTorch refuses it",
        (),
    ),
    (
        "AC623",
        "INPUT[32x32x3] -> AVGPOOL3s1p2 -> FC-10",
        "1:30: a padding of 2 is more than half of the window's width of 3: PyTorch refuses it",
        (),
    ),
    (
        "AC620",
        "INPUT[3x480x640] -> CONV3-64 -> GAP",
        "1:1: the input is 3 wide, 480 high and 640 channels deep",
        ("`640x480x3` is an image of 3 channels",),
    ),
    (
        "AC603",
        "INPUT[32x32x16] -> DWCONV4 -> RELU -> GAP",
        "1:26: a filter of even width 4 has no centre: (F - 1)/2 = 1.5",
        ("3 or 5 with `padding: half` keeps the size at stride 1",),
    ),
    (
        "AC605",
        "INPUT[64x64x3] -> CONV3-8p1 -> POOL8x1 -> GAP",
        "1:36: a 8x1 pool with stride 8x1 keeps one value in 8 (12.5%)",
        ("8*1 = 8; the usual 2x2 with stride 2 keeps one in 4",),
    ),
    (
        "AC608",
        "INPUT[33x33x3] -> CONV3-8s2p1 -> RELU -> GAP -> FC-10",
        "1:27: stride 2 right after the input: all 33x33 positions would be 8,712 values, 34.03 KiB an image in float32",
        (),
    ),
    (
        "AC622",
        "INPUT[32x32x3] -> CONV32-3 -> RELU -> FC-10",
        "1:19: 3 filters of 32x32: the window stands first",
        ("`CONV3-32` has 32 filters of 3x3",),
    ),
    (
        "AC624",
        "input: 8x8x3\nlayers: [RELU, {repeat: 2, from: [input, relu1], layers: [tanh: {from: relu1}]}, GAP]",
        "2:59: nobody reads tanh1, and it is no output",
        ("write `outputs: [gap1, tanh1]`",),
    ),
    (
        "AC624",
        "inputs: {a: 8x8x3, b: 8x8x3}\nlayers: [RELU]",
        "1:20: nobody reads the input b",
        (),
    ),
]

SILENT = [
    ("AC623", "INPUT[33x33x3] -> POOL5s2p2 -> POOL3s2p1 -> FC-10"),
    ("AC620", "INPUT[3x16x20] -> CONV1-8 -> GAP"),
    # a value that others read, too: squeeze-excitation behind a batch norm, a feature pyramid, pre-activation
    ("AC611", "input: 8x8x8\nlayers: [CONV3-8p1, bn, multiply: [[], [GAP, CONV1-2, RELU, CONV1-8, SIGMOID]], relu]"),
    (
        "AC611",
        "input: 8x8x8\nlayers: [conv: {name: side, filters: 8, kernel_size: 1}, CONV3-8p1, add: {inputs: [side, conv1]}]",
    ),
    ("AC611", "input: 8x8x8\nlayers: [CONV3-8p1, add: [[], [BN, RELU, CONV3-8p1]], CONV3-8p1]"),
    ("AC603", "INPUT[64x64x3] -> CONV4-64s2p1 -> LEAKY_RELU -> CONV4-128s2p1 -> GAP"),  # DCGAN's discriminator
    ("AC603", "INPUT[640x640x3] -> CONV6-32s2p2 -> GAP"),  # YOLOv5's stem
    ("AC603", "input: 64x1x8\nlayers: [conv: {filters: 8, kernel_size: 2x1, padding: {left: 1}}, relu, gap]"),
    ("AC603", "INPUT[64x1x8] -> CONV2x1-8 -> RELU -> CONV2x1-8d2x1 -> GAP"),  # WaveNet's
    ("AC608", "INPUT[224x224x3] -> CONV3-16s2psame -> BN -> HARDSWISH -> GAP"),  # MobileNetV3's stem
    ("AC602", "INPUT[64x64x3] -> CONV3-64p1 -> RELU -> CONV7-3p3 -> TANH"),  # CycleGAN's last layer
    ("AC602", "INPUT[16x16x64] -> CONV3-64p1 -> RELU -> CONV7-4096 -> RELU -> CONV1-4096 -> RELU -> CONV1-21"),  # FCN
    ("AC602", "INPUT[32x32x64] -> CONV1-64 -> RELU -> DWCONV7p3 -> CONV1-64 -> GAP -> FC-10"),
    ("AC605", "INPUT[64x8x3] -> POOL4x1 -> POOL2x1 -> FC-10"),
    ("AC622", "INPUT[32x32x3] -> CONV7-3p3 -> CONV1-3 -> FC-10"),
    ("AC611", "INPUT[8x8x8] -> CONV1-8 -> DWCONV3p1 -> CONV1-8"),
    ("AC620", "INPUT[1x128x64] -> CONV1x3-8 -> GAP"),
    ("AC601", "INPUT[227x227x3] -> CONV11-96s4 -> POOL3s2 -> FC-10"),
    ("AC601", "input: 28x28x1\nrounding: floor\nlayers: [POOL2, POOL2, POOL3s2]"),
    ("AC601", "INPUT[30x30x3] -> CONV3-8 -> POOL2 -> POOL2 -> FC-10"),
    ("AC602", "INPUT[33x33x3] -> CONV7-64s2p3 -> CONV3-64p1 -> GAP"),
    ("AC602", "INPUT[33x33x64] -> BN -> CONV7-64s2p3 -> GAP"),
    ("AC602", "INPUT[32x32x3] -> CONV3-64p1 -> CONV7-64p3g64 -> GAP"),
    ("AC602", "INPUT[32x32x3] -> CONV3-64p1 -> CONV7x1-64p3x0 -> GAP"),
    ("AC602", "INPUT[28x28x3] -> CONV4-64s4 -> CONV7-4096 -> RELU -> CONV1-10"),
    ("AC603", "INPUT[32x32x3] -> CONV4-64s4 -> GAP"),
    ("AC603", "INPUT[6x6x256] -> CONV6-4096 -> RELU -> CONV1-10"),
    ("AC604", "INPUT[32x32x3] -> CONV3-16p1 -> CONV1-8 -> GAP"),
    ("AC604", "INPUT[33x33x3] -> CONV3-16s2 -> GAP"),
    ("AC604", "INPUT[5x5x3] -> CONV5-16 -> FC-10"),
    ("AC605", "INPUT[33x33x3] -> POOL3s2 -> POOL2s2 -> FC-10"),
    ("AC605", "INPUT[32x32x3] -> POOL5s1p2 -> FC-10"),
    ("AC605", "INPUT[8x8x3] -> AVGPOOL8 -> FC-10"),
    ("AC606", "INPUT[32x32x3] -> [CONV3-16p1 -> RELU]*3 -> POOL2 -> [CONV3-16p1 -> RELU]*3 -> FC-10"),
    ("AC606", "INPUT[32x32x3] -> [CONV1-16 -> RELU]*9 -> [CONV3-16p1g16 -> RELU]*9 -> GAP -> FC-10"),
    ("AC606", "INPUT[8x8x3] -> [FC-16 -> RELU]*2 -> FC-10"),
    ("AC606", "input: 8x8x3\nlayers: ['[CONV3-3p1]*2', add: [[], [CONV3-3p1]], '[CONV3-3p1]*2']"),
    ("AC607", "INPUT[32x32x3] -> CONV7-64p3 -> GAP"),
    ("AC607", "INPUT[35x35x64] -> CONV5-64s2 -> GAP"),
    ("AC607", "INPUT[32x32x64] -> CONV5-64g2 -> GAP"),
    ("AC607", "INPUT[7x7x512] -> CONV7-4096 -> FC-10"),
    ("AC608", "INPUT[227x227x3] -> CONV11-96s4 -> GAP"),
    ("AC608", "INPUT[32x32x3] -> CONV4-16s4 -> GAP"),
    ("AC608", "INPUT[33x33x3] -> CONV3-16p1 -> CONV3-16s2p1 -> GAP"),
    ("AC609", "input: 8x8x16\nrounding: floor\nlayers: [CONV3-16s2p1, GAP]"),
    ("AC609", "input: 7x7x16\nrounding: ceil\nlayers: [POOL2, GAP]"),
    ("AC609", "input: 8x8x16\nrounding: floor\nlayers: [CONV1-16s2, GAP]"),
    ("AC610", "INPUT[32x32x3] -> CONV3-12p1 -> RELU -> POOL2 -> FC-10"),
    ("AC610", "INPUT[7x7x512] -> GAP -> FC-4096 -> RELU -> FC-1000"),
    ("AC610", "INPUT[2x2x8] -> FC-4096 -> RELU -> FC-1000"),
    ("AC611", "INPUT[32x32x3] -> CONV3-16p1 -> BN -> LRN -> CONV3-16p1 -> POOL2 -> CONV3-16p1"),
    ("AC611", "INPUT[32x32x3] -> CONV3-32p1 -> RELU -> CONV1-16 -> BN -> CONV1-96"),
    ("AC611", "INPUT[32x32x8] -> CONV3-8p1g8 -> CONV1-16"),
    ("AC611", "INPUT[32x32x8] -> CONV1x7-8p0x3 -> CONV7x1-8p3x0"),
    ("AC611", "input: 8x8x8\nlayers: [add: [[], [CONV3-8p1]], CONV3-8p1]"),
    ("AC612", "INPUT[8x8x3] -> CONV3-16p1 -> RELU -> POOL2 -> RELU -> GAP -> SOFTMAX"),
    ("AC612", "input: 8x8x3\nlayers: [RELU, multiply: [[], [GAP, FC-3, SIGMOID]]]"),
    ("AC613", "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: 1, bias: false}, bn, relu, CONV1-8, relu, bn]"),
    (
        "AC613",
        "input: 8x8x3\nlayers: [conv: {name: a, filters: 8, kernel_size: 1}, bn, add: {inputs: [a], branches: [[]]}]",
    ),
    ("AC614", "INPUT[8x8x3] -> FC-10 -> SOFTMAX"),
    ("AC614", "input: 8x8x3\nlayers: [multiply: [[], [SOFTMAX]], FC-10]"),
    ("AC615", "INPUT[8x8x3] -> DROPOUT0.2 -> CONV3-16p1 -> BN -> RELU -> DROPOUT -> FC-10"),
    ("AC616", "INPUT[8x8x3] -> CONV3-16p1 -> POOL2 -> FC-10"),
    ("AC616", "INPUT[8x8x3] -> FC-10"),
    ("AC617", "INPUT[8x8x3] -> CONV3-16p1 -> POOL2 -> FC-10"),
    ("AC617", "INPUT[8x8x3] -> FC-10"),
    ("AC618", "INPUT[8x8x3] -> CONV3-16p1 -> RELU -> FC-10"),
    ("AC619", "input: 8x8x3\nlayers: [FC-10]\nexpect: {output: 1x1x10}"),
    ("AC624", "inputs: {a: 8x8x3, b: 8x8x3}\nlayers: [RELU, tanh: {from: b}]\noutputs: [relu1, tanh1]"),
    ("AC624", "input: 8x8x3\nlayers: [{repeat: 2, from: [input, input], layers: [RELU]}]\noutputs: [relu1, relu2]"),
]


@pytest.mark.parametrize(("code", "spec", "says", "more"), SAYS)
def test_says(code: str, spec: str, says: str, more: tuple[str, ...]) -> None:
    (one,) = advice(spec, {code})
    assert one.code == code
    assert one.severity == RULES[code].severity
    assert f"{one.span.line}:{one.span.column}: {one.message}" == says
    assert (*one.notes, *one.help) == more


@pytest.mark.parametrize(("code", "spec"), SILENT)
def test_stays_silent(code: str, spec: str) -> None:
    assert advice(spec, {code}) == []


def test_every_rule_has_both() -> None:
    assert {code for code, *_ in SAYS} == {code for code, *_ in SILENT} == set(RULES)


def test_every_rule_has_a_page() -> None:
    for one in RULES.values():
        assert re.fullmatch("AC6[0-9]{2}", one.code)
        assert one.title and not one.title.endswith(".") and len(one.title) < 80
        assert len(one.page.split("Bad:")[0].split()) > 20, "the page says why"
        assert examples(one.code).keys() == {"Bad", "Good"}
        assert CATALOGUE[one.code].title == one.title
        assert one.severity in ("warning", "info")


def test_infos_are_given_on_request_only() -> None:
    assert all(RULES[code].severity == "warning" for code in DEFAULT)


def test_default_selection() -> None:
    spec = "INPUT[8x8x3] -> CONV3-6 -> RELU -> RELU -> GAP"
    assert [one.code for one in advice(spec, None)] == ["AC612"]
    assert advice(spec, ()) == []
    assert [one.code for one in advice(spec, set(RULES))] == ["AC604", "AC616", "AC612"]


def test_the_command_gives_what_is_on_or_with_info_all() -> None:
    spec = "INPUT[8x8x3] -> CONV3-6 -> RELU -> RELU -> GAP"

    def codes(*options: str) -> list[str]:
        command = [sys.executable, "-m", "archcalc", "check", "--concise", *options, spec]
        run = subprocess.run(command, capture_output=True, check=False, text=True)
        assert run.returncode == ("--fail-on" in options)
        return re.findall(r"AC6\d\d", run.stdout)

    assert codes() == ["AC612"]
    assert codes("--info") == ["AC604", "AC616", "AC612"]
    assert codes("--fail-on", "warning") == ["AC612"]


def test_repeated_layers_are_one_finding() -> None:
    (one,) = advice("INPUT[8x8x8] -> [CONV3-8p1 -> RELU -> RELU]*50 -> GAP", None)
    assert one.code == "AC612"


def test_no_advice_on_what_is_wrong() -> None:
    found = examine(SpecText("spec", "INPUT[8x8x3] -> RELU -> RELU -> POOL3", pattern=True), select=None)
    assert [one.code for one in found.diagnostics] == ["AC201"]


SHOWN = {  # of the zoo, as published: large filters on a whole image, rows that are dropped, biases before batch norm
    "cyclegan": ["AC602"],
    "keras_mnist": ["AC609"],
    "siamese": ["AC602"],
    "vgg16_bn": ["AC613"] * 5,
}


def test_the_zoo_shows_little() -> None:
    for name in zoo_names():
        found = examine(read_spec(f"zoo:{name}"), select=None)
        assert found.ok
        assert [one.code for one in found.diagnostics] == SHOWN.get(name, []), name


@pytest.mark.parametrize("unit", ["CONV3-8p1", "RELU", "DROPOUT", "CONV3-8p1 -> BN -> RELU"])
def test_time_grows_with_the_network(unit: str) -> None:
    """20 times the layers, at most 100 times the time of all rules: far from quadratic (400)."""

    def seconds(times: int) -> float:
        text = SpecText("spec", f"INPUT[8x8x8] -> [{unit}]*{times} -> FC-10", pattern=True)
        found = examine(text)
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            advise(found.document, found.report, set(RULES))
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(20_000) < 100 * seconds(1_000)


@pytest.mark.parametrize("code", sorted(RULES))
def test_examples_of_the_page(code: str) -> None:
    shown = examples(code)
    assert [one.code for one in advice(shown["Bad"], {code})] == [code]
    assert advice(shown["Good"], {code}) == []


def test_a_depthwise_convolution_is_judged_as_the_grouped_one_that_it_is() -> None:
    """Whichever way it is written; there are rules for either."""
    for numbers, grouped in (("4", "4-16g16"), ("3s2p1", "3-16s2p1g16"), ("5p2", "5-16p2g16")):
        text = f"INPUT[33x33x16] -> RELU -> DWCONV{numbers} -> BN -> RELU -> GAP -> FC-10"
        assert [(one.code, one.message.replace("dwconv1", "conv1")) for one in advice(text, RULES)] == [
            (one.code, one.message) for one in advice(text.replace(f"DWCONV{numbers}", f"CONV{grouped}"), RULES)
        ]


def test_biases_before_batch_norm_are_said_in_one_line_where_they_are_many() -> None:
    layers = "\n".join(f"- CONV1-{8 * n} -> BN -> RELU" for n in range(1, 13))
    (one,) = advice(f"input: 8x8x3\nlayers:\n{layers}", {"AC613"})
    assert one.message == "conv1 and 11 more like it: 624 biases that the batch norm behind takes away"
    assert one.span.line == 3


@pytest.mark.parametrize("command", ["check", "report", "plan", "verify"])
def test_channels_that_stand_first_are_said_by_every_command(command: str) -> None:
    """B6: `report zoo:resnet18 --input 3x224x224` counted 12,382,568 parameters and said nothing."""
    arguments = [sys.executable, "-m", "archcalc", command, "INPUT[3x32x32] -> CONV3-8p1 -> GAP -> FC-10"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "warning[AC620]: the input is 3 wide, 32 high and 32 channels deep" in done.stdout + done.stderr


def test_channels_that_stand_first_are_said_where_the_network_does_not_fit() -> None:
    found = examine(SpecText("s", "INPUT[3x224x224] -> CONV7-64s2p3 -> POOL3s2p1", pattern=True)).diagnostics
    assert [one.code for one in found] == ["AC620", "AC201"]
    quiet = examine(SpecText("s", "# archcalc: disable=AC620\ninput: 3x32x32\nlayers: [FC-10]\n"))
    assert quiet.diagnostics == ()
    assert examine(SpecText("s", "INPUT[3x32x32] -> FC-10", pattern=True), select=()).diagnostics == ()
