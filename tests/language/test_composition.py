"""Branches that begin elsewhere, names as variables, all passes of a repeat, what is there or not, templates, powers."""

import pytest

from archcalc.architecture import Examination, examine
from archcalc.diagnostics import Refusal, Span, in_order
from archcalc.graph import Graph
from archcalc.language.specfile import SpecText
from archcalc.reader.expression import evaluate


def read(layers: str, head: str = "") -> Examination:
    return examine(SpecText("spec.yaml", f"input: 8x8x4\n{head}layers:\n{layers}"))


def says(found: Examination) -> list[str]:
    return [f"{one.span.line}:{one.span.column}: {one.code} {one.message}" for one in found.diagnostics]


def wiring(graph: Graph) -> dict[str, list[str]]:
    return {node.name: [graph.nodes[one].name for one in node.inputs] for node in graph.nodes}


def made(layers: str, head: str = "") -> dict[str, list[str]]:
    found = read(layers, head)
    assert says(found) == []
    return wiring(found.report.graph)


def test_a_branch_begins_elsewhere() -> None:
    found = made("""\
  - relu: {name: a}
  - tanh
  - add: [[], [from: a], [from: input, SIGMOID], {from: tanh1}]
  - from: a
  - SILU
""")
    assert found["add1"] == ["tanh1", "a", "sigmoid1", "tanh1"]
    assert found["sigmoid1"] == ["input"]
    assert found["silu1"] == ["a"]


def test_in_is_what_a_block_and_a_pass_begin_with() -> None:
    head = "blocks: {b: [RELU, TANH, add: {inputs: [in, tanh1]}]}\n"
    found = made(
        """\
  - b: {name: x}
  - {repeat: 2, name: r, layers: [SILU, SIGMOID, add: {inputs: [in, silu1]}]}
  - {repeat: 2, layers: [MISH, add: {inputs: [in, in]}]}
  - add: {inputs: [in, add2]}
""",
        head,
    )
    assert found["x.add1"] == ["input", "x.tanh1"]
    assert found["r1.add1"] == ["x.add1", "r1.silu1"]
    assert found["r2.add1"] == ["r1.add1", "r2.silu1"]
    assert [found["add1"], found["add2"]] == [["r2.add1", "r2.add1"], ["add1", "add1"]]
    assert found["add3"] == ["input", "add2"]  # of the whole network it is the input


def test_all_passes() -> None:
    found = made("""\
  - {repeat: 3, name: m, layers: [RELU, {if: $i > 1, layers: [add: {inputs: [in, m*]}]}]}
  - {repeat: 2, layers: [tanh: {name: t}]}
  - concat: {inputs: [input, m*, t*]}
  - {repeat: 0, name: m, layers: [RELU]}
  - concat: {name: one, inputs: [t1, m*]}
  - {tanh: {from: one}}
""")
    assert found["m2.add1"] == ["m1.relu1", "m1.relu1"]
    assert found["m3.add1"] == ["m2.add1", "m1.relu1", "m2.add1"]
    assert found["concat1"] == ["input", "m1.relu1", "m2.add1", "m3.add1", "t1", "t2"]
    assert "one" not in found  # of one input nothing is joined
    assert found["tanh1"] == ["t1"]


def test_dense_layers_read_all_before_them() -> None:
    found = made("""\
  - {repeat: 3, name: d, layers: [concat: {inputs: [input, d*]}, CONV3-2p1]}
  - concat: {inputs: [input, d*]}
""")
    assert found["d1.conv1"] == ["input"]
    assert found["d3.concat1"] == ["input", "d1.conv1", "d2.conv1"]
    assert found["concat1"] == ["input", "d1.conv1", "d2.conv1", "d3.conv1"]


