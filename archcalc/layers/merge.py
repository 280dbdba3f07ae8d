"""Layers that join branches: concat, add, multiply."""

from typing import ClassVar

from archcalc.diagnostics import rule
from archcalc.layers.base import TOO_LARGE_VOLUME, Cost, Kept, Layer
from archcalc.misfit import LayerError
from archcalc.volume import MAX_DIMENSION, Volume, Window

BRANCH_MISMATCH = rule(
    "AC301",
    "branches do not match",
    """
    `add` and `multiply` work element by element, so their branches have the same width, height and channels
    (in `multiply` a 1x1 branch stretches over the image, as in squeeze-excitation; nothing else does).
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

    def measure(self, inputs: tuple[Volume, ...]) -> tuple[Volume, Cost]:
        y = self.join(inputs)
        if y.channels > MAX_DIMENSION:
            raise LayerError(TOO_LARGE_VOLUME, f"the output {y} has a dimension larger than {MAX_DIMENSION:,}")
        return y, Cost(flops=self.operations(len(inputs)) * y.size)

    def join(self, inputs: tuple[Volume, ...]) -> Volume:
        """The volume of the joined branches, or LayerError (AC301)."""
        raise NotImplementedError

    def operations(self, branches: int) -> int:
        """Operations for every output value."""
        return branches - 1


class Concat(Merge):
    """Stack the branches' channels."""

    type = "concat"
    aka = ("concatenate", "cat", "route", "depthconcat", "filterconcat")
    keeps = Kept()
    verb = "concat stacks channels: width and height must agree"

    def join(self, inputs: tuple[Volume, ...]) -> Volume:
        first = inputs[0]
        for number, other in enumerate(inputs[1:], 2):
            if other[:2] != first[:2]:
                raise mismatch(self, inputs, number, first, other, axes=2)
        return Volume(first.width, first.height, sum(one.channels for one in inputs))

    def operations(self, branches: int) -> int:
        return 0


class Add(Merge):
    """Sum the branches element by element."""

    type = "add"
    aka = ("sum", "eltwise", "elementwise", "shortcut", "residual", "skip")
    keeps = Kept()
    verb = "add sums element by element: width, height and channels must agree"

    def join(self, inputs: tuple[Volume, ...]) -> Volume:
        for number, other in enumerate(inputs[1:], 2):
            if other != inputs[0]:
                raise mismatch(self, inputs, number, inputs[0], other)
        return inputs[0]


class Multiply(Merge):
    """Multiply the branches element by element; a 1x1 branch stretches over width and height."""

    type = "multiply"
    aka = ("mul", "scale", "gate", "prod", "product")
    verb = "multiply works element by element: width, height and channels must agree (1x1 stretches over the image)"

    def join(self, inputs: tuple[Volume, ...]) -> Volume:
        widest = max(inputs, key=lambda one: one[:2])
        for number, other in enumerate(inputs, 1):
            if other != widest and (other[:2] != (1, 1) or other.channels != widest.channels):
                raise mismatch(self, inputs, number, widest, other)
        return widest

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept:
        """Every factor, and the products in between of more than two."""
        between = inputs[0]
        values = 0
        for one in inputs[1:-1]:
            between = max(between, one)
            values += between.size
        return Kept(input=True, values=values)


def mismatch(
    layer: Merge, inputs: tuple[Volume, ...], number: int, first: Volume, other: Volume, axes: int = 3
) -> LayerError:
    """The error for branch `number` against the one it should match."""
    reference = inputs.index(first) + 1
    names = ("width", "height", "channels")[:axes]
    differ = [
        f"{name} differ{'' if name == 'channels' else 's'} ({a}, {b})"
        for name, a, b in zip(names, first, other, strict=False)
        if a != b
    ]
    repairs = []
    for branch, x, y in ((reference, first, other), (number, other, first)):
        rest = (*inputs[: branch - 1], *inputs[branch:])
        if all(one[:axes] == y[:axes] for one in rest):
            repairs.append(_changed(branch, x, y, axes))
    joined = Volume(first.width, first.height, sum(one.channels for one in inputs))
    help = next((one for one in repairs if one), "")
    if axes == 3 and help and all(one[:2] == first[:2] for one in inputs):
        help += f", or join with `concat` (-> {joined})"
    return LayerError(
        BRANCH_MISMATCH,
        f"branch {number} does not match branch {reference}",
        keys=(f"branch {number}",),
        notes=(f"{layer.verb}; {', '.join(differ)}",),
        help=(help,) if help else (),
        text=f"branch {number}: {other}",
        labels=((f"branch {reference}", f"branch {reference}: {first}"),),
    )


def _changed(branch: int, x: Volume, y: Volume, axes: int) -> str:
    """A last layer that takes a branch from x to y, if a simple one does; it was fitted, so it works."""
    if x[:2] == y[:2]:
        return f"give branch {branch} `CONV1-{y.channels}`"
    stride = -(-x.width // y.width)
    size = stride if axes == 2 else 1  # a pool keeps the channels; a residual block's shortcut reads single pixels
    fits = [Window(size, stride, rounding="floor").fit(extent) for extent in x[:2]]
    if [one.size for one in fits] != list(y[:2]):
        return ""
    layer = f"POOL{stride}" if axes == 2 else f"CONV1-{y.channels}s{stride}"
    rounded = " with `rounding: floor`" if any(one.leftover for one in fits) else ""
    return f"give branch {branch} `{layer}`{rounded}"
