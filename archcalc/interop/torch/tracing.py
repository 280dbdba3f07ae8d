"""What is known of every tensor of a run, and the nodes that its operators become.

Tensors are told by identity, and all are held until the end, since Python gives an address again once its owner
is gone.  A tensor is a Value (a node's volume under a layout), a Weight (made of parameters and constants alone) or
Murky (made by operators that are no layers here).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from archcalc.interop.torch.layout import (
    Layout,
    column,
    image,
    kinds,
    line,
    rearranged,
    shape,
    shuffled,
    side_by_side,
)
from archcalc.layers import TYPES, Layer
from archcalc.layers.misfit import LayerError
from archcalc.layers.reshape import Flatten, Input, Shuffle
from archcalc.records import NamedTuple
from archcalc.volume import Volume

IMAGES = 2  # a batch of one would be mistaken for an axis of one position


class NotUnderstood(Exception):
    """An operator that no layer stands for; says why."""


class Value(NamedTuple):
    """A node's volume, seen under a layout."""

    node: int
    layout: Layout


class Made(NamedTuple):
    """How a weight is computed of parameters; `standard`: brought to mean 0 and variance 1, times a gain if there is one."""

    operator: str
    standard: bool = False
    kernel: Any = None
    gain: Any = None
    eps: float = 0.0


class Weight(NamedTuple):
    """Nothing of the image is in it: made of these parameters and buffers (by id), or of constants alone."""

    sources: tuple[int, ...] = ()
    made: Made | None = None  # None: it is a parameter, seen in some way


class Murky(NamedTuple):
    """Made of nodes by operators that have no layer, which are given by their number in Trace.work, the last one last.

    layout: how it lies, if it is element by element what some value was.
    """

    nodes: tuple[int, ...]
    work: tuple[int, ...]
    alike: Value | None = None


Known = Value | Weight | Murky


class Where(NamedTuple):
    """The module that is being called, by its path; `call` counts the calls of modules, `leaf`: it holds no others."""

    path: str
    call: int
    leaf: bool
    site: tuple[str, int] | None = None  # file and line of the user's code


class Work(NamedTuple):
    """An operator without a layer: multiply-accumulates for all images, and the parameters it reads."""

    operator: str
    why: str
    macs: int
    sources: tuple[int, ...]
    where: Where
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    read: Mapping[int, Known]  # what was known of the tensors it reads, by id


class Draft(NamedTuple):
    """A node in the making: without its name, and perhaps read by nobody."""

    layer: Layer
    inputs: tuple[int, ...]
    volume: Volume
    where: Where
    weights: tuple[Any, ...] = ()  # the tensors it reads, in the order of PyTorch's arguments
    sources: tuple[int, ...] = ()  # the parameters and buffers these are made of
    inplace: bool | None = None
    reads: Layout = ()  # how its first input lay, where that says which weight is whose


