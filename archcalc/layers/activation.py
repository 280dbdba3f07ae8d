"""Activations: element by element, so they may overwrite their input."""

from typing import TYPE_CHECKING, ClassVar

from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import UNEVEN_SPLIT, Cost, Kept, Layer, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Boolean, Choice, Integer, Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Activation(Layer):
    """One operation per value; may be done in place.

    Where the backward pass needs the input (ReLU6, SiLU, Hardswish ...), doing it in place makes PyTorch keep a
    copy, so that only ReLU, leaky ReLU, ELU and SELU are declared in place for training.
    """

    inplace = True
    spare: ClassVar[int] = 0  # tiles that `apply` needs to note intermediate values in

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=y.size)

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return self.spare * tile_rows(images * y.width * y.height, y.channels) * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        from archcalc.forward.arrays import tiles

        y = run.target(inputs[0])
        for a, b, *spare in tiles(run, inputs[0], y, self.spare):
            self.apply(a, b, spare)
        return y

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        """Compute a tile [pixels, C] of y, which may be x itself."""
        raise NotImplementedError


class ReLU(Activation):
    """Rectified linear unit: max(0, x)."""

    type = "relu"
    aka = ("rectifier", "rectify")
    keeps = Kept(output=True, storage="inplace")

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.maximum(x, 0, out=y)


class LeakyReLU(Activation):
    """Leaky ReLU: x where x > 0, else slope * x."""

    type = "leaky_relu"
    aka = ("leakyrelu", "lrelu")
    akin = ("leaky",)  # Darknet's, whose slope is 0.1
    keeps = Kept(input=True, storage="inplace")
    spare = 1

    slope: float = key(
        Number(0), default=0.01, foreign=("negative_slope", "alpha", "leakiness"), help="factor for negative values"
    )

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        (below,) = spare
        np.minimum(x, 0, out=below)
        below *= self.slope
        np.maximum(x, 0, out=y)
        y += below


class PReLU(Activation):
    """Parametric ReLU: a leaky ReLU with one trained slope per channel, or with one for the layer."""

    type = "prelu"
    inplace = False
    spare = 1

    per: str = key(Choice("channel", "layer"), default="channel", help="one slope for each channel, or for the layer")

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(weights=x.channels if self.per == "channel" else 1, flops=y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels if self.per == "channel" else 1)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; backward the slopes' gradient is a map before it is summed."""
        return Kept(input=True, backward=y.size, autocast="half")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        slopes = run.draw("weights", x.shape[-1:] if self.per == "channel" else (1,), 0.25, 0.1)
        y = run.new(x.shape)
        for a, b, below in tiles(run, x, y, 1):
            np.minimum(a, 0, out=below)
            below *= slopes
            np.maximum(a, 0, out=b)
            b += below
        return y


class ELU(Activation):
    """Exponential linear unit."""

    type = "elu"
    keeps = Kept(input=True, storage="inplace")
    spare = 1

    alpha: float = key(Number(0), default=1.0, help="limit for large negative values")

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        exponential(x, y, spare[0], self.alpha, 1.0)


class SELU(Activation):
    """Scaled exponential linear unit."""

    type = "selu"
    keeps = Kept(input=True, storage="inplace")
    spare = 1

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        exponential(x, y, spare[0], 1.6732632423543772, 1.0507009873554805)  # Klambauer et al. 2017


class Tanh(Activation):
    """Hyperbolic tangent."""

    type = "tanh"
    keeps = Kept(output=True)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.tanh(x, out=y)


class Sigmoid(Activation):
    """Logistic function."""

    type = "sigmoid"
    aka = ("logistic",)
    keeps = Kept(output=True)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        logistic(x, y)


class Softplus(Activation):
    """log(1 + exp(x)), a smooth ReLU."""

    type = "softplus"
    keeps = Kept(input=True, autocast="single")

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.logaddexp(x, 0, out=y)


class ReLU6(Activation):
    """ReLU clipped at 6."""

    type = "relu6"
    keeps = Kept(input=True, storage="cloned")

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        np.clip(x, 0, 6, out=y)


