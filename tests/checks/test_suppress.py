"""Comments that hide warnings, and what is said about those that hide nothing."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.architecture import examine
from archcalc.checks.suppress import suppress
from archcalc.diagnostics import Diagnostic, Span, headline
from archcalc.language.specfile import SpecText
from archcalc.reader.source import parse
from archcalc.reader.text import split_lines

HEAD = "input: 8x8x3\nlayers: [relu]\n"


def found(text: str, *, pattern: bool = False) -> list[str]:
    return [headline("net", one) for one in examine(SpecText("net", text, pattern)).diagnostics]


@pytest.mark.parametrize(
    "blocks",
    [
        "blocks:\n  spare: [relu]  # archcalc: disable-line=AC109\n",
        "blocks:\n  spare: [relu]  #archcalc:disable-line=AC109\n",
        "blocks:\n  spare: [relu]  # kept # archcalc: disable-line=AC109 for the next paper\n",
        "blocks:\n  spare: [relu]  # archcalc: disable-line=AC109 see #12\n",
        "blocks:\n  # archcalc: disable-next-line=AC109\n  spare: [relu]\n",
        "blocks:\n  # archcalc: disable-next-line=AC109\n\n  # spare is\n  spare: [relu]\n",
        "# archcalc: disable=AC109\nblocks:\n  spare: [relu]\n",
        "# archcalc: disable=AC109\nblocks:\n  spare: [relu]\n  other: [relu]\n# archcalc: enable=AC109\n",
        "blocks:\n  spare:  # archcalc: disable-line=AC109\n    - |  # ordinary\n      relu\n",
    ],
)
def test_hidden(blocks: str) -> None:
    assert found(HEAD + blocks) == []


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (
            "blocks:\n  spare: [relu]  # archcalc: disable-line=AC108\n",
            [
                "net:4:3: warning[AC109]: the block `spare` is never used",
                "net:4:30: warning[AC801]: `disable-line=AC108` hides no AC108",
            ],
        ),
        (
            "blocks:  # archcalc: disable-line=AC109\n  spare: [relu]\n",
            [
                "net:3:22: warning[AC801]: `disable-line=AC109` hides no AC109",
                "net:4:3: warning[AC109]: the block `spare` is never used",
            ],
        ),
        (
            "# archcalc: disable=AC109\n# archcalc: enable=AC109\nblocks:\n  spare: [relu]\n",
            [
                "net:3:13: warning[AC801]: `disable=AC109` hides no AC109",
                "net:6:3: warning[AC109]: the block `spare` is never used",
            ],
        ),
        (
            "# archcalc: enable=AC109\n",
            ["net:3:13: warning[AC801]: `enable=AC109` ends no `disable=AC109`"],
        ),
        (
            "# archcalc: disable-next-line=AC109\n",
            ["net:3:13: warning[AC801]: `disable-next-line=AC109` hides no AC109"],
        ),
        (
            "blocks:\n  spare: [relu]  # archcalc: disable-line=AC109,AC801\n",
            ["net:4:30: warning[AC801]: `disable-line=AC109,AC801` hides no AC801"],
        ),
        (
            "blocks:\n  spare: [relu]  # archcalc: disable-line\n",
            [
                "net:4:3: warning[AC109]: the block `spare` is never used",
                "net:4:30: warning[AC802]: `disable-line` is no comment archcalc knows",
            ],
        ),
        (
            "# archcalc: disable-file=AC109\n# archcalc: disable=all\n# archcalc: ignore=AC109\n# archcalc: disable=AC10\n",
            [
                "net:3:13: warning[AC802]: `disable-file=AC109` is no comment archcalc knows",
                "net:4:13: warning[AC802]: `disable=all` is no comment archcalc knows",
                "net:5:13: warning[AC802]: `ignore=AC109` is no comment archcalc knows",
                "net:6:13: warning[AC802]: `disable=AC10` is no comment archcalc knows",
            ],
        ),
    ],
)
def test_not_hidden(blocks: str, expected: list[str]) -> None:
    assert found(HEAD + blocks) == expected


def test_errors_are_not_hidden() -> None:
    text = "input: 224x224x3\nlayers:\n  - CONV11-96s4  # archcalc: disable-line=AC201\n"
    (error, unused) = examine(SpecText("net", text)).diagnostics
    assert headline("net", error) == "net:3:15: error[AC201]: conv1 does not fit: output width would be 54.25"
    assert unused.message == "`disable-line=AC201` hides no AC201"
    assert unused.notes == ("AC201 is an error here, and errors cannot be hidden",)


def test_a_code_that_is_none() -> None:
    (unused,) = examine(SpecText("net", HEAD + "# archcalc: disable=AC099\n")).diagnostics
    assert unused.notes == ("there is no rule AC099",)


@pytest.mark.parametrize(
    "scalar",
    [
        '"x # archcalc: disable-line=AC109"',
        "'x # archcalc: disable-line=AC109'",
        '"x\n  # archcalc: disable=AC109\n  y"',
        "|\n  x\n  # archcalc: disable=AC109\n",
        ">-\n  x\n\n  # archcalc: disable=AC109\n  y\n",
        "x#archcalc:disable=AC109",
    ],
)
def test_text_is_no_comment(scalar: str) -> None:
    text = f"blocks: {{spare: [relu]}}\nname: {scalar}\n{HEAD}"
    problems = examine(SpecText("net", text)).diagnostics
    assert [one.code for one in problems] == ["AC109"]


@pytest.mark.parametrize("header", ["|", ">", "|-", ">2"])
def test_a_comment_behind_the_header_of_a_block_scalar_is_one(header: str) -> None:
    text = f"{HEAD}name: {header}  # archcalc: disable=AC109\n  a name\nblocks: {{spare: [relu]}}\n"
    assert found(text) == []


def test_a_comment_below_a_block_scalar_is_one() -> None:
    assert found(f"{HEAD}blocks:\n  # archcalc: disable=AC109\n  spare: |\n    relu\n# archcalc: enable=AC109\n") == []
    assert found(f"{HEAD}name: |\n  a name\n# archcalc: disable=AC109\nblocks: {{spare: [relu]}}\n") == []


@pytest.mark.parametrize("comment", ["# archcalc: 1", "# archcalc: see the paper", "# archcalc check", "# archcalc:"])
def test_other_comments_are_left_alone(comment: str) -> None:
    assert found(f"{comment}\n{HEAD}") == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks(line_break: str) -> None:
    text = (HEAD + "blocks:\n  # archcalc: disable-next-line=AC109\n  spare: [relu]\n").replace("\n", line_break)
    assert found(text) == []


def test_a_pattern_has_no_comments() -> None:
    assert found("INPUT[8x8x3] -> RELU  # archcalc: disable=AC109", pattern=True)[0].startswith(
        "net:1:23: error[AC106]"
    )


def suppressed(
    text: str, found: list[Diagnostic], was_run: Callable[[str], bool] = lambda code: True
) -> list[Diagnostic]:
    return suppress(split_lines(text), parse(text)[0], found, was_run)


def test_text_that_cannot_be_read_hides_nothing() -> None:
    (one,) = found("layers: [\n# archcalc: disable=AC010\n")
    assert "error[AC010]" in one


def test_rules_that_were_not_run() -> None:
    text = HEAD + "# archcalc: disable=AC604,AC605\n"
    (one,) = suppressed(text, [], lambda code: code == "AC605")
    assert one.message == "`disable=AC604,AC605` hides no AC605"


TWICE = "input: 8x8x3\nlayers:\n  - CONV3-8p1 -> RELU -> RELU  {comment}\n"


@pytest.mark.parametrize(
    ("select", "comment", "codes"),
    [
        (("AC612",), "", ["AC612"]),
        (("AC612",), "# archcalc: disable-line=AC612", []),
        (("AC612",), "# archcalc: disable-line=AC604", ["AC612"]),  # not run, so perhaps needed
        (("AC612", "AC604"), "# archcalc: disable-line=AC604", ["AC612", "AC801"]),
        ((), "# archcalc: disable-line=AC612", []),
    ],
)
def test_advice_is_hidden(select: tuple[str, ...], comment: str, codes: list[str]) -> None:
    found = examine(SpecText("net", TWICE.format(comment=comment)), select=select)
    assert [one.code for one in found.diagnostics] == codes


def test_a_comment_for_advice_is_not_judged_while_there_are_errors() -> None:
    text = TWICE.format(comment="# archcalc: disable-line=AC612") + "lyers: 1\n"
    assert [one.code for one in examine(SpecText("net", text), select=None).diagnostics] == ["AC102"]


def test_every_finding_of_a_code_on_a_line_is_hidden() -> None:
    warnings = [Diagnostic("AC604", f"{n}", Span(1, n, 1, n + 1), "warning") for n in (1, 5)]
    others = [Diagnostic("AC604", "3", Span(2, 1, 2, 2), "warning"), Diagnostic("AC605", "4", Span(1, 1, 1, 2), "info")]
    kept = suppressed("a: b # archcalc: disable-line=AC604\nc: d\n", [*warnings, *others])
    assert kept == [others[1], others[0]]


texts = st.lists(
    st.sampled_from(
        ["a: b", "c: 'd", "'", '"', "|", "- x", "  ", "# archcalc: disable=AC109", "#archcalc:enable=AC109", "é", "\n"]
    ),
    max_size=12,
)


@given(texts.map(" ".join), st.booleans())
def test_any_text_is_read(text: str, severe: bool) -> None:
    """Nothing is invented, errors stay, and the order is that of the text."""
    one = Diagnostic("AC109", "it", Span(1, 1, 1, 2), "error" if severe else "warning")
    kept = suppressed(text, [one])
    assert one in kept or (not severe and "disable=AC109" in text)
    assert all(other == one or other.code in ("AC801", "AC802") for other in kept)
    assert [other.span for other in kept] == sorted(other.span for other in kept)


def test_a_comment_on_a_line_inside_of_a_block() -> None:
    text = """\
