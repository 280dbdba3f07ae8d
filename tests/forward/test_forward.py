"""Every layer's forward against loops written here: no helper of the code under test is used as oracle.

Values are N, H, W, C.  Where padding is read, `pixel` says what stands there.
"""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.forward.run import Array, Run
from archcalc.forward.tiling import RESERVED
from archcalc.layers import TYPES, Layer
from archcalc.layers.conv import Conv
from archcalc.layers.further.local import Local
from archcalc.layers.misfit import LayerError
from archcalc.layers.pool import AveragePool, L2Pool, MaxPool
from archcalc.reader.values import Padding, Scaling
from archcalc.volume import Pair, Volume


def execute(layer: Layer, *inputs: Array, inplace: bool = False) -> tuple[Array, Run]:
    run = Run(dtype="float64", keep=True, batch=len(inputs[0]))
    run.begin(inplace=inplace)
    return layer.forward(run, *inputs), run


def image(*shape: int) -> Array:
    return np.random.default_rng(shape).standard_normal(shape)


# -- the oracle's geometry ----------------------------------------------------------------------


def starts(extent: int, size: int, stride: int, dilation: int, pads: tuple[int, int], layer: Any) -> list[int]:
    """Where the windows begin along an axis, in coordinates of the image (negative in the padding)."""
    span = dilation * (size - 1) + 1
    before, after = pads
    if layer.padding.mode == "same":
        number = math.ceil(extent / stride)
        total = max(0, (number - 1) * stride + span - extent)
        return [i * stride - total // 2 for i in range(number)]
    if layer.padding.mode == "half":
        before = after = (span - 1) // 2
    found = []
    start = -before
    while start + span <= extent + after:
        found.append(start)
        start += stride
    hangs_over = found and found[-1] + span < extent + after
    if layer.rounding == "ceil" and hangs_over and start < extent:
        found.append(start)
    return found


def window_places(layer: Any, x: Array) -> tuple[list[int], list[int]]:
    """Starts of the windows' rows and columns."""
    p, (sw, sh) = layer.padding, getattr(layer, "step", layer.stride)
    dw, dh = getattr(layer, "dilation", (1, 1))
    rows = starts(x.shape[1], layer.kernel_size.height, sh, dh, (p.top, p.bottom), layer)
    columns = starts(x.shape[2], layer.kernel_size.width, sw, dw, (p.left, p.right), layer)
    return rows, columns


def cells(layer: Any, row: int, column: int) -> Iterator[tuple[int, int, int, int]]:
    """The cells of the window that begins at (row, column): place in the window, place in the image."""
    dw, dh = getattr(layer, "dilation", (1, 1))
    for i in range(layer.kernel_size.height):
        for j in range(layer.kernel_size.width):
            yield i, j, row + i * dh, column + j * dw


def inside(x: Array, row: int, column: int) -> bool:
    return bool(0 <= row < x.shape[1] and 0 <= column < x.shape[2])


def naive_conv(layer: Conv, x: Array, weights: Array, bias: Array | None) -> Array:
    rows, columns = window_places(layer, x)
    part, each = x.shape[3] // layer.groups, layer.filters // layer.groups
    y = np.zeros((len(x), len(rows), len(columns), layer.filters))
    for n, r, c, k in np.ndindex(y.shape):
        first = k // each * part
        for i, j, row, column in cells(layer, rows[r], columns[c]):
            if inside(x, row, column):
                for channel in range(part):
                    y[n, r, c, k] += x[n, row, column, first + channel] * weights[i, j, channel, k]
        y[n, r, c, k] += 0 if bias is None else bias[k]
    return y


def naive_local(layer: Local, x: Array, weights: Array, bias: Array | None) -> Array:
    rows, columns = window_places(layer, x)
    y = np.zeros((len(x), len(rows), len(columns), layer.filters))
    for n, r, c, k in np.ndindex(y.shape):
        at = 0
        for _, _, row, column in cells(layer, rows[r], columns[c]):
            for channel in range(x.shape[3]):
                if inside(x, row, column):
                    y[n, r, c, k] += x[n, row, column, channel] * weights[r, c, at, k]
                at += 1
        y[n, r, c, k] += 0 if bias is None else bias[r, c, k]
    return y


def naive_pool(layer: Any, x: Array, reduce: Callable[[list[float], int], float]) -> Array:
    """`reduce` gets the values of the image in a window, and how many cells of image and padding it covers."""
    rows, columns = window_places(layer, x)
    p, whole = layer.padding, bool(layer.padding.mode)
    y = np.zeros((len(x), len(rows), len(columns), x.shape[3]))
    for n, r, c, k in np.ndindex(y.shape):
        covered = list(cells(layer, rows[r], columns[c]))
        values = [float(x[n, row, column, k]) for _, _, row, column in covered if inside(x, row, column)]
        padded = sum(
            whole or (row < x.shape[1] + p.bottom and column < x.shape[2] + p.right) for _, _, row, column in covered
        )
        y[n, r, c, k] = reduce(values, padded)
    return y


# -- geometry by hypothesis -----------------------------------------------------------------------


@st.composite
def paddings(draw: st.DrawFn, most: int = 2) -> Padding:
    mode = draw(st.sampled_from(["", "", "same", "half"]))
    if mode:
        return Padding(mode=mode)
    sides = draw(st.tuples(*[st.integers(0, most)] * 4))
    return Padding(*sides)


pairs = st.builds(Pair, st.integers(1, 3), st.integers(1, 3))
roundings = st.sampled_from(["floor", "ceil"])
images = st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), st.integers(1, 4)).map(
    lambda shape: image(*shape)
)


