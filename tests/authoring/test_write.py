"""What is written reads back as the same graph, and is as short as a person would write it."""

import time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.authoring.notation import quoted
from archcalc.authoring.write import write
from archcalc.graph import Graph, Node
from archcalc.language.program import read_document
from archcalc.language.specfile import zoo_names
from archcalc.layers import TYPES, Key
from archcalc.layers.merge import Merge
from archcalc.layers.misfit import LayerError
from archcalc.layers.reshape import Input
from archcalc.reader.values import Choice, Integer, Number, Padding, Scaling
from archcalc.volume import Pair, Volume


def essence(graph: Graph) -> tuple[Any, ...]:
    """A graph without its places in the text."""
    return graph.name, [(node.name, node.layer, node.inputs) for node in graph.nodes]


def reread(graph: Graph) -> str:
    """The written text, after making sure that it reads back as the same graph."""
    text = write(graph)
    document = read_document(text)
    assert [one.message for one in document.problems] == [], text
    assert essence(document.graph) == essence(graph), text
    return text


def rewritten(layers: str, head: str = "") -> str:
    """The layers of a spec as the writer writes them."""
    document = read_document(f"input: 32x32x8\n{head}layers:\n{layers}")
    assert document.problems == ()
    return reread(document.graph).partition("layers:\n")[2]


@pytest.mark.parametrize("name", zoo_names())
def test_round_trip_of_the_zoo(name: str) -> None:
    reread(archcalc.load(f"zoo:{name}").graph)


def test_vgg16_is_written_as_people_write_it() -> None:
    assert write(archcalc.load("zoo:vgg16").graph) == (
        "archcalc: 1\n"
        "name: VGG-16 (configuration D)\n"
        "input: 224x224x3\n"
        "layers:\n"
        '  - "[CONV3-64p1 -> RELU]*2 -> POOL2"\n'
        '  - "[CONV3-128p1 -> RELU]*2 -> POOL2"\n'
        '  - "[CONV3-256p1 -> RELU]*3 -> POOL2"\n'
        '  - "[[CONV3-512p1 -> RELU]*3 -> POOL2]*2"\n'
        "  - ADAPTIVE_AVGPOOL7\n"
        '  - "[FC-4096 -> RELU -> DROPOUT]*2 -> FC-1000"\n'
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("  - CONV3-64s2p1d2g4 -> CONV7x1-8p3x0 -> CONV3-8psame -> DROPOUT0.25\n", ...),
        ("  - POOL3s2 -> RELU -> AVGPOOL2\n", "  - POOL3s2\n  - RELU -> AVGPOOL2\n"),
        ("  - conv: {filters: 8, kernel_size: 3, bias: false}\n", ...),
        ("  - pool: {kernel_size: 3, stride: 2, padding: 1x0, rounding: ceil}\n", ...),
        ("  - conv: {filters: 8, kernel_size: 2, padding: {left: 0, right: 1, top: 0, bottom: 1}}\n", ...),
        ("  - conv: {name: stem, filters: 8, kernel_size: 1}\n  - RELU\n", ...),
        ("  - conv: {name: conv1, filters: 8, kernel_size: 1}\n", "  - CONV1-8\n"),
        ("  - conv: {name: conv2, filters: 8, kernel_size: 1}\n  - CONV1-8\n", ...),
        ("  - bn: {eps: 1e-06}\n", ...),
        ("  - {repeat: 9, layers: [RELU -> TANH]}\n", '  - "[RELU -> TANH]*9"\n'),
        ("  - RELU -> TANH -> SIGMOID -> TANH -> SIGMOID\n", "  - RELU -> [TANH -> SIGMOID]*2\n"),
        ("  - {repeat: 0, layers: [relu: {}]}\n  - RELU\n", "  - RELU\n"),
    ],
)  # fmt: skip
def test_layers(written: str, expected: Any) -> None:
    assert rewritten(written) == (written if expected is ... else expected)


