"""A JSON Schema of specs for editors, generated from the layer types.

It may let through what `check` refuses, since no schema knows variables, volumes or the names of blocks; it
never refuses what `check` accepts.  Editors read a spec as YAML 1.2, where `1_000` and `$width` are text, so
numbers may be text here, too.
"""

from collections.abc import Iterable
from typing import Any

from archcalc.checks.expect import KEYS as EXPECTED
from archcalc.checks.quantities import QUANTITIES
from archcalc.language.document import KEYS
from archcalc.language.sweeping import KEYS as SWEEP
from archcalc.language.training import KINDS, TrainingSettings
from archcalc.layers import TYPES, Key, Layer
from archcalc.layers.base import ROUNDING_OF_ALL
from archcalc.layers.merge import Merge
from archcalc.layers.reshape import Input
from archcalc.reader.values import Boolean, Extents, Integer, Kind, Padding, Paddings, Volumes
from archcalc.volume import Pair

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MANNER = ("share", "inplace", "trainable")
COMMON = ("name", "from", "inputs", *MANNER)

_DIGITS = r"\s*[-+]?\d[\d_]*(\.\d+)?([eE][-+]?\d+)?\s*"
_SIDE = r"\s*[\d_]+\s*"
_WHOLE = {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/number_text"}]}
_SHARED: dict[str, Kind] = {"extents": Extents(1), "extents_or_0": Extents(0), "padding": Paddings()}
_NAME = {"type": ["string", "boolean", "null"], "pattern": r"^[A-Za-z_/$][A-Za-z0-9_./$-]{0,127}\*?$"}
_TEXT = {"type": ["string", "number", "boolean", "null"]}


def schema() -> Schema:
    """The schema of a spec, draft 2020-12."""
    properties = {key: {"description": help, **_top_level().get(key, {})} for key, help in KEYS.items()}
    return {
        "$schema": DIALECT,
        "title": "archcalc spec",
        "description": "A ConvNet architecture for archcalc.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"required": ["extends"]},
                "else": {
                    "oneOf": [{"required": ["layers"]}, {"required": ["pattern"]}],
                    "dependentRequired": {"with": ["pattern"]},
                },
            },
            {  # what `defaults` gives, here or in the spec that this one extends, need not be given again
                "if": {"anyOf": [{"required": ["defaults"]}, {"required": ["extends"]}]},
                "then": {"properties": _lists("lenient")},
                "else": {"properties": _lists("strict")},
            },
        ],
        "$defs": {
            "number_text": {"type": "string", "pattern": rf"\$|^{_DIGITS}$"},
            **{name: _text_too(kind.schema) for name, kind in _SHARED.items()},
            **{type: _keys(layer) for type, layer in TYPES.items()},
            **_steps("strict"),
            **_steps("lenient"),
        },
    }


def _top_level() -> dict[str, Schema]:
    sides = {name: _key(key) for name, key in Input.keys.items()}
    volume = {"type": "string", "pattern": f"^{_SIDE}[xX\u00d7*]{_SIDE}[xX\u00d7*]{_SIDE}$"}
    whole_or_list = {"anyOf": [_WHOLE, {"type": "array", "items": _WHOLE}]}
    return {
        "archcalc": {"enum": [1, "1"]},
        "extends": _TEXT,
        "name": _TEXT,
        "source": _TEXT,
        "year": _value(Integer(1900, 2200)),
        "input": {"anyOf": [volume, {**_object(sides), "required": list(sides)}]},
        "inputs": {"type": "object", "additionalProperties": _value(Volumes()), "minProperties": 1},
        "outputs": {"anyOf": [_NAME, {**_names(), "minItems": 1}]},
        "rounding": {**_value(ROUNDING_OF_ALL), "default": "exact"},
        "defaults": _object({type: _usual(layer) for type, layer in TYPES.items()}),
        "vars": {
            "type": "object",
            "propertyNames": {"pattern": "^(?!i$)[A-Za-z_]"},
            "additionalProperties": whole_or_list,
        },
        "append": {"$ref": "#/$defs/steps_lenient"},
        "replace": {"type": "object", "additionalProperties": {"$ref": "#/$defs/branch_lenient"}},
        "pattern": {"type": "string"},
        "with": _with(),
        "expect": _object({key: _expected(key, help) for key, help in EXPECTED.items()}),
        "sweep": _sweep(),
        "training": _object(
            {
                **{
                    name: {**_value(kind), **_default(getattr(TrainingSettings(), name))}
                    for name, kind in KINDS.items()
                },
                "freeze": {
                    "description": "layers and blocks whose weights get no gradient",
                    "anyOf": [_NAME, _names()],
                },
            }
        ),
    }


