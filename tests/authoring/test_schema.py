"""The JSON Schema held against the validator: it may be more lenient, never stricter."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from runner import CliRunner

import archcalc
from archcalc.architecture import examine
from archcalc.authoring.schema import DIALECT, schema
from archcalc.cli import cli
from archcalc.diagnostics import Refusal, Span, SpecError
from archcalc.language.document import KEYS
from archcalc.language.specfile import SpecText, read_spec, zoo_folder
from archcalc.layers import TYPES, Key, Layer
from archcalc.layers.merge import Merge
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value
from archcalc.reader.source import parse
from archcalc.reader.values import Line, Number, Volumes

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SPECS = (Path(zoo_folder()), Path(__file__).parents[1] / "specs")

# Plain scalars that YAML 1.2's core schema, which editors go by, does not read as text.
_CORE = (
    (re.compile(r"null|Null|NULL|~|"), lambda text: None),
    (re.compile(r"true|True|TRUE"), lambda text: True),
    (re.compile(r"false|False|FALSE"), lambda text: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text, 0)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)


def data(node: Value) -> Any:
    """A node as an editor sees it."""
    if isinstance(node, Mapping):
        return {key.text: data(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [data(one) for one in node.items]
    if not node.style:
        for form, read in _CORE:
            if form.fullmatch(node.text):
                return read(node.text)
    return node.text


def lets_through(text: str) -> bool:
    root, problems = parse(text)
    assert root is not None
    assert not problems
    return VALIDATOR.is_valid(data(root))


def codes(text: str | SpecText) -> list[str]:
    """The codes of the errors that `check` finds."""
    text = SpecText("spec", text) if isinstance(text, str) else text
    return [one.code for one in examine(text).diagnostics if one.severity == "error"]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT


def test_references_lead_somewhere() -> None:
    used = set(re.findall(r'"#/\$defs/(.*?)"', json.dumps(SCHEMA)))
    assert used == SCHEMA["$defs"].keys()


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(cli, ["schema"])
    assert json.loads(result.stdout) == SCHEMA


def test_every_key_is_described() -> None:
    assert SCHEMA["properties"].keys() == KEYS.keys()
    assert all(SCHEMA["properties"][key]["description"] == help for key, help in KEYS.items())
    for type, layer in TYPES.items():
        assert SCHEMA["$defs"]["step_strict"]["properties"][type]["description"]
        keys = SCHEMA["$defs"][type]["properties"]
        assert all(keys[name]["description"] == key.help for name, key in layer.keys.items())
        assert all(key.help for key in layer.keys.values())


def test_defaults() -> None:
    conv = SCHEMA["$defs"]["conv"]["properties"]
    shown = {name: key["default"] for name, key in conv.items() if "default" in key}
    assert shown == {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True, "rounding": "exact"}


# -- what is good ------------------------------------------------------------------------------------

GOOD = {
    "minimal": "input: 8x8x3\nlayers: [relu]\n",
    "text": "input: 8x8x3\nlayers: CONV3-4 -> RELU\n",
    "head": 'archcalc: "1"\nname: 12\nsource: null\nyear: "2_014"\ninput: {width: 1_0, height: "8", channels: 3}\nlayers: []\n',
    "rounding": "input: 8x8x3\nrounding: floor\nlayers: [conv: {filters: 1, kernel_size: 3, stride: 2, rounding: ceil}]\n",
    "numbers": 'input: 8x8x3\nvars: {n: 4}\nlayers: [conv: {filters: "1_6", kernel_size: 3x1, stride: $n//4, bias: "false"}]\n',
    "pairs": "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: {width: 3, height: 1}, padding: {left: 1, right: 1}}]\n",
    "hexadecimal pair": "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: 1x3, padding: 0x1}]\n",
    "padding": "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: 3, padding: same}, pool: {kernel_size: 2, padding: half}]\n",
    "names": "input: 8x8x3\nlayers: [relu: {name: a}, {relu: , name: b, from: a}, add: {inputs: [a, b]}, {add: , inputs: [a, b], name: null}]\n",
    "empty layer": "input: 8x8x3\nlayers:\n- relu:\n- bn: {}\n- dropout: {rate: 0.25}\n- dropout: {rate: 1e-1}\n",
    "repeat": "input: 8x8x3\nvars: {n: 2}\nlayers: [{repeat: 2, layers: [relu]}, {repeat: $n, name: stage, layers: RELU -> RELU}]\n",
    "branches": "input: 8x8x3\nlayers: [add: [[], [relu]], concat: [[relu], RELU, {bn: }], multiply: {branches: [[], [GAP]], name: m}]\n",
    "blocks": "input: 8x8x3\nvars: {n: 1}\nblocks:\n  a: [relu]\n  b: RELU -> BN\n  c: {vars: {w: 4, v: , x: $w*2}, layers: [conv: {filters: $w*$v, kernel_size: 1}]}\n"
    "layers: [a: , b, c: {v: 1}, c: {v: $n, w: 2, name: d}, {c: {v: 1}, from: d}]\n",
    "defaults": "input: 8x8x3\ndefaults: {conv: {filters: 4, kernel_size: 3}}\nlayers: [conv: , conv: {padding: 1}, {repeat: 1, layers: [conv: ]}]\n",
    "in place": "input: 8x8x3\ndefaults: {relu: {inplace: true}}\nlayers: [relu, relu: {inplace: false}]\n",
    "defaults in blocks": "input: 8x8x3\ndefaults: {fc: {units: 4}}\nblocks: {a: [fc: ]}\nlayers: [a]\n",
    "inline input": "layers: [input: {width: 8, height: 8, channels: 3}, relu]\n",
    "general": "input: 32x32x3\npattern: INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> FC\nvars: {N: [1, 2], M: 2}\n"
    "with:\n  CONV: {filters: [8, $M*8], kernel_size: 3, padding: 1}\n  Pool: {kernel_size: 2, present: [true, false]}\n  fc: {units: 10}\n",
    "optional": "input: 8x8x3\npattern: '[POOL?]*2'\nwith: {POOL: {kernel_size: [2, null]}}\n",
    "training": "input: 8x8x3\nlayers: [relu]\ntraining: {batch: 1_28, dtype: float16, optimizer: adam}\n",
    "expect": "input: 8x8x3\nlayers: [relu]\nexpect: {output: {relu1: 8x8x3}, params: 0, macs: <= 1M, receptive_field: 1}\n",
}  # fmt: skip


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_good(text: str) -> None:
    assert codes(text) == []
    assert lets_through(text)


@pytest.mark.parametrize("path", [one for folder in SPECS for one in sorted(folder.glob("**/*.yaml"))], ids=str)
def test_never_stricter(path: Path) -> None:
    """The zoo, and whatever other tests keep as specs: what `check` accepts, the schema lets through."""
    try:
        text = read_spec(path)
    except SpecError:  # not even text
        return
    assert codes(text) or lets_through(text.text)


# -- what is bad -------------------------------------------------------------------------------------

BAD = {
    "unknown key": ("AC102", "input: 8x8x3\nlyers: [relu]\nlayers: []\n"),
    "unknown key of a layer": ("AC102", "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: 3, pad: 1}]\n"),
    "unknown key in a block": ("AC102", "input: 8x8x3\nblocks: {a: [relu: {slope: 1}]}\nlayers: [a]\n"),
    "unknown key of a block": ("AC102", "input: 8x8x3\nblocks: {a: {layers: [], var: {}}}\nlayers: [a]\n"),
    "unknown key in a branch": ("AC102", "input: 8x8x3\nlayers: [add: [[], [relu: {a: 1}]]]\n"),
    "unknown key of a join": ("AC102", "input: 8x8x3\nlayers: [add: {branches: [[], []], axis: 1}]\n"),
    "unknown key of a repeat": ("AC102", "input: 8x8x3\nlayers: [{repeat: 2, layers: [relu], times: 2}]\n"),
    "unknown key in a repeat": ("AC102", "input: 8x8x3\nlayers: [{repeat: 2, layers: [relu: {a: 1}]}]\n"),
    "unknown key of defaults": ("AC102", "input: 8x8x3\ndefaults: {conv: {pad: 1}}\nlayers: [relu]\n"),
    "in place, which conv never is": ("AC102", "input: 8x8x3\ndefaults: {conv: {inplace: true}}\nlayers: [relu]\n"),
    "whose weights in defaults": ("AC102", "input: 8x8x3\ndefaults: {conv: {share: a}}\nlayers: [relu]\n"),
    "a name in defaults": ("AC102", "input: 8x8x3\ndefaults: {conv: {name: a}}\nlayers: [relu]\n"),
    "unknown key of training": ("AC102", "input: 8x8x3\nlayers: [relu]\ntraining: {batchsize: 1}\n"),
    "unknown key of the input": ("AC102", "input: {width: 8, height: 8, channels: 3, batch: 1}\nlayers: [relu]\n"),
    "unknown key of with": ("AC102", "input: 8x8x3\npattern: CONV\nwith: {CONV: {filters: 8, kernel_size: 3, pad: 1}}\n"),
    "unknown type of with": ("AC105", "input: 8x8x3\npattern: CONV3-8\nwith: {CONB: {filters: 8}}\n"),
    "unknown type of defaults": ("AC105", "input: 8x8x3\ndefaults: {conb: {filters: 8}}\nlayers: [relu]\n"),
    "inputs of a layer": ("AC102", "input: 8x8x3\nlayers: [{relu: , inputs: [input]}]\n"),
    "missing key of a layer": ("AC103", "input: 8x8x3\nlayers: [conv: {filters: 8}]\n"),
    "missing keys of a layer": ("AC103", "input: 8x8x3\nlayers: [fc: ]\n"),
    "missing key in a repeat": ("AC103", "input: 8x8x3\nlayers: [{repeat: 2, layers: [fc: {}]}]\n"),
    "missing key of a repeat": ("AC103", "input: 8x8x3\nlayers: [repeat: 2]\n"),
    "missing key of a block": ("AC103", "input: 8x8x3\nblocks: {a: {vars: {}}}\nlayers: [a]\n"),
    "missing key of the input": ("AC103", "input: {width: 8, height: 8}\nlayers: [relu]\n"),
    "missing layers": ("AC103", "input: 8x8x3\n"),
    "layers and pattern": ("AC101", "input: 8x8x3\nlayers: [relu]\npattern: RELU\n"),
    "with without a pattern": ("AC101", "input: 8x8x3\nlayers: [relu]\nwith: {}\n"),
    "a list as a layer": ("AC101", "input: 8x8x3\nlayers: [[relu]]\n"),
    "a number as layers": ("AC106", "input: 8x8x3\nlayers: 3\n"),
    "a mapping as layers": ("AC101", "input: 8x8x3\nlayers: {relu: }\n"),
    "two layers in one": ("AC101", "input: 8x8x3\nlayers: [{relu: , bn: }]\n"),
    "keys that are not indented": ("AC101", "input: 8x8x3\nlayers:\n- conv:\n  filters: 8\n"),
    "no layer": ("AC101", "input: 8x8x3\nlayers: [name: a]\n"),
    "one branch that is text": ("AC101", "input: 8x8x3\nlayers: [add: relu]\n"),
    "a list as a pattern": ("AC101", "input: 8x8x3\npattern: [CONV]\n"),
    "a list as a pair": ("AC104", "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: [3, 3]}]\n"),
    "a word as a number": ("AC104", "input: 8x8x3\nlayers: [fc: {units: many}]\n"),
    "a fraction": ("AC104", "input: 8x8x3\nlayers: [fc: {units: 1.5}]\n"),
    "zero": ("AC104", "input: 8x8x3\nlayers: [fc: {units: 0}]\n"),
    "a number as truth": ("AC104", "input: 8x8x3\nlayers: [fc: {units: 1, bias: 1}]\n"),
    "an unknown choice": ("AC104", "input: 8x8x3\nrounding: round\nlayers: [relu]\n"),
    "an unknown optimizer": ("AC104", "input: 8x8x3\nlayers: [relu]\ntraining: {optimizer: best}\n"),
    "a version": ("AC104", "archcalc: 2\ninput: 8x8x3\nlayers: [relu]\n"),
    "a volume of two": ("AC104", "input: 8x8\nlayers: [relu]\n"),
    "a variable that is text": ("AC104", "input: 8x8x3\nvars: {n: many}\nlayers: [relu]\n"),
    "the number of a pass": ("AC104", "input: 8x8x3\nvars: {i: 1}\nlayers: [relu]\n"),
    "unknown key of expect": ("AC102", "input: 8x8x3\nlayers: [relu]\nexpect: {parameters: 1}\n"),
    "a list in expect": ("AC402", "input: 8x8x3\nlayers: [relu]\nexpect: {params: [1]}\n"),
    "a list": ("AC101", "- relu\n"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), BAD.values(), ids=BAD.keys())
def test_bad(code: str, text: str) -> None:
    assert code in codes(text)
    if code != "AC106":  # what stands in patterns is text to a schema
        assert not lets_through(text)


# -- every key of every layer ------------------------------------------------------------------------

LAYERS = [layer for layer in TYPES.values() if not issubclass(layer, Merge) and layer.type != "input"]
KEYS_OF_LAYERS = [(layer, name) for layer in LAYERS for name in layer.keys]


def written(layer: type[Layer], *without: str, **values: str) -> str:
    """A spec with one layer that has all it needs, and `values`."""
    needed = {
        name: "2x2x2" if isinstance(key.kind, Volumes) else "0.5" if isinstance(key.kind, Number) else "2"
        for name, key in layer.keys.items()
        if key.required and name not in without
    }
    inside = ", ".join(f"{name}: {value}" for name, value in {**needed, **values}.items())
    return f"input: 8x8x4\nlayers:\n- {layer.type}: {{{inside}}}\n"


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.type)
def test_layers(layer: type[Layer]) -> None:
    assert lets_through(written(layer))
    assert not lets_through(written(layer, zzz="1"))
    assert "AC102" in codes(written(layer, zzz="1"))
    for name, key in layer.keys.items():
        if key.required:
            assert "AC103" in codes(written(layer, name))
            assert not lets_through(written(layer, name))


@pytest.mark.parametrize(("layer", "name"), KEYS_OF_LAYERS, ids=lambda one: getattr(one, "type", one))
@pytest.mark.parametrize("value", ["[1, 2]", "[]", "{zzz: 1}", "not", "'not a value'"])
def test_wrong_types_are_refused_by_both(layer: type[Layer], name: str, value: str) -> None:
    if isinstance(layer.keys[name].kind, Line) and value[0] not in "[{":
        return  # any text
    text = written(layer, **{name: value})
    assert "AC104" in codes(text)
    assert not lets_through(text)


scalars = st.one_of(
    st.integers(-2, 300).map(str),
    st.sampled_from(
        [
            "1_000",
            "$n",
            "2*$n",
            "3x3",
            "3X3",
            "1x7",
            "0x1",
            "007",
            "1e3",
            "1e-5",
            "0.5",
            ".5",
            "1.",
            "1.5",
            "true",
            "false",
            "yes",
            "same",
            "half",
            "valid",
            "exact",
            "floor",
            "ceil",
            "~",
            "+3",
            "-0",
            "1:30",
            "nearest",
            "bilinear",
            "2147483647",
            "2147483648",
            "99999999999999999999",
            "x",
            "3\u00d73",
        ]
    ),
    st.text("0123456789_.xX$+-eE", min_size=1, max_size=5),
)


@settings(max_examples=400)
@given(st.sampled_from(KEYS_OF_LAYERS), scalars, st.sampled_from(["", '"']))
def test_no_value_that_a_key_takes_is_refused(which: tuple[type[Layer], str], text: str, style: str) -> None:
    layer, name = which
    key: Key = layer.keys[name]
    scalar = Scalar(text, Span(1, 1, 1, 1 + len(text)), style)
    try:
        key.kind.read(scalar, {"n": 4})
    except Refusal:
        return
    assert Draft202012Validator({**SCHEMA["$defs"][layer.type]["properties"][name], "$defs": SCHEMA["$defs"]}).is_valid(
        data(scalar)
    )


def test_the_default_of_every_key_is_one_of_its_values() -> None:
    for layer in TYPES.values():
        for name, key in SCHEMA["$defs"][layer.type]["properties"].items():
            if "default" in key:
                value = str(key["default"]).lower() if isinstance(key["default"], bool) else f"{key['default']:}"
                read = layer.keys[name].kind.read(Scalar(value, Span(1, 1, 1, 1)), {})
                assert read == layer.keys[name].default
                assert Draft202012Validator({**key, "$defs": SCHEMA["$defs"]}).is_valid(key["default"])


def test_nothing_in_it_is_imported_by_check() -> None:
    assert "archcalc.authoring.schema" not in (Path(archcalc.__file__).parent / "commands" / "check.py").read_text()


PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
def test_specs_of_the_languages_page_are_let_through(text: str) -> None:
    assert lets_through(text)


COMPOSED = [
    ("- {from: relu1}", True),
    ("- {if: $x, layers: [relu]}", True),
    ("- {if: 1}", False),
    ("- {repeat: 2, first: 0, name: layer1.$i, layers: [relu], share: true, from: [a, b]}", True),
    ("- {repeat: 2, layers: [relu], like: a}", False),
    ("- concat: {inputs: [a, m*, $side]}", True),
    ("- upsample: {like: input}", True),
    ("- upsample: {factor: 1/2}", True),
    ("- upsample: {factor: 1.5}", True),
    ("- relu: {like: input}", False),
    ("- relu: {inplace: maybe}", False),
    ("- conv: {filters: 1, kernel_size: 1, share: a, trainable: false}", True),
    ("- {relu: , tanh: }", False),
    ("- {name: a}", False),
]


@pytest.mark.parametrize(("layers", "fine"), COMPOSED)
def test_composition(layers: str, *, fine: bool) -> None:
    assert lets_through(f"input: 8x8x3\nlayers:\n  {layers}\n") == fine


def test_what_is_said_of_a_base() -> None:
    assert lets_through("extends: zoo:vgg16\nreplace: {fc3: [], fc2: FC-10, pool1: {relu: }}\nappend: [RELU]\n")
    assert not lets_through("extends: zoo:vgg16\nreplace: [fc3]\n")
