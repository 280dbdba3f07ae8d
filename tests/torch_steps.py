"""What whole training steps hold, storage by storage: the truth that plans are compared with.

Every tensor that an operation returns is asked for its storage; a weak reference tells when that is freed.  Under
FakeTensorMode nothing is computed, so that the largest networks take seconds and no memory.

While a dispatch mode is active, autograd adds up the gradients of a value with several readers in new memory, as it
does for any subclass of Tensor; without one it adds into the first of them where nobody else holds it.  Such sums
are recognised by their first operand being freed with them, and counted as PyTorch has them.
"""

import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest
from torch_networks import Network

from archcalc.graph import Graph

torch = pytest.importorskip("torch")
from torch._prims_common import is_non_overlapping_and_dense_or_false  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_iter  # noqa: E402


class Sum(NamedTuple):
    """A sum of gradients that would have been made in place if `storage` is freed before the next operation."""

    storage: int
    result: int
    held: int
    bytes: int


class Storages(TorchDispatchMode):  # type: ignore[misc]
    """Bytes of the storages alive, and the most of them in each phase with the operation that reached it."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, weakref.ref[Any]] = {}
        self.sizes: dict[int, int] = {}
        self.now = 0
        self.phase = ""
        self.peaks: dict[str, tuple[int, str]] = {}
        self.pending: Sum | None = None

    def begin(self, phase: str) -> None:
        self.settle()
        self.phase = phase

    def add(self, tensors: Iterable[Any]) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self.alive:
                self.sizes[key] = storage.nbytes()
                self.now += storage.nbytes()
                self.alive[key] = weakref.ref(storage, partial(self.freed, key))

    def freed(self, key: int, storage: Any) -> None:
        del self.alive[key]
        self.now -= self.sizes.pop(key)

    def note(self, held: int, operation: str) -> None:
        if held > self.peaks.get(self.phase, (0, ""))[0]:
            self.peaks[self.phase] = held, operation

    def settle(self) -> None:
        """Note the last sum of gradients."""
        if (found := self.pending) is None:
            return
        self.pending = None
        inplace = found.storage not in self.alive
        if inplace and found.result in self.sizes:  # the memory is that of the first operand
            self.now += found.bytes - self.sizes[found.result]
            self.sizes[found.result] = found.bytes
        self.note(found.held - found.bytes if inplace else found.held, "sum of gradients")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.settle()
        result = func(*args, **(kwargs or {}))
        self.add(one for one in tree_iter(result) if isinstance(one, torch.Tensor))
        if (
            self.phase == "backward"
            and func is torch.ops.aten.add.Tensor
            and is_non_overlapping_and_dense_or_false(args[0])
        ):
            old = args[0].untyped_storage()
            new = result.untyped_storage()
            self.pending = Sum(old._cdata, new._cdata, self.now, old.nbytes())
        else:
            self.note(self.now, str(func))
        return result


class Step(NamedTuple):
    """The most bytes alive in each phase of a step in the steady state, and where."""

    forward: tuple[int, str]
    backward: tuple[int, str]
    step: tuple[int, str]

    @property
    def peak(self) -> int:
        return max(one for one, _ in self)


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "sgd-momentum": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {"weight_decay": 0}),
    "rmsprop": ("RMSprop", {}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {}),
}


def measure(
    network: Network,
    images: int,
    optimizer: str = "sgd",
    *,
    kept: bool = False,
    autocast: str = "",
    cuts: tuple[int, ...] = (),
    **options: Any,
) -> Step:
    """The third of three steps in the steady state: everything is made that stays."""
    name, defaults = OPTIMIZERS[optimizer]
    with FakeTensorMode(allow_non_fake_inputs=True):
        network.run(2)  # makes the parameters; a batch norm of single values wants two images
        x = network.batch(images)
        out = network.forward(x)
        target = torch.zeros((images, *out.shape[2:]), dtype=torch.int64)
        del out
        trained = [one for one in network.parameters if one.requires_grad]
        algorithm = getattr(torch.optim, name)(trained, lr=0.1, **{**defaults, **options})
        return whole_steps(
            network.checkpointed(cuts) if cuts else network.forward,
            [*network.parameters, *network.buffers, *network.counters],
            x,
            target,
            algorithm,
            kept=kept,
            autocast=autocast,
        )


def whole_steps(
    model: Callable[[Any], Any],
    own: Iterable[Any],
    x: Any,
    target: Any,
    algorithm: Any,
    *,
    kept: bool = False,
    autocast: str = "",
) -> Step:
    """Steps as training loops have them: out = model(x); loss; backward; step; zero_grad."""
    storages = Storages()
    made = [one for state in algorithm.state.values() for one in state.values()]  # Adagrad's, by its constructor
    storages.add([*own, x, target, *(one for one in made if isinstance(one, torch.Tensor))])
    del made
    del own
    for _ in range(3):
        storages.peaks.clear()
        with storages:
            storages.begin("forward")
            with ExitStack() as stack:
                if autocast:
                    stack.enter_context(torch.autocast("cpu", dtype=getattr(torch, autocast)))
                out = model(x)
                loss = torch.nn.functional.cross_entropy(
                    out.flatten(2) if out.dim() > 2 else out, target.flatten(1) if target.dim() > 1 else target
                )
            storages.begin("backward")
            loss.backward()
            storages.begin("step")
            algorithm.step()
            storages.begin("end")
            algorithm.zero_grad(set_to_none=not kept)
    return Step(*(storages.peaks[phase] for phase in Step._fields))


def inference(network: Network, images: int, *, autocast: str = "") -> tuple[int, str]:
    """The most bytes alive in a forward pass without gradients, parameters and buffers apart."""
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        network.run(1)
        x = network.batch(images)
        storages = Storages()
        storages.add([*network.parameters, *network.buffers, *network.counters])
        known = storages.now
        storages.add(x if isinstance(x, list) else [x])
        with storages, ExitStack() as stack:
            if autocast:
                stack.enter_context(torch.autocast("cpu", dtype=getattr(torch, autocast)))
            network.forward(x)
        most, operation = storages.peaks[""]
        return most - known, operation


def of_graph(graph: Graph, **options: Any) -> Network:
    return Network(graph, torch.float32, "cpu", **options)