SAMPLES: dict[str, list[Any]] = {
    "Boolean": [False],
    "Line": ["attention", "a head, of sorts: {8}", '"quoted" # \u00e9', "null", "12", "- x"],
    "Volumes": [Volume(2, 3, 4), Volume(1, 1, 1)],
    "Fractions": [Pair(2, 2), Scaling(1, 3, Pair(2, 1)), Scaling(5, 5, Pair(4, 4))],
    "Extents": [Pair(3, 1), Pair(2, 2)],
    "Length": [Pair(3, 1), Pair(2, 1)],
    "LengthPadding": [Padding(1, 2, 0, 0), Padding(2, 2, 0, 0), Padding(mode="half")],
    "Number": [0.25, 0.0, 1e-07],
    "Paddings": [Padding(1, 1, 0, 0), Padding(2, 2, 2, 2), Padding(1, 0, 0, 2), Padding(mode="same")],
}


def samples(key: Key) -> list[Any]:
    if isinstance(key.kind, Integer):
        return [key.kind.low, key.kind.low + 3]
    if isinstance(key.kind, Number) and key.kind.low < 0:
        return [-2.5, 3.0]
    return list(key.kind.options) if isinstance(key.kind, Choice) else SAMPLES[type(key.kind).__name__]


NEEDED: dict[str, dict[str, Any]] = {  # one of several keys that may each be left out
    "clamp": {"low": -1.5},
    "crop": {"cropping": Padding(0, 1, 0, 0)},
    "pad": {"padding": Padding(2, 2, 3, 3)},
    "upsample": {"factor": Pair(2, 2), "mode": "bilinear"},
}


@pytest.mark.parametrize("type", sorted(name for name, one in TYPES.items() if not issubclass(one, (Merge, Input))))
def test_every_key_of_every_layer_type(type: str) -> None:
    layer = TYPES[type]
    required = {name: samples(key)[0] for name, key in layer.keys.items() if key.required} | NEEDED.get(type, {})
    first = archcalc.load("INPUT[4x4x4] -> RELU").graph
    layers = [layer(**required)]
    for name, key in layer.keys.items():
        for value in samples(key):
            try:
                others = {one: it for one, it in required.items() if not {one, name} <= {*layer.sized}}
                layers.append(layer(**{**others, name: value}))
            except LayerError:
                pass  # not together with the others
    assert len(layers) > len(layer.keys)
    nodes = [Node(f"{type}{n + 1}", one, (n,), first.nodes[1].span) for n, one in enumerate(layers)]
    reread(Graph("", (first.nodes[0], *nodes)))


BRANCHES = {
    "residual": "  - add:\n      - []\n      - CONV3-8p1 -> BN\n",
    "projection": "  - RELU\n  - add:\n      - CONV1-4s1\n      - CONV3-4p1 -> BN\n  - RELU\n",
    "nested": "  - concat:\n      - CONV1-4\n      - - CONV1-8\n        - concat:\n            - CONV3-4p1\n            - CONV1-4\n      - []\n",
    "nested first": "  - concat:\n      - concat:\n          - CONV3-4p1\n          - CONV1-4\n      - CONV1-4\n",
    "only the input": "  - RELU\n  - add:\n      - []\n      - []\n",
    "squeeze and excitation": "  - multiply:\n      - []\n      - GAP -> FC-2 -> RELU -> FC-8 -> SIGMOID\n",
    "in a row": "  - add:\n      - []\n      - RELU\n  - add:\n      - []\n      - TANH\n",
    "named": "  - add:\n      - []\n      - CONV3-8p1\n    name: sum\n  - RELU\n",
    "back": "  - relu: {name: skip}\n  - CONV3-8p1\n  - concat: {inputs: [conv1, skip]}\n",
    "crossing": "  - relu: {name: a}\n  - tanh: {name: b}\n  - sigmoid: {name: c}\n"
    "  - add: {name: d, inputs: [a, c]}\n  - add: {inputs: [b, d]}\n",
    "from": "  - relu: {name: skip}\n  - CONV3-8p1\n  - tanh: {from: skip}\n",
    "dense": "  - concat:\n      - []\n      - CONV3-4p1\n  - concat:\n      - []\n      - CONV3-4p1\n",
    "two from one": "  - concat:\n      - []\n      - []\n      - []\n",
}


