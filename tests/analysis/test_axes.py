"""What differs between the axes and the sides of an image: windows, strides and padding of one side only."""

from pathlib import Path

import pytest

import archcalc


@pytest.mark.parametrize(("width", "height"), [((3, 2), (5, 1)), ((4, 3), (2, 2)), ((7, 1), (3, 3))])
def test_a_transposed_convolution_sees_along_each_axis_what_it_reads(
    width: tuple[int, int], height: tuple[int, int]
) -> None:
    """By the definition: output o adds up the inputs i with 0 <= o - i*S < F; counted one by one, on either axis."""
    pattern = f"INPUT[9x7x2] -> DECONV{width[0]}x{height[0]}-4s{width[1]}x{height[1]}"
    field = archcalc.load(pattern).analyze().rows[-1].receptive_field

    def most(extent: int, size: int, stride: int) -> int:
        outputs = range((extent - 1) * stride + size)
        return max(sum(0 <= o - i * stride < size for i in range(extent)) for o in outputs)

    assert field.width is not None
    assert field.height is not None
    assert (field.width.size, field.height.size) == (most(9, *width), most(7, *height))


@pytest.mark.parametrize("pool", ["pool", "avgpool"])
@pytest.mark.parametrize(
    ("sides", "output"),
    [
        ("left: 1", (5, 4)),
        ("right: 1", (4, 4)),
        ("top: 1", (4, 5)),
        ("bottom: 1", (4, 4)),
        ("left: 1, right: 1, bottom: 1", (5, 4)),
    ],
)
def test_lopsided_padding_of_a_pool(pool: str, sides: str, output: tuple[int, int], tmp_path: Path) -> None:
    """Windows of 2 counted by hand: from -1 on there are five; one that begins right of the image, in its padding, is none."""
    path = tmp_path / "x.yaml"
    path.write_text(f"input: 8x8x2\nlayers: [{pool}: {{kernel_size: 2, padding: {{{sides}}}, rounding: ceil}}]\n")
    net = archcalc.load(path)
    assert net.analyze().output[:2] == output
    assert net.verify().ok