def test_what_is_there_or_not() -> None:
    head = "vars: {yes: 1, no: 0}\n"
    found = made(
        """\
  - {if: $yes, layers: [RELU]}
  - {if: $no, layers: [TANH]}
  - add: [{if: $no, layers: []}, [SILU]]
  - add: [{if: $yes - 1, layers: []}, [SIGMOID], {if: $yes, layers: []}]
""",
        head,
    )
    assert found == {
        "input": [],
        "relu1": ["input"],
        "silu1": ["relu1"],
        "sigmoid1": ["silu1"],
        "add1": ["sigmoid1", "silu1"],
    }


def test_variables_that_are_layers() -> None:
    head = """\
blocks:
  inner: {vars: {side: , n: 2}, layers: [add: {inputs: [$side, in]}, [CONV1-$n]]}
  outer: {vars: {s: }, layers: [TANH, inner: {side: $s, n: 4}, add: [[], [from: $s]]]}
""".replace("[CONV1-$n]]", "CONV1-$n]")
    found = made("  - relu: {name: a}\n  - SILU\n  - outer: {s: a, name: o}\n", head)
    assert found["o.inner1.add1"] == ["a", "o.tanh1"]
    assert found["o.add1"] == ["o.inner1.conv1", "a"]


def test_names_with_numbers_in_them() -> None:
    found = made("""\
  - {repeat: 2, name: layer1.$i, first: 0, layers: [conv: {name: conv$i, filters: 4, kernel_size: 1}]}
  - {repeat: 2, name: stage, first: 0, layers: [RELU]}
  - {repeat: 2, layers: [tanh: {name: act.$i}]}
  - concat: {inputs: [layer1.*, stage*]}
""")
    assert list(found) == [
        "input",
        "layer1.0.conv0",
        "layer1.1.conv1",
        "stage0.relu1",
        "stage1.relu1",
        "act.1",
        "act.2",
        "concat1",
    ]
    assert found["concat1"] == ["layer1.0.conv0", "layer1.1.conv1", "stage0.relu1", "stage1.relu1"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("CONV($f)x1-4p($f // 2)x0", "CONV7x1-4p3x0"),
        ("CONV1x($f)-4p0x3", "CONV1x7-4p0x3"),
        ("CONV($f)x($f-2)-4p3x2", "CONV7x5-4p3x2"),
        ("CONV(2**($f-6)+1)-($f**2)p1", "CONV3-49p1"),
    ],
)
def test_pairs_and_powers_in_patterns(text: str, label: str) -> None:
    found = read(f'  - "{text}"\n', "vars: {f: 7}\n")
    assert says(found) == []
    (like,) = read(f"  - {label}\n").report.graph.nodes[1:]
    assert found.report.rows[-1].node.layer == like.layer


@pytest.mark.parametrize(
    "text",
    [
        "2**10",
        "2**3**2",
        "-2**2",
        "(-2)**3",
        "0**0",
        "0**99",
        "1**999999999999999999",
        "(-1)**999999999999999999",
        "(-1)**100",
        "10**17",
        "2*3**2",
        "7**2 % 5",
    ],
)
def test_powers_are_pythons(text: str) -> None:
    assert evaluate(text, {}, Span(1, 1, 1, 1)) == eval(text)


HUGE = "a number here has more than 18 digits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9**9**9", HUGE),
        ("9**9**9**9**9", HUGE),
        ("2**60", HUGE),
        ("999999999**59", HUGE),
        ("(0-2)**999999999999999999", HUGE),
        ("2**(0-1)", "2**-1 is a fraction"),
        ("2**", "the expression ends where a number is expected"),
        ("**2", "`**` stands where a number is expected"),
        ("**".join("1" * 40), "more than 32 powers are nested"),
    ],
)
def test_powers_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(Refusal) as refusal:
        evaluate(text, {}, Span(1, 1, 1, 1))
    assert refusal.value.diagnostic.message == message


