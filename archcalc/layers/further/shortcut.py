"""Darknet's shortcut of unequal channels."""

from typing import TYPE_CHECKING

from archcalc.layers.base import Kept
from archcalc.layers.merge import Merge
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run


class Shortcut(Merge):
    """Adds to the first branch those channels of the others that it has; its further channels stay as they are.

    Darknet's `shortcut` of layers that differ in their channels, and, with the shortcut as the other branch, the
    identity with zeros for new channels (option A of He et al., arXiv:1512.03385, section 3.3).
    """

    type = "shortcut"
    verb = "shortcut adds common channels: width and height must agree"
    axes = 2

    def odd(self, inputs: tuple[Volume, ...]) -> tuple[int, int] | None:
        first = inputs[0][:2]
        return next(((1, number) for number, other in enumerate(inputs, 1) if other[:2] != first), None)

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; a branch with fewer channels is filled up for a moment."""
        others = [one.channels for one in inputs[1:]]
        filled = any(one < y.channels for one in others)
        return Kept(gradient="new" if y.channels in others else "same", running=y.size if filled else 0)

    def operations(self, inputs: tuple[Volume, ...], y: Volume) -> int:
        return sum(y.width * y.height * min(y.channels, one.channels) for one in inputs[1:])

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        y = run.copied(inputs[0])
        for x in inputs[1:]:
            if x.shape[1:3] != y.shape[1:3]:
                raise ValueError(f"cannot add {x.shape[1:]} to {y.shape[1:]}")
            common = min(x.shape[3], y.shape[3])
            y[..., :common] += x[..., :common]
        return y
