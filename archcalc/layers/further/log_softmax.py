"""Logarithm of softmax."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Softmax

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class LogSoftmax(Softmax):
    """log(softmax) over the channels: scores to logarithms of probabilities."""

    type = "log_softmax"
    example = "INPUT[1x1x10] -> LOG_SOFTMAX"
    aka = ("logsoftmax",)

    def divide(self, x: "Array", y: "Array", powers: "Array", axis: int) -> None:
        import numpy as np

        np.subtract(x, x.max(axis=axis, keepdims=True), out=y)
        np.exp(y, out=powers)
        y -= np.log(powers.sum(axis=axis, keepdims=True))
