"""What a value weighs under each dtype, and what each optimizer keeps and needs beside a parameter."""

from typing import Literal

from archcalc.records import NamedTuple

Implementation = Literal["foreach", "fused", "loop"]
Device = Literal["cpu", "cuda"]


class Temporaries(NamedTuple):
    """What an optimizer's step allocates for itself, as measured with PyTorch 2.14.

    foreach works on all parameters at once: so many copies of them; None: there is no such implementation.
    loop takes one after the other: pairs (a, b), of which the worst counts, where a is times the tensor it is
    at and b times the tensor before, whose last results the loop's variables still hold.
    """

    foreach: int | None
    loop: tuple[tuple[int, int], ...]


class Optimizer(NamedTuple):
    """`state`: values kept for every parameter beside itself and its gradient; `counters`: of 4 bytes, for every tensor.

    `decaying` are the temporaries with weight decay, which some add to a copy of the gradients.
    """

    state: int
    counters: int
    plain: Temporaries
    decaying: Temporaries
    fused: bool = False

    def implementations(self) -> tuple[Implementation, ...]:
        """Those there are, the default on CUDA first."""
        found: list[Implementation] = [] if self.plain.foreach is None else ["foreach"]
        return (*found, *(("fused",) if self.fused else ()), "loop")


def _of(foreach: int | None, *loop: tuple[int, int]) -> Temporaries:
    return Temporaries(foreach, loop)


_ADAM = _of(1, (2, 1)), _of(1, (3, 1))
_ADAMW = _of(1, (2, 1)), _of(1, (2, 1))
_RMSPROP = _of(1, (1, 1)), _of(2, (2, 1))

OPTIMIZERS = {
    "sgd": Optimizer(0, 0, _of(0, (0, 0)), _of(1, (1, 0)), fused=True),
    "sgd-momentum": Optimizer(1, 0, _of(0, (0, 0)), _of(1, (1, 0)), fused=True),
    "sgd-nesterov": Optimizer(1, 0, _of(0, (1, 0)), _of(1, (2, 0)), fused=True),
    "adam": Optimizer(2, 1, *_ADAM, fused=True),
    "adamw": Optimizer(2, 1, *_ADAMW, fused=True),
    "adam-amsgrad": Optimizer(3, 1, *_ADAM, fused=True),
    "adamw-amsgrad": Optimizer(3, 1, *_ADAMW, fused=True),
    "adamax": Optimizer(2, 1, _of(1, (1, 0)), _of(1, (2, 0))),
    "nadam": Optimizer(2, 2, _of(1, (2, 1)), _of(2, (3, 1))),
    "radam": Optimizer(2, 1, _of(1, (2, 0)), _of(1, (3, 0))),
    "rmsprop": Optimizer(1, 1, *_RMSPROP),
    "rmsprop-momentum": Optimizer(2, 1, *_RMSPROP),
    "rmsprop-centered": Optimizer(2, 1, *_RMSPROP),
    "rmsprop-momentum-centered": Optimizer(3, 1, *_RMSPROP),
    "adagrad": Optimizer(1, 1, _of(2, (1, 1)), _of(2, (2, 1)), fused=True),
    "adadelta": Optimizer(2, 1, _of(2, (2, 1), (1, 2)), _of(3, (3, 1), (2, 2))),
    # not in PyTorch: the loop its authors publish (google/automl, lion_pytorch.py), which decays in place
    "lion": Optimizer(1, 0, _of(None, (3, 1)), _of(None, (3, 1))),
}


class Precision(NamedTuple):
    """Bytes of a value: of activations, of parameters with their gradients and state, of a half-size copy.

    `fused`: on CUDA a softmax of such values gives float32 without a cast before it.
    """

    activations: int
    parameters: int
    copies: int = 0
    trains: bool = True
    fused: bool = False

    @property
    def stored(self) -> int:
        """Bytes of a parameter as it is kept: whole where values are computed with copies of it."""
        return self.parameters if self.copies else self.activations


# Mixed precision, as in Keras' policies and PyTorch's autocast: activations of 2 bytes, parameters, gradients
# and optimizer state of 4, and a copy of conv's and fc's weights of 2 for the layers to work with.
PRECISIONS = {
    "float32": Precision(4, 4),
    "float16": Precision(2, 2),
    "bfloat16": Precision(2, 2),
    "mixed_float16": Precision(2, 4, 2, fused=True),
    "mixed_bfloat16": Precision(2, 4, 2),
    "float64": Precision(8, 8),
    "int8": Precision(1, 1, trains=False),
}

# What arrays can be made of: mixed precision is a way of training, not a type.
DTYPES = tuple(name for name, one in PRECISIONS.items() if not one.copies)
