"""Locally connected layers."""

from typing import TYPE_CHECKING

from archcalc.forward.tiling import im2col_block
from archcalc.layers.base import Cost, bias_key, rounding_key
from archcalc.layers.conv import Convolution
from archcalc.volume import Rounding, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Local(Convolution):
    """Locally connected: a convolution whose filters are not shared between positions."""

    type = "local"
    example = "INPUT[8x8x3] -> LOCAL3-8"
    aka = ("locallyconnected", "locallyconnected2d", "locally_connected")

    bias: bool = bias_key("add one bias per output value")
    rounding: Rounding = rounding_key()

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = y.size * self.kernel_size.area * x.channels
        biases = y.size if self.bias else 0
        return Cost(weights, biases, 0, weights, 2 * weights + biases)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        width, height = self.kernel_size
        return f"({y.product})*({width}*{height}*{x.channels})"

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int]:
        return self.kernel_size.area * x.channels, y.width * y.height

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        (x,) = inputs
        row = images * y.width * self.kernel_size.area * x.channels
        return self.framed(x, images) + im2col_block(1, y.height, row)[1] * row

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """A matrix product for every position: [N, Fh*Fw*C] @ [Fh*Fw*C, K]."""
        import numpy as np

        (x,) = inputs
        seen = self.seen(run, x).transpose(1, 2, 0, 3, 4, 5)
        height, width, n, fh, fw, channels = seen.shape
        size = fh * fw * channels
        weights = run.weight((height, width, size, self.filters), size)
        bias = run.bias((height, width, self.filters), size) if self.bias else None
        y = run.new((n, height, width, self.filters))
        _, rows = im2col_block(1, height, n * width * size)
        block = run.new((rows, width, n, fh, fw, channels))
        for row in range(0, height, rows):
            columns = block[: len(seen[row : row + rows])]
            np.copyto(columns, seen[row : row + rows])
            out = y[:, row : row + rows].transpose(1, 2, 0, 3)
            run.matmul(columns.reshape(-1, width, n, size), weights[row : row + rows], out)
        if bias is not None:
            y += bias
        run.columns = (size, height * width)
        return y
