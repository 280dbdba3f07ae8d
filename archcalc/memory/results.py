"""What a plan says: bytes at inference and of a training step, by layer, and under a budget."""

from typing import Literal

from archcalc.memory.arena import Arena, arrange
from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Pass
from archcalc.memory.ordering import Order
from archcalc.memory.settings import Settings
from archcalc.memory.step import Group
from archcalc.records import NamedTuple
from archcalc.volume import Volume

Status = Literal["complete", "partial", "unavailable"]


class Inference(NamedTuple):
    """A forward pass without gradients.

    `live` is what is alive of activations while each layer runs; `peak_at` names the layer where that is most.
    `buffers` are what a runtime needs that drops each activation after its last reader and reuses memory, for the
    whole batch; they can be laid out in one arena.  `order` runs independent branches in another order, where
    that is known to need less of them; its peak is for the whole batch, too.
    """

    status: Status
    parameters_bytes: int
    buffers_bytes: int
    activations_peak_bytes: int
    total_bytes: int
    peak_at: str
    live: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    order: Order | None

    @property
    def arena(self) -> Arena:
        """The buffers laid out in one arena."""
        return arrange(self.buffers)


class Training(NamedTuple):
    """A training step in the steady state: forward, the loss, backward, the optimizer's step.

    `gradients_bytes` are those of all parameters, `saved_activations_bytes` what is kept from the forward to the
    backward pass, the network's input included; they need not all be there at once.  `at_peak` is what is there at
    the worst moment, and adds up to `total_bytes`.  `live` is everything that is alive at each moment; the first
    `moments_forward` moments are the forward pass, the last is the optimizer's step, except under cs231n.  `allocated_bytes` are those at the peak in blocks of CUDA's
    allocator, as torch.cuda.memory_allocated counts them; None on the CPU and on several devices.
    """

    status: Status
    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    buffers_bytes: int
    saved_activations_bytes: int
    total_bytes: int
    input_bytes: int
    peak_at: str
    peak_pass: Pass
    at_peak: Group
    live: tuple[int, ...]
    moments_forward: int
    allocated_bytes: int | None = None


class Line(NamedTuple):
    """One layer: bytes alive while it runs at inference, kept for its backward pass, and for its parameters.

    `gradients_bytes` of activations are under cs231n those of its output; under pytorch they are transient.
    """

    name: str
    label: str
    output: Volume
    live_bytes: int
    saved_bytes: int
    gradients_bytes: int
    parameters_bytes: int
    training_parameters_bytes: int
    known: bool


class MaxBatch(NamedTuple):
    """The largest batch under the budget; 0: not even one image; None: there is no such pass."""

    inference: int
    training: int | None


class Budget(NamedTuple):
    """`fits` is of the purpose planned for, in what is usable: the budget without context and headroom."""

    bytes: int
    fits: bool
    max_batch: MaxBatch
    usable_bytes: int


class Suggestion(NamedTuple):
    """A change that needs less memory, with its recomputed figures for the same batch, and the batch it allows."""

    kind: str
    text: str
    total_bytes: int
    fits: bool
    max_batch: int
    extra_macs: int = 0


class Plan(NamedTuple):
    """Memory for a network under `settings`; `batch` is settled.  `training` is None where dtype cannot be trained.

    `unknown` are the layers whose rule for the backward pass is not known.  `suggestions` say what it would
    take where the budget does not suffice.
    """

    name: str
    settings: Settings
    batch: int
    inference: Inference
    training: Training | None
    budget: Budget | None
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    suggestions: tuple[Suggestion, ...] = ()

    def __repr__(self) -> str:
        trained = f", training {self.training.total_bytes:,} B" if self.training else ""
        return f"<Plan {self.name or 'network'}: batch {self.batch:,}, inference {self.inference.total_bytes:,} B{trained}>"

    @property
    def total_bytes(self) -> int:
        """What the pass planned for needs."""
        needed = self.inference if self.settings.purpose == "inference" or self.training is None else self.training
        return needed.total_bytes
