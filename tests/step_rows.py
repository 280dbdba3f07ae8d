"""Measure whole training steps for the table of docs/memory.md: `python tests/step_rows.py [NETWORK ...]`.

Of each network it measures a forward and backward pass for each precision, batch and kind of gradients, and of each optimizer
its state and what its step needs beside it.  Storages add up, and the passes do not depend on the optimizer, so that a row is
the largest of the passes with the state there, and the step.  What is measured is kept in tests/goldens/steps.json.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "goldens" / "steps.json"
BATCHES = (1, 32)
AUTOCAST = {"float32": "", "mixed_float16": "float16"}
OPTIMIZERS: dict[str, tuple[str, str, dict[str, Any]]] = {  # ours and PyTorch's
    "sgd": ("sgd", "SGD", {}),
    "sgd-momentum": ("sgd-momentum", "SGD", {"momentum": 0.9}),
    "sgd, weight decay": ("sgd", "SGD", {"weight_decay": 0.1}),
    "adam": ("adam", "Adam", {}),
    "adamw": ("adamw", "AdamW", {"weight_decay": 0}),
    "rmsprop": ("rmsprop", "RMSprop", {}),
    "adagrad": ("adagrad", "Adagrad", {}),
}


class Row(NamedTuple):
    """A step, and the most bytes that are alive during it."""

    network: str
    optimizer: str
    foreach: bool
    kept: bool
    dtype: str
    batch: int
    peak: int


def rows() -> Iterator[Row]:
    """What was measured."""
    for network, found in json.loads(FILE.read_text()).items():
        for key, (forward, backward, before) in found["passes"].items():
            dtype, batch, gradients = key.split()
            for optimizer, (state, step) in found["steps"].items():
                name, _, how = optimizer.rpartition(" ")
                peak = max(max(forward, backward) + state, before + step)
                yield Row(network, name, how == "foreach", gradients == "kept", dtype, int(batch), peak)


def measured(name: str) -> dict[str, Any]:
    """Bytes of a network's passes, by dtype, batch and gradients, and of the optimizers' steps."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch_autocast import as_cuda
    from torch_networks import Network
    from torch_steps import Storages

    import archcalc

    graph = archcalc.load(f"zoo:{name}").graph
    passes: dict[str, list[int]] = {}
    steps: dict[str, list[int]] = {}
    for dtype, autocast in AUTOCAST.items():
        for batch in BATCHES:
            with FakeTensorMode(allow_non_fake_inputs=True), as_cuda():
                network = Network(graph, torch.float32, "cpu", like_cuda=True)
                network.run(2)  # makes the parameters
                x = network.batch(batch)
                try:
                    target = torch.zeros((batch, *network.forward(x).shape[2:]), dtype=torch.int64)
                except ValueError:
                    continue  # a batch norm of single values wants two images
                storages = Storages()
                storages.add([*network.parameters, *network.buffers, *network.counters, x, target])
                for turn in range(3):
                    storages.peaks.clear()
                    with storages:
                        storages.begin("forward")
                        with ExitStack() as stack:
                            if autocast:
                                stack.enter_context(torch.autocast("cpu", dtype=getattr(torch, autocast)))
                            out = network.forward(x)
                            loss = torch.nn.functional.cross_entropy(
                                out.flatten(2) if out.dim() > 2 else out,
                                target.flatten(1) if target.dim() > 1 else target,
                            )
                        storages.begin("backward")
                        loss.backward()
                        storages.begin("end")
                    found = [storages.peaks["forward"][0], storages.peaks["backward"][0], storages.now]
                    passes[f"{dtype} {batch} {'none' if turn < 2 else 'kept'}"] = found
                    if turn == 0:  # the second has the first's output, and makes its gradients; the third keeps them
                        for parameter in network.parameters:
                            parameter.grad = None
                if not steps:
                    steps = dict(_steps(torch, network, storages))
                del out, loss
    return {"passes": passes, "steps": steps}


def _steps(torch: Any, network: Any, storages: Any) -> Iterator[tuple[str, list[int]]]:
    """Of every optimizer its state, and the most that is alive during its step beside what was there before it came."""
    trained = [one for one in network.parameters if one.requires_grad]
    for name, (_, kind, options) in OPTIMIZERS.items():
        for foreach in (True, False):
            before = storages.now
            algorithm = getattr(torch.optim, kind)(trained, lr=0.1, foreach=foreach, **options)
            made = [one for state in algorithm.state.values() for one in state.values()]
            storages.add([one for one in made if isinstance(one, torch.Tensor)])
            del made
            for _ in range(2):
                storages.peaks.clear()
                with storages:
                    storages.begin("step")
                    algorithm.step()
                    storages.begin("end")
            state = storages.now - before
            yield f"{name} {'foreach' if foreach else 'loop'}", [state, storages.peaks["step"][0] - before]
            del algorithm


def main(names: list[str]) -> None:
    from archcalc.language.specfile import zoo_names

    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in names or zoo_names():
        found = measured(name)
        known = json.loads(FILE.read_text()) if FILE.exists() else {}  # another process may have written meanwhile
        known[name] = found
        lines = [f"{json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
