"""The moments of a training step of n layers, in their order.

Layer i runs forward at i; then the loss is computed, and its two operations run backward; layer i runs backward at
`backward(i)`, and at the moment behind it its gradients are added up with others of the same value; the optimizer's
step is the last.
"""

from typing import Literal

Pass = Literal["forward", "loss", "backward", "step"]


class Moments:
    """Moments of a network of `layers` layers."""

    __slots__ = ("count", "layers", "loss", "loss_backward", "step")

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.loss = layers
        self.loss_backward = layers + 1
        self.step = 3 * layers + 3
        self.count = self.step + 1

    def backward(self, layer: int) -> int:
        return self.layers + 3 + 2 * (self.layers - 1 - layer)

    def where(self, moment: int) -> tuple[Pass, int]:
        """The pass, and the layer that runs (the last layer for the loss and the step)."""
        last = self.layers - 1
        if moment < self.loss:
            return "forward", moment
        if moment == self.step:
            return "step", last
        behind = moment - self.layers - 3
        return ("loss", last) if behind < 0 else ("backward", last - behind // 2)
