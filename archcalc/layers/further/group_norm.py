"""Group normalization."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept, key
from archcalc.layers.further._groups import GroupStatistics
from archcalc.layers.norm import affine_key, eps_key, scale_key, shift_key
from archcalc.layers.reshape import uneven
from archcalc.reader.values import Integer
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class GroupNorm(GroupStatistics):
    """Normalization of each image over groups of channels (Wu and He, arXiv:1803.08494), with scale and shift."""

    type = "group_norm"
    example = "input: 8x8x64\nlayers: [group_norm: {groups: 32}]\n"
    aka = ("groupnorm",)
    akin = ("groupnormalization", "gn")  # eps is 1e-3 in Keras

    groups: int = key(
        Integer(1), default=32, notation="", foreign=("num_groups", "group", "G"), help="parts of the channels"
    )
    affine: bool = affine_key()
    scale: bool = scale_key()
    shift: bool = shift_key()
    eps: float = eps_key()

    @property
    def label(self) -> str:
        return f"GROUP_NORM{self.groups}"

    def output(self, x: Volume) -> Volume:
        if x.channels % self.groups:
            raise uneven(x, self.groups, "groups")
        return x

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """The input, and mean and inverse deviation of every group."""
        return Kept(input=True, values=2 * self.groups, autocast="single")

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        return self.normalized(run, inputs[0], self.groups)
