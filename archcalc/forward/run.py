"""One executed forward pass: makes and accounts arrays, draws weights, performs and counts products.

Everything a layer's forward allocates comes from here, so that memory is measured and not computed: an array
counts from its allocation until Python gives it back.
"""

import time
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archcalc.forward.tiling import DRAWN, RESERVED

Array = npt.NDArray[Any]


class TimeIsUp(Exception):
    """The run has reached its time limit."""


class Run:
    """The state of a forward pass; `drawn`, `macs`, `columns` and `weights_seconds` are of the layer in work.

    drawn: values allocated as weights, biases and buffers; those that are lent by an earlier layer are not drawn.  macs: multiply-accumulates, counted from the
    operands' shapes.  columns: the shape of the im2col matrix of a group and an image, [F*F*C/g, W'*H'].
    """

    def __init__(
        self,
        seed: int = 0,
        dtype: str = "float32",
        *,
        batch: int = 1,
        image: Array | None = None,
        deadline: float = float("inf"),
        keep: bool = False,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.batch, self.image = batch, image
        self.live = self.peak = RESERVED  # bytes
        self.keep = keep  # the weights of the layer in work, for a comparison
        self._streams = {"images": np.random.SFC64((seed, 1))}  # apart: another input leaves the weights as they are
        self._weights = np.random.SFC64((seed, 0))
        self._deadline = deadline
        self.begin(inplace=False)

    def begin(self, *, inplace: bool, lent: Sequence[Array] = (), lend: bool = False) -> None:
        """Start a layer, which may overwrite its input if `inplace`.

        `lent` are the weights it works with instead of drawing its own; with `lend` its own are in `kept` afterwards.
        """
        self.inplace = inplace
        self._lent = list(lent)
        self._lend = lend
        self.drawn = {"weights": 0, "biases": 0, "buffers": 0, "images": 0}
        self.kept: list[Array] = []
        self.macs = 0
        self.columns: tuple[int, int] | None = None
        self.weights_seconds = 0.0

    def tick(self) -> None:
        """Raise TimeIsUp at the deadline."""
        if time.monotonic() > self._deadline:
            raise TimeIsUp

    # -- memory -----------------------------------------------------------------------------------

    def new(self, shape: Sequence[int]) -> Array:
        """An array of any values."""
        return self.adopt(np.empty(shape, self.dtype))

    def adopt(self, array: Array) -> Array:
        """Account an array that NumPy has just made."""
        self.live += array.nbytes
        self.peak = max(self.peak, self.live)
        weakref.finalize(array, self._freed, array.nbytes).atexit = False
        return array

    def _freed(self, size: int) -> None:
        self.live -= size

    def target(self, x: Array) -> Array:
        """Where to write a result of x's shape: x itself if it may be overwritten."""
        return x if self.inplace else self.new(x.shape)

    def passed(self, x: Array) -> Array:
        """X itself, or a copy where others read x later: what comes next may overwrite what it is given."""
        return x if self.inplace else self.copied(x)

    def copied(self, x: Array) -> Array:
        """A copy, in the order of its axes."""
        y = self.new(x.shape)
        np.copyto(y, x)
        return y

    def images(self, height: int, width: int, channels: int) -> Array:
        """The input: the images given, else values of variance 1."""
        if self.image is not None:
            return self.copied(self.image)
        return self.draw("images", (self.batch, height, width, channels), 0.0, 3**0.5)

    # -- weights ----------------------------------------------------------------------------------

    def weight(self, shape: Sequence[int], fan_in: int) -> Array:
        """Weights with He's variance 2/fan_in (He et al. 2015), uniform, so that ReLUs keep the values' scale."""
        return self.draw("weights", shape, 0.0, (6 / fan_in) ** 0.5)

    def bias(self, shape: Sequence[int], fan_in: int) -> Array:
        """Biases, of the size of one weight: not zero, so that a forgotten one is noticed."""
        return self.draw("biases", shape, 0.0, fan_in**-0.5)

    def draw(self, kind: str, shape: Sequence[int], centre: float, reach: float) -> Array:
        """Values uniform in centre +- reach, the same for a seed whatever the dtype.

        From 16 random bits each, which is five times cheaper than a normal distribution.
        """
        if self._lent and kind != "images":
            values = self._lent.pop(0)
            if values.shape != tuple(shape):
                raise ValueError(f"weights of shape {tuple(shape)} cannot be those of shape {values.shape}")
            if self.keep:
                self.kept.append(values)
            return values
        started = time.perf_counter()
        values = self.new(shape)
        flat = values.reshape(-1)
        stream = self._streams.get(kind, self._weights)
        for at in range(0, flat.size, DRAWN):
            part = flat[at : at + DRAWN]
            bits = stream.random_raw(-(-part.size // 4)).view(np.int16)[: part.size]
            np.multiply(bits, self.dtype.type(reach / 2**15), out=part)
            if centre:
                part += self.dtype.type(centre)
            if not at & (64 * DRAWN - 1):
                self.tick()
        self.drawn[kind] += flat.size
        if (self.keep or self._lend) and kind != "images":
            self.kept.append(values)
        self.weights_seconds += time.perf_counter() - started
        return values

    # -- products ---------------------------------------------------------------------------------

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        """Out = a @ b for [..., m, k] and [..., k, n]: m*k*n multiply-accumulates each."""
        self.tick()
        np.matmul(a, b, out=out)
        self.macs += out.size * a.shape[-1]

    def multiply_add(self, y: Array, x: Array, w: Array, scratch: Array) -> None:
        """Y += x * w, one multiply-accumulate a value of y; `scratch` is of y's shape."""
        np.multiply(x, w, out=scratch)
        np.add(y, scratch, out=y)
        self.macs += y.size
