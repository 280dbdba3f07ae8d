"""What PyTorch itself says of a model: parameters, multiply-accumulates, the bytes its autograd keeps.

Nothing here is archcalc's, but for `predicted`, which is what is compared with it.
"""

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from archcalc.interop.torch.model import Captured
from archcalc.interop.torch.model import capture as capture  # noqa: PLC0414 - for the tests
from archcalc.interop.torch.staging import made, staged

BATCH = 2


class Figures(NamedTuple):
    """parameters: values, each tensor once.  macs: of one image.  saved: bytes of BATCH images."""

    parameters: int
    macs: int
    saved: int


def measured(model: Any, *shapes: tuple[int, ...]) -> Figures:
    """By numel, FlopCounterMode / 2, and saved_tensors_hooks in training, on the meta device."""
    parameters = sum(one.numel() for one in model.parameters())
    with staged(model, values=False):
        images = [torch.empty(BATCH, *shape, device="meta") for shape in shapes]
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(*images)
        model.train()
        saved = saved_bytes(lambda: model(*images), model)
    return Figures(parameters, counter.get_total_flops() // 2 // BATCH, saved)


def saved_bytes(run: Callable[[], Any], model: Any) -> int:
    """Bytes of the storages that are still held for the backward pass when the forward pass is over, but the model's own."""

    class Saved:
        def __init__(self, tensor: Any) -> None:
            self.tensor = tensor

    held: list[weakref.ref[Saved]] = []

    def pack(tensor: Any) -> Saved:
        found = Saved(tensor)
        held.append(weakref.ref(found))
        return found

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda found: found.tensor):
        result = run()
    alive = [found.tensor.untyped_storage() for one in held if (found := one()) is not None]
    sizes = {one._cdata: one.nbytes() for one in alive}
    for one in (*model.parameters(), *model.buffers()):
        sizes.pop(one.untyped_storage()._cdata, None)
    del result
    return sum(sizes.values())


def predicted(captured: Captured) -> Figures:
    """archcalc's figures for a capture; parameters that nothing uses, which it reports, included."""
    from archcalc.analysis.analyze import analyze
    from archcalc.memory.plan import retained
    from archcalc.memory.settings import Settings

    report = analyze(captured.graph)
    assert report.complete, report.problems
    kept = retained(report, Settings())
    assert kept.execution.unknown == ()
    saved = sum(kept.saved) * BATCH + sum(kept.fixed)
    return Figures(report.totals.params + captured.unused, report.totals.macs, saved)


def compared(factory: Callable[[], Any], *shapes: tuple[int, ...]) -> Captured:
    """Capture a model on images of these shapes (C, H, W; C, L; or C) and assert that it is what PyTorch says."""
    model = made(factory)
    inputs = {f"input{number}": torch.empty(1, *shape, device="meta") for number, shape in enumerate(shapes, 1)}
    found = capture(model, inputs)
    assert predicted(found) == measured(model, *shapes)
    return found
