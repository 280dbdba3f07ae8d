"""Words that may follow, at the place marked by a bar in texts that are being typed."""

from pathlib import Path

import pytest

import archcalc
from archcalc.editing.completion import Item, complete, variables
from archcalc.editing.context import _schema
from archcalc.language.document import KEYS
from archcalc.layers import TYPES


def offered(text: str, folder: str | None = None) -> list[Item]:
    before, _, after = text.partition("|")
    lines = (before + after).split("\n")
    line = before.count("\n") + 1
    graph = archcalc.load("zoo:lenet5").graph
    return complete(lines, line, len(before.rpartition("\n")[2]) + 1, graph, folder)


def words(text: str) -> list[str]:
    return [one.word for one in offered(text)]


HEAD = "input: 32x32x3\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in|", ["input", "inputs"]),
        (HEAD + "rou|", ["rounding"]),
        (HEAD + "rounding: f|", ["floor"]),
        (HEAD + "rounding: |", ["caffe", "ceil", "exact", "floor"]),
        (HEAD + "layers:\n  - con|", ["conv", "concat", "conv1d"]),
        (HEAD + "layers:\n  - rep|", ["repeat"]),
        (HEAD + "layers:\n  - conv: {fil|", ["filters"]),
        (HEAD + "layers:\n  - conv: {filters: 4, ker|}", ["kernel_size"]),
        (HEAD + "layers:\n  - conv:\n      str|", ["stride"]),
        (HEAD + "layers:\n  - conv:\n      filters: 3\n      padding: h|", ["half"]),
        (HEAD + "layers:\n  - conv: {padding: s|", ["same"]),
        (HEAD + "layers:\n  - conv: {bias: |", ["false", "true"]),
        (HEAD + "layers:\n  - relu: {from: conv|", ["conv1", "conv2", "conv3"]),
        (HEAD + "layers:\n  - add: {inputs: [conv1, fc|", ["fc1", "fc2"]),
        (HEAD + "outputs: [fc|", ["fc1", "fc2"]),
        (HEAD + "layers:\n  - CONV3-8 -> MAX|", ["MAXIMUM"]),
        (HEAD + 'layers:\n  - "[CONV3-8 -> L2P|', ["L2POOL"]),
        (HEAD + "layers:\n  - GLO|", []),
        (HEAD + "layers:\n  - FC|", ["FC"]),
        (HEAD + "pattern: INPUT -> DECO|", ["DECONV"]),
        (HEAD + "blocks:\n  rest:\n    layers: [relu]\n  other:\n    layers: []\nlayers:\n  - CONV3-8 -> res|", ["RESHAPE", "rest"]),
        (HEAD + "layers:\n  - CONV3-8|", ["s", "p", "d", "g"]),
        (HEAD + "layers:\n  - CONV3-8s2|", ["p", "d", "g"]),
        (HEAD + "layers:\n  - POOL3|", ["s", "p", "d"]),
        (HEAD + "vars: {width: 8, wide: 3}\nlayers:\n  - conv: {filters: 4*$w|", ["$width", "$wide"]),
        (HEAD + "vars:\n  width: 8\n  depth: 2\nlayers:\n  - CONV3-($|", ["$width", "$depth", "$i"]),
        (HEAD + "training: {optimizer: ada|", ["adadelta", "adagrad", "adam", "adam-amsgrad", "adamax", "adamw", "adamw-amsgrad"]),
        (HEAD + "training:\n  dt|", ["dtype"]),
        (HEAD + "expect:\n  inference_m|", ["inference_memory"]),
        (HEAD + "defaults:\n  con|", ["conv", "concat", "conv1d"]),
        ("extends: zoo:resnet1|", ["zoo:resnet101", "zoo:resnet152", "zoo:resnet18"]),
        (HEAD + "# in|", []),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_every_key_of_a_spec_is_offered_with_its_meaning() -> None:
    assert {one.word: one.about for one in offered("|")} == KEYS


@pytest.mark.parametrize("type", ["conv", "pool", "fc", "bn", "upsample", "group_norm"])
def test_every_key_of_a_layer_is_offered(type: str) -> None:
    own = {name: key.help for name, key in TYPES[type].keys.items()}
    for text in (f"{HEAD}layers:\n  - {type}: {{|", f"{HEAD}layers:\n  - {type}:\n      |"):
        found = {one.word: one.about for one in offered(text)}
        assert own.items() <= found.items()
        assert set(found) - set(own) == {"name", "from", "share", "inplace", "trainable"}


def test_every_type_is_a_word_of_patterns() -> None:
    assert set(words(HEAD + "layers:\n  - RELU -> |")) == {name.upper() for name in TYPES if name != "input"}


def test_what_is_offered_stands_where_it_was_begun() -> None:
    (one,) = offered(HEAD + "vars: {width: 8}\nlayers:\n  - conv: {filters: 4*$wi|")
    assert (one.word, one.start) == ("$width", len("  - conv: {filters: 4*") + 1)
    (two,) = offered(HEAD + "layers:\n  - CONV3-8 ->DECO|")
    assert two.start == len("  - CONV3-8 ->") + 1


def test_specs_beside_are_offered(tmp_path: Path) -> None:
    for name in ("resnet50.yaml", "resnet18.yaml", "notes.txt", ".hidden.yaml"):
        (tmp_path / name).write_text("")
    assert [one.word for one in offered("extends: res|", str(tmp_path))] == ["resnet18", "resnet50"]


def test_variables_of_blocks_and_of_the_spec() -> None:
    assert variables(["vars: {a: 1, b: 2}", "blocks:", "  x:", "    vars: {c: }", "    layers: []", "layers: []"]) == [
        "a",
        "b",
        "c",
        "i",
    ]
    assert variables(["vars:", "  a: 1", "", "  b: 2", "layers: []"]) == ["a", "b", "i"]


def test_words_of_values_are_those_of_the_schema() -> None:
    assert set(words(HEAD + "training: {dtype: |")) == set(
        _schema()["properties"]["training"]["properties"]["dtype"]["enum"]
    )
