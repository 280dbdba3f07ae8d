"""Layers that only move values: the input itself, flatten."""

from archcalc.layers.base import Kept, Layer, key
from archcalc.values import Integer
from archcalc.volume import Volume, Window


class Input(Layer):
    """The image the network reads."""

    type = "input"
    aka = ("inputlayer", "data", "placeholder")
    keeps = Kept()

    width: int = key(Integer(1), foreign=("W", "w"), help="columns")
    height: int = key(Integer(1), foreign=("H", "h"), help="rows")
    channels: int = key(Integer(1), foreign=("C", "c", "depth", "D"), help="colours")

    @property
    def volume(self) -> Volume:
        return Volume(self.width, self.height, self.channels)


class Flatten(Layer):
    """All values as one column of channels; fc does it implicitly."""

    type = "flatten"
    aka = ("reshape", "view")
    inplace = True
    view = True
    keeps = Kept(storage="view")

    def output(self, x: Volume) -> Volume:
        return Volume(1, 1, x.size)

    def windows(self, x: Volume) -> tuple[Window, Window]:
        return Window(x.width), Window(x.height)
