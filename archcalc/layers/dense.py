"""Fully connected layers."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, bias_key, key
from archcalc.reader.values import Integer
from archcalc.volume import Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class FullyConnected(Layer):
    """Fully connected: every unit sees the whole input, which is flattened implicitly."""

    type = "fc"
    example = "INPUT[7x7x512] -> FC-4096"
    aka = ("dense", "linear", "inner_product", "innerproduct", "fully_connected", "fullyconnected", "affine")
    keeps = Kept(input=True, weights=True, autocast="half")

    units: int = key(
        Integer(1),
        notation="-",
        letter="K",
        foreign=("out_features", "num_output", "num_units"),
        akin=("filters", "neurons", "n", "size", "out"),
        help="number of neurons",
    )
    bias: bool = bias_key("add one bias per unit")

    @property
    def label(self) -> str:
        return f"FC-{self.units}"

    def output(self, x: Volume) -> Volume:
        return Volume(1, 1, self.units)

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights = x.size * self.units
        biases = self.units if self.bias else 0
        return Cost(weights, biases, 0, weights, 2 * weights + biases)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return f"{x.product}*{self.units}"

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return Window(x.width), Window(x.height)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        flat = inputs[0].reshape(len(inputs[0]), -1)  # values in the order height, width, channels
        weights = run.weight((flat.shape[1], self.units), flat.shape[1])
        bias = run.bias((self.units,), flat.shape[1]) if self.bias else None
        y = run.new((len(flat), self.units))
        run.matmul(flat, weights, y)
        if bias is not None:
            y += bias
        return y.reshape(len(flat), 1, 1, self.units)
