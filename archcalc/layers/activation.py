"""Activations: element by element, so they may overwrite their input."""

from archcalc.layers.base import Cost, Layer, key
from archcalc.values import Number
from archcalc.volume import Volume


class Activation(Layer):
    """One operation per value; may be done in place."""

    inplace = True

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=y.size)


class ReLU(Activation):
    """Rectified linear unit: max(0, x)."""

    type = "relu"
    aka = ("rectifier", "rectify")


class LeakyReLU(Activation):
    """Leaky ReLU: x where x > 0, else slope * x."""

    type = "leaky_relu"
    aka = ("leakyrelu", "lrelu", "leaky")

    slope: float = key(
        Number(0), default=0.01, foreign=("negative_slope", "alpha", "leakiness"), help="factor for negative values"
    )


class PReLU(Activation):
    """Parametric ReLU: a leaky ReLU with one trained slope per channel."""

    type = "prelu"
    inplace = False

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(weights=x.channels, flops=y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels)


class ELU(Activation):
    """Exponential linear unit."""

    type = "elu"

    alpha: float = key(Number(0), default=1.0, help="limit for large negative values")


class SELU(Activation):
    """Scaled exponential linear unit."""

    type = "selu"


class Tanh(Activation):
    """Hyperbolic tangent."""

    type = "tanh"


class Sigmoid(Activation):
    """Logistic function."""

    type = "sigmoid"
    aka = ("logistic",)


class Softplus(Activation):
    """log(1 + exp(x)), a smooth ReLU."""

    type = "softplus"


class ReLU6(Activation):
    """ReLU clipped at 6."""

    type = "relu6"


class SiLU(Activation):
    """x * sigmoid(x), also called swish."""

    type = "silu"
    aka = ("swish",)


class GELU(Activation):
    """Gaussian error linear unit."""

    type = "gelu"


class HardSwish(Activation):
    """x * relu6(x + 3)/6."""

    type = "hardswish"
    aka = ("hard_swish", "h_swish", "hswish")


class HardSigmoid(Activation):
    """relu6(x + 3)/6."""

    type = "hardsigmoid"
    aka = ("hard_sigmoid", "h_sigmoid", "hsigmoid")


class Softmax(Activation):
    """Softmax over the channels: scores to probabilities."""

    type = "softmax"

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=3 * y.size)
