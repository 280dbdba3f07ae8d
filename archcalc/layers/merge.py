"""Layers that join branches: concat, add, multiply."""

from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from archcalc.diagnostics import rule
from archcalc.layers.base import TOO_LARGE_VOLUME, Cost, Kept, Layer
from archcalc.layers.misfit import LayerError
from archcalc.symbolic import plain
from archcalc.volume import MAX_DIMENSION, Volume, Window

MAX_STRIDE = 4  # a larger step than any network's shortcut takes is no repair

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

BRANCH_MISMATCH = rule(
    "AC301",
    "branches do not match",
    """
    `add`, `multiply` and the like work element by element, so their branches have the same width, height and
    channels; a branch of 1x1 stretches over the image, as in squeeze-excitation, one of a single channel over the
    channels, as in spatial attention, and nothing else does.
    `concat` stacks channels, so width and height must agree.  A residual block that changes the channels or
    the size needs a 1x1 convolution on its shortcut:

        - add:
            - [CONV1-256s2 -> BN]
            - [CONV3-256s2p1 -> BN -> RELU -> CONV3-256p1 -> BN]
    """,
)


class Merge(Layer):
    """Joins the outputs of two or more branches."""

    verb: ClassVar[str] = ""
    axes: ClassVar[int] = 3  # how many of width, height and channels must agree

    def measure(self, inputs: tuple[Volume, ...]) -> tuple[Volume, Cost]:
        if len(inputs) < 2:
            raise LayerError(BRANCH_MISMATCH, f"joins at least two branches; here is {'one' if inputs else 'none'}")
        y = self.join(inputs)
        if y.channels > MAX_DIMENSION:
            raise LayerError(TOO_LARGE_VOLUME, f"the output {y} has a dimension larger than {MAX_DIMENSION:,}")
        return y, Cost(flops=self.operations(inputs, y))

    def join(self, inputs: tuple[Volume, ...]) -> Volume:
        """The volume of the joined branches, or LayerError (AC301)."""
        if odd := self.odd(inputs):
            raise mismatch(self, inputs, *odd)
        return self.joined(inputs)

    def odd(self, inputs: tuple[Volume, ...]) -> tuple[int, int] | None:
        """The numbers, from 1, of a branch that others are measured by and of the first that does not match it."""
        raise NotImplementedError

    def joined(self, inputs: tuple[Volume, ...]) -> Volume:
        """The volume of branches that match."""
        return inputs[0]

    def operations(self, inputs: tuple[Volume, ...], y: Volume) -> int:
        """Operations: one for every output value and further branch."""
        return (len(inputs) - 1) * y.size


class Concat(Merge):
    """Stack the branches' channels."""

    type = "concat"
    aka = ("concatenate", "cat", "depthconcat", "filterconcat")
    akin = ("route",)  # Darknet's takes one layer, too
    keeps = Kept(gradient="part")
    verb = "concat stacks channels: width and height must agree"
    axes = 2

    def odd(self, inputs: tuple[Volume, ...]) -> tuple[int, int] | None:
        first = inputs[0][:2]
        return next(((1, number) for number, other in enumerate(inputs, 1) if other[:2] != first), None)

    def joined(self, inputs: tuple[Volume, ...]) -> Volume:
        return stacked(inputs)

    def operations(self, inputs: tuple[Volume, ...], y: Volume) -> int:
        return 0

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        return run.adopt(np.concatenate(inputs, axis=3))


class Elementwise(Merge):
    """Joins value by value, from the left; a branch of 1x1 stretches over the image, one channel over the channels."""

    def odd(self, inputs: tuple[Volume, ...]) -> tuple[int, int] | None:
        y = self.joined(inputs)
        first = next((number for number, one in enumerate(inputs, 1) if one[:2] == y[:2]), 1)
        for number, other in enumerate(inputs, 1):
            if other[:2] not in (y[:2], (1, 1)) or other.channels not in (y.channels, 1):
                return first, number
        return None

    def joined(self, inputs: tuple[Volume, ...]) -> Volume:
        """The image of the first branch that has one; its channels, or of the first that has several."""
        image = max(inputs, key=lambda one: one[:2] != (1, 1))
        return image._replace(channels=max((image, *inputs), key=lambda one: one.channels != 1).channels)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        import numpy as np

        y = run.new(np.broadcast_shapes(*(x.shape for x in inputs)))
        np.copyto(y, inputs[0])
        for x in inputs[1:]:
            self.combine(y, x)
        return y

    def combine(self, y: "Array", x: "Array") -> None:
        """Overwrite y with the result of y and the next branch."""
        raise NotImplementedError