def _sweep() -> Schema:
    """Texts as after the options of `archcalc sweep`, or lists of them."""
    text = {"type": ["string", "number"]}
    lists = {"type": "array", "items": {"anyOf": [text, {"type": "array", "items": text}]}}
    either = {"anyOf": [text, lists]}
    kinds: dict[str, Schema] = {
        "vary": {"type": "object", "additionalProperties": either},
        "sampling": {"enum": ["random", "lhs"]},
    }
    return _object({key: {"description": help, **kinds.get(key, either)} for key, help in SWEEP.items()})


def _usual(layer: type[Layer]) -> Schema:
    """What `defaults` may say of a type: nothing that only one layer can have."""
    own = [word for word in (*COMMON, "like") if not (word == "inplace" and layer.inplace)]
    return {"$ref": f"#/$defs/{layer.type}", "type": "object", "properties": dict.fromkeys(own, False)}


def _default(value: object) -> Schema:
    return {} if value is None else {"default": value}


def _expected(key: str, help: str) -> Schema:
    """A figure, or of `output` and the like one for each of some layers."""
    figure = {"type": ["string", "number"]}
    of_layers = {"type": "object", "additionalProperties": figure}
    return {"description": help, **(figure if key in QUANTITIES else {"anyOf": [figure, of_layers]})}


def _lists(strictness: str) -> Schema:
    """The keys that hold lists of layers."""
    steps = {"$ref": f"#/$defs/steps_{strictness}"}
    variables = {"type": "object", "additionalProperties": {"anyOf": [*_WHOLE["anyOf"], {"type": "null"}]}}
    block = {**_object({"vars": variables, "layers": steps}), "required": ["layers"]}
    return {"layers": steps, "blocks": {"type": "object", "additionalProperties": {"anyOf": [steps, block]}}}


def _steps(strictness: str) -> dict[str, Schema]:
    """A list of steps, a step, a branch; `lenient` ones may lack keys that `defaults` gives."""
    step, steps, branch = ({"$ref": f"#/$defs/{name}_{strictness}"} for name in ("step", "steps", "branch"))
    merges = [type for type, layer in TYPES.items() if issubclass(layer, Merge)]
    several = [type for type, layer in TYPES.items() if layer.several]
    joined = {
        "anyOf": [
            {"type": "array", "items": branch, "minItems": 1},
            _object({"branches": {"type": "array", "items": branch}, "inputs": _names(), "name": _NAME}),
            {"type": "null"},
        ]
    }
    layers: Schema = {}
    for type, layer in TYPES.items():
        if type in merges:
            layers[type] = {"description": _first_line(layer), **joined}
        else:
            layers[type] = _layer(layer, strict=strictness == "strict")
    arguments = {"type": ["object", "null"], "additionalProperties": {"anyOf": [*_WHOLE["anyOf"], _NAME]}}
    return {
        f"steps_{strictness}": {
            "anyOf": [{"type": "array", "items": step}, {"type": "string", "description": "a pattern"}]
        },
        f"branch_{strictness}": {"anyOf": [step, {"type": "array", "items": step}]},
        f"step_{strictness}": {
            "type": ["object", "string"],
            "properties": {
                "repeat": {"description": "how often `layers` are repeated", **_WHOLE},
                "first": {"description": "the number of the first pass, 1 unless it is given", **_WHOLE},
                "if": {"description": "whether `layers` are there: 0 or not", **_WHOLE},
                "layers": {"description": "the layers to repeat, or that are there if", **steps},
                "name": {"description": "what the layer is called", **_NAME},
                "from": {
                    "description": "the layer to read instead of the one before; of a repeat one for each pass, too",
                    "anyOf": [_NAME, _names()],
                },
                **_manner(),
                "inputs": {"description": "the layers to join, by name", **_names()},
                **layers,
            },
            "additionalProperties": {"description": "use of a block", **arguments},
            "minProperties": 1,
            "if": {"anyOf": [{"required": ["repeat"]}, {"required": ["if"]}]},
            "then": {
                "required": ["layers"],
                "propertyNames": {"enum": ["repeat", "if", "layers", "name", "from", "share", "first"]},
            },
            "else": {
                "anyOf": [
                    {"not": {"type": "object", "propertyNames": {"enum": list(COMMON)}}},
                    {"required": ["from"], "maxProperties": 1},
                ],
                "properties": {"layers": False, "first": False},
                "allOf": [
                    # one layer a list item: a second key is a name or a place to read from
                    {"if": _none_of(COMMON), "then": {"maxProperties": 1}},
                    {
                        "if": {"type": "object", "anyOf": [{"required": [type]} for type in merges]},
                        "then": {"properties": {"from": False, **dict.fromkeys(MANNER, False)}},
                        "else": {"properties": {"from": _NAME, "share": _NAME}},
                    },
                    {
                        "if": {"type": "object", "anyOf": [{"required": [type]} for type in (*merges, *several)]},
                        "else": {"properties": {"inputs": False}},
                    },
                ],
            },
        },
    }


