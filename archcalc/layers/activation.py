"""Activations: element by element, so they may overwrite their input."""

from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.values import Number
from archcalc.volume import Volume


class Activation(Layer):
    """One operation per value; may be done in place.

    Where the backward pass needs the input (ReLU6, SiLU, Hardswish ...), doing it in place makes PyTorch keep a
    copy, so that only ReLU, leaky ReLU, ELU and SELU are declared in place for training.
    """

    inplace = True

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=y.size)


class ReLU(Activation):
    """Rectified linear unit: max(0, x)."""

    type = "relu"
    aka = ("rectifier", "rectify")
    keeps = Kept(output=True, storage="inplace")


class LeakyReLU(Activation):
    """Leaky ReLU: x where x > 0, else slope * x."""

    type = "leaky_relu"
    aka = ("leakyrelu", "lrelu", "leaky")
    keeps = Kept(input=True, storage="inplace")

    slope: float = key(
        Number(0), default=0.01, foreign=("negative_slope", "alpha", "leakiness"), help="factor for negative values"
    )


class PReLU(Activation):
    """Parametric ReLU: a leaky ReLU with one trained slope per channel."""

    type = "prelu"
    inplace = False
    keeps = Kept(input=True)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(weights=x.channels, flops=y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels)


class ELU(Activation):
    """Exponential linear unit."""

    type = "elu"
    keeps = Kept(input=True, storage="inplace")

    alpha: float = key(Number(0), default=1.0, help="limit for large negative values")


class SELU(Activation):
    """Scaled exponential linear unit."""

    type = "selu"
    keeps = Kept(input=True, storage="inplace")


class Tanh(Activation):
    """Hyperbolic tangent."""

    type = "tanh"
    keeps = Kept(output=True)


class Sigmoid(Activation):
    """Logistic function."""

    type = "sigmoid"
    aka = ("logistic",)
    keeps = Kept(output=True)


class Softplus(Activation):
    """log(1 + exp(x)), a smooth ReLU."""

    type = "softplus"
    keeps = Kept(input=True, autocast=False)


class ReLU6(Activation):
    """ReLU clipped at 6."""

    type = "relu6"
    keeps = Kept(input=True)


class SiLU(Activation):
    """x * sigmoid(x), also called swish."""

    type = "silu"
    aka = ("swish",)
    keeps = Kept(input=True)


class GELU(Activation):
    """Gaussian error linear unit."""

    type = "gelu"
    keeps = Kept(input=True)


class HardSwish(Activation):
    """x * relu6(x + 3)/6."""

    type = "hardswish"
    aka = ("hard_swish", "h_swish", "hswish")
    keeps = Kept(input=True)


class HardSigmoid(Activation):
    """relu6(x + 3)/6."""

    type = "hardsigmoid"
    aka = ("hard_sigmoid", "h_sigmoid", "hsigmoid")
    keeps = Kept(input=True)


class Softmax(Activation):
    """Softmax over the channels: scores to probabilities."""

    type = "softmax"
    keeps = Kept(output=True, autocast=False)

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=3 * y.size)