def made(build: Callable[[], Layer]) -> Layer:
    """The layer, if it can be."""
    try:
        return build()
    except LayerError:
        assume(False)
        raise


def agrees(layer: Layer, x: Array, expected: Callable[[Any, Array, list[Array]], Array]) -> None:
    """Values as the oracle's, shape and costs as the analysis's, memory as predicted; or neither can do it."""
    n, height, width, channels = x.shape
    try:
        y, cost = layer.measure((Volume(width, height, channels),))
    except LayerError:
        with pytest.raises(ValueError):
            execute(layer, x)
        return
    result, run = execute(layer, x)
    np.testing.assert_allclose(result, expected(layer, x, run.kept), rtol=1e-9, atol=1e-9)
    assert result.shape == (n, y.height, y.width, y.channels)
    assert run.macs == n * cost.macs
    assert (run.drawn["weights"], run.drawn["biases"], run.drawn["buffers"]) == (
        cost.weights,
        cost.biases,
        cost.buffers,
    )
    workspace = layer.workspace((Volume(width, height, channels),), y, n)
    assert run.peak - RESERVED == 8 * (cost.params + cost.buffers + n * y.size + workspace)
    if run.columns:
        assert run.columns == layer.im2col(Volume(width, height, channels), y)


@settings(max_examples=150, deadline=None)
@given(
    images,
    pairs,
    pairs,
    pairs,
    paddings(),
    roundings,
    st.booleans(),
    st.sampled_from([1, 2, "each"]),
    st.integers(1, 2),
)
def test_conv(
    x: Array,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    padding: Padding,
    rounding: Any,
    bias: bool,
    groups: Any,
    each: int,
) -> None:
    number = x.shape[3] if groups == "each" else groups
    assume(x.shape[3] % number == 0)
    layer = made(
        lambda: Conv(
            filters=each * number,
            kernel_size=size,
            stride=stride,
            dilation=dilation,
            padding=padding,
            rounding=rounding,
            bias=bias,
            groups=number,
        )
    )
    agrees(layer, x, lambda layer, x, kept: naive_conv(layer, x, kept[0], kept[1] if bias else None))


@settings(max_examples=60, deadline=None)
@given(images, pairs, pairs, pairs, paddings(), roundings, st.booleans())
def test_local(x: Array, size: Pair, stride: Pair, dilation: Pair, padding: Padding, rounding: Any, bias: bool) -> None:
    layer = made(
        lambda: Local(
            filters=2, kernel_size=size, stride=stride, dilation=dilation, padding=padding, rounding=rounding, bias=bias
        )
    )
    agrees(layer, x, lambda layer, x, kept: naive_local(layer, x, kept[0], kept[1] if bias else None))


@settings(max_examples=100, deadline=None)
@given(images, pairs, pairs, pairs, paddings(), roundings, st.sampled_from(["max", "average", "image", "l2"]))
def test_pools(x: Array, size: Pair, stride: Pair, dilation: Pair, padding: Padding, rounding: Any, kind: str) -> None:
    keys: dict[str, Any] = {"kernel_size": size, "stride": stride, "padding": padding, "rounding": rounding}
    builders: dict[str, tuple[Callable[[], Layer], Callable[[list[float], int], float]]] = {
        "max": (lambda: MaxPool(**keys, dilation=dilation), lambda values, _: max(values, default=-math.inf)),
        "average": (lambda: AveragePool(**keys), lambda values, padded: sum(values) / padded),
        "image": (
            lambda: AveragePool(**keys, count_padding=False),
            lambda values, _: sum(values) / len(values) if values else math.nan,
        ),
        "l2": (lambda: L2Pool(**keys), lambda values, _: math.sqrt(sum(value * value for value in values))),
    }
    build, reduce = builders[kind]
    with np.errstate(all="ignore"):
        agrees(made(build), x, lambda layer, x, _: naive_pool(layer, x, reduce))


