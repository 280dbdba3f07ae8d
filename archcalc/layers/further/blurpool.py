"""Depthwise convolution whose filters are stored and not trained."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Cost, key, rounding_key
from archcalc.layers.conv import SHARED, Conv
from archcalc.layers.depthwise import PerChannel
from archcalc.reader.values import Extents, Padding
from archcalc.volume import Pair, Rounding, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class BlurPool(PerChannel):
    """Each channel under a stored filter of its own, such as a binomial one, against aliasing (arXiv:1904.11486).

    A depthwise convolution whose filters are not trained: they are buffers.  Multiply-accumulates are a convolution's.
    """

    type = "blurpool"
    example = "INPUT[8x8x4] -> PAD1 -> BLURPOOL4"
    aka = ("blur_pool", "blurpool2d", "antialias", "anti_alias")
    akin = ("blur",)

    kernel_size: Pair = SHARED["kernel_size"]
    stride: Pair = key(
        Extents(1), default=Pair(2, 2), notation="s", letter="S", foreign=("strides",), help="distance between windows"
    )
    padding: Padding = SHARED["padding"]
    rounding: Rounding = rounding_key()

    def grouped(self, channels: int) -> Conv:
        return _Stored(filters=channels, groups=channels, bias=False, **self.values())

    @property
    def label(self) -> str:
        return f"BLURPOOL{self.kernel_size}" + ("" if self.stride == (1, 1) else f"s{self.stride}")

    def cost(self, x: Volume, y: Volume) -> Cost:
        cost = super().cost(x, y)
        return cost._replace(weights=0, buffers=cost.weights)


class _Stored(Conv):
    """A convolution with filters that are buffers."""

    def kernel(self, run: "Run", shape: tuple[int, int, int, int]) -> "Array":
        return run.draw("buffers", shape, 0.0, (shape[0] * shape[1]) ** -0.5)