@pytest.mark.parametrize("layers", BRANCHES.values(), ids=BRANCHES.keys())
def test_branches(layers: str) -> None:
    expected = {
        "back": "  - relu: {name: skip}\n  - concat:\n      - CONV3-8p1\n      - []\n",
        "crossing": "  - relu: {name: a}\n  - add:\n      - []\n      - - tanh: {name: b}\n        - sigmoid: {name: c}\n"
        "    name: d\n  - add: {inputs: [b, d]}\n",
        "projection": BRANCHES["projection"].replace("s1", ""),
    }
    name = next(key for key, text in BRANCHES.items() if text == layers)
    assert rewritten(layers) == expected.get(name, layers)


BLOCKS = """blocks:
  unit: [CONV3-8p1 -> BN]
  other:
    - relu: {name: mine}
    - add: [[unit: {}], [tanh: {from: mine}]]
    - unit: {}
layers:
  - unit: {name: first}
  - add: [[], [unit: {name: second}], [{repeat: 2, name: stage, layers: [unit: {}]}]]
  - other: {}
  - other: {}
  - repeat: 2
    name: tail
    layers: [add: [[], [unit: {}]]]
"""


def test_names_with_one_beginning_are_blocks() -> None:
    document = read_document(f"input: 32x32x8\n{BLOCKS}")
    assert document.problems == ()
    text = reread(document.graph)
    assert text.partition("blocks:\n")[2].startswith("  first:\n    - CONV3-8p1 -> BN\n")
    assert "  - first: {name: first}\n  - add:\n      - []\n      - first: {name: second}\n" in text
    assert text.count("CONV3-8p1 -> BN") == 1


def test_a_block_called_like_a_layer_type_gets_another_word() -> None:
    text = "input: 8x8x8\nblocks: {x: [RELU -> TANH]}\nlayers: [x: {name: conv2}, x: {name: a.9}, x: {name: repeat}]"
    again = reread(read_document(text).graph)
    assert "  conv_block:\n    - RELU -> TANH\n" in again
    assert "- conv_block: {name: a.9}\n" in again


def test_what_most_layers_share_is_a_default() -> None:
    text = reread(
        read_document(
            "input: 32x32x8\nrounding: floor\nlayers: [CONV3-4s2 -> CONV3-4s2, conv: {filters: 4, kernel_size: 1, bias: false}]"
        ).graph
    )
    assert "defaults:\n  conv: {rounding: floor}\nlayers:\n  - CONV3-4s2 -> CONV3-4s2\n" in text.replace(
        '"[CONV3-4s2]*2"', "CONV3-4s2 -> CONV3-4s2"
    )
    assert text.endswith("  - conv: {filters: 4, kernel_size: 1, bias: false}\n")


def test_names_too_long_to_be_written_are_left_to_the_reader() -> None:
    block = "b" * 127
    spec = f"input: 4x4x1\nblocks: {{{block}: [relu: {{}}]}}\nlayers: [{block}: {{}}]"
    document = read_document(spec)
    assert len(document.graph.nodes[1].name) > 128
    again = read_document(write(document.graph))
    assert again.problems == ()
    assert [node.layer for node in again.graph.nodes] == [node.layer for node in document.graph.nodes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VGG-16 (configuration D)", "VGG-16 (configuration D)"),
        ("https://arxiv.org/abs/1409.1556", "https://arxiv.org/abs/1409.1556"),
        ("key: value", '"key: value"'),
        ("a # b", '"a # b"'),
        ("no", '"no"'),
        ("2014", '"2014"'),
        ('"', '"\\""'),
        ("- x", '"- x"'),
        ("größe\\", '"größe\\\\"'),
    ],
)
def test_quoting(text: str, expected: str) -> None:
    assert quoted(text) == expected


names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30).map(
    lambda one: " ".join(one.split())
)


