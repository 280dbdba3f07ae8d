"""Joins of branches: how they are written, what they give, and what is said where they do not match."""

import pytest

from archcalc.architecture import Examination, examine
from archcalc.formats.check.text import finding
from archcalc.language.specfile import SpecText


def read(layers: str, *, input: str = "56x56x64", head: str = "") -> Examination:
    return examine(SpecText("spec.yaml", f"input: {input}\n{head}layers:\n{layers}"))


def good(layers: str, *, input: str = "56x56x64", head: str = "") -> Examination:
    found = read(layers, input=input, head=head)
    assert found.diagnostics == ()
    return found


def messages(found: Examination) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in found.diagnostics]


def shown(found: Examination) -> str:
    """All findings as text."""
    return "".join(finding(found.path, one, found.document.lines) for one in found.diagnostics)


JOINS = [
    ('add: [[], "CONV3-64p1 -> BN"]', (56, 56, 64)),
    ("add: [[], [CONV3-64p1, bn: {}]]", (56, 56, 64)),
    ("add: [[], conv: {filters: 64, kernel_size: 1}]", (56, 56, 64)),
    ("add: {branches: [[], CONV1-64]}", (56, 56, 64)),
    ("add: [[], [], []]", (56, 56, 64)),
    ("concat: [CONV1-8, CONV3-16p1, POOL3s1p1]", (56, 56, 88)),
    ("concat: [[], [concat: [[], CONV1-1]]]", (56, 56, 129)),
    ('multiply: [[], "GAP -> CONV1-64 -> SIGMOID"]', (56, 56, 64)),
    ('multiply: ["GAP -> CONV1-64 -> SIGMOID", []]', (56, 56, 64)),
    ("multiply: [[], CONV1-64]", (56, 56, 64)),
    ('concat: ["CONV3-8s2p1", "POOL2"]', None),
]


@pytest.mark.parametrize(("join", "output"), JOINS[:-1], ids=str)
def test_joins(join: str, output: tuple[int, int, int]) -> None:
    assert good(f"  - {join}").report.output == output


def test_inputs_join_layers_by_name() -> None:
    found = good("""
  - conv: {name: left, filters: 8, kernel_size: 1}
  - conv: {name: right, filters: 16, kernel_size: 1, from: input}
  - concat: {name: both, inputs: [left, right, input]}
  - add: {branches: [[], CONV1-88], inputs: [both]}
""")
    graph = found.report.graph
    assert [graph.nodes[one].name for one in graph.nodes[3].inputs] == ["left", "right", "input"]
    assert [graph.nodes[one].name for one in graph.nodes[-1].inputs] == ["both", "conv1", "both"]
    assert found.report.output == (56, 56, 88)


def test_from_stands_on_layers_joins_repeats_and_blocks() -> None:
    head = "blocks: {twice: RELU -> RELU}\n"
    found = good(
        """
  - conv: {name: stem, filters: 8, kernel_size: 1}
  - CONV1-16
  - relu: {name: again, from: stem}
  - add: {name: sum, from: stem, branches: [[], CONV3-8p1]}
  - repeat: 2
    name: body
    from: stem
    layers: [CONV1-4]
  - twice: {name: pair, from: sum}
  - concat: {inputs: [conv1, again, body, body1.conv1, pair]}
""",
        head=head,
    )
    graph = found.report.graph
    reads = {node.name: [graph.nodes[one].name for one in node.inputs] for node in graph.nodes}
    assert reads["again"] == ["stem"]
    assert reads["sum"] == ["stem", "conv2"]
    assert reads["conv2"] == ["stem"]
    assert reads["body1.conv1"] == ["stem"]
    assert reads["body2.conv1"] == ["body1.conv1"]
    assert reads["pair.relu1"] == ["sum"]
    assert reads["concat1"] == ["conv1", "again", "body2.conv1", "body1.conv1", "pair.relu2"]


def test_a_branch_may_read_an_earlier_branch() -> None:
    found = good("""
  - concat:
      - [conv: {name: one, filters: 8, kernel_size: 1}]
      - [conv: {name: two, filters: 4, kernel_size: 1, from: one}]
""")
    assert found.report.graph.nodes[2].inputs == (1,)


