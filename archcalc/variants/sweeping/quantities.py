"""The figures of a network that a sweep can ask for, each taken from the same analysis as everywhere else.

All of them work on plain integers and on the numbers of a trace.
"""

from collections.abc import Callable
from functools import cached_property

from archcalc.analysis.analyze import Report
from archcalc.language.training import TrainingSettings
from archcalc.memory.plan import Parts, parts
from archcalc.memory.settings import Settings
from archcalc.precision import PRECISIONS
from archcalc.records import NamedTuple
from archcalc.symbolic import largest


class Wanted(NamedTuple):
    """A figure; `batch` images for memory, None: what the spec says."""

    name: str
    batch: int | None = None

    def __str__(self) -> str:
        return self.name if self.batch is None else f"{self.name} at batch {self.batch}"


class Network:
    """An analysed network, and its plan once somebody asks."""

    def __init__(self, report: Report, training: TrainingSettings) -> None:
        self.report, self.training = report, training

    @cached_property
    def parts(self) -> Parts:
        return parts(self.report, Settings.of(self.training))

    def figure(self, wanted: Wanted) -> int | None:
        """The figure; None where nobody knows it."""
        return QUANTITIES[wanted.name].value(self, wanted.batch or self.training.batch)


class Quantity(NamedTuple):
    """`bytes`: it is memory, and depends on the batch."""

    words: str
    value: Callable[[Network, int], int | None]
    bytes: bool = False
    counted: bool = False  # shown with K, M, G


def _total(name: str) -> Callable[[Network, int], int | None]:
    def value(network: Network, batch: int) -> int | None:
        totals = network.report.totals
        found: int = getattr(totals, name)
        return None if name in totals.unknown else found

    return value


def _activation_memory(network: Network, batch: int) -> int:
    return network.report.totals.activations * PRECISIONS[network.training.dtype].activations * batch


def _inference(network: Network, batch: int) -> int | None:
    found = network.parts
    partial = PRECISIONS[network.training.dtype].copies and found.execution.unknown
    return None if partial or "params" in network.report.totals.unknown else found.inference(batch)


def _training(network: Network, batch: int) -> int | None:
    found = network.parts
    if found.step is None or found.step.unknown or "params" in network.report.totals.unknown:
        return None
    return found.training(batch)


def _side(side: str) -> Callable[[Network, int], int | None]:
    def value(network: Network, batch: int) -> int | None:
        found: int = getattr(network.report.output, side)
        return found

    return value


def _field(axis: str) -> Callable[[Network, int], int | None]:
    def value(network: Network, batch: int) -> int | None:
        field = getattr(network.report.outputs[0].receptive_field, axis)
        return None if field is None else field.size

    return value


def _smaller_field(network: Network, batch: int) -> int | None:
    width, height = (_field(axis)(network, batch) for axis in ("width", "height"))
    return None if width is None or height is None else -largest([-width, -height])


def _depth(network: Network, batch: int) -> int | None:
    """The layers with multiply-accumulates on the longest way through the network."""
    depths: list[int] = []
    for row in network.report.rows:
        if "macs" in row.cost.unknown:
            return None
        before = max((depths[one] for one in row.node.inputs), default=0)
        depths.append(before + (1 if row.cost.macs else 0))
    return max(depths[one] for one in network.report.graph.results())


QUANTITIES = {
    "params": Quantity("parameters: weights and biases", _total("params"), counted=True),
    "weights": Quantity("weights, without biases", _total("weights"), counted=True),
    "buffers": Quantity("values kept and not trained", _total("buffers"), counted=True),
    "macs": Quantity("multiply-accumulates for an image", _total("macs"), counted=True),
    "flops": Quantity("operations for an image", _total("flops"), counted=True),
    "activations": Quantity("values of all volumes for an image", _total("activations"), counted=True),
    "activation_memory": Quantity("memory of all volumes, forward", _activation_memory, bytes=True),
    "inference_memory": Quantity("memory that inference needs", _inference, bytes=True),
    "training_memory": Quantity("memory that a training step needs", _training, bytes=True),
    "receptive_field": Quantity("pixels that an output sees, along the axis where it sees fewer", _smaller_field),
    "receptive_field.width": Quantity("pixels that an output sees along the width", _field("width")),
    "receptive_field.height": Quantity("pixels that an output sees along the height", _field("height")),
    "output": Quantity("values of the first output", _side("size"), counted=True),
    "output.width": Quantity("width of the first output", _side("width")),
    "output.height": Quantity("height of the first output", _side("height")),
    "output.channels": Quantity("channels of the first output", _side("channels")),
    "depth": Quantity("layers with multiply-accumulates on the longest way", _depth),
}
