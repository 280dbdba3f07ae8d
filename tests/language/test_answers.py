"""What use has found to be answered wrongly, or without help: each spec with the right answer.

Right values are PyTorch's, or by hand: a list of two is a 1x1 pool of no use, a U-Net's lost column is one of 704.
"""

import pytest

import archcalc
from archcalc.architecture import Examination, examine
from archcalc.language.specfile import SpecText

TOP = "input: 32x32x3\nlayers:\n  - "
POOL = "input: 112x112x3\nlayers:\n  - pool: {kernel_size: 3, stride: 2, %s}\n"
HEADS = """input: 64x64x3
layers:
  - {conv: {name: a, filters: 16, kernel_size: 3, padding: 1}}
  - RELU
  - {conv: {name: head1, filters: 512, kernel_size: 1}}
  - {conv: {name: c, from: relu1, filters: 512, kernel_size: 1}}
  - RELU
  - {conv: {name: head2, filters: 512, kernel_size: 1}}
outputs: [head1, head2]
"""


def examined(text: str) -> Examination:
    return examine(SpecText("spec", text, pattern=text.startswith("INPUT")))


FIT = [  # and what comes out
    (TOP + "CONV3-16p1 -> POOL2\n  - CONV3-64p1\n  - concat: [[from: pool1], []]\n", "[16x16x80]"),
    (TOP + "CONV3-16p1 -> POOL2\n  - CONV3-64p1\n  - concat: {inputs: [pool1, conv2]}\n", "[16x16x80]"),
    (TOP + "upsample: {size: 65}\n", "[65x65x3]"),
    (TOP + "crop: {size: 16}\n", "[16x16x3]"),
    ("rounding: caffe\ninput: 224x224x3\nlayers: [CONV7-64s2p3]\n", "[112x112x64]"),  # rounded down: 112.5
    ("rounding: caffe\ninput: 112x112x3\nlayers: [POOL3s2]\n", "[56x56x3]"),  # rounded up: 55.5
    ("rounding: ceil\ninput: 112x112x3\nlayers: [POOL3s2]\n", "[56x56x3]"),
    ("rounding: floor\ninput: 32x32x3\nlayers: [pool: {kernel_size: 3, stride: 2, dilation: 2, padding: 1}]\n", "[15x15x3]"),
    ("INPUT[33x33x8] -> CONV3-16d18p18", "[33x33x16]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "output"), FIT, ids=[text.partition("layers:")[2] or text for text, _ in FIT])
def test_what_fits(text: str, output: str) -> None:
    found = examined(text)
    assert found.fits, found.diagnostics
    assert str(found.report.rows[-1].output) == output


WRONG = [  # with the first finding's code, its message, and a help that is among its own
    (
        TOP + "CONV3-16p1 -> POOL2\n  - CONV3-64p1\n  - concat: [pool1, []]\n",
        *("AC106", "`pool1` is a pattern here, and a layer has this name"),
        "write `inputs: [pool1]` for the layer, or `POOL1` for the pattern",
    ),
    (TOP + "unflatten\n", "AC105", "there is no layer type `unflatten`", "did you mean `reshape`?"),
    (TOP + "CRELU\n", "AC105", "there is no layer type `CRELU`", None),
    (TOP + "sample\n", "AC105", "there is no layer type `sample`", None),
    (TOP + "SE\n", "AC105", "there is no layer type `SE`", "write `multiply: [[], [GAP -> FC-... ]]`"),
    (TOP + "LOGSOFTMAX\n", "AC105", "there is no layer type `LOGSOFTMAX`", "here it is `LOG_SOFTMAX`"),
    (POOL % "ceil_mode: true", "AC102", "pool has no key `ceil_mode`", "here it is `rounding: ceil`"),
    (POOL % "round_mode: CEIL", "AC102", "pool has no key `round_mode`", "here it is `rounding: ceil`"),
    (POOL % "auto_pad: SAME_UPPER", "AC102", "pool has no key `auto_pad`", "here it is `padding: same`"),
    (
        "INPUT[32x32x3] -> [CONV3-64p1 -> RELU]*2 -> [INPUT[7x7x512]]*1 -> FC-10",
        *("AC101", "the input comes first, and once; it cannot stand in a group, repeat, branch or block", None),
    ),
    (
        "INPUT[9x3x6] -> [INPUT]*2",
        *("AC101", "the input comes first, and once; it cannot stand in a group, repeat, branch or block", None),
    ),
    (
        TOP + "bn: {eps: " + "9" * 400 + "}\n",
        *("AC104", "bn: eps: `" + "9" * 37 + "...` is too large for a number of 64 bits", None),
    ),
    (TOP + "{type: ReLU}\n", "AC101", "a layer's type is its key; there is no key `type`", "write `- relu`"),
    (
        TOP + "{conv: {filters: 3, kernel_size: (3, 3)}}\n",
        *("AC104", "conv: kernel_size: a tuple is not written here, and braces cut it at its comma"),
        "write 3, or a pair like 3x1 (width x height)",
    ),
    (
        TOP + "{conv: {filters: 3, kernel_size: 3, padding: [0, 1, 0, 1]}}\n",
        *("AC104", "conv: padding: a list is ambiguous here: frameworks order it height first, volumes width first"),
        "or {left: 0, right: 1, top: 0, bottom: 1} for PyTorch's F.pad",
    ),
    (TOP + "FC10\n", "AC106", "FC does not take a number; it takes `-`", "write `FC-10`"),
    (TOP + "CONV7x7-64/2\n", "AC106", "an arrow `->` is expected here", "write `CONV7x7-64s2`"),
    (TOP + "'CONV3-64, s2'\n", "AC106", "an arrow `->` is expected here", "write `CONV3-64s2`"),
    (TOP + "RELU => RELU\n", "AC106", "an arrow `->` is expected here", "steps are joined by `->`"),
    (
        TOP + "{fc: {units: 3, activation: softmax}}\n",
        *("AC102", "fc has no key `activation`", "an activation is a layer of its own, behind this one: `softmax`"),
    ),
    (
        TOP + "{fc: {units: 3, in_features: 4096}}\n",
        *("AC102", "fc has no key `in_features`"),
        "3,072 values come in, 32*32*3, not 4,096: PyTorch would fail here; leave it out",
    ),
    (
        "input: [3, 224, 224]\nlayers: [relu]\n",
        *("AC101", "input is a volume like 224x224x3, not a list", "write 224x224x3"),
    ),
    (
        "INPUT[1280x720x3] -> [CONV3-32p1 -> LEAKY_RELU -> POOL2]*5",
        *("AC201", "pool5 does not fit: output height would be 22.5"),
        "the nearest inputs for which the whole network fits are 704 and 736 high",
    ),
    (
        "INPUT[33x33x8] -> CONV3-16d18",
        *("AC202", "conv1 does not fit: a window of width 37 is larger than its padded input of 33"),
        "`padding: 18` keeps the width (-> 33)",
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "message", "help"), WRONG, ids=[text.partition("layers:")[2] or text for text, *_ in WRONG]
)
def test_what_is_wrong(text: str, code: str, message: str, help: str | None) -> None:
    found = examined(text)
    assert not found.fits
    first = found.diagnostics[0]
    assert (first.code, first.message) == (code, message)
    assert help in first.help if help else not first.help


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("INPUT[10x10x4] -> ADAPTIVE_AVGPOOL7 -> FC-5", 10),
        ("INPUT[9x9x4] -> UPSAMPLE2 -> FC-5", 9),
        ("INPUT[9x9x4] -> DECONV3-4s2 -> FC-5", 9),
    ],
)
def test_no_more_is_seen_than_the_image(spec: str, size: int) -> None:
    seen = archcalc.load(spec).report.rows[-1].receptive_field.width
    assert seen is not None
    assert seen.size == size


def test_two_heads_are_held_to_the_end() -> None:
    """PyTorch's 25,165,824 bytes: two heads of 64 x 64 x 512 and what the second reads; and the image, which its caller holds."""
    found = examined(HEADS)
    assert found.fits
    assert found.architecture.plan().inference.activations_peak_bytes == 25_165_824 + 64 * 64 * 3 * 4
