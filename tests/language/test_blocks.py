"""Blocks, variables and repeats: what they unroll to, the names they give, and what is said where they are wrong."""

import pytest

from archcalc.architecture import Examination, examine
from archcalc.formats.check.text import finding
from archcalc.language.program import compile_text
from archcalc.language.specfile import SpecText


def read(text: str) -> Examination:
    return examine(SpecText("spec.yaml", f"input: 8x8x4\n{text}"))


def labels(text: str) -> list[str]:
    """The layers of a spec without findings, and their names."""
    found = read(text)
    assert found.diagnostics == ()
    return [f"{node.name} {node.layer.label}" for node in found.report.graph.nodes[1:]]


def messages(text: str) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in read(text).diagnostics]


def shown(text: str) -> str:
    found = read(text)
    return "".join(finding(found.path, one, found.document.lines) for one in found.diagnostics)


BLOCK = "blocks: {body: {vars: {width: , size: 1, twice: 2*$width}, layers: CONV($size)-$width -> CONV1-$twice}}\n"


@pytest.mark.parametrize(
    ("use", "layers"),
    [
        ("body: {width: 3}", ["CONV1-3", "CONV1-6"]),
        ("body: {width: 3, size: 2}", ["CONV2-3", "CONV1-6"]),
        ("body: {width: 3, twice: 5}", ["CONV1-3", "CONV1-5"]),
        ("body-3", ["CONV1-3", "CONV1-6"]),
        ("body-(1 + $n)", ["CONV1-8", "CONV1-16"]),
        ('"[body-$i]*2"', ["CONV1-1", "CONV1-2", "CONV1-2", "CONV1-4"]),
    ],
)
def test_blocks_take_variables(use: str, layers: list[str]) -> None:
    head = "vars: {n: 7}\n" if "$n" in use else ""
    assert [one.split()[1] for one in labels(f"{head}{BLOCK}layers: [{use}]")] == layers


def test_names_say_where_a_layer_stands() -> None:
    text = """
blocks:
  unit: {vars: {width: }, layers: CONV1-$width -> RELU}
  stage:
    vars: {width: , depth: }
    layers:
      - unit-$width
      - repeat: $depth - 1
        layers: [add: [[], unit-$width]]
layers:
  - stage: {width: 2, depth: 2}
  - stage: {name: last, width: 3, depth: 1}
  - unit-1
"""
    assert labels(text) == [
        "stage1.unit1.conv1 CONV1-2",
        "stage1.unit1.relu1 RELU",
        "stage1.unit2.conv1 CONV1-2",
        "stage1.unit2.relu1 RELU",
        "stage1.add1 ADD",
        "last.unit1.conv1 CONV1-3",
        "last.unit1.relu1 RELU",
        "unit1.conv1 CONV1-1",
        "unit1.relu1 RELU",
    ]


def test_a_named_repeat_numbers_its_passes_and_gives_their_number() -> None:
    text = """
layers:
  - repeat: 2
    name: stage
    layers:
      - repeat: $stage
        name: block
        layers: [CONV1-(10*$stage + $block), relu: {name: act}]
  - tanh: {from: stage1.block1.act}
"""
    assert labels(text) == [
        "stage1.block1.conv1 CONV1-11",
        "stage1.block1.act RELU",
        "stage2.block1.conv1 CONV1-21",
        "stage2.block1.act RELU",
        "stage2.block2.conv1 CONV1-22",
        "stage2.block2.act RELU",
        "tanh1 TANH",
    ]


def test_i_is_the_pass_of_the_innermost_repeat() -> None:
    assert labels('layers: ["[[CONV1-$i]*2 -> FC-$i]*2"]') == [
        *("conv1 CONV1-1", "conv2 CONV1-2", "fc1 FC-1", "conv3 CONV1-1", "conv4 CONV1-2", "fc2 FC-2"),
    ]


def test_i_counts_repeats_and_widths_that_grow() -> None:
    assert labels('layers: ["[[CONV1-(4*$i)]*$i]*3"]') == [
        *("conv1 CONV1-4", "conv2 CONV1-4", "conv3 CONV1-8", "conv4 CONV1-4", "conv5 CONV1-8", "conv6 CONV1-12"),
    ]


def test_a_group_that_is_there_or_not() -> None:
    """0 drops a group, so that a variable of 0 or 1 says whether a layer is there."""
    blocks = "blocks: {maybe: {vars: {there: 0}, layers: '[CONV1-2]*$there -> RELU'}}\n"
    assert labels(f"{blocks}layers: [maybe, maybe-1]") == [
        "maybe1.relu1 RELU",
        "maybe2.conv1 CONV1-2",
        "maybe2.relu1 RELU",
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$i == 1", [1, 0, 0]),
        ("$i != 1", [0, 1, 1]),
        ("$i < 2", [1, 0, 0]),
        ("$i <= 2", [1, 1, 0]),
        ("$i > 2", [0, 0, 1]),
        ("$i >= 2", [0, 1, 1]),
        ("2*$i > 3 + 1", [0, 0, 1]),
        ("1 + ($i == 1)*($i + 2)", [4, 1, 1]),
        ("($i > 1) == ($i < 3)", [0, 1, 0]),
    ],
)
def test_a_comparison_is_1_or_0(expression: str, value: list[int]) -> None:
    found = labels(f'layers: ["[CONV1-(1 + ({expression}))]*3"]')
    assert found == [f"conv{n} CONV1-{1 + one}" for n, one in enumerate(value, 1)]


