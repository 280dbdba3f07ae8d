"""Depthwise convolution whose filters are stored and not trained."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, Kept, Layer, key, rounding_key
from archcalc.layers.conv import SHARED, Conv
from archcalc.reader.values import Extents, Padding
from archcalc.volume import Pair, Rounding, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class BlurPool(Layer):
    """Each channel under a stored filter of its own, such as a binomial one, against aliasing (arXiv:1904.11486).

    A depthwise convolution whose filters are not trained: they are buffers.  Multiply-accumulates are a convolution's.
    """

    type = "blurpool"
    aka = ("blur_pool", "blurpool2d", "antialias", "anti_alias")
    akin = ("blur",)

    kernel_size: Pair = SHARED["kernel_size"]
    stride: Pair = key(
        Extents(1), default=Pair(2, 2), notation="s", letter="S", foreign=("strides",), help="distance between windows"
    )
    padding: Padding = SHARED["padding"]
    rounding: Rounding = rounding_key()

    def grouped(self, channels: int) -> Conv:
        """The same as a grouped conv, for an input of so many channels."""
        return _Stored(filters=channels, groups=channels, bias=False, **self.values())

    def validate(self) -> None:
        self.grouped(1)

    @property
    def label(self) -> str:
        return f"BLURPOOL{self.kernel_size}" + ("" if self.stride == (1, 1) else f"s{self.stride}")

    def output(self, x: Volume) -> Volume:
        return self.grouped(x.channels).output(x)

    def cost(self, x: Volume, y: Volume) -> Cost:
        cost = self.grouped(x.channels).cost(x, y)
        return cost._replace(weights=0, buffers=cost.weights)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return self.grouped(x.channels).windows(x)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        return self.grouped(inputs[0].channels).kept(inputs, y)

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int]:
        return self.grouped(x.channels).im2col(x, y)

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        return self.grouped(inputs[0].channels).workspace(inputs, y, images)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return self.grouped(inputs[0].shape[-1]).forward(run, *inputs)


class _Stored(Conv):
    """A convolution with filters that are buffers."""

    def kernel(self, run: "Run", shape: tuple[int, int, int, int]) -> "Array":
        return run.draw("buffers", shape, 0.0, (shape[0] * shape[1]) ** -0.5)