@settings(max_examples=40, deadline=None)
@given(images, pairs, pairs, pairs, paddings(), roundings, st.integers(1, 2))
def test_depthwise(
    x: Array, size: Pair, stride: Pair, dilation: Pair, padding: Padding, rounding: Any, multiplier: int
) -> None:
    keys: dict[str, Any] = {"kernel_size": size, "stride": stride, "dilation": dilation, "padding": padding}
    layer = made(lambda: TYPES["dwconv"](**keys, rounding=rounding, multiplier=multiplier))
    conv = made(
        lambda: Conv(**keys, rounding=rounding, filters=multiplier * x.shape[3], groups=x.shape[3]),
    )
    agrees(layer, x, lambda layer, x, kept: naive_conv(cast("Conv", conv), x, kept[0], kept[1]))


def naive_transposed(layer: Any, x: Array, weights: Array, bias: Array | None) -> Array:
    """Every input value adds its window; what lies outside of the output is dropped."""
    (fw, fh), (sw, sh), (dw, dh), p = layer.kernel_size, layer.stride, layer.dilation, layer.padding
    wide_window, tall_window = dw * (fw - 1) + 1, dh * (fh - 1) + 1
    n, height, width, channels = x.shape
    left, right, top, bottom = p[:4]
    if p.mode == "half":
        left = right = wide_window // 2
        top = bottom = tall_window // 2
    tall = (height - 1) * sh + tall_window - top - bottom + layer.output_padding.height
    wide = (width - 1) * sw + wide_window - left - right + layer.output_padding.width
    if p.mode == "same":
        left, top = max(0, wide_window - sw) // 2, max(0, tall_window - sh) // 2
        wide, tall = width * sw, height * sh
    if min(wide, tall) < 1:
        raise ValueError("nothing is left")
    y = np.zeros((n, tall, wide, layer.filters))
    part, each = channels // layer.groups, layer.filters // layer.groups
    for image, r, c, channel in np.ndindex(x.shape):
        for i, j, k in np.ndindex(fh, fw, each):
            row, column = r * sh + i * dh - top, c * sw + j * dw - left
            if 0 <= row < tall and 0 <= column < wide:
                filter = channel // part * each + k
                y[image, row, column, filter] += x[image, r, c, channel] * weights[channel, i, j, k]
    return y if bias is None else y + bias


@settings(max_examples=80, deadline=None)
@given(
    images,
    pairs,
    pairs,
    pairs,
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    paddings(),
    st.sampled_from([1, 2]),
    st.booleans(),
)
def test_transposed(
    x: Array,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    added: tuple[int, int],
    padding: Padding,
    groups: int,
    bias: bool,
) -> None:
    assume(x.shape[3] % groups == 0)
    keys: dict[str, Any] = {"kernel_size": size, "stride": stride, "padding": padding, "groups": groups, "bias": bias}
    layer = made(lambda: TYPES["deconv"](filters=2, output_padding=Pair(*added), dilation=dilation, **keys))
    try:
        layer.measure((Volume(x.shape[2], x.shape[1], x.shape[3]),))
    except LayerError:
        return  # padding took everything away; an empty array is not an error to NumPy
    agrees(layer, x, lambda layer, x, kept: naive_transposed(layer, x, kept[0], kept[1] if bias else None))


@settings(max_examples=40, deadline=None)
@given(images, pairs, pairs, pairs, paddings(), roundings, st.booleans(), st.integers(1, 2))
def test_separable(
    x: Array,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    padding: Padding,
    rounding: Any,
    bias: bool,
    multiplier: int,
) -> None:
    keys: dict[str, Any] = {"kernel_size": size, "stride": stride, "dilation": dilation, "padding": padding}
    layer = made(lambda: TYPES["sepconv"](filters=3, **keys, rounding=rounding, multiplier=multiplier, bias=bias))
    first = Conv(**keys, rounding=rounding, filters=multiplier * x.shape[3], groups=x.shape[3])
    second = Conv(filters=3, kernel_size=Pair(1, 1))

    def expected(layer: Any, x: Array, kept: list[Array]) -> Array:
        depthwise = kept[0].reshape(*kept[0].shape[:2], 1, -1)
        middle = naive_conv(first, x, depthwise, None)
        return naive_conv(second, middle, kept[1][None, None], kept[2] if bias else None)

    agrees(layer, x, expected)