def test_a_first_pass_that_differs() -> None:
    assert labels('layers: ["[CONV1-3 -> [POOL2]*($i == 1)]*2"]') == ["conv1 CONV1-3", "pool1 POOL2", "conv2 CONV1-3"]


@pytest.mark.parametrize("expression", ["$i = 1", "$i == 1 == 1", "$i ==", "== $i", "$i =< 1", "$i ! 1"])
def test_what_is_no_comparison(expression: str) -> None:
    assert [one.code for one in read(f'layers: ["[CONV1-({expression})]*1"]').diagnostics] == ["AC120"]


def test_explicit_names_are_numbered_in_a_repeat_without_one() -> None:
    text = "layers:\n  - repeat: 2\n    layers:\n      - relu: {name: act}\n      - tanh: {from: act}\n  - elu: {from: act1}"
    found = read(text)
    assert [node.name for node in found.report.graph.nodes[1:]] == ["act1", "tanh1", "act2", "tanh2", "elu1"]
    assert [node.inputs for node in found.report.graph.nodes[2:]] == [(1,), (2,), (3,), (1,)]


def test_set_overrides_a_variable() -> None:
    text = SpecText("spec.yaml", "input: 8x8x4\nvars: {n: 2, m: 2*$n}\nlayers: [CONV1-$m]")
    assert examine(text, set={"n": 5}).report.output == (8, 8, 10)
    assert examine(text, set={"m": 5}).report.output == (8, 8, 5)


def test_a_block_does_not_see_its_users_variables() -> None:
    text = (
        "blocks:\n  inner: CONV1-$width\n  outer: {vars: {width: }, layers: [inner, CONV1-$width]}\nlayers: [outer-3]"
    )
    assert messages(text) == [("AC120", "conv: filters: `$width` is not defined")]
    assert [one.code for one in read("blocks: {inner: CONV1-$i}\nlayers: ['[inner]*2']").diagnostics] == ["AC120"]


WRONG = [
    ("blocks: {a: {vars: {n: }, layers: CONV1-$n}}\nlayers: [a]", "AC305", "the block a needs `n`"),
    ("blocks: {a: RELU}\nlayers: [a-3]", "AC106", "a does not take the suffix `-`; it takes no suffix"),
    (
        "blocks: {a: {vars: {n: }, layers: CONV1-$n}}\nlayers: [a-3s2]",
        "AC106",
        "a does not take the suffix `s`; it takes `-`",
    ),
    ("blocks: {a: RELU}\nlayers: [a: {n: 3}]", "AC102", "a has no key `n`"),
    ("blocks: {a: RELU}\nlayers: [a: 3]", "AC101", "the block a is a mapping, not `3`"),
    ("blocks: {a: {layer: RELU}}\nlayers: [a]", "AC103", "the block a needs `layers`"),
    ("blocks: {relu: TANH}\nlayers: [relu]", "AC104", "`relu` is a word of the language and cannot name a block"),
    ("blocks: {a: b -> b, b: [a]}\nlayers: [a]", "AC304", "the block a uses itself: a -> b -> a"),
    ("vars: {i: 3}\nlayers: [CONV1-$i]", "AC104", "`i` cannot name a variable"),
    ("vars: {a: $b, b: 1}\nlayers: [CONV1-$a]", "AC120", "`$b` is not defined"),
    ("layers: ['[RELU]*(1 - 2)']", "AC104", "`(1 - 2)` is arithmetic without a variable"),
    ("vars: {n: 1}\nlayers: ['[RELU]*($n - 2)']", "AC131", "-1 repeats; 0 is the least"),
    ("layers: [{repeat: 3, layer: [RELU]}]", "AC102", "repeat has no key `layer`"),
    (
        "vars: {stage: 3}\nlayers:\n  - repeat: 2\n    name: stage\n    layers: [CONV1-$stage]",
        "AC302",
        "`$stage` is a variable, and in the repeat `stage` it would be the number of the pass",
    ),
]


@pytest.mark.parametrize(("text", "code", "message"), WRONG, ids=str)
def test_errors(text: str, code: str, message: str) -> None:
    assert (code, message) in messages(text)


def test_a_block_that_uses_itself_is_shown_with_both_places() -> None:
    assert (
        shown("blocks:\n  a: RELU -> b\n  b: [a]\nlayers:\n  - a")
        == """\
spec.yaml:4:7: error[AC304]: the block a uses itself: a -> b -> a
  |
3 |   a: RELU -> b
  |   - a begins here
4 |   b: [a]
  |       ^
"""
    )


