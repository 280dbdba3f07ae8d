"""Normalization and dropout."""

from typing import TYPE_CHECKING, Any, ClassVar

from archcalc.forward.tiling import tile_rows
from archcalc.layers.base import Cost, Kept, Layer, key
from archcalc.reader.values import Boolean, Integer, Number
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


def affine_key() -> Any:
    return key(
        Boolean(),
        default=True,
        foreign=("elementwise_affine",),
        akin=("trainable",),
        help="train a scale and a shift per channel",
    )


def scale_key() -> Any:
    return key(Boolean(), default=True, akin=("gamma",), help="train the scale (weights)")


def shift_key() -> Any:
    return key(Boolean(), default=True, akin=("beta", "center", "bias", "use_bias"), help="train the shift (biases)")


def eps_key(default: float = 1e-5) -> Any:
    return key(Number(0), default=default, foreign=("epsilon",), help="added to the variance")


class Normalization(Layer):
    """Values minus their mean over their deviation, with a trained scale and shift per channel unless told otherwise."""

    affine: bool = affine_key()
    scale: bool = scale_key()
    shift: bool = shift_key()

    def trained(self, channels: int) -> tuple[int, int]:
        """How many weights and biases there are for so many channels."""
        return channels if self.affine and self.scale else 0, channels if self.affine and self.shift else 0

    def cost(self, x: Volume, y: Volume) -> Cost:
        weights, biases = self.trained(x.channels)
        return Cost(weights, biases, 0, 0, (5 + bool(weights) + bool(biases)) * y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(self.trained(x.channels)[0] or "")

    def draw(self, run: "Run", channels: int) -> "tuple[Array | None, Array | None]":
        """Scale and shift; the scale is below 1 so that deep sums stay finite."""
        weights, biases = self.trained(channels)
        gamma = run.draw("weights", (channels,), 0.75, 0.25) if weights else None
        return gamma, run.draw("biases", (channels,), 0.0, 0.1) if biases else None


class BatchNorm(Normalization):
    """Batch normalization: a trained scale and shift per channel, and running statistics as buffers."""

    type = "bn"
    aka = ("batchnorm", "batch_norm", "batchnorm2d")
    akin = ("batchnormalization", "batch_normalization", "norm")  # eps is 1e-3 in Keras

    affine: bool = affine_key()
    scale: bool = scale_key()
    shift: bool = shift_key()
    eps: float = eps_key()
    statistics: bool = key(
        Boolean(),
        default=True,
        foreign=("track_running_stats",),
        help="keep running statistics; without, the batch's are used at inference, too",
    )
    counted: bool = key(
        Boolean(),
        default=False,
        foreign=("num_batches_tracked",),
        help="keep one value more, of how many batches the statistics are, as Caffe does",
    )

    def cost(self, x: Volume, y: Volume) -> Cost:
        kept = 2 * x.channels + self.counted if self.statistics else 0
        return Cost(*self.trained(x.channels), kept, 0, 2 * y.size)

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return 2 * y.channels + (
            0 if self.statistics else tile_rows(images * y.width * y.height, y.channels) * y.channels
        )

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """One multiply-add for every value, as at inference."""
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        shape = x.shape[-1:]
        gamma, beta = self.draw(run, shape[0])
        y = run.new(x.shape)
        if self.statistics:
            mean = run.draw("buffers", shape, 0.0, 0.1)
            variance = run.draw("buffers", shape, 1.0, 0.25)
            if self.counted:
                run.draw("buffers", (1,), 1.0, 0.0)
        else:
            mean, variance = np.mean(x, axis=(0, 1, 2)), np.zeros(shape, x.dtype)
            for a, _, square in tiles(run, x, y, 1):
                np.subtract(a, mean, out=square)
                variance += np.einsum("ij,ij->j", square, square) / (x.size // len(mean))
        factor, shift = run.new(shape), run.new(shape)
        np.add(variance, self.eps, out=factor)
        np.power(factor, -0.5, out=factor)
        if gamma is not None:
            factor *= gamma
        np.multiply(mean, factor, out=shift)
        np.subtract(0 if beta is None else beta, shift, out=shift)
        for a, b in tiles(run, x, y):
            np.multiply(a, factor, out=b)
            b += shift
        return y

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, and the batch's mean and inverse deviation per channel."""
        return Kept(input=True, statistics=2 * y.channels)


class LayerNorm(Normalization):
    """Layer normalization over the channels at every position, with a trained scale and shift (ConvNeXt's)."""

    type = "layer_norm"
    aka = ("layernorm2d",)
    akin = ("layernorm", "layernormalization", "ln")  # PyTorch's normalizes the axes it is told

    affine: bool = affine_key()
    scale: bool = scale_key()
    shift: bool = shift_key()
    eps: float = eps_key()

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, and mean and inverse deviation at every position."""
        return Kept(input=True, values=2 * y.width * y.height, autocast="single")

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return 2 * tile_rows(images * y.width * y.height, y.channels) * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        gamma, beta = self.draw(run, x.shape[-1])
        y = run.new(x.shape)
        for a, b, square, other in tiles(run, x, y, 2):
            column = other[:, :1]
            np.mean(a, axis=1, keepdims=True, out=column)
            np.subtract(a, column, out=b)
            np.multiply(b, b, out=square)
            np.mean(square, axis=1, keepdims=True, out=column)
            column += self.eps
            np.sqrt(column, out=column)
            b /= column
            if gamma is not None:
                b *= gamma
            if beta is not None:
                b += beta
        return y


class LayerScale(Layer):
    """One trained factor per channel (Touvron et al., arXiv:2103.17239)."""

    type = "layer_scale"
    aka = ("layerscale",)
    akin = ("channel_scale", "gamma")

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input; backward the factors' gradient is a map before it is summed."""
        return Kept(input=True, backward=y.size, autocast="promoted", weights=True)

    initial: float = key(
        Number(0), default=1e-6, foreign=("init_value",), akin=("init",), help="value the factors start from"
    )

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(weights=x.channels, flops=y.size)

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(x.channels)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        (x,) = inputs
        factors = run.draw("weights", x.shape[-1:], 0.75, 0.25)
        return np.multiply(x, factors, out=run.new(x.shape))


class LocalResponseNorm(Layer):
    """Local response normalization over n neighbouring channels (AlexNet, section 3.3)."""

    type = "lrn"
    example = "INPUT[8x8x16] -> LRN5"
    aka = ("localresponsenorm", "local_response_norm", "localresponsenormalization", "crossmapnorm")

    size: int = key(
        Integer(1), default=5, notation="", foreign=("local_size",), akin=("n", "depth_radius"), help="channels n"
    )
    alpha: float = key(Number(0), default=1e-4, help="factor alpha")
    beta: float = key(Number(0), default=0.75, help="exponent beta")
    k: float = key(Number(0), default=2.0, foreign=("bias",), help="additive constant k")

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost(flops=y.size * (2 * self.size + 3))

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return 2 * tile_rows(images * y.width * y.height, y.channels) * y.channels

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """X / (k + alpha * sum of n squares)^beta as in the paper; n//2 of the channels summed come before."""
        import numpy as np

        from archcalc.forward.arrays import tiles

        (x,) = inputs
        y = run.new(x.shape)
        for a, b, square, total in tiles(run, x, y, 2):
            np.multiply(a, a, out=square)
            total[...] = 0
            for shift in range(-(self.size // 2), self.size - self.size // 2):
                if shift < 0:
                    total[:, -shift:] += square[:, :shift]
                else:
                    total[:, : max(0, total.shape[1] - shift)] += square[:, shift:]
            total *= self.alpha
            total += self.k
            np.power(total, -self.beta, out=total)
            np.multiply(a, total, out=b)
        return y

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, its squares with n - 1 channels of padding, the base of the power, and the power.

        It is written in Python: three maps at a time without gradients; and backward while the gradients of the quotient are made.
        """
        padded = y.width * y.height * (y.channels + self.size - 1)
        values = padded + 2 * y.size
        return Kept(
            input=True, values=values, forward=2 * y.size, backward=3 * y.size, singles=2 * y.size, autocast="promoted"
        )


class Dropout(Layer):
    """Dropout: at training a share of the values is set to zero; at inference it does nothing."""

    type = "dropout"
    aka: ClassVar[tuple[str, ...]] = ("drop",)
    inplace = True
    view = True

    rate: float = key(
        Number(0, 1, open_high=True),
        default=0.5,
        notation="",
        foreign=("p", "dropout_ratio"),
        akin=("prob", "ratio", "probability"),
        help="share of values dropped",
    )

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The mask; in place it would overwrite what the layer before keeps.  A rate of 0 does nothing."""
        return Kept(mask=y.size) if self.rate else Kept(storage="view", gradient="same")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return run.passed(inputs[0])
