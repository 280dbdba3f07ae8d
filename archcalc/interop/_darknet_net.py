"""A network of Darknet in the making: what each of its layers gives, by number, and who reads it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from archcalc.diagnostics import Refusal, Span
from archcalc.graph import UNKNOWN
from archcalc.interop._darknet_cfg import Option, Section
from archcalc.interop.reading import DANGLING, NO_SIZE, UNREADABLE, Draft, made, typed
from archcalc.layers import Layer
from archcalc.layers.norm import BatchNorm
from archcalc.layers.reshape import Input
from archcalc.volume import Volume

Handler: TypeAlias = "Callable[[Net, Section, int], bool]"

# Type and keys of each activation; `linear` is none.  ramp is 1.1x above 0 and x/10 below it.
_ACTIVATIONS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "linear": (),
    "leaky": (("leaky_relu", {"slope": 0.1}),),
    "relie": (("leaky_relu", {"slope": 0.01}),),
    "ramp": (("leaky_relu", {"slope": 0.1 / 1.1}), ("scale", {"by": 1.1})),
    "logistic": (("sigmoid", {}),),
    "hardtan": (("hardtanh", {}),),
    "swish": (("silu", {}),),
    **{name: ((name, {}),) for name in ("relu", "relu6", "tanh", "elu", "selu", "gelu", "mish")},
}


class Net:
    """A network in the making: what each of Darknet's layers gives."""

    def __init__(self, draft: Draft, section: Section, input: Volume | None) -> None:
        self.draft = draft
        self.given: list[int] = []  # the node that layer n ends with
        self.bearers: dict[int, int] = {}  # the node that has layer n's weights
        self.heads: list[int] = []
        self.last = -1
        draft.problems.attempt(self._input, section, input)

    def _input(self, section: Section, input: Volume | None) -> None:
        if section.kind not in ("net", "network"):
            raise Refusal(UNREADABLE, f"the first section is [net], not [{section.kind}]", section.span)
        sizes = tuple(section.integer(key, 0) for key in ("width", "height", "channels"))
        if not any(sizes):  # a network of vectors
            sizes = (1, 1, section.integer("inputs", 0))
        volume = input or Volume(*sizes)
        if min(volume) < 1:
            message = "[net] gives no width, height and channels; give a size, like --input 416x416x3"
            raise Refusal(NO_SIZE, message, section.span)
        places = section.places(width="width", height="height", channels="channels")
        self.last = self.draft.add("input", made(Input, "input", section.span, places, **volume._asdict()))

    def read(self, section: Section, method: "Handler | None") -> None:
        """Add a layer by its handler; one that has none or cannot be read stands in the network as unknown."""
        index = len(self.given)
        if method is None:
            self.last = self.draft.missing(section.kind, f"{section.kind}{index}", (self.last,), section.span)
        elif self.draft.problems.attempt(method, self, section, index) is None:
            self.put(f"{section.kind}{index}", UNKNOWN, section.span)
        self.given.append(self.last)

    def outputs(self) -> list[int]:
        """What the heads read, or else what the last layer gives."""
        found = [one for one in dict.fromkeys(self.heads or [self.last]) if one >= 0]
        return [] if found == [len(self.draft.nodes) - 1] else found

    def put(
        self, name: str, layer: Layer, span: Span, places: dict[str, Span] | None = None, shares: int | None = None
    ) -> int:
        """Add a layer behind the last one."""
        self.last = self.draft.add(name, layer, (self.last,), span, places or {}, shares=shares)
        return self.last

    def volume(self, position: int) -> Volume | None:
        return self.draft.volumes[position] if position >= 0 else None

    def layer(self, index: int, here: int, span: Span) -> int:
        """What the layer gives that a number means: from the start, or back from here."""
        at = index + here if index < 0 else index
        if not 0 <= at < here:
            raise Refusal(DANGLING, f"layer {here} reads layer {at}, which does not stand before it", span)
        return self.given[at]

    def activated(self, section: Section, name: str, default: str = "logistic") -> bool:
        """Add the activation behind the last node."""
        word, span = section.options.get("activation", Option(default, section.span))
        if word not in _ACTIVATIONS:
            self.last = self.draft.missing(f"activation={word}", f"{name}.{word}", (self.last,), span)
            return True
        for type, values in _ACTIVATIONS[word]:
            label = f"{name}.{word}" if type != "scale" else f"{name}.{word}.scale"
            self.put(label, typed(type, label, span, **values), span)
        return True

    def normalized(self, section: Section, name: str) -> bool:
        """Add the batch norm behind the last node, if the section asks for one."""
        if not section.integer("batch_normalize", 0):
            return False
        self.put(f"{name}.bn", made(BatchNorm, name), section.span)
        return True