class Trace:
    """The state of a run.  `named` are the model's parameters and buffers by id; `where` says what is being called.

    idioms: the result of the layer that work without a layer spells out, if it does.
    """

    def __init__(
        self,
        named: dict[int, tuple[str, Any]],
        where: Callable[[], Where],
        idioms: Callable[["Trace", Murky], Value | None],
    ) -> None:
        self.named, self.where, self.idioms = named, where, idioms
        self.drafts: list[Draft] = []
        self.work: list[Work] = []
        self.alive: list[Any] = []
        self.known: dict[int, Known] = {}
        self.storages: dict[int, list[int]] = {}  # the tensors that look at a memory
        self.opaque: dict[int, tuple[int, ...]] = {}  # nodes that stand for work without a layer
        self.counted: set[int] = set()  # work that an opaque node stands for, and parameters it reads
        self.stale: dict[int, str] = {}  # tensors whose memory another operator has overwritten since

    # -- tensors ----------------------------------------------------------------------------------

    def set(self, tensor: Any, known: Known) -> None:
        if id(tensor) not in self.known:
            self.alive.append(tensor)
            self.storages.setdefault(_memory(tensor), []).append(id(tensor))
        self.known[id(tensor)] = known
        self.stale.pop(id(tensor), None)

    def get(self, tensor: Any) -> Known:
        """What is known; what no operator has made is a constant, or a parameter."""
        if id(tensor) in self.stale:
            raise NotUnderstood(f"it reads a view of what {self.stale[id(tensor)]} has overwritten since")
        found = self.known.get(id(tensor))
        if found is None:
            found = Weight((id(tensor),) if id(tensor) in self.named else ())
            self.set(tensor, found)
        return found

    def overwritten(self, tensor: Any, operator: str) -> None:
        """Other tensors on this tensor's memory are no longer what they were."""
        for other in self.storages.get(_memory(tensor), ()):
            if other != id(tensor) and not isinstance(self.known[other], Weight):
                self.stale[other] = operator

    def result(self, tensor: Any, value: Value) -> None:
        """Note that a tensor is this value, if it has its shape."""
        if shape(value.layout) != tuple(tensor.shape):
            raise NotUnderstood(f"it gives {list(tensor.shape)}, and the layer {list(shape(value.layout))}")
        self.set(tensor, value)

    # -- nodes ------------------------------------------------------------------------------------

    def volume(self, node: int) -> Volume:
        return self.drafts[node].volume

    def input(self, tensor: Any, volume: Volume) -> None:
        layer = Input(width=volume.width, height=volume.height, channels=volume.channels)
        self.drafts.append(Draft(layer, (), volume, Where("", 0, leaf=False)))
        self.set(tensor, Value(len(self.drafts) - 1, self.canonical(len(self.drafts) - 1, tensor.dim())))

    def emit(
        self,
        layer: Layer,
        inputs: Sequence[int],
        weights: Iterable[Any] = (),
        *,
        inplace: bool | None = None,
        reads: Layout = (),
        computed: bool = False,
    ) -> int:
        """A node that applies a layer to nodes; NotUnderstood where that is not what the operator does.

        computed: the layer itself computes of its trained values what the operator reads.
        """
        try:
            volume, cost = layer.measure(tuple(self.volume(one) for one in inputs))
        except LayerError as error:
            raise NotUnderstood(f"{layer.type} {error}") from None
        tensors = tuple(one for one in weights if one is not None)
        here, there = cost.params + cost.buffers, sum(one.numel() for one in tensors)
        if here != there:
            raise NotUnderstood(f"{layer.type} would have {here:,} weights, and the operator reads {there:,}")
        sources = self.sources(tensors)
        for one in tensors:
            known = self.get(one)
            if isinstance(known, Weight) and known.made and any(map(self.trained, known.sources)) and not computed:
                raise NotUnderstood(f"its weights are computed, by {known.made.operator}")
        held = sum(self.named[one][1].numel() for one in sources if self.trained(one))
        if held != cost.params:
            raise NotUnderstood(
                f"{layer.type} would have {cost.params:,} weights, and they are made of {held:,} values"
            )
        self.drafts.append(Draft(layer, tuple(inputs), volume, self.where(), tensors, sources, inplace, reads))
        return len(self.drafts) - 1

    def frozen_norm(self, module: Any, result: Any) -> None:
        """One layer for what a FrozenBatchNorm2d has computed last: a product and a sum with what it makes of its buffers."""
        known = self.known.get(id(result))
        last = len(self.drafts) - 1
        if not isinstance(known, Value) or known.node != last:
            return
        product, total = self.drafts[-2:]
        if (product.layer.type, total.layer.type, total.inputs) != ("scale", "shift", (last - 1,)):
            return
        del self.drafts[-2:]
        for one, value in self.known.items():
            if isinstance(value, Value) and value.node >= last - 1:
                self.known[one] = Murky(product.inputs, ())  # the product, which nobody else has
        stored = (module.weight, module.bias, module.running_mean, module.running_var)
        layer = made("frozen_bn", eps=float(getattr(module, "eps", 1e-5)))
        self.set(result, Value(self.emit(layer, product.inputs, stored), known.layout))

    def sources(self, tensors: Iterable[Any]) -> tuple[int, ...]:
        """The parameters and buffers that tensors are made of."""
        found: dict[int, None] = {}
        for one in tensors:
            known = self.get(one)
            if not isinstance(known, Weight):
                raise NotUnderstood("its weights are made of the image")
            found.update(dict.fromkeys(known.sources))
        return tuple(found)

    def trained(self, source: int) -> bool:
        """Whether this is a parameter, and not a buffer."""
        return type(self.named[source][1]).__name__ == "Parameter" or self.named[source][1].requires_grad

    def canonical(self, node: int, rank: int) -> Layout:
        """How a node's own result lies as a tensor of so many axes."""
        if rank not in (2, 3, 4):
            raise NotUnderstood(f"it gives a tensor of {rank} axes")
        return (column, line, image)[rank - 2](self.volume(node), IMAGES)

    def image(self, tensor: Any, value: Value) -> int:
        """The node that gives a value as channels and pixels; by a layer that moves values, where views have done that."""
        volume = self.volume(value.node)
        rank = len(value.layout)
        if rank in (3, 4) and value.layout == self.canonical(value.node, rank):
            return value.node
        if rank == 2 and value.layout == column(volume, IMAGES):
            node = value.node if volume[:2] == (1, 1) else self.emit(Flatten(), (value.node,))
        elif rank == 4 and (groups := shuffled(value.layout, volume, IMAGES)):
            node = self.emit(Shuffle(groups=groups), (value.node,))
        elif rank == 4 and side_by_side(value.layout, volume, IMAGES):
            _, channels, height, width = shape(value.layout)
            node = self.emit(made("reshape", width=width, height=height, channels=channels), (value.node,))
        elif found := rearranged(value.layout, volume, IMAGES):
            node = self.emit(made(found[0], factor=found[1]), (value.node,))
        else:
            raise NotUnderstood(f"its input has the axes {kinds(value.layout)}")
        self.set(tensor, Value(node, self.canonical(node, rank)))
        return node

    def settle(self, tensor: Any, murky: Murky) -> Value:
        """A node for the work behind a tensor: the layer that it spells out, or an opaque one if the tensor is an image.

        What several opaque nodes are made of counts once.
        """
        if (value := self.idioms(self, murky)) is not None:
            self.set(tensor, value)
            return value
        volume, layout = self._likeness(tensor, murky)
        work = tuple(one for one in murky.work if one not in self.counted)
        read = dict.fromkeys(source for one in work for source in self.work[one].sources)
        sources = tuple(one for one in read if one not in self.counted)
        what = ", ".join(dict.fromkeys(self.work[one].operator for one in work or murky.work))
        sizes = {True: 0, False: 0}
        for one in sources:
            sizes[self.trained(one)] += self.named[one][1].numel()
        layer = made(
            "opaque",
            volume=volume,
            what=what if len(what) <= LONGEST else what[: LONGEST - 3] + "...",
            params=sizes[True],
            buffers=sizes[False],
            macs=sum(self.work[one].macs for one in work) // IMAGES,
        )
        self.counted.update((*work, *sources))
        self.drafts.append(Draft(layer, murky.nodes, volume, self.work[murky.work[-1]].where, sources=sources))
        self.opaque[len(self.drafts) - 1] = work
        value = Value(len(self.drafts) - 1, layout)
        self.set(tensor, value)
        return value

    def _likeness(self, tensor: Any, murky: Murky) -> tuple[Volume, Layout]:
        """The volume that a tensor is, and how it lies: as a value of its shape that it was made of, or by its shape.

        N, L, C is an image if one of that length was read.
        """
        if murky.alike is not None:
            volume, layout = self.volume(murky.alike.node), murky.alike.layout
            if shape(layout) == tuple(tensor.shape) and sorted(layout) == sorted(_fitted(volume, len(layout))):
                return volume, layout
        match tuple(tensor.shape):
            case (images, channels) if images == IMAGES:
                volume = Volume(1, 1, channels)
                return volume, column(volume, IMAGES)
            case (images, channels, height, width) if images == IMAGES:
                volume = Volume(width, height, channels)
                return volume, image(volume, IMAGES)
            case (images, length, channels) if images == IMAGES:
                for read in map(self.volume, murky.nodes):
                    if read.width * read.height == length:
                        n, c, h, w = image(read._replace(channels=channels), IMAGES)
                        return read._replace(channels=channels), (n, (*h, *w), c)
        raise NotUnderstood(f"a tensor of shape {list(tensor.shape)} is no image")


LONGEST = 60  # characters of what an opaque layer stands for


def made(type: str, **keys: Any) -> Layer:
    """A layer of a type that is imported when it is asked for; NotUnderstood where this archcalc has none."""
    if type not in TYPES:
        raise NotUnderstood("no layer does this")
    return TYPES[type](**keys)


def _fitted(volume: Volume, rank: int) -> Layout:
    """The whole kinds of a volume as so many axes, with empty ones; none if they do not fit."""
    found = tuple(one for one in image(volume, IMAGES) if one)
    return (*found, *((),) * (rank - len(found)))


def _memory(tensor: Any) -> int:
    found: int = tensor.untyped_storage()._cdata  # noqa: SLF001 - its address; meta tensors have no data_ptr
    return found
