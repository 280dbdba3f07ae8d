"""A model and the size of its input -> a Graph with findings."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from archcalc.diagnostics import NOWHERE, Diagnostic
from archcalc.graph import Graph, Node
from archcalc.interop.torch import findings
from archcalc.interop.torch.capture import Recorder, tensors
from archcalc.interop.torch.findings import Stored
from archcalc.interop.torch.layout import Layout
from archcalc.interop.torch.naming import module_of, names, writable
from archcalc.interop.torch.source import failing
from archcalc.interop.torch.staging import staged, unwrapped
from archcalc.interop.torch.tracing import IMAGES, Draft, Murky, NotUnderstood, Trace, Value
from archcalc.records import NamedTuple
from archcalc.volume import Volume


class NoModel(Exception):
    """There is no network to be had; `diagnostic` says why."""

    def __init__(self, message: str, notes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(findings.FAILED, message, NOWHERE, notes=tuple(notes))


class Captured(NamedTuple):
    """A model as a network.  `run` is what it computed, where it ran on real numbers."""

    graph: Graph
    findings: tuple[Diagnostic, ...]
    drafts: tuple[
        Draft, ...
    ]  # of the nodes, with the tensors that are their weights, in the order of PyTorch's arguments
    unused: int  # values of parameters that nothing uses
    state: tuple[Stored, ...] = ()  # its parameters and buffers as they are, each tensor once
    run: "Computed | None" = None


class Computed(NamedTuple):
    """A run's tensors: the inputs by their nodes, what is there of every node, as it lies, and the results."""

    images: tuple[Any, ...]
    seen: dict[int, tuple[Any, Layout]]
    results: tuple[tuple[Any, Value], ...]


def capture(model: Any, inputs: Mapping[str, Volume | Any], *, name: str = "", values: bool = False) -> Captured:
    """Run a module once in eval and give what it is.

    inputs: a volume, or a tensor as an example, by the name that its node gets, in the order of the arguments.
    values: run it on real numbers, which are in `run` then.  Raises NoModel.
    """
    model = unwrapped(model)
    if not isinstance(model, nn.Module):
        raise NoModel(f"it is a {type(model).__name__}, not a torch.nn.Module")
    for path, one in model.named_modules():
        if isinstance(one, torch.jit.ScriptModule):
            raise NoModel(
                f"{path or 'the model'} is compiled (TorchScript) and cannot be watched; give its Python module"
            )
    on_meta = any(one.device.type == "meta" for one in model.parameters())
    if on_meta or not values:
        try:
            found = _any_form(model, inputs, name, values=False)
            return found._replace(findings=(*found.findings, *_elsewhere(model, inputs, found)))
        except _Stopped as stopped:
            if on_meta:
                raise stopped.told() from stopped.error
    try:
        return _any_form(model, inputs, name, values=True)
    except _Stopped as stopped:
        raise stopped.told() from stopped.error


def _any_form(model: Any, inputs: Mapping[str, Volume | Any], name: str, *, values: bool) -> Captured:
    """On images; on sequences N, C, L where those of height 1 do not do, and on columns N, C where those of one pixel do not."""
    volumes = [one for one in inputs.values() if isinstance(one, Volume)]
    axes = [4] + [3] * all(one.height == 1 for one in volumes) + [2] * all(one[:2] == (1, 1) for one in volumes)
    first: _Stopped | None = None
    for number in axes if volumes else axes[:1]:
        try:
            return _captured(model, inputs, name, values=values, axes=number)
        except _Stopped as stopped:
            first = first or stopped
    assert first is not None
    raise first