WRONG = [
    ("  - from: b\n", ["4:11: AC303 no layer is named `b`"]),
    ("  - from: later\n  - relu: {name: later}\n", ["4:11: AC307 later reads itself"]),
    ("  - concat: {inputs: [input, m*]}\n", ["4:30: AC303 no repeat numbers a `m` before this"]),
    ("  - RELU\n  - concat: {inputs: [relu*]}\n", ["5:23: AC303 no repeat numbers a `relu` before this"]),
    ("  - {repeat: 0, name: m, layers: [RELU]}\n  - concat: {inputs: [m*]}\n", ["5:5: AC301 concat: joins at least two branches; here is none"]),
    ("  - {if: $x, layers: [RELU]}\n", ["4:10: AC120 `$x` is not defined"]),
    ("  - {if: 1, layer: [RELU]}\n", ["4:13: AC102 if has no key `layer`", "4:6: AC103 if needs `layers`, the list that is there or not"]),
    ("  - {if: [1], layers: [RELU]}\n", ["4:10: AC101 if is a number, not a list"]),
    ("  - {repeat: 2, first: -1, layers: [RELU]}\n", ["4:24: AC131 passes are counted from -1; 0 is the least"]),
    ("  - {repeat: 2, name: $x, layers: [RELU]}\n", ["4:23: AC107 `$x` is no name"]),
    ("  - {repeat: 2, name: a$x, layers: [RELU]}\n", ["4:23: AC120 `$x` is not defined"]),
    ("  - {repeat: 2, name: a, layers: [relu: {name: r, from: $i}]}\n", ["4:57: AC107 `$i` is 1, no layer", "4:57: AC107 `$i` is 2, no layer"]),
    ("  - relu: {from: $x}\n", ["4:18: AC107 `$x` is no variable here"]),
    ("  - {repeat: 2, layers: [relu: {name: r$n}]}\n", ["4:39: AC302 the name `r1` is given twice, first on line 4"]),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), WRONG)
def test_what_is_wrong(layers: str, expected: list[str]) -> None:
    assert sorted(says(read(layers, "vars: {n: 1}\n" if "$n" in layers else "rounding: exact\n"))) == sorted(expected)


BLOCKS = "blocks: {b: {vars: {side: }, layers: [add: [[], [from: $side]]]}}\n"
WRONG_BLOCKS = [
    ("  - b: {side: c9}\n", ["4:15: AC303 no layer is named `c9`"]),
    ("  - b: {side: 3}\n", ["4:15: AC107 `3` is no name"]),
    ("  - b: {side: $n}\n", ["4:15: AC107 `$n` is no variable here"]),
    ("  - b: {side: [a]}\n", ["4:15: AC107 a list is no name"]),
    ("  - b: {}\n", ["4:5: AC305 the block b needs `side`"]),
]


@pytest.mark.parametrize(("layers", "expected"), WRONG_BLOCKS)
def test_what_is_wrong_with_a_layer_for_a_block(layers: str, expected: list[str]) -> None:
    assert says(read(layers, BLOCKS)) == expected


def test_a_layer_is_no_number() -> None:
    head = "blocks: {b: {vars: {side: }, layers: [{from: $side}, CONV1-$side]}}\n"
    assert says(read("  - relu: {name: a}\n  - b: {side: a}\n", head)) == [
        "2:60: AC120 conv: filters: `$side` is the layer `a`, not a number"
    ]


def test_a_repeat_that_reads_all_its_passes_is_bounded() -> None:
    """50,000 passes of which each reads all before it would read one another 1,250,000,000 times."""
    layers = "  - {repeat: 50000, name: d, layers: [add: {inputs: [input, d*]}, RELU]}\n"
    (one,) = read(layers).diagnostics
    assert (one.code, one.message) == ("AC130", "layers read one another more than 1,000,000 times, the limit")
    assert one.span.line == 3


def test_findings_are_in_order() -> None:
    found = read("".join(layers for layers, _ in WRONG[:4])).diagnostics
    assert list(found) == in_order(found)
