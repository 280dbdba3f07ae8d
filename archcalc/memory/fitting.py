"""What it would take to fit: other settings and small changes to the network, each planned anew."""

from collections.abc import Iterator
from itertools import islice
from math import gcd, lcm
from typing import Any

from archcalc.analysis.analyze import Report, analyze
from archcalc.layers import Windowed
from archcalc.layers.reshape import Input
from archcalc.memory.checkpointing import checkpointed
from archcalc.memory.plan import largest_batch, plan, retained, stepped
from archcalc.memory.results import Plan, Suggestion
from archcalc.memory.settings import Settings
from archcalc.precision import OPTIMIZERS
from archcalc.volume import Pair

MOST_INPUTS = 16  # sizes of the input that are tried


def suggestions(report: Report, planned: Plan) -> tuple[Suggestion, ...]:
    """Changes that need less memory than `planned`, for its purpose and budget; empty without a budget."""
    if planned.budget is None:
        return ()
    settings = planned.settings._replace(batch=planned.batch)
    before = planned.total_bytes
    found = [one for one in _candidates(report, settings) if one.total_bytes < before]
    if settings.purpose == "training" and settings.convention != "cs231n" and planned.training:
        found += _checkpointed(report, planned)
    return tuple(found)


def _candidates(report: Report, settings: Settings) -> Iterator[Suggestion]:
    largest = plan(report, settings).budget
    assert largest is not None
    most = largest.max_batch.inference if settings.purpose == "inference" else largest.max_batch.training
    if most and settings.batch and most < settings.batch:
        yield _planned(report, settings._replace(batch=most), "batch", f"a batch of {most}")
    for dtype in _smaller(settings):
        yield _planned(report, settings._replace(dtype=dtype), "dtype", f"dtype {dtype}")
    if settings.purpose == "training":
        kept = OPTIMIZERS[settings.optimizer].state
        for optimizer in ("sgd-momentum", "sgd"):
            if OPTIMIZERS[optimizer].state < kept:
                yield _planned(
                    report,
                    settings._replace(optimizer=optimizer, implementation=None),
                    "optimizer",
                    f"optimizer {optimizer}",
                )
    if not settings.inplace:
        yield _planned(report, settings._replace(inplace=True), "inplace", "activations in place")
    if (smaller := _smaller_input(report, settings)) is not None:
        yield smaller
    if (strided := _larger_stride(report, settings)) is not None:
        yield strided


def _smaller(settings: Settings) -> tuple[str, ...]:
    if settings.purpose == "inference":
        order = ("float64", "float32", "float16", "int8")
        return order[order.index(settings.dtype) + 1 :] if settings.dtype in order else ()
    return {"float64": ("float32",), "float32": ("mixed_float16", "float16")}.get(settings.dtype, ())


def _planned(report: Report, settings: Settings, kind: str, text: str) -> Suggestion:
    found = plan(report, settings)
    assert found.budget is not None
    most = found.budget.max_batch
    chosen = most.inference if settings.purpose == "inference" or most.training is None else most.training
    return Suggestion(kind, text, found.total_bytes, found.budget.fits, chosen)


def _smaller_input(report: Report, settings: Settings) -> Suggestion | None:
    """The largest smaller input, by 32 pixels (or 4), with which the network still fits together and the budget holds.

    Where none does, the smallest that was tried.
    """
    width, height, channels = report.input
    step = lcm(32 if width >= 64 else 4, width // gcd(width, height))  # the height stays whole
    found = None
    for side in islice(range((width - 1) // step * step, 0, -step), MOST_INPUTS):
        input = Input(width=side, height=side * height // width, channels=channels)
        if (changed := _changed(report, 0, input)) is not None:
            found = _planned(changed, settings, "input", f"an input of {input.volume}")
            if found.fits:
                return found
    return found


def _larger_stride(report: Report, settings: Settings) -> Suggestion | None:
    """Twice the stride of the first layer that has one, rounding down where it must."""
    for position, row in enumerate(report.rows):
        layer = row.node.layer
        if not isinstance(layer, Windowed) or "stride" not in layer.keys:
            continue
        values: dict[str, Any] = layer.values()
        old = values["stride"] or values["kernel_size"]
        stride = Pair(2 * old.width, 2 * old.height)
        if not layer.keys["stride"].kind.takes(stride):
            return None
        for rounding, said in ((layer.rounding, ""), ("floor", " and `rounding: floor`")):
            other = type(layer)(**{**values, "stride": stride, "rounding": rounding})
            if (changed := _changed(report, position, other)) is not None:
                return _planned(changed, settings, "stride", f"a stride of {stride} in {row.node.name}{said}")
        return None
    return None


def _changed(report: Report, position: int, layer: Any) -> Report | None:
    """The network with another layer in one place, if it still fits together."""
    nodes = list(report.graph.nodes)
    nodes[position] = nodes[position]._replace(layer=layer)
    found = analyze(report.graph._replace(nodes=tuple(nodes)), convention=report.convention)
    return found if found.complete and not found.problems else None


def _checkpointed(report: Report, planned: Plan) -> list[Suggestion]:
    settings, training = planned.settings, planned.training
    assert training is not None
    usable = settings.usable
    assert usable is not None
    found = checkpointed(report, retained(report, settings))
    if found is None:
        return []
    step = stepped(report, settings, found.retained, training.buffers_bytes)
    total = max(image * planned.batch + fixed for image, fixed in zip(step.image, step.fixed, strict=True))
    if total >= training.total_bytes:
        return []
    return [
        Suggestion(
            "checkpointing",
            f"{len(found.cuts)} checkpoints (at least)",
            total,
            total <= usable,
            largest_batch(usable, step.image, step.fixed),
            found.extra_macs * planned.batch,
        )
    ]