def _layer(layer: type[Layer], *, strict: bool) -> Schema:
    """What stands behind a layer type in a list: its keys, or nothing where it needs none."""
    found: Schema = {"description": _first_line(layer), "$ref": f"#/$defs/{layer.type}"}
    required = [name for name, key in layer.keys.items() if key.required]
    if strict and required and layer is not Input:
        found |= {"type": "object", "required": required}
    return found


def _keys(layer: type[Layer]) -> Schema:
    """A layer's keys with what every layer may have."""
    keys = {name: _key(key) for name, key in layer.keys.items()}
    inputs = {"inputs": _names()} if layer.several else {"like": _NAME} if layer.sized else {}
    common = {"name": _NAME, "from": _NAME, **_manner(), "share": _NAME, **inputs}
    return {**_object({**keys, **common}), "type": ["object", "null"]}


def _manner() -> Schema:
    """How a layer or a block stands in its network."""
    truth = _text_too(Boolean().schema)
    return {
        "share": {"description": "the layer whose weights this one uses; of a repeat: one set for all passes"},
        "inplace": {"description": "whether it overwrites its input", **truth},
        "trainable": {"description": "whether its weights get a gradient", **truth},
    }


def _with() -> Schema:
    """The general pattern's hyperparameters; the words of patterns, in capitals or not."""
    types: Schema = {}
    for type, layer in TYPES.items():
        keys: Schema = {name: _one_or_list(key.kind, key.help) for name, key in layer.keys.items()}
        keys["present"] = _one_or_list(Boolean(), "in which stages an optional layer is present")
        types[type] = {"description": _first_line(layer), **_object(keys)}
    anyhow = {
        "^" + "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in type) + "$": one
        for type, one in types.items()
    }
    completions: Schema = {type.upper(): {} for type in types}
    return {"type": "object", "properties": completions, "patternProperties": anyhow, "additionalProperties": False}


def _one_or_list(kind: Kind, help: str) -> Schema:
    one = {"anyOf": [_value(kind), {"type": "null"}]}
    return {"description": help, "anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


def _key(key: Key) -> Schema:
    found = {"description": key.help, **_value(key.kind)}
    if key.required or key.default is None:
        return found
    default = key.default
    if isinstance(default, Pair | Padding):
        default = int(str(default)) if str(default).isdecimal() else str(default)
    return {**found, "default": default}


def _value(kind: Kind) -> Schema:
    """A kind's schema, by reference where it is long and common."""
    shared = next((name for name, one in _SHARED.items() if one.schema == kind.schema), None)
    return {"$ref": f"#/$defs/{shared}"} if shared else _text_too(kind.schema)


def _text_too(kind: Schema) -> Schema:
    """A kind's schema, where numbers and truth values may be text as well."""
    if "anyOf" in kind:
        return {**kind, "anyOf": [_text_too(one) for one in kind["anyOf"]]}
    if kind.get("type") in ("integer", "number"):
        return {"anyOf": [kind, {"$ref": "#/$defs/number_text"}]}
    if kind.get("type") == "boolean":
        return {"anyOf": [kind, {"enum": ["true", "false"]}]}
    if "properties" in kind:
        return {**kind, "properties": {name: _text_too(one) for name, one in kind["properties"].items()}}
    return kind


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _none_of(keys: Iterable[str]) -> Schema:
    return {"type": "object", "not": {"anyOf": [{"required": [key]} for key in keys]}}


def _names() -> Schema:
    return {"type": "array", "items": _NAME}


def _first_line(layer: type[Layer]) -> str:
    return (layer.__doc__ or "").strip().partition("\n")[0]