@settings(max_examples=40, deadline=None)
@given(images, pairs, paddings(), st.sampled_from([1, 2]), st.booleans())
def test_standardized(x: Array, size: Pair, padding: Padding, groups: int, gain: bool) -> None:
    assume(x.shape[3] % groups == 0)
    keys: dict[str, Any] = {"kernel_size": size, "padding": padding, "groups": groups, "gain": gain}
    layer: Any = made(lambda: TYPES["ws_conv"](filters=2, eps=0.01, **keys))

    def expected(layer: Any, x: Array, kept: list[Array]) -> Array:
        weights = kept[0].copy()
        for k in range(2):
            one = [float(value) for value in kept[0][..., k].ravel()]
            mean = sum(one) / len(one)
            deviation = math.sqrt(sum((value - mean) ** 2 for value in one) / len(one) + 0.01)
            weights[..., k] = (kept[0][..., k] - mean) / deviation * (kept[1][k] if gain else 1)
        return naive_conv(layer, x, weights, kept[-1])

    agrees(layer, x, expected)


@settings(max_examples=40, deadline=None)
@given(images, pairs, pairs, paddings(), roundings)
def test_blur(x: Array, size: Pair, stride: Pair, padding: Padding, rounding: Any) -> None:
    """Every channel under its own filter, which is a buffer."""
    keys: dict[str, Any] = {"kernel_size": size, "stride": stride, "padding": padding, "rounding": rounding}
    layer: Any = made(lambda: TYPES["blurpool"](**keys))
    same = Conv(**keys, filters=x.shape[3], groups=x.shape[3])
    agrees(layer, x, lambda layer, x, kept: naive_conv(same, x, kept[0], None))


@settings(max_examples=40, deadline=None)
@given(images, pairs, st.sampled_from(["adaptive_avgpool", "adaptive_pool"]), st.sampled_from(["", "width", "height"]))
def test_adaptive_pools(x: Array, size: Pair, type: str, free: str) -> None:
    """A side of 0 is the input's."""
    given = size._replace(**{free: 0}) if free else size
    size = size._replace(**{free: x.shape[2 if free == "width" else 1]}) if free else size

    def expected(layer: Any, x: Array, kept: list[Array]) -> Array:
        n, height, width, channels = x.shape
        y = np.zeros((n, size.height, size.width, channels))
        for image, r, c, k in np.ndindex(y.shape):
            rows = range(math.floor(r * height / size.height), math.ceil((r + 1) * height / size.height))
            columns = range(math.floor(c * width / size.width), math.ceil((c + 1) * width / size.width))
            values = [float(x[image, row, column, k]) for row in rows for column in columns]
            y[image, r, c, k] = max(values) if type == "adaptive_pool" else sum(values) / len(values)
        return y

    agrees(TYPES[type](size=given), x, expected)


