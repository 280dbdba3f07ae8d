"""The same values as another volume."""

from typing import TYPE_CHECKING

from archcalc.diagnostics import rule
from archcalc.layers.base import Kept, Layer, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Integer
from archcalc.volume import Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

OTHER_SIZE = rule(
    "AC215",
    "a reshape to another number of values",
    "A reshape moves nothing: width * height * channels of the output must be the number of the input's values.",
)


class Reshape(Layer):
    """The same values as another volume, as a generator's first layers make an image of a vector."""

    type = "reshape"
    example = "input: 1x1x256\nlayers: [reshape: {width: 4, height: 4, channels: 16}]\n"
    akin = ("unflatten", "view", "rearrange")
    inplace = True
    view = True
    keeps = Kept(storage="view", viewed=True)

    width: int = key(Integer(1), foreign=("W", "w"), help="columns of the output")
    height: int = key(Integer(1), foreign=("H", "h"), help="rows of the output")
    channels: int = key(Integer(1), foreign=("C", "c", "depth"), help="channels of the output")

    @property
    def label(self) -> str:
        return f"RESHAPE {self.width}x{self.height}x{self.channels}"

    def output(self, x: Volume) -> Volume:
        y = Volume(self.width, self.height, self.channels)
        if y.size != x.size:
            raise LayerError(
                OTHER_SIZE,
                f"cannot make {y} of {x}",
                keys=("channels", "width", "height"),
                notes=(f"{y.product} = {y.size:,}, but {x.product} = {x.size:,}",),
            )
        return y

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        """Every output is taken to see the whole input: which part moves with its layout in memory."""
        return Reach(((0, x.width),), 0), Reach(((0, x.height),), 0)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """Values in the order height, width, channels."""
        return inputs[0].reshape(len(inputs[0]), self.height, self.width, self.channels)