def test_mismatch_in_channels() -> None:
    assert (
        shown(read("  - add:\n      - []\n      - CONV1-256 -> BN"))
        == """\
spec.yaml:5:9: error[AC301]: add: branch 2 does not match branch 1
  |
4 |       - []
  |         -- branch 1: [56x56x64]
5 |       - CONV1-256 -> BN
  |         ^^^^^^^^^^^^^^^ branch 2: [56x56x256]
  = add sums element by element: width, height and channels must agree; channels differ (64, 256)
  help: give branch 1 `CONV1-256`, or join with `concat` (-> [56x56x320])
  help: or give branch 2 `CONV1-64`
"""
    )


def test_mismatch_in_size() -> None:
    assert (
        shown(read("  - concat:\n      - []\n      - CONV3-64s2p1", head="rounding: floor\n"))
        == """\
spec.yaml:6:9: error[AC301]: concat: branch 2 does not match branch 1
  |
5 |       - []
  |         -- branch 1: [56x56x64]
6 |       - CONV3-64s2p1
  |         ^^^^^^^^^^^^ branch 2: [28x28x64]
  = concat stacks channels: width and height must agree; width differs (56, 28), height differs (56, 28)
  help: give branch 1 `POOL2`
"""
    )


REPAIRS = [  # branches, note's end, help
    ("[], CONV3-128s2p1", "channels differ (64, 128)", ["give branch 1 `CONV1-128s2` with `rounding: floor`"]),
    (
        "[], CONV1-64, CONV1-32",
        "channels differ (64, 32)",
        ["give branch 3 `CONV1-64`, or join with `concat` (-> [56x56x160])"],
    ),
    (
        "[], CONV1-32, CONV1-32",
        "channels differ (64, 32)",
        ["give branch 1 `CONV1-32`, or join with `concat` (-> [56x56x128])"],
    ),
    ("[], CONV1-32, CONV1-16", "channels differ (64, 32)", []),
    ("[], CONV3x1-64", "width differs (56, 54)", []),
    ("[], CONV1-64s8", "width differs (56, 7), height differs (56, 7)", []),
]


def test_the_repair_of_a_gate() -> None:
    (found,) = read('  - multiply: [[], "GAP -> CONV1-32"]').diagnostics
    assert found.help == ("give branch 2 `CONV1-64`",)
    good('  - multiply: [[], "GAP -> CONV1-32 -> CONV1-64"]')


@pytest.mark.parametrize(("branches", "differ", "help"), REPAIRS, ids=str)
def test_only_repairs_that_work_are_offered(branches: str, differ: str, help: list[str]) -> None:
    (found,) = read(f"  - add: [{branches}]", head="rounding: floor\n").diagnostics
    assert found.code == "AC301"
    assert found.notes[0].endswith(differ)
    assert list(found.help) == help


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[], CONV3-128s2p1", "[CONV1-128s2], CONV3-128s2p1"),
        ("[], CONV1-64, CONV1-32", "[], CONV1-64, CONV1-32 -> CONV1-64"),
    ],
)
def test_the_repairs_do_work(before: str, after: str) -> None:
    assert read(f"  - add: [{before}]", head="rounding: floor\n").diagnostics
    good(f"  - add: [{after}]", head="rounding: floor\n")


def test_multiply_stretches_only_single_pixels() -> None:
    ((code, message),) = messages(read("  - multiply: [[], AVGPOOL28 -> SIGMOID]"))
    assert (code, message) == ("AC301", "multiply: branch 2 does not match branch 1")
    ((code, message),) = messages(read('  - multiply: [[], "GAP -> CONV1-32"]'))
    assert (code, message) == ("AC301", "multiply: branch 2 does not match branch 1")


WRONG = [
    ("add: []", "AC101", "add joins at least two branches; here are none"),
    ("add: [[]]", "AC101", "add joins at least two branches; here is one"),
    ("add: {inputs: [input]}", "AC101", "add joins at least two branches; here is one"),
    ("add: CONV1-3", "AC101", "add takes a list of branches, not `CONV1-3`"),
    ("add: {branches: 3}", "AC101", "branches is a list of lists, not `3`"),
    ("add: {inputs: input}", "AC101", "inputs is a list of names, not `input`"),
    ("add: {inputs: [input, 3]}", "AC107", "`3` is no name"),
    ("add: {branch: [[], []]}", "AC102", "add has no key `branch`"),
    ("eltwise: [[], []]", "AC105", "there is no layer type `eltwise`"),
    ("relu: {from: relu7}", "AC303", "no layer is named `relu7`"),
]


