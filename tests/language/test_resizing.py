"""`size` and `like` of upsample, pad and crop: what they make, and what is refused, with its place."""

import pytest

from archcalc.architecture import Architecture, examine
from archcalc.authoring.write import write
from archcalc.language.specfile import SpecText

NET = """\
input: 33x21x3
rounding: floor
layers:
  - conv: {{name: c1, filters: 4, kernel_size: 3, stride: 2, padding: 1}}
  - conv: {{name: c2, filters: 4, kernel_size: 3, stride: 2}}
  - {line}
"""


def read(text: str, input: str | None = None) -> Architecture:
    found = examine(SpecText("spec.yaml", text), input=input)
    assert [one for one in found.diagnostics if one.severity == "error"] == []
    return found.architecture


MADE = [  # by hand: c1 is 17x11, c2 is 8x5
    ("upsample: {like: c1}", "[17x11x4]", "UPSAMPLE to 17x11"),
    ("upsample: {like: input, mode: bilinear, align_corners: true}", "[33x21x4]", "UPSAMPLE to 33x21"),
    ("upsample: {size: 9x10}", "[9x10x4]", "UPSAMPLE to 9x10"),
    ("upsample: {factor: 1/2}", "[4x2x4]", "UPSAMPLE1/2"),
    ("upsample: {factor: 1.5}", "[12x7x4]", "UPSAMPLE3/2"),
    ("upsample: {factor: 3/2x1}", "[12x5x4]", "UPSAMPLE3/2x1"),
    ("upsample: {factor: 4/2}", "[16x10x4]", "UPSAMPLE2"),
    ("pad: {like: c1, mode: replicate}", "[17x11x4]", "PAD to 17x11"),
    ("crop: {from: c1, like: c2}", "[8x5x4]", "CROP to 8x5"),
    ("crop: {size: 3x5}", "[3x5x4]", "CROP to 3x5"),
]


@pytest.mark.parametrize(("line", "output", "label"), MADE)
def test_made(line: str, output: str, label: str) -> None:
    net = read(NET.format(line=line))
    row = net.analyze().rows[-1]
    assert (str(row.output), row.node.layer.label) == (output, label)
    assert net.verify().ok
    again = read(write(net.graph))
    assert [(one.layer, one.inputs, one.like) for one in again.graph.nodes] == [
        (one.layer, one.inputs, one.like) for one in net.graph.nodes
    ]
    assert again.analyze().rows[-1].output == row.output


def test_another_input_gives_other_sizes() -> None:
    net = read(NET.format(line="upsample: {like: input}"), "65x65x3")
    assert str(net.analyze().output) == "[65x65x4]"


REFUSED = [
    ("upsample: {like: c3}", "6:22: no layer is named `c3`"),
    ("upsample: {name: u, like: u}", "6:31: u reads itself"),
    ("upsample: {}", "6:5: upsample: `factor` or `size` is needed, or `like`, the layer that is as large"),
    ("upsample: {factor: 2, size: 4}", "6:33: upsample: the size is given twice, by `factor` and by `size`"),
    ("upsample: {factor: 2, like: c1}", "6:27: the size of upsample is given twice, by `factor` and by `like`"),
    ("crop: {like: c2, size: 3}", "6:12: the size of crop is given twice, by `size` and by `like`"),
    ("crop: {like: c1}", "6:18: crop1 cannot crop a width of 8 to 17"),
    ("pad: {size: 9x4}", "6:17: pad1 cannot pad a height of 5 to 4"),
    ("upsample: {factor: 0/2}", "6:24: upsample: factor: `0/2` stands where a whole number from 1 or a fraction like 1/2, or a pair of them (width x height) is expected"),
    ("upsample: {factor: 1/9}", "6:24: upsample1 does not fit: of a width of 8, 1/9 is less than 1"),
    ("upsample: {factor: 1/2/3}", "6:24: upsample: factor: `1/2/3` stands where a whole number from 1 or a fraction like 1/2, or a pair of them (width x height) is expected"),
    ("upsample: {factor: 999999999/1}", "6:5: upsample1: the output [7999999992x4999999995x4] has a dimension larger than 2,147,483,647"),
    ("upsample: {size: 3, align_corners: true}", "6:40: upsample: `align_corners` is for `mode: bilinear`"),
    ("relu: {like: c1}", "6:12: relu has no key `like`"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "says"), REFUSED)
def test_refused(line: str, says: str) -> None:
    found = examine(SpecText("spec.yaml", NET.format(line=line))).diagnostics
    assert [f"{one.span.line}:{one.span.column}: {one.message}" for one in found] == [says]


def test_a_default_factor_gives_way() -> None:
    text = NET.format(line="upsample: {like: c1}").replace("layers:", "defaults: {upsample: {factor: 2}}\nlayers:")
    assert str(read(text).analyze().output) == "[17x11x4]"


def test_later_layers_are_refused() -> None:
    text = "input: 8x8x3\nlayers: [upsample: {like: c}, conv: {name: c, filters: 4, kernel_size: 3}]\n"
    (one,) = examine(SpecText("spec.yaml", text)).diagnostics
    assert (one.code, one.message) == ("AC307", "upsample1 reads itself by way of `c`")


PSPNET = """\
extends: zoo:fcn_resnet50
input: 473x473x3
blocks:
  level:
    vars: {bins: }
    layers:
      - ADAPTIVE_AVGPOOL$bins -> CONV1-512 -> BN -> RELU
      - upsample: {like: features, mode: bilinear, align_corners: true}
layers:
  - backbone: {name: features}
  - concat: [[], [level: {bins: 1}], [level: {bins: 2}], [level: {bins: 3}], [level: {bins: 6}]]
  - CONV3-512p1 -> BN -> RELU -> DROPOUT0.1
  - conv: {filters: 150, kernel_size: 1, bias: true}
  - upsample: {like: input, mode: bilinear, align_corners: true}
"""


@pytest.mark.parametrize(("side", "middle"), [(473, 60), (713, 90), (512, 64)])
def test_pyramid_pooling_needs_no_edits_for_another_size(side: int, middle: int) -> None:
    """PSPNet (arXiv:1612.01105): 473 is (473 - 1)/8 + 1 = 60 wide behind the dilated backbone; four levels of 512 beside 2048."""
    rows = read(PSPNET, f"{side}x{side}x3").analyze().rows
    volumes = {row.node.name: str(row.output) for row in rows}
    assert volumes["concat1"] == f"[{middle}x{middle}x4096]"
    assert volumes["level4.relu1"] == "[6x6x512]"
    assert str(rows[-1].output) == f"[{side}x{side}x150]"
