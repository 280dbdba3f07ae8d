"""Which layers can work with one set of weights."""

from archcalc.diagnostics import rule
from archcalc.graph import Node
from archcalc.layers import Cost, Layer
from archcalc.layers.misfit import LayerError

UNLIKE = rule(
    "AC308",
    "weights cannot be shared",
    """
    A layer with `share: head1` works with the weights of the layer `head1`, as the heads of RetinaNet and the two
    sides of a siamese network do.  So it is of the same type, and its weights have the same shape: the same
    filters, kernel size, groups and input channels.  Strides, padding and dilation may differ.
    """,
)

_FREE = ("stride", "padding", "dilation", "rounding")  # what does not change the weights' shape


def unlike(layer: Layer, cost: Cost, lender: Node, lent: Cost) -> None:
    """Raise LayerError (AC308) where the layer cannot work with the lender's weights."""
    other = lender.layer
    if layer is not other:
        if layer.type != other.type:
            raise _refused(f"this is {layer.type}, {lender.name} is {other.type}")
        theirs = other.values()
        for name, value in layer.values().items():
            if name not in _FREE and value != theirs[name]:
                raise _refused(f"{name} differs: {_shown(value)} here, {_shown(theirs[name])} there", name)
    if not (lent.params or lent.buffers or "params" in lent.unknown):
        raise _refused(f"{lender.name} has none of its own")
    if (cost.weights, cost.biases, cost.buffers) != (lent.weights, lent.biases, lent.buffers):
        raise _refused(f"here there would be {cost.params:,}, there are {lent.params:,}: the inputs differ in channels")


def _refused(why: str, key: str = "share") -> LayerError:
    return LayerError(UNLIKE, f"cannot share these weights: {why}", keys=(key, "share"))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
