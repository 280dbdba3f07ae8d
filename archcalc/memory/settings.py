"""What is planned, and under which conditions."""

from typing import Literal, get_args

from archcalc.language.training import TrainingSettings
from archcalc.precision import OPTIMIZERS, PRECISIONS, Device, Implementation, Precision
from archcalc.records import NamedTuple

Convention = Literal["cs231n", "pytorch", "arena"]
Purpose = Literal["training", "inference"]

HEADROOM = 10  # percent of a CUDA device's memory: the allocator's rounding and fragments, workspaces, the context
MOST_HEADROOM = 90


class Settings(NamedTuple):
    """What is planned.  `batch` None is the largest that fits `budget` (bytes) for `purpose`.

    `implementation` None: the optimizer's default on the device.  `accumulate`: passes of `batch` images each
    before a step.  `keep_gradients`: they are set to zero, not to None.  `average`: a moving average of the parameters
    is kept.  `gpus` take a batch each; `shard` is ZeRO's stage, and without it gradients may be views of the buckets they are sent in.  `headroom` is the share of the budget, in percent, that is left for what
    is not counted (None: HEADROOM on CUDA, nothing on the CPU); `context` are bytes that the driver takes of it.
    """

    batch: int | None = 1
    dtype: str = "float32"
    optimizer: str = "sgd-momentum"
    convention: Convention = "pytorch"
    device: Device = "cpu"
    inplace: bool = True
    budget: int | None = None
    purpose: Purpose = "training"
    weight_decay: bool = False
    implementation: Implementation | None = None
    accumulate: int = 1
    keep_gradients: bool = False
    average: bool = False
    gpus: int = 1
    shard: int = 0
    headroom: int | None = None
    context: int = 0
    bucket_views: bool = False

    @classmethod
    def of(cls, said: TrainingSettings) -> "Settings":
        """What the `training:` of a spec says."""
        return cls(
            batch=said.batch,
            dtype=said.dtype,
            optimizer=said.optimizer,
            device=said.device,
            weight_decay=said.weight_decay,
            implementation=said.implementation,
            accumulate=said.accumulate,
            keep_gradients=said.keep_gradients,
            average=said.average,
            gpus=said.gpus,
            shard=said.shard,
            bucket_views=said.bucket_views,
        )

    def validate(self) -> None:
        """Raise ValueError for what is none of its kind, with what there is."""
        for kind, word, known in (
            ("dtype", self.dtype, [*PRECISIONS]),
            ("optimizer", self.optimizer, [*OPTIMIZERS]),
            ("convention", self.convention, [*get_args(Convention)]),
            ("device", self.device, [*get_args(Device)]),
            ("purpose", self.purpose, [*get_args(Purpose)]),
        ):
            if word not in known:
                raise ValueError(f"there is no {kind} {word!r}; there are {', '.join(known)}")
        there = OPTIMIZERS[self.optimizer].implementations()
        if self.implementation not in (None, *there):
            raise ValueError(f"{self.optimizer} has no {self.implementation} implementation; it has {', '.join(there)}")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"a batch has at least one image, not {self.batch}")
        if self.accumulate < 1:
            raise ValueError(f"a step has at least one pass, not {self.accumulate}")
        if self.gpus < 1:
            raise ValueError(f"there is at least one device, not {self.gpus}")
        if self.shard not in (0, 1, 2, 3):
            raise ValueError(f"shard is a stage of ZeRO, 1, 2 or 3, or 0 for none, not {self.shard}")
        if self.bucket_views and self.shard:
            raise ValueError("gradients are views of DistributedDataParallel's buckets, which has no shards")
        if not 0 <= self.spare <= MOST_HEADROOM:
            raise ValueError(f"headroom is from 0 to {MOST_HEADROOM} percent, not {self.headroom}")
        if self.context < 0:
            raise ValueError("the context has no negative size")

    @property
    def precision(self) -> Precision:
        return PRECISIONS[self.dtype]

    @property
    def spare(self) -> int:
        """Percent of the budget that are left free."""
        return (HEADROOM if self.device == "cuda" else 0) if self.headroom is None else self.headroom

    @property
    def usable(self) -> int | None:
        """What there is of the budget for what is counted."""
        return None if self.budget is None else max(0, (self.budget - self.context) * (100 - self.spare) // 100)

    @property
    def stepping(self) -> Implementation:
        """The optimizer's implementation: PyTorch takes all parameters at once on CUDA, one after the other on the CPU."""
        default: Implementation = "loop" if self.device == "cpu" else OPTIMIZERS[self.optimizer].implementations()[0]
        return self.implementation or default
