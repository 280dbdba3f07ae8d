"""Dropout of whole channels."""

from archcalc.layers.base import Kept, key
from archcalc.layers.norm import Dropout
from archcalc.reader.values import Number
from archcalc.volume import Volume


class Dropout2d(Dropout):
    """Dropout of whole channels (arXiv:1411.4280): at training a share of them is set to zero; else it does nothing."""

    type = "dropout2d"
    aka = ("spatial_dropout", "spatialdropout", "spatialdropout2d")
    akin = ("channel_dropout", "dropblock")

    rate: float = key(
        Number(0, 1, open_high=True),
        default=0.5,
        foreign=("p", "dropout_ratio"),
        akin=("prob", "ratio", "probability"),
        help="share of channels dropped",
    )

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """A factor for each channel of each image, as wide as an activation on every device."""
        return Kept(values=y.channels) if self.rate else Kept(storage="view")