class Add(Elementwise):
    """Sum the branches element by element."""

    type = "add"
    aka = ("sum",)
    akin = ("eltwise", "elementwise", "residual", "skip")
    verb = "add sums element by element: width, height and channels must agree"

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Nothing; of more than two branches the sum of those before is there for a moment."""
        return Kept(gradient="same", running=y.size if len(inputs) > 2 else 0)

    def combine(self, y: "Array", x: "Array") -> None:
        y += x


class Factors(Elementwise):
    """What needs its branches for the backward pass."""

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Every branch, and the results in between of more than two, in whose turn the backward pass goes."""
        results = [one.size for one in accumulate(inputs, lambda before, one: self.joined((before, one)))]
        alone = y.size + sum(one.size for one in inputs)  # gradients that are there anyhow
        most = done = 0  # done: what those are whose turn it was, less the results that are gone
        for last in range(len(inputs) - 1, 0, -1):
            most = max(most, done + self.gradients(results[last - 1], inputs[last].size, results[last]))
            done += inputs[last].size - results[last - 1]
        return Kept(input=True, values=sum(results[1:-1]), backward=most - alone)

    def gradients(self, left: int, right: int, result: int) -> int:
        """Values of the gradients and temporaries of one operation, those of its stretched operands before they are summed."""
        return 3 * result + (left if left < result else right if right < result else 0)


class Multiply(Factors):
    """Multiply the branches element by element."""

    type = "multiply"
    aka = ("mul",)
    akin = ("gate", "prod", "product")
    verb = "multiply works element by element: width, height and channels must agree (1x1 stretches over the image)"

    def combine(self, y: "Array", x: "Array") -> None:
        y *= x


def stacked(inputs: tuple[Volume, ...]) -> Volume:
    """All channels on top of each other."""
    return Volume(inputs[0].width, inputs[0].height, sum(one.channels for one in inputs))


def mismatch(layer: Merge, inputs: tuple[Volume, ...], reference: int, number: int) -> LayerError:
    """The error for branch `number` against branch `reference`, which it should match."""
    inputs = plain(inputs)
    first, other = inputs[reference - 1], inputs[number - 1]
    differ = [
        f"{name} differ{'' if name == 'channels' else 's'} ({a}, {b})"
        for name, a, b in zip(("width", "height", "channels")[: layer.axes], first, other, strict=False)
        if a != b
    ]
    wanted = [(reference, other), (number, first)]
    if isinstance(layer, Elementwise) and other[:2] == (1, 1):
        wanted = [(number, Volume(1, 1, first.channels))]
    help = [one for one in (_repair(layer, inputs, branch, y) for branch, y in wanted) if one]
    help[1:] = [f"or {one}" for one in help[1:]]
    if layer.axes == 3 and help and Concat().odd(inputs) is None:
        help[0] += f", or join with `concat` (-> {stacked(inputs)})"
    return LayerError(
        BRANCH_MISMATCH,
        f"branch {number} does not match branch {reference}",
        keys=(f"branch {number}",),
        notes=(f"{layer.verb}; {', '.join(differ)}",),
        help=tuple(help),
        text=f"branch {number}: {other}",
        labels=((f"branch {reference}", f"branch {reference}: {first}"),),
    )


def _repair(layer: Merge, inputs: tuple[Volume, ...], branch: int, y: Volume) -> str:
    """A last layer for a branch that makes it y, if a simple one does and the branches then join."""
    x = inputs[branch - 1]
    if layer.odd((*inputs[: branch - 1], y, *inputs[branch:])):
        return ""
    if x[:2] == y[:2]:
        return f"give branch {branch} `CONV1-{y.channels}`"
    stride = -(-x.width // y.width)
    size = stride if layer.axes == 2 else 1  # a pool keeps the channels; a shortcut's convolution reads single pixels
    fits = [Window(size, stride, rounding="floor").fit(extent) for extent in x[:2]]
    if [one.size for one in fits] != list(y[:2]) or stride > MAX_STRIDE:
        return ""
    text = f"POOL{stride}" if layer.axes == 2 else f"CONV1-{y.channels}s{stride}"
    rounded = " with `rounding: floor`" if any(one.leftover for one in fits) else ""
    return f"give branch {branch} `{text}`{rounded}"