# archcalc: disable=AC109
blocks:
  one: [relu]
  two: [relu]  # archcalc: disable-line=AC109
  three: [relu]
# archcalc: disable=AC109
  four: [relu]
# archcalc: enable=AC109
  five: [relu]
"""
    assert found(text + HEAD) == [
        "net:6:13: warning[AC801]: `disable=AC109` hides no AC109",
        "net:9:3: warning[AC109]: the block `five` is never used",
    ]


def test_many_comments_are_read_quickly() -> None:
    """Scalars and comments are found by bisection: 15,000 of each would be 2 * 10^8 comparisons, a minute."""
    text = HEAD + "blocks:\n" + "".join(f"  b{n}: [relu]  # archcalc: disable-line=AC109\n" for n in range(15_000))
    begun = time.process_time()
    assert found(text) == []
    found("# archcalc: disable-next-line=AC109\n" * 25_000 + HEAD)
    assert time.process_time() - begun < 10


def test_the_page_shows_comments_that_work() -> None:
    from archcalc.checks.suppress import UNUSED_COMMENT
    from archcalc.diagnostics import CATALOGUE

    shown = re.findall("^    (# archcalc: .*)", CATALOGUE[UNUSED_COMMENT].text, re.MULTILINE)
    assert len(shown) == 4
    assert not [one for one in suppressed("\n".join(["a: b", *shown]), []) if one.code == "AC802"]