@given(names)
@settings(max_examples=150, deadline=None)
def test_any_name_survives(name: str) -> None:
    graph = read_document("input: 4x4x1\nlayers: [relu: {}]").graph._replace(name=name)
    reread(graph)


steps = st.one_of(
    st.sampled_from(["RELU", "BN", "DROPOUT0.3", "POOL2s1", "relu: {name: kept}", "tanh: {}", "unit: {}", "unit: {}"]),
    st.builds("CONV{}-8psame".format, st.sampled_from([1, 3])),
    st.builds(
        "conv: {{filters: 8, kernel_size: 3, padding: same, bias: {}}}".format, st.sampled_from(["true", "false"])
    ),
)
lists = st.recursive(
    st.lists(steps, max_size=5),
    lambda inner: st.lists(
        st.one_of(
            steps,
            st.builds(lambda join, branches: {join: branches}, st.sampled_from(["concat", "add"]), st.lists(inner, min_size=2, max_size=3)),
            st.builds(lambda times, layers: {"repeat": times, "layers": layers}, st.integers(0, 3), inner),
        ),
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


def flow(items: list[Any]) -> str:
    """A list of steps as YAML's flow style."""
    out = []
    for item in items:
        if isinstance(item, str):
            out.append(f"{{{item}}}" if ": " in item else item)
        elif "repeat" in item:
            out.append(f"{{repeat: {item['repeat']}, name: stage, layers: {flow(item['layers'])}}}")
        else:
            ((join, branches),) = item.items()
            out.append(f"{{{join}: [{', '.join(flow(one) for one in branches)}]}}")
    return f"[{', '.join(out)}]"


@given(lists)
@settings(max_examples=120, deadline=None)
def test_round_trip_of_whatever_is_read(layers: list[Any]) -> None:
    blocks = "{unit: [CONV3-8psame -> BN, add: [[], [RELU]], relu: {name: own}, tanh: {from: own}]}"
    document = read_document(f"input: 8x8x8\nblocks: {blocks}\nlayers: {flow(layers)}")
    # `kept` and `stage` can be there twice; a block that is not used is only a warning
    assume(all(one.severity == "warning" for one in document.problems))
    reread(document.graph)


def test_ten_thousand_layers_take_seconds_at_most() -> None:
    chain = "\n".join(f"  - CONV3-{8 + n % 7}p1 -> RELU" for n in range(5_000))
    skips = "".join(f"  - add: [[], CONV3-{8}p1 -> RELU]\n" for n in range(3_000))
    far = "  - relu: {name: far}\n" + "  - RELU\n  - concat: {inputs: [far, far]}\n" * 3_000
    blocks = "  - unit: {}\n" * 2_500
    for layers in (chain, skips, far, blocks):
        head = "blocks: {unit: [add: [[], [CONV3-8p1]], RELU -> BN]}\n" if layers is blocks else ""
        graph = read_document(f"input: 8x8x8\n{head}layers:\n{layers}").graph
        begin = time.process_time()
        write(graph)
        assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("1e-5", ""),
        ("0." + "0" * 120 + "1", ""),
        ("1" + "0" * 300, ""),
        ("0.1234567890123456789", ""),
        ("4.9e-324", ""),
        ("9" * 400, "is too large for a number of 64 bits"),
        ("1e309", "is too large for a number of 64 bits"),
        ("9" * 2000, "is too large for a number of 64 bits"),
        ("1e-330", "is too small for a number of 64 bits"),
        ("0." + "0" * 400 + "1", "is too small for a number of 64 bits"),
        ("0." + "0" * 400, ""),
        ("1e0001", "stands where a number from 0 is expected"),
    ],
)
def test_a_number_reads_back_or_is_refused(text: str, refused: str) -> None:
    document = read_document(f"input: 4x4x4\nlayers: [bn: {{eps: {text}}}]\n")
    if refused:
        (problem,) = document.problems
        assert (problem.code, problem.message.endswith(refused)) == ("AC104", True)
    else:
        assert document.problems == ()
        reread(document.graph)
