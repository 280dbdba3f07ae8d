"""An operator's call, as its handler reads it."""

from collections.abc import Sequence
from typing import Any

from archcalc.interop.torch.layout import Layout
from archcalc.interop.torch.tracing import Known, Murky, NotUnderstood, Trace, Value
from archcalc.layers import Layer
from archcalc.volume import Volume


class Call:
    """One call of an operator: what it reads, what it gave, and how to say which layer that is."""

    def __init__(
        self,
        trace: Trace,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        result: Any,
        *,
        inplace: bool = False,
    ) -> None:
        self.trace, self.name, self.args, self.kwargs, self.result = trace, name, args, kwargs, result
        self.inplace = inplace

    def arg(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by its place or its name."""
        return self.args[place] if place < len(self.args) else self.kwargs.get(name, default)

    def known(self, tensor: Any) -> Known:
        return self.trace.get(tensor)

    def value(self, place: int = 0, name: str = "input") -> Value:
        """An argument that is made of the image."""
        return self.as_value(self.arg(place, name))

    def settled(self, place: int = 0, name: str = "input") -> Value:
        """The same; work without a layer that it is made of becomes one, as what follows is a layer for certain."""
        tensor = self.arg(place, name)
        known = self.known(tensor)
        return self.trace.settle(tensor, known) if isinstance(known, Murky) else self.as_value(tensor)

    def as_value(self, tensor: Any) -> Value:
        known = self.known(tensor) if hasattr(tensor, "untyped_storage") else None
        if isinstance(known, Value):
            return known
        if isinstance(known, Murky):
            raise NotUnderstood("it reads what has no layer")
        raise NotUnderstood("it reads a constant where an image is expected")

    def image(self, place: int = 0, name: str = "input") -> int:
        """The node of an argument that is channels and pixels."""
        tensor = self.arg(place, name)
        return self.trace.image(tensor, self.settled(place, name))

    def volume(self, node: int) -> Volume:
        return self.trace.volume(node)

    def layer(
        self, layer: Layer, *inputs: int, weights: Sequence[Any] = (), reads: Layout = (), computed: bool = False
    ) -> Value:
        """The layer's result, in the order in which its own result lies."""
        inplace = self.overwrites(layer)
        node = self.trace.emit(layer, inputs, weights, inplace=inplace, reads=reads, computed=computed)
        return Value(node, self.trace.canonical(node, self.result.dim()))

    def kept(self, layer: Layer, *values: Value, layout: Layout | None = None, weights: Sequence[Any] = ()) -> Value:
        """The layer's result, lying as its first input does."""
        node = self.trace.emit(layer, [one.node for one in values], weights, inplace=self.overwrites(layer))
        return Value(node, values[0].layout if layout is None else layout)

    def overwrites(self, layer: Layer) -> bool | None:
        return self.inplace if layer.inplace else None