@settings(max_examples=40, deadline=None)
@given(images, pairs, st.sampled_from(["nearest", "bilinear"]))
def test_upsample(x: Array, factor: Pair, mode: str) -> None:
    def mixed(extent: int, factor: int, o: int) -> list[tuple[int, float]]:
        """The pixels an output position is made of, and their shares."""
        if mode == "nearest":
            return [(o // factor, 1.0)]
        centre = min(max((o + 0.5) / factor - 0.5, 0), extent - 1)
        first = math.floor(centre)
        return [(first, 1 - (centre - first)), (min(first + 1, extent - 1), centre - first)]

    def expected(layer: Any, x: Array, kept: list[Array]) -> Array:
        n, height, width, channels = x.shape
        y = np.zeros((n, height * factor.height, width * factor.width, channels))
        for image, r, c, k in np.ndindex(y.shape):
            for row, a in mixed(height, factor.height, r):
                for column, b in mixed(width, factor.width, c):
                    y[image, r, c, k] += a * b * x[image, row, column, k]
        return y

    agrees(TYPES["upsample"](factor=factor, mode=mode), x, expected)


@settings(max_examples=60, deadline=None)
@given(
    images,
    st.one_of(
        pairs, st.sampled_from([Scaling(1, 3, Pair(2, 2)), Scaling(2, 1, Pair(3, 1)), Scaling(5, 5, Pair(4, 4))])
    ),
    st.booleans(),
    st.sampled_from([("nearest", False), ("bilinear", False), ("bilinear", True)]),
)
def test_resizing(x: Array, wanted: Pair | Scaling, by_size: bool, how: tuple[str, bool]) -> None:
    """To a size and by fractions: positions in exact fractions, whatever the layer computes with."""
    mode, corners = how
    below = wanted.below if isinstance(wanted, Scaling) else Pair(1, 1)
    ratios = [Fraction(one, under) for one, under in zip(wanted[:2], below, strict=True)]
    _, height, width, _ = x.shape
    if by_size:
        sizes = [max(1, one) for one in wanted[:2]]
        layer = TYPES["upsample"](size=Pair(*sizes), mode=mode, align_corners=corners)
        steps = [Fraction(extent, size) for extent, size in zip((width, height), sizes, strict=True)]
    else:
        sizes = [math.floor(extent * ratio) for extent, ratio in zip((width, height), ratios, strict=True)]
        assume(min(sizes) > 0)
        layer = TYPES["upsample"](factor=wanted, mode=mode, align_corners=corners)
        steps = [1 / ratio for ratio in ratios]

    def mixed(axis: int, o: int) -> list[tuple[int, Fraction]]:
        extent, size, step = (width, height)[axis], sizes[axis], steps[axis]
        if mode == "nearest":
            return [(math.floor(o * step), Fraction(1))]
        if corners:
            centre = o * Fraction(extent - 1, size - 1) if size > 1 else Fraction(0)
        else:
            centre = min(max((o + Fraction(1, 2)) * step - Fraction(1, 2), Fraction(0)), Fraction(extent - 1))
        first = math.floor(centre)
        return [(first, 1 - (centre - first)), (min(first + 1, extent - 1), centre - first)]

    def expected(layer: Any, x: Array, kept: list[Array]) -> Array:
        y = np.zeros((len(x), sizes[1], sizes[0], x.shape[3]))
        for image, r, c, k in np.ndindex(y.shape):
            for row, a in mixed(1, r):
                for column, b in mixed(0, c):
                    y[image, r, c, k] += float(a * b) * x[image, row, column, k]
        return y

    agrees(layer, x, expected)
    reaches: Any = layer.windows(Volume(width, height, 1))
    ends = [one.ends for one in reaches]  # what is seen is what is mixed
    for axis, places in enumerate(ends):
        for o in range(min(len(places), sizes[axis])):
            seen = {place for place, share in mixed(axis, o) if share}
            assert min(seen) >= places[o][0]
            assert max(seen) < places[o][1]


@pytest.mark.parametrize(("size", "taken"), [(Pair(4, 3), (0, 1)), (Pair(5, 5), (0, 0)), (Pair(3, 1), (1, 2))])
def test_middles(size: Pair, taken: tuple[int, int]) -> None:
    """An odd column or row is taken from, or stands on, the right and bottom."""
    x = np.arange(25, dtype="float64").reshape(1, 5, 5, 1)
    left, top = taken
    middle = x[:, top : top + size.height, left : left + size.width]
    agrees(TYPES["crop"](size=size), x, lambda layer, x, kept: middle)
    back = np.zeros_like(x)
    rows, columns = (5 - size.height) // 2, (5 - size.width) // 2
    back[:, rows : rows + size.height, columns : columns + size.width] = middle
    agrees(TYPES["pad"](size=Pair(5, 5)), middle, lambda layer, x, kept: back)


# -- figures by hand ------------------------------------------------------------------------------


def test_v_of_the_11x11x4_example() -> None:
    """V[0,1,0] = sum(X[0:5, 2:7, :] * W0) + b0, X being indexed [row, column] here and x = row of V."""
    x = image(1, 11, 11, 4)
    layer = Conv(filters=2, kernel_size=Pair(5, 5), stride=Pair(2, 2))
    y, run = execute(layer, x)
    weights, bias = run.kept
    assert y.shape == (1, 4, 4, 2)
    assert y[0, 0, 0, 0] == pytest.approx(np.sum(x[0, :5, :5, :] * weights[..., 0]) + bias[0])
    assert y[0, 1, 0, 0] == pytest.approx(np.sum(x[0, 2:7, :5, :] * weights[..., 0]) + bias[0])
    assert y[0, 2, 0, 0] == pytest.approx(np.sum(x[0, 4:9, :5, :] * weights[..., 0]) + bias[0])
    assert y[0, 0, 1, 1] == pytest.approx(np.sum(x[0, :5, 2:7, :] * weights[..., 1]) + bias[1])
    assert y[0, 2, 3, 1] == pytest.approx(np.sum(x[0, 4:9, 6:11, :] * weights[..., 1]) + bias[1])


def test_alexnets_first_layer_builds_363_x_3025() -> None:
    run = Run()
    y = Conv(filters=96, kernel_size=Pair(11, 11), stride=Pair(4, 4)).forward(
        run, np.ones((1, 227, 227, 3), np.float32)
    )
    assert y.shape == (1, 55, 55, 96)
    assert run.columns == (363, 3025)
    assert run.macs == 363 * 3025 * 96
    assert run.drawn["weights"] == 96 * 363


def test_same_pads_the_odd_pixel_after() -> None:
    x = np.arange(1.0, 5.0).reshape(1, 1, 4, 1)  # W = 4, F = 3, S = 2: one zero, on the right
    y, _ = execute(MaxPool(kernel_size=Pair(3, 1), stride=Pair(2, 1), padding=Padding(mode="same")), x)
    assert y.ravel().tolist() == [3, 4]
    y, _ = execute(L2Pool(kernel_size=Pair(3, 1), stride=Pair(2, 1), padding=Padding(mode="same")), -x)
    assert y.ravel().tolist() == pytest.approx([math.sqrt(1 + 4 + 9), 5.0])
    x = image(1, 13, 13, 1)
    y, _ = execute(MaxPool(kernel_size=Pair(5, 5), stride=Pair(5, 5), padding=Padding(mode="same")), x)
    assert y.shape == (1, 3, 3, 1)
    assert y[0, 0, 0, 0] == x[0, :4, :4].max()  # 15 - 13 = 2 lacking: one before, one after


def test_ceil_drops_a_window_that_would_start_outside() -> None:
    x = np.ones((1, 4, 4, 1))
    keys: dict[str, Any] = {"stride": Pair(3, 3), "padding": Padding(1, 1, 1, 1), "rounding": "ceil"}
    assert execute(MaxPool(kernel_size=Pair(2, 2), **keys), x)[0].shape == (1, 2, 2, 1)
    assert execute(Conv(filters=1, kernel_size=Pair(2, 2), **keys), x)[0].shape == (1, 2, 2, 1)


def test_the_divisor_of_average_pooling() -> None:
    """A 3x3 image of ones, 2x2 windows, one zero around, `ceil`: corners see one pixel of the image."""
    x = np.ones((1, 3, 3, 1))
    keys: dict[str, Any] = {"kernel_size": Pair(2, 2), "stride": Pair(2, 2), "padding": Padding(1, 1, 1, 1)}
    y, _ = execute(AveragePool(**keys, rounding="floor"), x)
    assert y[0, :, :, 0].tolist() == [[0.25, 0.5], [0.5, 1.0]]
    y, _ = execute(AveragePool(**keys, rounding="floor", count_padding=False), x)
    assert y[0, :, :, 0].tolist() == [[1, 1], [1, 1]]
    # W = 4: three windows begin at -1, 1, 3; the last holds a pixel and a zero of the padding
    y, _ = execute(AveragePool(**keys, rounding="ceil"), np.ones((1, 4, 4, 1)))
    assert y[0, 1].ravel().tolist() == [0.5, 1.0, 0.5]
    # without padding the last window hangs over: the position outside is never counted
    y, _ = execute(AveragePool(kernel_size=Pair(2, 2), stride=Pair(2, 2), rounding="ceil"), x)
    assert y[0, :, :, 0].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("groups", [1, 4])
def test_blocks_and_batches_change_nothing(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same values whether a block holds several images, one, or a single row."""
    x = image(3, 6, 5, 4)
    layer = Conv(filters=4, kernel_size=Pair(3, 3), padding=Padding(1, 1, 1, 1), groups=groups)
    whole, first = execute(layer, x)
    for limit in (5 * 36 * 6 * 2, 5 * 36 * 6, 5 * 36 * 4, 1):
        monkeypatch.setattr("archcalc.forward.tiling.IM2COL", limit)
        monkeypatch.setattr("archcalc.forward.tiling.TILE", limit)
        other, run = execute(layer, x)
        np.testing.assert_allclose(other, whole, rtol=1e-12)
        assert (run.macs, run.columns) == (first.macs, first.columns)
        y = Volume(5, 6, 4)
        assert run.peak - RESERVED == 8 * (9 * 16 // groups + 4 + 3 * y.size + layer.workspace((y,), y, 3))
        if groups == 1:
            assert layer.workspace((y,), y, 3) - 3 * 7 * 8 * 4 <= max(limit, 5 * 36)  # the padded images, a block


# -- element by element -----------------------------------------------------------------------------


def elu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * math.expm1(x)


FUNCTIONS: dict[str, tuple[dict[str, Any], Callable[[float], float]]] = {
    "relu": ({}, lambda x: max(x, 0.0)),
    "leaky_relu": ({"slope": 0.2}, lambda x: x if x > 0 else 0.2 * x),
    "elu": ({"alpha": 0.7}, lambda x: elu(x, 0.7)),
    "selu": ({}, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "tanh": ({}, math.tanh),
    "sigmoid": ({}, lambda x: 1 / (1 + math.exp(-x))),
    "softplus": ({}, lambda x: math.log1p(math.exp(x))),
    "relu6": ({}, lambda x: min(max(x, 0.0), 6.0)),
    "silu": ({}, lambda x: x / (1 + math.exp(-x))),
    "gelu": ({}, lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    "hardswish": ({}, lambda x: x * min(max(x + 3, 0.0), 6.0) / 6),
    "hardsigmoid": ({}, lambda x: min(max(x + 3, 0.0), 6.0) / 6),
    "dropout": ({}, lambda x: x),
    "abs": ({}, lambda x: x if x > 0 else -x),
    "mish": ({}, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    "gelu_tanh": ({}, lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2),
    "hardtanh": ({}, lambda x: min(max(x, -1.0), 1.0)),
    "clamp": ({"low": -0.5}, lambda x: max(x, -0.5)),
    "celu": ({"alpha": 0.7}, lambda x: max(x, 0.0) + min(0.0, 0.7 * math.expm1(x / 0.7))),
}


@pytest.mark.parametrize("type", FUNCTIONS)
@pytest.mark.parametrize("inplace", [False, True])
def test_functions(type: str, inplace: bool) -> None:
    keys, function = FUNCTIONS[type]
    x = 4 * image(2, 3, 5, 7)
    expected = np.array([function(float(one)) for one in x.ravel()]).reshape(x.shape)
    before = x.copy()
    y, run = execute(TYPES[type](**keys), x, inplace=inplace)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-6 if type == "gelu" else 1e-12)
    assert (y is x) == inplace
    assert inplace or (x == before).all()
    volume = Volume(5, 3, 7)
    workspace = TYPES[type](**keys).workspace((volume,), volume, 2)
    assert run.peak - RESERVED == 8 * (workspace + (0 if y is x else x.size))


@pytest.mark.parametrize(
    "type",
    [
        "sigmoid",
        "silu",
        "softplus",
        "softmax",
        "gelu",
        "gelu_tanh",
        "tanh",
        "elu",
        "selu",
        "mish",
        "celu",
        "log_softmax",
    ],
)
def test_functions_do_not_overflow(type: str) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, _ = execute(TYPES[type](), np.array([-1000.0, 1000.0, 0.0]).reshape(1, 1, 1, 3))
    assert np.isfinite(y).all()


def test_softmax() -> None:
    x = image(2, 2, 2, 5)
    y, _ = execute(TYPES["softmax"](), x)
    for n, r, c in np.ndindex(2, 2, 2):
        powers = [math.exp(value) for value in x[n, r, c]]
        assert y[n, r, c].tolist() == pytest.approx([power / sum(powers) for power in powers])


def test_prelu() -> None:
    x = image(2, 2, 3, 4)
    y, run = execute(TYPES["prelu"](), x)
    for n, r, c, k in np.ndindex(x.shape):
        assert y[n, r, c, k] == pytest.approx(x[n, r, c, k] * (1 if x[n, r, c, k] > 0 else run.kept[0][k]))


@pytest.mark.parametrize(("affine", "scale"), [(True, True), (True, False), (False, True)])
def test_batch_norm(affine: bool, scale: bool) -> None:
    x = image(2, 3, 2, 4)
    layer = TYPES["bn"](affine=affine, scale=scale, eps=0.01)
    y, run = execute(layer, x)
    *trained, mean, variance = run.kept
    beta = trained.pop() if affine else np.zeros(4)
    gamma = trained.pop() if trained else np.ones(4)
    for n, r, c, k in np.ndindex(x.shape):
        expected = (x[n, r, c, k] - mean[k]) / math.sqrt(variance[k] + 0.01) * gamma[k] + beta[k]
        assert y[n, r, c, k] == pytest.approx(expected)
    cost = layer.measure((Volume(2, 3, 4),))[1]
    assert run.drawn == {"weights": cost.weights, "biases": cost.biases, "buffers": cost.buffers, "images": 0}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_local_response_norm(size: int) -> None:
    x = image(1, 2, 2, 6)
    y, _ = execute(TYPES["lrn"](size=size, alpha=0.1, beta=0.6, k=1.5), x)
    for _, r, c, k in np.ndindex(x.shape):
        near = [x[0, r, c, other] for other in range(k - size // 2, k - size // 2 + size) if 0 <= other < 6]
        assert y[0, r, c, k] == pytest.approx(x[0, r, c, k] / (1.5 + 0.1 * sum(v * v for v in near)) ** 0.6)


def test_fully_connected_reads_height_width_channels() -> None:
    x = image(2, 2, 3, 4)
    for layer in (TYPES["fc"](units=5), TYPES["fc"](units=5, bias=False)):
        y, run = execute(layer, x)
        assert y.shape == (2, 1, 1, 5)
        for n in range(2):
            for unit in range(5):
                total = sum(
                    x[n, r, c, k] * run.kept[0][(r * 3 + c) * 4 + k, unit] for r, c, k in np.ndindex(x.shape[1:])
                )
                bias = run.kept[1][unit] if len(run.kept) > 1 else 0
                assert y[n, 0, 0, unit] == pytest.approx(total + bias)


def test_flatten_and_global_average() -> None:
    x = image(2, 2, 3, 4)
    y, _ = execute(TYPES["flatten"](), x)
    assert y.shape == (2, 1, 1, 24)
    assert y[1, 0, 0].tolist() == [x[1, r, c, k] for r in range(2) for c in range(3) for k in range(4)]
    y, _ = execute(TYPES["gap"](), x)
    assert y[1, 0, 0].tolist() == pytest.approx(
        [sum(x[1, r, c, k] for r in range(2) for c in range(3)) / 6 for k in range(4)]
    )


def test_layers_that_move_values() -> None:
    x = image(2, 3, 4, 6)
    y, _ = execute(TYPES["pad"](padding=Padding(1, 2, 3, 0)), x)
    assert y.shape == (2, 6, 7, 6)
    assert (y[:, 3:, 1:5] == x).all()
    assert np.count_nonzero(y) == x.size
    y, _ = execute(TYPES["crop"](cropping=Padding(1, 2, 0, 1)), x)
    assert y.shape == (2, 2, 1, 6)
    assert (y[:, :, 0] == x[:, :2, 1]).all()
    y, _ = execute(TYPES["split"](parts=3, part=2), x)
    assert (y == x[..., 2:4]).all()
    y, _ = execute(TYPES["shuffle"](groups=2), x)
    assert (y == x[..., [0, 3, 1, 4, 2, 5]]).all()
    y, run = execute(TYPES["layer_scale"](), x)
    assert y[1, 2, 3, 4] == x[1, 2, 3, 4] * run.kept[0][4]


@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(affine: bool) -> None:
    x = image(2, 3, 2, 4)
    y, run = execute(TYPES["layer_norm"](affine=affine, eps=0.01), x)
    gamma, beta = run.kept if affine else (np.ones(4), np.zeros(4))
    for n, r, c, k in np.ndindex(x.shape):
        values = [float(value) for value in x[n, r, c]]
        mean = sum(values) / 4
        variance = sum((value - mean) ** 2 for value in values) / 4
        expected = (x[n, r, c, k] - mean) / math.sqrt(variance + 0.01) * gamma[k] + beta[k]
        assert y[n, r, c, k] == pytest.approx(expected)


def test_joins() -> None:
    a, b, gate = image(2, 3, 2, 4), image(2, 3, 2, 1), image(2, 1, 1, 4)
    y, _ = execute(TYPES["concat"](), a, b)
    assert y.shape == (2, 3, 2, 5)
    y2, _ = execute(TYPES["add"](), a, 2 * a, -a)
    y3, _ = execute(TYPES["multiply"](), a, gate)
    y4, _ = execute(TYPES["multiply"](), gate, a)
    for n, r, c, k in np.ndindex(a.shape):
        assert y[n, r, c, k] == a[n, r, c, k]
        assert y[n, r, c, 4] == b[n, r, c, 0]
        assert y2[n, r, c, k] == pytest.approx(2 * a[n, r, c, k])
        assert y3[n, r, c, k] == y4[n, r, c, k] == a[n, r, c, k] * gate[n, 0, 0, k]
    with pytest.raises(ValueError, match="shape mismatch"):
        execute(TYPES["add"](), a, image(2, 2, 2, 4))


def test_every_layer_type_can_be_executed() -> None:
    assert [name for name, type in TYPES.items() if type.forward is Layer.forward] == []


def test_float32_and_float64_run_on_the_same_weights() -> None:
    drawn = []
    for dtype in ("float32", "float64"):
        run = Run(seed=3, dtype=dtype)
        drawn.append(run.weight((50, 1000), 50))
    np.testing.assert_allclose(drawn[0], drawn[1], rtol=1e-6)
    assert drawn[1].std() == pytest.approx(math.sqrt(2 / 50), rel=0.02)
    assert drawn[1].mean() == pytest.approx(0, abs=0.005)
    assert len(np.unique(drawn[1])) > 30_000