class SiLU(Activation):
    """x * sigmoid(x), also called swish."""

    type = "silu"
    aka = ("swish",)
    keeps = Kept(input=True, storage="cloned")
    spare = 1

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        logistic(x, spare[0])
        np.multiply(x, spare[0], out=y)


class GELU(Activation):
    """Gaussian error linear unit: x * (1 + erf(x / sqrt(2)))/2."""

    type = "gelu"
    keeps = Kept(input=True)
    spare = 3

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        """With erf to 1.5e-7 by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""
        import numpy as np

        t, total, power = spare
        np.abs(x, out=power)
        power *= 0.5**0.5
        np.multiply(power, 0.3275911, out=t)
        t += 1
        np.reciprocal(t, out=t)
        total[...] = 1.061405429
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            total *= t
            total += coefficient
        total *= t
        np.multiply(power, power, out=power)
        np.negative(power, out=power)
        np.exp(power, out=power)
        total *= power  # 1 - erf(|x| / sqrt(2))
        np.subtract(1, total, out=total)
        np.copysign(total, x, out=total)
        total += 1
        total *= 0.5
        np.multiply(x, total, out=y)


class HardSwish(Activation):
    """x * relu6(x + 3)/6."""

    type = "hardswish"
    aka = ("hard_swish", "h_swish", "hswish")
    keeps = Kept(input=True, storage="cloned")
    spare = 1

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        hard_logistic(x, spare[0])
        np.multiply(x, spare[0], out=y)


class HardSigmoid(Activation):
    """relu6(x + 3)/6."""

    type = "hardsigmoid"
    aka = ("h_sigmoid", "hsigmoid")
    akin = ("hard_sigmoid",)  # Keras 2's is clip(0.2x + 0.5, 0, 1)
    keeps = Kept(input=True, storage="cloned")

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        hard_logistic(x, y)


class Softmax(Activation):
    """Softmax over the channels, scores to probabilities; over each of several groups of them, or across the groups.

    Across: over the channels that have the same place in their groups (split attention, arXiv:2004.08955).
    """

    type = "softmax"
    example = "INPUT[1x1x10] -> SOFTMAX"
    keeps = Kept(output=True, autocast="softmax")
    spare = 1

    groups: int = key(Integer(1), default=1, foreign=("group",), help="parts of the channels, each with a softmax")
    across: bool = key(Boolean(), default=False, help="over the groups, for each place in them")

    def output(self, x: Volume) -> Volume:
        if x.channels % self.groups:
            raise LayerError(
                UNEVEN_SPLIT,
                f"cannot split the input's {x.channels} channels into {self.groups} groups",
                keys=("groups",),
                notes=(f"{x.channels} = {x.channels // self.groups}*{self.groups} + {x.channels % self.groups}",),
            )
        return x

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=3 * y.size)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        scores, out, powers = (one.reshape(len(one), self.groups, -1) for one in (x, y, spare[0]))
        self.divide(scores, out, powers, 1 if self.across else 2)

    def divide(self, x: "Array", y: "Array", powers: "Array", axis: int) -> None:
        """Write the softmax of x along an axis to y."""
        import numpy as np

        np.subtract(x, x.max(axis=axis, keepdims=True), out=powers)
        np.exp(powers, out=y)
        y /= y.sum(axis=axis, keepdims=True)


def logistic(x: "Array", y: "Array") -> None:
    """Y = 1/(1 + exp(-x)), as (1 + tanh(x/2))/2, which cannot overflow."""
    import numpy as np

    np.multiply(x, 0.5, out=y)
    np.tanh(y, out=y)
    y += 1
    y *= 0.5


def hard_logistic(x: "Array", y: "Array") -> None:
    """Y = relu6(x + 3)/6."""
    import numpy as np

    np.add(x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    y /= 6


def exponential(x: "Array", y: "Array", below: "Array", alpha: float, scale: float) -> None:
    """Y = scale * x where x > 0, else scale * alpha * (exp(x) - 1)."""
    import numpy as np

    np.minimum(x, 0, out=below)
    np.expm1(below, out=below)
    below *= alpha
    np.maximum(x, 0, out=y)
    y += below
    y *= scale