def test_a_missing_argument_is_shown_with_the_blocks_variables() -> None:
    assert (
        shown("blocks:\n  a: {vars: {n: , m: 1}, layers: CONV($m)-$n}\nlayers:\n  - a: {m: 3}")
        == """\
spec.yaml:5:5: error[AC305]: the block a needs `n`
  |
3 |   a: {vars: {n: , m: 1}, layers: CONV($m)-$n}
  |   - its variables: n, m
5 |   - a: {m: 3}
  |     ^
"""
    )


UNUSED = [
    ("vars: {n: 1}\nlayers: [RELU]", ["the variable `n` is never used"]),
    ("vars: {n: 1, m: $n}\nlayers: [CONV1-$m]", []),
    ("vars: {n: 1}\nlayers: ['[RELU]*n']", []),
    ("vars: {n: 1}\nname: costs $n\nlayers: [RELU]", ["the variable `n` is never used"]),
    ("vars: {n: 1}\nlayers: [RELU]\ndefaults: {conv: {filters: $n}}", []),
    ("vars: {n: 1}\nlayers: [CONV1-4]\nblocks: {a: CONV1-$n}", ["the block `a` is never used"]),
    (
        "vars: {n: 1}\nblocks: {a: {vars: {n: }, layers: CONV1-$n}}\nlayers: [a-3]",
        ["the variable `n` is never used"],
    ),
    (
        "blocks: {a: {vars: {n: , m: 2*$n, k: }, layers: CONV1-$m}}\nlayers: [a: {n: 1, k: 2}]",
        ["the variable `k` of the block `a` is never used"],
    ),
    ("vars: {N: [1, 2], M: 2, x: 3}\npattern: INPUT -> [[RELU]*N -> POOL]*M\nwith: {POOL: {kernel_size: 2}}",
     ["the variable `x` is never used"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), UNUSED, ids=str)
def test_what_is_never_used_is_a_warning(text: str, found: list[str]) -> None:
    examination = read(text)
    assert [one.message for one in examination.diagnostics] == found
    assert {one.severity for one in examination.diagnostics} <= {"warning"}
    assert examination.ok


@pytest.mark.parametrize("levels", [16, 40])
def test_levels_of_blocks(levels: int) -> None:
    blocks = "".join(f"  b{n}: [b{n + 1}]\n" for n in range(levels)) + f"  b{levels}: RELU\n"
    found = read(f"blocks:\n{blocks}layers: [b0]")
    assert found.diagnostics == ()
    assert found.report.rows[-1].node.path == tuple(f"b{n}1" for n in range(levels + 1))


def test_blocks_nested_too_deep_are_refused() -> None:
    blocks = "".join(f"  b{n}: [b{n + 1}]\n" for n in range(70)) + "  b70: RELU\n"
    ((code, message),) = messages(f"blocks:\n{blocks}layers: [b0]")
    assert (code, message) == ("AC001", "repeats, branches and blocks are nested deeper than 64 levels, the limit")


def test_blocks_that_double_are_counted_before_they_are_laid_out() -> None:
    blocks = "".join(f"  b{n}: [b{n + 1}, b{n + 1}]\n" for n in range(40)) + "  b40: RELU\n"
    ((code, message),) = messages(f"blocks:\n{blocks}layers: [b0]")
    assert (code, message) == ("AC130", "this makes at least 131,072 layers; the limit is 100,000")


def test_a_hundred_thousand_passes_with_their_number() -> None:
    ((code, _),) = messages('layers: ["[[RELU]*($i // 90000)]*200000"]')
    assert code == "AC130"


@pytest.mark.parametrize(
    ("layers", "limit"),
    [
        ("{repeat: $n, layers: [{fc: {units: $i}}]}", 10_000),
        ("{repeat: $n, layers: [{fc: {units: $i}}, RELU]}", 5_000),
        ("{repeat: 2, layers: [{repeat: $n, layers: [{fc: {units: $i}}]}]}", 10_000),
        ("{repeat: $n, layers: [{fc: {units: 1}}]}", 100_000),
        ("{repeat: 3, layers: [{fc: {units: $i}}]}, {repeat: $n, layers: [{fc: {units: $i}}]}", 9_997),
        ("{repeat: 10, name: r, layers: [{fc: {units: $r}}, {repeat: $n, layers: [{fc: {units: $i}}]}]}", 999),
    ],
)
def test_passes_that_differ_have_a_limit_of_their_own(layers: str, limit: int) -> None:
    """A layer that is like none before takes ten times as long: 89 bytes made 99,000 of them, in 2.6 s and 210 MiB."""
    text = f"input: 1x1x1\nvars: {{n: 1}}\nlayers: [{layers}]\n"
    program = compile_text(text)
    assert program.document({"n": limit}).problems == ()
    (found,) = program.document({"n": limit + 1}).problems
    assert found.code == "AC130"
    assert ("differ" in found.message) == (limit <= 10_000)
