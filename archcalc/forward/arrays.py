"""What forwards share: padding, views of windows, tiles.  Arrays are N, H, W, C.

Independent of the analysis on purpose: no size is computed from (W - F + 2P)/S + 1.  An axis is padded and
sliced, and NumPy says what comes out.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from archcalc.forward.tiling import tile_rows

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run
    from archcalc.reader.values import Padding
    from archcalc.volume import Pair, Rounding


def margins(extent: int, span: int, stride: int, before: int, after: int, rounding: "Rounding", mode: str) -> list[int]:
    """What to put before and after an axis so that slicing off every stride-th window gives the layer's output.

    `same` keeps one window for every stride-th position: as many as slicing the axis itself gives; what they
    lack is padded, the odd position after.  `half` is half of what a window has beyond its centre.  `ceil` adds
    one window that hangs over the end, if there is a rest and the window starts before the right padding.
    """
    if mode == "same":
        last = range(0, extent, stride)[-1]
        lacking = max(0, last + span - extent)
        return [lacking // 2, lacking - lacking // 2]
    if mode == "half":
        before = after = (span - 1) // 2
    padded = before + extent + after
    if rounding == "ceil" and padded >= span:
        last = range(0, padded - span + 1, stride)[-1]
        following = last + stride
        if last + span < padded and following < before + extent:
            after += following + span - padded
    return [before, after]


def windows(
    run: "Run",
    x: "Array",
    size: "Pair",
    stride: "Pair",
    padding: "Padding",
    rounding: "Rounding",
    dilation: "tuple[int, int]" = (1, 1),
    fill: float = 0.0,
) -> "Array":
    """All windows of an image as a view [N, H', W', Fh, Fw, C]; ValueError where a window does not fit at all."""
    (fw, fh), (sw, sh), (dw, dh), (_, height, width, _) = size, stride, dilation, x.shape
    tall, wide = dh * (fh - 1) + 1, dw * (fw - 1) + 1
    rows = margins(height, tall, sh, padding.top, padding.bottom, rounding, padding.mode)
    columns = margins(width, wide, sw, padding.left, padding.right, rounding, padding.mode)
    view = sliding_window_view(framed(run, x, rows, columns, fill), (tall, wide), axis=(1, 2))
    return view[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


def framed(run: "Run", x: "Array", rows: list[int], columns: list[int], fill: float = 0.0) -> "Array":
    """X with rows above and below and columns left and right; x itself where there are none."""
    (top, bottom), (left, right), (n, height, width, channels) = rows, columns, x.shape
    if not (top or bottom or left or right):
        return x
    padded = run.new((n, top + height + bottom, left + width + right, channels))
    padded[:, :top] = fill
    padded[:, top + height :] = fill
    padded[:, top : top + height, :left] = fill
    padded[:, top : top + height, left + width :] = fill
    padded[:, top : top + height, left : left + width] = x
    return padded


def counted(
    extent: int, size: int, stride: int, before: int, after: int, rounding: "Rounding", mode: str, *, padding: bool
) -> "Array":
    """For every window along an axis how many of its positions count: the image's, with `padding` its padding too.

    What `ceil` adds behind the padding never counts.
    """
    first, behind = margins(extent, size, stride, before, after, rounding, mode)
    cells = np.zeros(first + extent + behind, np.int64)
    cells[first : first + extent] = 1
    if padding:
        cells[: first + extent + (behind if mode else after)] = 1
    counts: Array = sliding_window_view(cells, size)[::stride].sum(axis=-1)
    return counts


def bands(run: "Run", seen: "Array", y: "Array") -> "Iterator[tuple[Array, Array]]":
    """Rows of an image's windows [rows, W', Fh, Fw, C] and of its result, few enough for the cache."""
    rows = tile_rows(y.shape[1], y.shape[2] * y.shape[3])
    for image in range(len(y)):
        for row in range(0, y.shape[1], rows):
            run.tick()
            yield seen[image, row : row + rows], y[image, row : row + rows]


def tiles(run: "Run", x: "Array", y: "Array", scratch: int = 0) -> "Iterator[tuple[Array, ...]]":
    """X and y as pairs of [pixels, C] tiles small enough for the cache, each with `scratch` arrays of its shape."""
    a, b = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    rows = tile_rows(*a.shape)
    spare = [run.new((rows, a.shape[1])) for _ in range(scratch)]
    for at in range(0, len(a), rows):
        part = a[at : at + rows]
        run.tick()
        yield part, b[at : at + rows], *(one[: len(part)] for one in spare)


def finite(x: "Array") -> bool:
    """Whether all values are finite, without a mask of the whole array: inf and nan survive a sum."""
    with np.errstate(all="ignore"):
        if np.isfinite(x.sum()):
            return True
        rows = x.reshape(-1, x.shape[-1])
        step = tile_rows(*rows.shape)
        return all(bool(np.isfinite(rows[at : at + step]).all()) for at in range(0, len(rows), step))