@pytest.mark.parametrize(("layer", "code", "message"), WRONG, ids=str)
def test_what_is_no_join(layer: str, code: str, message: str) -> None:
    assert (code, message) in messages(read(f"  - {layer}"))


def test_what_follows_from_an_unreadable_branch_is_not_reported() -> None:
    assert messages(read("  - add: [CONV1-64 ->, CONV1-32]\n  - POOL3s2")) == [
        ("AC106", "nothing follows this arrow"),
    ]


def test_an_unknown_name() -> None:
    assert (
        shown(read("  - conv: {name: stem, filters: 8, kernel_size: 1}\n  - relu: {from: sten}"))
        == """\
spec.yaml:4:18: error[AC303]: no layer is named `sten`
  |
4 |   - relu: {from: sten}
  |                  ^^^^
  help: did you mean `stem`?
"""
    )


def test_a_forward_reference() -> None:
    layers = """\
  - concat:
      - [relu: {from: right}]
      - [tanh: {name: right}]
"""
    assert (
        shown(read(layers))
        == """\
spec.yaml:4:23: error[AC306]: `right` stands later, on line 5
  |
4 |       - [relu: {from: right}]
  |                       ^^^^^
5 |       - [tanh: {name: right}]
  |          ---- `right`
  = `from` and `inputs` reach back only
"""
    )


def test_a_cycle() -> None:
    layers = """\
  - relu: {name: a, from: c}
  - RELU
  - add: {name: c, branches: [[], TANH]}
  - RELU
"""
    assert (
        shown(read(layers))
        == """\
spec.yaml:3:27: error[AC307]: a reads itself by way of `c`
  |
3 |   - relu: {name: a, from: c}
  |                           ^
5 |   - add: {name: c, branches: [[], TANH]}
  |     --- `c`
  = the cycle: a -> relu1 -> c -> a
"""
    )


def test_a_layer_that_reads_itself() -> None:
    (found,) = read("  - relu: {name: a, from: a}").diagnostics
    assert (found.code, found.message) == ("AC307", "a reads itself")
    assert found.notes == ("the cycle: a -> a",)


def test_a_long_cycle_is_shortened() -> None:
    (found,) = read('  - relu: {name: a, from: b}\n  - "[RELU]*20"\n  - tanh: {name: b}').diagnostics
    assert found.notes == ("the cycle: a -> relu1 -> relu2 -> relu3 -> ... -> relu20 -> b -> a",)


def test_a_name_that_is_given_twice() -> None:
    layers = "  - relu: {name: act}\n  - add:\n      - []\n      - [tanh: {name: act}]\n"
    assert (
        shown(read(layers))
        == """\
spec.yaml:6:23: error[AC302]: the name `act` is given twice, first on line 3
  |
3 |   - relu: {name: act}
  |                  --- first
6 |       - [tanh: {name: act}]
  |                       ^^^ again
"""
    )


@pytest.mark.parametrize(
    "layers",
    [
        "  - RELU\n  - tanh: {name: relu1}\n",
        "  - repeat: 2\n    layers: [relu: {name: a}, tanh: {name: a}]\n",
        "  - repeat: 2\n    layers: [add: [[], [relu: {name: a}]], tanh: {name: a}]\n",
        "  - repeat: 2\n    layers:\n      - relu: {name: a}\n      - repeat: 2\n        layers: [tanh: {name: a}]\n",
        "  - repeat: 2\n    name: stage\n    layers: [relu: {name: a}, tanh: {name: a}]\n",
        "  - add: {name: a, branches: [[], []]}\n  - relu: {name: a}\n",
    ],
)
def test_equal_names_are_noticed_everywhere(layers: str) -> None:
    assert [code for code, _ in messages(read(layers))] == ["AC302"]


def test_ten_thousand_branches() -> None:
    branches = ", ".join(["CONV1-1"] * 10_000)
    assert good(f"  - concat: [{branches}]", input="2x2x1").report.output == (2, 2, 10_000)


def test_sixteen_levels_of_branches() -> None:
    text = "[]"
    for _ in range(16):
        text = f"[], [add: [{text}, RELU]]" if text != "[]" else "[], RELU"
    found = good(f"  - concat: [{text}]", input="2x2x1")
    assert found.report.output == (2, 2, 2)
    assert len(found.report.rows) == 2 + 2 * 15 + 1
