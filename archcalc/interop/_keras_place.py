"""A layer of Keras at its place in the network: its configuration, what it reads, and how it adds to what is being read."""

from collections.abc import Callable
from typing import Any, TypeAlias

from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.interop._functions import ALONE, Tree, recognised
from archcalc.interop.reading import BAD_SETTING, Draft, made
from archcalc.layers import TYPES
from archcalc.reader.values import Padding
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

MAX_STEPS = 12  # of arithmetic in a row


class Tensor(NamedTuple):
    """A node's output with Keras' number of dimensions (the batch among them), and a function put off on it."""

    node: int
    rank: int
    tree: Tree = "x"
    names: tuple[str, ...] = ()  # of the layers in `tree`


class Unsupported(Exception):
    """A layer that is known, set in a way that no layer here has; says which in a few words."""


class Unknown(Exception):
    """What a layer would have to read is not known."""


Handler: TypeAlias = "Callable[[Place], Tensor]"


class Place:
    """A layer at one of its places in the network: its configuration and what it reads."""

    def __init__(
        self,
        draft: Draft,
        name: str,
        config: dict[str, Any],
        inputs: "list[Tensor | float]",
        further: dict[str, Any],
        memo: dict[Tensor, Tensor],
    ) -> None:
        self.draft, self.name, self.config, self.further = draft, name, config, further
        self.inputs, self.memo = inputs, memo
        self.made: list[int] = []

    def tensor(self, at: int = 0) -> Tensor:
        found = self.inputs[at] if len(self.inputs) > at else None
        if not isinstance(found, Tensor):
            raise Unsupported("of a number")
        return self.settled(found)

    def settled(self, one: Tensor) -> Tensor:
        """A tensor after what was put off: one layer where it is a known activation, else one a step."""
        if one.tree == "x":
            return one
        if one not in self.memo:
            self.memo[one] = self._done(one)
        return self.memo[one]

    def _done(self, one: Tensor) -> Tensor:
        known = recognised(one.tree)
        if known and known in TYPES:
            node = self.draft.add(one.names[-1], TYPES[known](), [one.node])
            return Tensor(node, one.rank)
        assert isinstance(one.tree, tuple)
        operation, below, *numbers = one.tree
        inner = self.settled(Tensor(one.node, one.rank, below, one.names[:-1]))
        return Tensor(self.draft.add(one.names[-1], _step(self, operation, numbers), [inner.node]), one.rank)

    def volume(self, one: Tensor) -> Volume:
        found = self.draft.volumes[one.node]
        if found is None:
            raise Unknown
        return found

    def add(self, type: str, reads: "list[Tensor]", suffix: str = "", **values: Any) -> int:
        """A node of this layer; `suffix` names one of several."""
        if type not in TYPES:
            raise Unsupported("")
        name = self.name + suffix
        node = self.draft.add(name, made(TYPES[type], name, **values), [one.node for one in reads], **self.further)
        self.made.append(node)
        return node

    def layer(self, type: str, rank: int | None = None, **values: Any) -> Tensor:
        """A layer of one input, and its activation where it has one."""
        x = self.tensor()
        node = self.add(type, [x], **values)
        return activated(self, Tensor(node, x.rank if rank is None else rank))

    def get(self, key: str, default: Any = None) -> Any:
        value = self.config.get(key, default)
        return default if value is None else value

    def pair(self, key: str, default: Any = 1) -> Pair:
        """One number or two, height first; in 1D the width."""
        value = self.get(key, default)
        value = value if isinstance(value, list) else [value] * (2 if self.inputs and self.tensor().rank == 4 else 1)
        if len(value) not in (1, 2) or not all(isinstance(one, int) for one in value):
            raise Refusal(
                BAD_SETTING, f"{self.name}: {key} is one or two whole numbers, not {str(value)[:40]}", NOWHERE
            )
        return Pair(value[0], 1) if len(value) == 1 else Pair(value[1], value[0])

    @property
    def padding(self) -> Padding:
        word = self.get("padding", "valid")
        if word not in ("valid", "same"):
            raise Unsupported(f"padded {str(word)[:20]}")
        return Padding(mode="same") if word == "same" else Padding()


def _step(place: Place, operation: str, numbers: list[Any]) -> Any:
    kind, values = "", {}
    if operation in ("add", "sub"):
        kind, values = "shift", {"by": numbers[0] if operation == "add" else -numbers[0]}
    elif operation in ("mul", "div") and (operation == "mul" or numbers[0]):
        kind, values = "scale", {"by": numbers[0] if operation == "mul" else 1 / numbers[0]}
    elif operation == "clip":
        low, high = numbers
        kind, values = "clamp", {"low": low if low > -1e38 else None, "high": high if high < 1e38 else None}
    elif operation in ALONE:
        kind = operation
    if kind not in TYPES:
        raise Unsupported("")
    return made(TYPES[kind], place.name, **values)


def activated(place: Place, x: Tensor) -> Tensor:
    """The layer's own activation as a layer behind it: `conv1.relu`."""
    word = place.config.get("activation")
    if isinstance(word, dict):
        word = (
            word.get("config", {}).get("name") or word.get("class_name")
            if isinstance(word.get("config"), dict)
            else word.get("config")
        )
    if word in (None, "linear"):
        return x
    kind = ACTIVATIONS.get(str(word))
    if kind is None or kind not in TYPES:
        raise Unsupported(f"with {str(word)[:30]}")
    return Tensor(place.add(kind, [x], f".{kind}"), x.rank)


ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "tanh", "sigmoid", "softmax", "softplus", "elu", "selu", "gelu", "silu", "mish", "celu", "log_softmax")},
    "swish": "silu",
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish",
    "hard_silu": "hardswish",
    "leaky_relu": "leaky_relu",
}  # fmt: skip
