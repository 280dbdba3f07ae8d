"""Patterns at the edges of the notation: places, limits, and which word a run of letters is."""

import pytest

from archcalc.architecture import examine
from archcalc.diagnostics import Refusal, Span
from archcalc.language.pattern import is_pattern, parse_pattern
from archcalc.language.specfile import SpecText
from archcalc.reader.nodes import MAX_NODES, Mapping, Scalar, Sequence, Value


def parsed(text: str) -> Sequence:
    return parse_pattern(Scalar(text, Span(1, 1, 1, 1 + len(text))), [text])


def refused(text: str) -> tuple[str, Span]:
    with pytest.raises(Refusal) as caught:
        parsed(text)
    return caught.value.diagnostic.message, caught.value.diagnostic.span


def entries(node: Value) -> dict[str, Value]:
    assert isinstance(node, Mapping)
    return {key.text: value for key, value in node.entries}


def places(text: str) -> dict[str, tuple[str, int, int]]:
    """The values of a one-layer pattern, with their first column and the one behind the last."""
    (found,) = entries(parsed(text).items[0]).values()
    return {key: (one.text, one.span.column, one.span.end_column) for key, one in entries(found).items()}  # type: ignore[union-attr]


def test_every_number_has_its_place() -> None:
    assert places("INPUT[224x112 x 3]") == {
        "width": ("224", 7, 10),
        "height": ("112", 11, 14),
        "channels": ("3", 17, 18),
    }
    assert places("CONV7x1-64s2p3") == {
        "kernel_size": ("7x1", 5, 8),
        "filters": ("64", 9, 11),
        "stride": ("2", 12, 13),
        "padding": ("3", 14, 15),
    }
    assert places("CONV($f)x1-(4*$k)") == {"kernel_size": ("($f)x1", 5, 11), "filters": ("(4*$k)", 12, 18)}
    assert places("CONV3x($f + 2)-8") == {"kernel_size": ("3x($f + 2)", 5, 15), "filters": ("8", 16, 17)}
    assert places("CONV($f)x($g)-8")["kernel_size"] == ("($f)x($g)", 5, 14)


def test_counts_have_their_place() -> None:
    for count, column in (("3", 9), ("$n", 9), ("($n + 1)", 9), (" 12", 10)):
        (node,) = parsed(f"[RELU] *{count}".replace(" *", "*", 1)).items
        found = entries(node)["repeat"]
        assert isinstance(found, Scalar)
        assert (found.text, found.span.column) == (count.strip(), column - 1)
    (node,) = parsed("[RELU]*n").items
    assert entries(node)["repeat"].text == "$n"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("run", "type", "values"),
    [
        ("CONV1d3-8", "conv", {"kernel_size": "1", "dilation": "3", "filters": "8"}),
        ("CONV1D3-8", "conv1d", {"kernel_size": "3", "filters": "8"}),
        ("conv3-8", "conv", {"kernel_size": "3", "filters": "8"}),
        ("DWCONV3s2p1", "dwconv", {"kernel_size": "3", "stride": "2", "padding": "1"}),
        ("RELU6", "relu6", {}),
        ("Relu", "relu", {}),
        ("CONV3-8psame", "conv", {"kernel_size": "3", "filters": "8", "padding": "same"}),
        ("CONV3-1_024", "conv", {"kernel_size": "3", "filters": "1_024"}),
        ("GAP", "gap", {}),
        ("NOSUCH3", "NOSUCH", {}),
        ("NO_SUCH", "NO_SUCH", {}),
    ],
)
def test_words(run: str, type: str, values: dict[str, str]) -> None:
    ((name, found),) = entries(parsed(run).items[0]).items()
    assert (name, {key: one.text for key, one in entries(found).items()}) == (type, values)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "message", "span"),
    [
        ("CONV3- 64", "an arrow `->` is expected here", (1, 6, 1, 7)),
        ("CONV3-64s", "a number is expected after `s`", (1, 9, 1, 10)),
        ("CONV3-64s2s3", "stride is given twice", (1, 11, 1, 12)),
        ("CONV3-64q2", "CONV does not take the suffix `q`; it takes `-`, `s`, `p`, `d`, `g`", (1, 9, 1, 10)),
        ("[RELU", "this `[` is not closed", (1, 1, 1, 2)),
        ("RELU]", "this `]` closes nothing", (1, 5, 1, 6)),
        ("RELU -> ", "nothing follows this arrow", (1, 6, 1, 7)),
        ("RELU*2", "only a group is repeated", (1, 5, 1, 6)),
        ("[RELU]*2*3", "only a group is repeated", (1, 9, 1, 10)),
        ("[" + "[RELU] -> " * 70 + "[RELU", "this `[` is not closed", (1, 702, 1, 703)),
        ("[RELU]?", "only a layer can be optional, not a group", (1, 7, 1, 8)),
        ("RELU?*2", "only a group is repeated", (1, 6, 1, 7)),
        ("[RELU]*", "a number or a variable is expected after `*`", (1, 7, 1, 8)),
        ("INPUT[3x3]", "the input is width x height x channels, like INPUT[224x224x3]", (1, 6, 1, 11)),
        ("INPUT[3x3x3", "this `[` is not closed", (1, 6, 1, 7)),
        ("[" * 65, "groups are nested deeper than 64 levels, the limit", (1, 65, 1, 66)),
        ("-> RELU", "`-` stands where a layer is expected", (1, 1, 1, 2)),
        ("\x01", "the character U+0001 stands where a layer is expected", (1, 1, 1, 2)),
    ],
)
def test_refused(text: str, message: str, span: tuple[int, int, int, int]) -> None:
    assert refused(text) == (message, span)


def test_as_many_steps_as_nodes() -> None:
    assert len(parsed(" -> ".join(["RELU"] * MAX_NODES)).items) == MAX_NODES
    message, _ = refused(" -> ".join(["RELU"] * (MAX_NODES + 1)))
    assert message == f"the pattern has more than {MAX_NODES:,} steps, the limit"


def test_a_pattern_that_is_read_is_the_network() -> None:
    found = examine(SpecText("x", "INPUT[8x8x2] - CONV1d3-4 - [RELU]*2 \u2192 FC-3", pattern=True))
    assert found.fits
    assert [row.node.layer.label for row in found.report.rows[1:]] == ["CONV1-4d3", "RELU", "RELU", "FC-3"]


def test_what_is_a_pattern_on_the_command_line() -> None:
    assert [is_pattern(one) for one in ("A -> B", "A\u2192B", "A - B", "zoo:vgg16")] == [True, True, False, False]
