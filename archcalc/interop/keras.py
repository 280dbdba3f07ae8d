"""Keras models (.keras, .h5, model JSON), of Keras 2 and 3, functional and sequential: from their configuration alone.

With the standard library and without Keras, which executes parts of a configuration while it loads it.  A layer has its own
name, its activation stands behind it (`conv1.relu`); of a model in a model the layers are named `outer.inner`.  A layer that
is called twice shares its weights with its first place.
"""

from typing import TYPE_CHECKING, Any

from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.graph import Graph
from archcalc.interop._keras_file import looks_like_keras, read_config
from archcalc.interop._keras_model import HANDLERS
from archcalc.interop._keras_place import Place, Tensor, Unknown, Unsupported
from archcalc.interop.reading import BAD_SETTING, DANGLING, NO_SIZE, UNREADABLE, WRONG_KIND, Draft, Reading
from archcalc.layers.reshape import Input
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.interop import Data

NAME = "Keras"
LIMIT = 2 << 30  # of a file with weights, of which the configuration is read
MAX_NESTED = 8  # models in models

Key = tuple[str, int, int]  # a layer's name, which of its calls, which of its outputs
MODELS = ("Functional", "Model", "Sequential")


def recognises(data: bytes, path: str) -> bool:
    return looks_like_keras(data)


def read(data: "Data", path: str, *, input: Volume | None = None) -> Reading:
    reader = None
    try:
        reader = _Reader(read_config(data), input)
        return reader.reading()
    except Refusal as refusal:
        return Reading(reader.draft.reading().graph if reader else Graph("", ()), (refusal.diagnostic,))


class _Reader:
    def __init__(self, model: dict[str, Any], size: Volume | None) -> None:
        self.model, self.size = model, size
        self.draft = Draft(str(model["config"].get("name", ""))[:100])
        self.first: dict[tuple[str, int], int] = {}  # a layer's nodes at its first place
        self.inputs = 0
        self.memo: dict[Tensor, Tensor] = {}  # what was put off -> its layers, which all that read it have

    def reading(self) -> Reading:
        kind = self.model.get("class_name")
        if kind not in MODELS:
            raise Refusal(
                UNREADABLE, f"a model of class `{str(kind)[:40]}` has code of its own, which is not run", NOWHERE
            )
        results = [self.done(one) for one in self.walk(self.model, [], "", 0)]
        nodes = list(dict.fromkeys(one.node for one in results if one is not None))
        return self.draft.reading(() if nodes == [len(self.draft.nodes) - 1] else nodes)

    def done(self, one: Tensor | None) -> Tensor | None:
        """A result, after arithmetic that was put off."""
        if one is None or one.tree == "x":
            return one
        try:
            return Place(self.draft, one.names[-1], {}, [one], {}, self.memo).tensor()
        except (Unsupported, *WRONG_KIND):
            self.draft.missing("arithmetic", one.names[-1], [one.node])
            return None

    def walk(self, model: dict[str, Any], given: list[Tensor | None], prefix: str, depth: int) -> list[Tensor | None]:
        """A model's layers, with what its inputs are (none: they are the network's); gives its outputs."""
        if depth > MAX_NESTED:
            raise Refusal(BAD_SETTING, f"models are nested more than {MAX_NESTED} deep", NOWHERE)
        config = model["config"]
        layers = config.get("layers") if isinstance(config, dict) else config
        if not isinstance(layers, list) or not all(isinstance(one, dict) for one in layers):
            raise Refusal(UNREADABLE, "a model has no list of layers", NOWHERE)
        if model.get("class_name") == "Sequential":
            return self.sequence(model, layers, given, prefix, depth)
        known: dict[Key, Tensor | None] = {}
        names = _keys(config.get("input_layers"))
        for at, key in enumerate(names):
            if at < len(given):
                known[key] = given[at]
        waiting = [(layer, call, inputs) for layer in layers for call, inputs in enumerate(_calls(layer))]
        defined = {_name(layer) for layer in layers}
        while waiting:
            later = []
            for layer, call, inputs in waiting:
                reads = [one for one in inputs if isinstance(one, tuple)]
                unknown = next((key[0] for key in reads if key[0] not in defined), None)
                if unknown is not None:
                    raise Refusal(
                        DANGLING, f"{_name(layer)} reads {unknown[:80]}, which is no layer of the model", NOWHERE
                    )
                if any(key not in known for key in reads):
                    later.append((layer, call, inputs))
                    continue
                if (_name(layer), 0, 0) in known and layer.get("class_name") == "InputLayer":
                    continue  # given from outside
                values = [known[one] if isinstance(one, tuple) else one for one in inputs]
                for at, found in enumerate(self.place(layer, values, prefix, depth)):
                    known[_name(layer), call, at] = found
            if len(later) == len(waiting):
                raise Refusal(DANGLING, f"{_name(later[0][0])} waits for what comes behind it", NOWHERE)
            waiting = later
        results = _keys(config.get("output_layers"))
        return [known.get(key) for key in results] or [None]

    def sequence(
        self, model: dict[str, Any], layers: list[dict[str, Any]], given: list[Tensor | None], prefix: str, depth: int
    ) -> list[Tensor | None]:
        x: list[Tensor | None] = given[:1]
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                x = x or self.place(layer, [], prefix, depth)
                continue
            if not x:
                shape = _shape(_config(layer)) or _shape(model.get("build_config")) or _shape(model["config"])
                x = [self.image("input", shape)]
            x = self.place(layer, list(x[:1]), prefix, depth)
        return x or [None]

    def place(self, layer: dict[str, Any], inputs: list[Any], prefix: str, depth: int) -> list[Tensor | None]:
        """What a layer gives at one of its places."""
        kind, config, name = str(layer.get("class_name", "")), _config(layer), prefix + _name(layer)
        if kind == "InputLayer":
            return [self.image(name, _shape(config))]
        if kind in MODELS and isinstance(layer.get("config"), dict):
            return self.walk(layer, inputs, f"{name}.", depth + 1)
        if any(one is None for one in inputs):
            if kind not in HANDLERS:  # so that all of them are named at once
                self.draft.missing(kind, name)
            return [None]
        further = {"trainable": False} if config.get("trainable") is False else {}
        place = Place(self.draft, name, config, inputs, further, self.memo)
        nodes = [one.node for one in inputs if isinstance(one, Tensor)]
        try:
            if config.get("data_format") == "channels_first":
                raise Unsupported("with channels first")
            if not nodes or kind not in HANDLERS:
                raise Unsupported("")
            found = HANDLERS[kind](place)
        except Unsupported as error:
            self.draft.missing(" ".join([kind, *([str(error)] if str(error) else [])]), name, nodes)
            return [None]
        except Unknown:
            return [None]
        except WRONG_KIND:
            raise Refusal(BAD_SETTING, f"{name}: a setting of {kind} is of another kind", NOWHERE) from None
        for at, node in enumerate(place.made):
            owner = self.first.setdefault((name, at), node)
            if owner != node and self.draft.nodes[owner].layer == self.draft.nodes[node].layer:
                self.draft.nodes[node] = self.draft.nodes[node]._replace(shares=owner)
        return [found]

    def image(self, name: str, shape: list[Any] | None) -> Tensor:
        """An input; its size is the user's, or the file's where it says one."""
        if shape is None or not 2 <= len(shape) <= 4:
            raise Refusal(NO_SIZE, f"the input {name[:80]} has no shape of an image", NOWHERE)
        sides = [one if isinstance(one, int) and not isinstance(one, bool) else 0 for one in shape[1:]]
        height, width, channels = [1, 1, *sides][-3:] if len(sides) != 2 else [1, *sides]
        volume = Volume(width, height, channels)
        if self.size is not None and self.inputs == 0:
            volume = self.size
        self.inputs += 1
        if not all(0 < one < 2**31 for one in volume):
            said = " x ".join("?" if one is None else str(one)[:12] for one in shape)
            raise Refusal(NO_SIZE, f"the input {name[:80]} is {said}: say how large, like `--input 224x224x3`", NOWHERE)
        layer = Input(width=volume.width, height=volume.height, channels=volume.channels)
        return Tensor(self.draft.add(name, layer), len(shape))


