"""Weight-standardised convolution."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, key
from archcalc.layers.conv import Conv
from archcalc.layers.norm import eps_key
from archcalc.reader.values import Boolean
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class StandardizedConv(Conv):
    """Convolution whose filters are brought to mean 0 and variance 1 before use (Qiao et al., arXiv:1903.10520).

    With `gain` each is then multiplied by a trained factor (normalizer-free networks, arXiv:2101.08692).
    """

    type = "ws_conv"
    example = "INPUT[8x8x4] -> WS_CONV3-8p1"
    aka = ("stdconv", "stdconv2d", "wsconv", "wsconv2d", "standardized_conv")

    eps: float = eps_key(1e-6)
    gain: bool = key(Boolean(), default=False, help="a trained factor for each filter")

    def cost(self, x: Volume, y: Volume) -> Cost:
        cost = super().cost(x, y)
        return cost._replace(weights=cost.weights + self.filters) if self.gain else cost

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return super().weights_formula(x, y) + (f" + {self.filters}" if self.gain else "")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, the standardised filters, and mean and inverse deviation of each, and its gain as it is applied."""
        weights = super().cost(inputs[0], y).weights
        each = 3 if self.gain else 2
        return super().kept(inputs, y)._replace(statistics=weights + each * self.filters, autocast="half")

    def tensors(self, inputs: tuple[Volume, ...], y: Volume, cost: Cost) -> tuple[int, ...]:
        """The filters, the gain where there is one, the biases."""
        gain = self.filters if self.gain and cost.weights else 0
        return cost.weights - gain, gain, cost.biases

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return super().workspace(inputs, y, images) + super().cost(inputs[0], y).weights

    def kernel(self, run: "Run", shape: tuple[int, int, int, int]) -> "Array":
        import numpy as np

        drawn = super().kernel(run, shape)
        if not any(one is drawn for one in run.kept):
            run.kept.append(drawn)  # there while the layer runs, as in frameworks, whose parameter it is
        filters: Array = np.subtract(drawn, drawn.mean(axis=(0, 1, 2)), out=run.new(shape))
        variance = np.einsum("ijck,ijck->k", filters, filters) / (drawn.size // self.filters)
        filters /= np.sqrt(variance + self.eps)
        if self.gain:
            filters *= run.draw("weights", (self.filters,), 1.0, 0.25)
        return filters