def _larger(side: int) -> int:
    """About twice as long, and the same by 64, as strides and paddings see it."""
    return side + 64 * -(-side // 64)


def _elsewhere(model: Any, inputs: Mapping[str, Volume | Any], found: Captured) -> list[Diagnostic]:
    """What it says if the model does other things for larger images."""
    volumes = {name: one for name, one in inputs.items() if isinstance(one, Volume)}
    larger = {name: one._replace(width=_larger(one.width), height=_larger(one.height)) for name, one in volumes.items()}
    if len(larger) < len(inputs) or any(one.height == 1 for one in volumes.values()):
        return []
    try:
        other = _captured(model, larger, "", values=False)
    except (_Stopped, NoModel):  # made for one size, as whatever has an fc on its image
        return []
    return findings.differs(
        found.graph.nodes, other.graph.nodes, " and ".join(str(one)[1:-1] for one in larger.values())
    )


class _Stopped(Exception):
    """The model's own code raised an error."""

    def __init__(self, error: Exception, recorder: Recorder) -> None:
        self.error, self.recorder = error, recorder

    def told(self) -> NoModel:
        inner = self.recorder.where() if self.recorder.stack else None
        kind, text = type(self.error).__name__, " ".join(str(self.error).split())
        where = f" in {inner.path}" if inner and inner.path else ""
        site = failing(self.error.__traceback__)
        where += f" ({site[0]}:{site[1]})" if site else ""
        return NoModel(f"the model fails{where}: {kind}: {text[:500]}", ())


def _captured(model: Any, inputs: Mapping[str, Volume | Any], name: str, *, values: bool, axes: int = 4) -> Captured:
    """`axes` of the tensors that volumes become."""
    with staged(model, values=values):
        paths: dict[int, str] = {}
        for path, one in model.named_modules():
            paths.setdefault(id(one), path)
        named = {id(one): (path, one) for path, one in _tensors(model)}
        recorder = Recorder(paths, named)
        dtype = next((one.dtype for one in model.parameters() if one.is_floating_point()), torch.float32)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            device = "cpu" if values else "meta"
            images = [_image(one, device, axes, dtype) for one in inputs.values()]
        copies = tuple(one.clone() for one in images) if values else ()  # a model may work in its input's memory
        for image, given in zip(images, inputs.values(), strict=True):
            recorder.trace.input(image, given if isinstance(given, Volume) else _volume(image))
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=()), recorder:
                result = model(*images)
        except Exception as error:
            raise _Stopped(error, recorder) from error
        return _assembled(model, recorder, [*tensors(result)], [*inputs], name or type(model).__name__, copies)


def _tensors(model: Any) -> list[tuple[str, Any]]:
    return [*model.named_parameters(), *model.named_buffers()]


def _image(given: Volume | Any, device: str, axes: int, dtype: Any) -> Any:
    if isinstance(given, Volume):
        sides = (given.channels, given.height, given.width) if axes == 4 else (given.channels, given.width)[: axes - 1]
        return torch.rand(IMAGES, *sides, device=device).to(dtype)
    one = given[:1].expand(IMAGES, *given.shape[1:])
    if device == "meta":
        return torch.empty_like(one, device="meta")
    return torch.rand(one.shape) if one.device.type == "meta" else one.clone()


def _volume(image: Any) -> Volume:
    match tuple(image.shape):
        case (_, channels):
            return Volume(1, 1, channels)
        case (_, channels, width):
            return Volume(width, 1, channels)
        case (_, channels, height, width):
            return Volume(width, height, channels)
    raise NoModel(f"an input of shape {list(image.shape)} is no image: N, C, H, W, or N, C, L, or N, C")


