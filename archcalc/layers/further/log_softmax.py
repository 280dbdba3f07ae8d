"""Logarithm of softmax."""

from typing import TYPE_CHECKING

from archcalc.layers.activation import Softmax

if TYPE_CHECKING:
    from archcalc.forward.run import Array


class LogSoftmax(Softmax):
    """log(softmax) over the channels: scores to logarithms of probabilities."""

    type = "log_softmax"
    aka = ("logsoftmax",)

    def apply(self, x: "Array", y: "Array", spare: "list[Array]") -> None:
        import numpy as np

        powers = spare[0]
        column = x.max(axis=1, keepdims=True)
        np.subtract(x, column, out=y)
        np.exp(y, out=powers)
        np.sum(powers, axis=1, keepdims=True, out=column)
        np.log(column, out=column)
        y -= column
