"""What a value weighs under each dtype, and what each optimizer keeps beside a parameter."""

from typing import NamedTuple

# Values kept for every parameter beside itself and its gradient.
OPTIMIZERS = {"sgd": 0, "sgd-momentum": 1, "adagrad": 1, "rmsprop": 1, "adam": 2, "adamw": 2}


class Precision(NamedTuple):
    """Bytes of a value: of activations, of parameters with their gradients and state, of a half-size copy."""

    activations: int
    parameters: int
    copies: int = 0
    trains: bool = True


# Mixed precision, as in Keras' policies and PyTorch's autocast: activations of 2 bytes, parameters, gradients
# and optimizer state of 4, and a copy of conv's and fc's weights of 2 for the layers to work with.
PRECISIONS = {
    "float32": Precision(4, 4),
    "float16": Precision(2, 2),
    "bfloat16": Precision(2, 2),
    "mixed_float16": Precision(2, 4, 2),
    "mixed_bfloat16": Precision(2, 4, 2),
    "float64": Precision(8, 8),
    "int8": Precision(1, 1, trains=False),
}

# What arrays can be made of: mixed precision is a way of training, not a type.
DTYPES = tuple(name for name, one in PRECISIONS.items() if not one.copies)