def _assembled(
    model: Any, recorder: Recorder, results: list[Any], inputs: list[str], name: str, images: tuple[Any, ...]
) -> Captured:
    trace = recorder.trace
    ends: list[int] = []
    for one in results:
        known = trace.get(one)
        if isinstance(known, Murky):
            with contextlib.suppress(NotUnderstood):
                known = trace.settle(one, known)
        if isinstance(known, Value):
            ends.append(_end(trace, one, known))
        elif isinstance(known, Murky):
            work = [trace.work[one] for one in known.work]
            raise NoModel(
                "its result is made by operators that have no layer: "
                + ", ".join(dict.fromkeys(w.operator for w in work)),
                [f"{w.operator}: {w.why}, {findings.place(w.where)}" for w in work],
            )
    if not ends:
        raise NoModel("no result of the model is made of the image")
    keep = _reached(trace.drafts, ends, len(inputs))
    place = {draft: number for number, draft in enumerate(keep)}
    drafts = [trace.drafts[one] for one in keep]
    parameters = {id(one): one for _, one in _tensors(model)}
    owners = [_owner(draft, trace) for draft in drafts]
    called = [*map(writable, inputs), *names(drafts[len(inputs) :], owners[len(inputs) :])]
    nodes: list[Node] = []
    lenders: dict[tuple[int, ...], int] = {}
    for number, (draft, own) in enumerate(zip(drafts, called, strict=True)):
        lends = draft.sources and draft.layer.type != "opaque"
        lender = lenders.setdefault(draft.sources, number) if lends else number
        trained = [parameters[one] for one in draft.sources if isinstance(parameters[one], nn.Parameter)]
        nodes.append(
            Node(
                own,
                draft.layer,
                tuple(place[one] for one in draft.inputs),
                path=tuple(own.split(".")[:-1]),
                shares=lender if lender != number else None,
                trainable=not trained or any(one.requires_grad for one in trained),
                inplace=draft.inplace,
            )
        )
    outputs = tuple(dict.fromkeys(place[one] for one in ends))
    graph = Graph(name, tuple(nodes), () if outputs == (len(nodes) - 1,) else outputs)
    used = {one for draft in drafts for one in draft.sources}
    idle = [(path, one.numel()) for path, one in model.named_parameters() if id(one) not in used]
    dead = [
        draft.where.path or draft.layer.type
        for number, draft in enumerate(trace.drafts)
        if number not in place and (draft.sources or draft.layer.type not in ("flatten", "split", "shuffle"))
    ]
    modules = dict(model.named_modules())
    said = [
        *(
            findings.not_layers([trace.work[one] for one in trace.opaque[old]], own)
            for old, own in zip(keep, called, strict=True)
            if old in trace.opaque
        ),
        *findings.unused(idle, modules),
        *findings.unread(dead, modules),
        *findings.depends(recorder.asked, recorder.random),
    ]
    run = Computed(images, _seen(trace, place), _results(trace, results, place)) if images else None
    return Captured(graph, tuple(said), tuple(drafts), sum(size for _, size in idle), _state(model), run)


def _state(model: Any) -> tuple[Stored, ...]:
    found: dict[tuple[str, str], Stored] = {}
    for kind, held in (("parameters", model.parameters()), ("buffers", model.buffers())):
        for one in held:
            key = kind, str(one.dtype).removeprefix("torch.")
            before = found.get(key, Stored(*key, 0, 0))
            found[key] = Stored(*key, before.values + one.numel(), before.bytes + one.numel() * one.element_size())
    return tuple(found.values())


def _seen(trace: Trace, place: Mapping[int, int]) -> dict[int, tuple[Any, Layout]]:
    """Of every node a tensor that still is what it gave."""
    found: dict[int, tuple[Any, Layout]] = {}
    for one in trace.alive:
        known = trace.known[id(one)]
        if isinstance(known, Value) and known.node in place and id(one) not in trace.stale:
            found.setdefault(place[known.node], (one, known.layout))
    return found


def _results(trace: Trace, results: Sequence[Any], place: Mapping[int, int]) -> tuple[tuple[Any, Value], ...]:
    known = ((one, trace.get(one)) for one in results)
    return tuple((one, Value(place[v.node], v.layout)) for one, v in known if isinstance(v, Value))


def _end(trace: Trace, tensor: Any, value: Value) -> int:
    """The node of a result: made flat where it is a column; another way of looking at it changes nothing."""
    try:
        return trace.image(tensor, value) if tensor.dim() == 2 else value.node
    except NotUnderstood:
        return value.node


def _reached(drafts: Sequence[Draft], ends: Sequence[int], inputs: int) -> list[int]:
    """The nodes that results are made of, in their order, and all inputs."""
    found = {*range(inputs), *ends}
    for number in reversed(range(len(drafts))):
        if number in found:
            found.update(drafts[number].inputs)
    return sorted(found)


def _owner(draft: Draft, trace: Trace) -> str:
    """The path of the module whose weights a node reads, or for whose work it stands; empty where there is none."""
    if draft.layer.type == "opaque":
        return draft.where.path
    return module_of(trace.named[draft.sources[0]][0]) if draft.sources else ""