def _name(layer: dict[str, Any]) -> str:
    return str(layer.get("name") or _config(layer).get("name") or layer.get("class_name") or "")[:200]


def _config(layer: dict[str, Any]) -> dict[str, Any]:
    found = layer.get("config")
    return found if isinstance(found, dict) else {}


def _shape(config: Any) -> list[Any] | None:
    """The shape with its batch."""
    for key in ("batch_shape", "batch_input_shape", "build_input_shape", "input_shape"):
        found = config.get(key) if isinstance(config, dict) else None
        if isinstance(found, list):
            return found
    return None


def _keys(found: Any) -> list[Key]:
    """References to tensors: one, or a list of them; ["name", 0, 0]."""
    if isinstance(found, list) and len(found) == 3 and isinstance(found[0], str):
        found = [found]
    keys = [_key(one) for one in found] if isinstance(found, list) else []
    return [one for one in keys if one is not None]


def _key(found: Any) -> Key | None:
    if isinstance(found, list) and len(found) >= 3 and isinstance(found[0], str):
        call, output = found[1], found[2]
        if isinstance(call, int) and isinstance(output, int):
            return found[0][:200], call, output
    return None


def _calls(layer: dict[str, Any]) -> list[list[Any]]:
    """For every place of a layer what it reads: keys of tensors, and numbers among them."""
    nodes = layer.get("inbound_nodes")
    if not isinstance(nodes, list) or not nodes:
        return [[]]
    calls = []
    for node in nodes:
        found: list[Any] = []
        if isinstance(node, dict):  # Keras 3
            further = node.get("kwargs")
            _tensors([node.get("args"), list(further.values()) if isinstance(further, dict) else []], found, 0)
        elif isinstance(node, list):  # Keras 2
            for one in [node] if _key(node) else node:
                key = _key(one)
                found += [key] if key else []
                settings = one[3] if isinstance(one, list) and len(one) > 3 and isinstance(one[3], dict) else {}
                found += [
                    value for word, value in settings.items() if word in ("y", "x") and isinstance(value, int | float)
                ]
        calls.append(found)
    return calls


def _tensors(value: Any, found: list[Any], depth: int) -> None:
    """The tensors and numbers of a call's arguments, in their order."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            key = _key(_config(value).get("keras_history"))
            found += [key] if key else []
        return
    if isinstance(value, list) and depth < 4:
        for one in value:
            _tensors(one, found, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found.append(float(value))
