"""A layer that archcalc does not know: its figures are what a user, or another tool's file, says."""

from typing import TYPE_CHECKING

from archcalc.layers.base import TOO_LARGE_VOLUME, Cost, Layer, key
from archcalc.layers.misfit import LayerError
from archcalc.reader.values import Integer, Line, Volumes
from archcalc.volume import MAX_DIMENSION, Reach, Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

MOST = 10**18 - 1  # as many digits as a number in a spec may have
_STORED = ("weights", "biases", "params", "buffers")


class Opaque(Layer):
    """Something with a volume behind it, like attention: counted as stated, and marked so wherever it is shown.

    It reads any number of inputs and gives `volume`.  `params` are the trained values (all of them count as
    weights) and, with `buffers`, all that it stores; `macs` and `flops` are for one image.  What is not stated is
    unknown, never 0: totals that it is missing from say "at least", JSON gives null for the layer and lists the
    figure in the totals' `at_least`, and an expectation of such a total is not known (AC403).  What an output sees of
    the image and what autograd keeps are unknown too, so that a training plan is partial.  `verify` cannot execute
    it: its values are drawn, and what stands behind it is executed on those.
    """

    type = "opaque"
    example = (
        "input: 14x14x64\nlayers: [opaque: {volume: 14x14x64, what: self-attention, params: 16_640, macs: 8_128_512}]\n"
    )
    akin = ("custom", "unknown", "other", "blackbox", "black_box", "plugin")
    stated = True
    several = True

    volume: Volume = key(
        Volumes(), foreign=("output", "shape", "size", "output_shape", "output_size"), help="the volume it gives"
    )
    what: str | None = key(Line(), default=None, foreign=("kind", "op", "operator", "label"), help="what it stands for")
    params: int | None = key(
        Integer(0, MOST), default=None, foreign=("parameters", "weights", "num_params"), help="trained values"
    )
    buffers: int | None = key(Integer(0, MOST), default=None, help="values stored and not trained")
    macs: int | None = key(
        Integer(0, MOST), default=None, foreign=("mac", "madds", "mult_adds"), help="multiply-accumulates an image"
    )
    flops: int | None = key(Integer(0, MOST), default=None, help="operations an image, a MAC being two")

    @property
    def label(self) -> str:
        return f"OPAQUE {self.what}" if self.what else "OPAQUE"

    def measure(self, inputs: tuple[Volume, ...]) -> tuple[Volume, Cost]:
        if max(self.volume) > MAX_DIMENSION:
            raise LayerError(
                TOO_LARGE_VOLUME, f"the output {self.volume} has a dimension larger than {MAX_DIMENSION:,}"
            )
        unknown = (
            [] if self.params is not None else [one for one in _STORED if one != "buffers" or self.buffers is None]
        )
        unknown += [name for name in ("macs", "flops") if getattr(self, name) is None]
        known = (self.params or 0, 0, self.buffers or 0, self.macs or 0, self.flops or 0)
        return self.volume, Cost(*known, tuple(unknown))

    def weights_formula(self, x: Volume, y: Volume) -> str:
        return str(self.params) if self.params else ""

    def windows(self, x: Volume) -> tuple[Reach, Reach]:
        """Not known."""
        return Reach((), 1), Reach((), 1)

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """Values of the volume's shape that have nothing to do with the inputs."""
        volume = self.volume
        return run.draw("images", (run.batch, volume.height, volume.width, volume.channels), 0.0, 3**0.5)
