"""Expectations: what holds, what is missed and by how much, what cannot be read."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.architecture import examine
from archcalc.checks.expect import KEYS
from archcalc.checks.figures import Wanted, difference, read_count, read_figure
from archcalc.checks.quantities import QUANTITIES
from archcalc.diagnostics import Diagnostic
from archcalc.language.specfile import SpecText
from archcalc.units import read_size

# 3*3*3*12 + 12 + 16*16*12*10 + 10 = 31,066 parameters; 5x5 windows would see another field
TOY = """\
input: 32x32x3
layers:
  - conv: {name: stem, filters: 12, kernel_size: 3, padding: 1}
  - relu
  - pool: {name: p1, kernel_size: 2}
  - FC-10
expect:
"""


def expecting(line: str, spec: str = TOY) -> list[Diagnostic]:
    return list(examine(SpecText("spec", f"{spec}  {line}\n")).diagnostics)


MET = [
    "output: 1x1x10",
    "output: {p1: 16x16x12, fc1: 1 x 1 x 10}",
    "params: 31_066",
    "params: 31066",
    "params: 31.066K",
    "params: <= 31066",
    "params: < 31067",
    'params: ">= 31_066"',
    'params: "> 31_065"',
    "params: 31K .. 32K",
    "params: 31_066 .. 31_066",
    "params: 31K +- 1%",
    "params: 31K +-0.22%",
    "params: 31000 +- 66",
    "params: 31_132 +/- 66",
    "params: 31_132 \u00b1 66",
    "weights: 31_044",
    "macs: 362_496",
    "flops: 700K .. 800K",
    "activations: 18442",
    "activation_memory: 72 KiB .. 73 KiB",
    "activation_memory: <= 74 kB",
    "activation_memory: 73768 B",
    "activation_memory: 147536 B at batch 2",
    "activation_memory: 73768 B at batch 2\ntraining: {batch: 8, dtype: float16}",
    "activation_memory: 295072 B\ntraining: {batch: 8, dtype: float16}",
    "inference_memory: 222_568 B",
    "training_memory: 531_248 B",
    "training_memory: <= 691_040 B at batch 2",
    "max_batch: 60 at 10 MB",
    "receptive_field: 34",
    "receptive_field: 34x34",
    "receptive_field: {p1: 4, stem: 3x3}",
    'receptive_field: ">= 32"',
]

MISSED = [
    ("output: 1x1x11", "8:11", "output is [1x1x10], expected [1x1x11]: channels: 1 (9.1%) less"),
    (
        "output: {p1: 8x16x24}",
        "8:16",
        "output of p1 is [16x16x12], expected [8x16x24]: width: 8 (100%) more, channels: 12 (50%) less",
    ),
    ("params: 31_000", "8:11", "params is 31,066, expected 31_000: 66 (0.2%) more"),
    ("params: <= 30K", "8:11", "params is 31,066, expected <= 30K: 1,066 (3.6%) more"),
    ("params: < 31066", "8:11", "params is 31,066, expected < 31066: 1 (<0.1%) more"),
    ('params: ">= 32K"', "8:11", "params is 31,066, expected >= 32K: 934 (2.9%) less"),
    ('params: "> 31066"', "8:11", "params is 31,066, expected > 31066: 1 (<0.1%) less"),
    ("params: 32K .. 33K", "8:11", "params is 31,066, expected 32K .. 33K: 934 (2.9%) less"),
    ("params: 30K .. 31K", "8:11", "params is 31,066, expected 30K .. 31K: 66 (0.2%) more"),
    ("params: 31K +- 0.2%", "8:11", "params is 31,066, expected 31K +- 0.2%: 66 (0.2%) more"),
    ("params: 31_000 +- 65", "8:11", "params is 31,066, expected 31_000 +- 65: 66 (0.2%) more"),
    ("params: 0", "8:11", "params is 31,066, expected 0: 31,066 more"),
    ("macs: 1M", "8:9", "macs is 362,496, expected 1M: 637,504 (63.8%) less"),
    (
        "activation_memory: <= 64 KiB",
        "8:22",
        "activation_memory is 72.04 KiB, expected <= 64 KiB: 8.04 KiB (12.6%) more",
    ),
    ("receptive_field: 32", "8:20", "receptive_field is 34, expected 32: 2 (6.3%) more"),
    (
        "receptive_field: 34x32",
        "8:20",
        "receptive_field is 34, expected 34x32: height: 2 (6.3%) more",
    ),
    ("receptive_field: {p1: 5}", "8:25", "receptive_field of p1 is 4, expected 5: 1 (20%) less"),
]

MALFORMED = [
    ("params: 31 thousand", "params: `31 thousand` is no count, like `138_357_544` or `25.6M`"),
    ("params: 31,066", "params: write `31_066`, or `31066`"),
    ("params: 1.5", "params: `1.5` is not a whole number"),
    ("params: -3", "params: `-3` is no count, like `138_357_544` or `25.6M`"),
    ("params: 1e6", "params: `1e6` is no count, like `138_357_544` or `25.6M`"),
    ("params: 5 MiB", "params: `5 MiB` is no count, like `138_357_544` or `25.6M`"),
    ("params: 9999999999T", "params: a number has at most 18 digits"),
    ("params: 2M .. 1M", "params: nothing is in a range from 2M down to 1M"),
    ("params: <= <= 1", "params: `<= 1` is no count, like `138_357_544` or `25.6M`"),
    ("params: <=", "params: nothing is no count, like `138_357_544` or `25.6M`"),
    ("params: 1M at batch 4", "params: `at batch 4` is not expected here"),
    ("params: ''", "params: nothing is expected"),
    ("params: [1, 2]", "params: a list stands where a figure is expected"),
    ("params: >5", "params: YAML reads this `>` as a folded text; quote it"),
    ("output: 1x10", "output: `1x10` has no channels: a volume is width x height x channels"),
    ("output: {pool: 1x1x10}", "output: no layer is named `pool`"),
    ("receptive_field: wide", "receptive_field: `wide` is no count, like `138_357_544` or `25.6M`"),
    (
        "activation_memory: 1 KiB at noon",
        "activation_memory: `at noon` is not expected here; write `at batch 64`",
    ),
    ("max_batch: 5", "max_batch: of which memory? write `64 at 11 GiB`"),
]


@pytest.mark.parametrize("line", MET)
def test_met(line: str) -> None:
    assert expecting(line) == []


@pytest.mark.parametrize(("line", "place", "message"), MISSED)
def test_missed(line: str, place: str, message: str) -> None:
    (one,) = expecting(line)
    assert (one.code, one.severity) == ("AC401", "error")
    assert f"{one.span.line}:{one.span.column}" == place
    assert one.message == message


@pytest.mark.parametrize(("line", "message"), MALFORMED)
def test_malformed(line: str, message: str) -> None:
    (one,) = expecting(line)
    assert (one.code, one.severity, one.message) == ("AC402", "error", message)
    assert one.notes or "no layer" in message


@pytest.mark.parametrize("size", ["11 G", "1000", "5 parsecs"])
def test_sizes_need_a_unit(size: str) -> None:
    with pytest.raises(ValueError) as error:
        read_size(size)
    (one,) = expecting(f"activation_memory: <= {size}")
    assert (one.code, one.message) == ("AC402", f"activation_memory: {error.value}")
    assert one.notes == ('accepted are `11 GiB`, `<= 11 GiB`, `">= 11 GiB"`, `10 GiB .. 12 GiB`, `11 GiB +- 1%`',)


def test_what_is_accepted_is_said_and_is_accepted() -> None:
    (one,) = expecting("params: x")
    (note,) = one.notes
    assert note == 'accepted are `5M`, `<= 5M`, `">= 5M"`, `4M .. 6M`, `5M +- 1%`'
    for text in note.removeprefix("accepted are ").split(", "):
        assert {found.code for found in expecting(f"params: {text.strip('`')}")} <= {"AC401"}


def test_a_rounded_figure_is_exact_and_the_help_holds() -> None:
    (one,) = expecting("params: 31K")
    assert one.help == ("a rounded figure needs a tolerance: `31K +- 1%`",)
    assert expecting("params: 31K +- 1%") == []
    assert expecting("params: 30K")[0].help == ()


@pytest.mark.parametrize(
    ("word", "meant"),
    [("macz", "macs"), ("output_shape", "output"), ("zzz", "")],
)
def test_unknown_key(word: str, meant: str) -> None:
    (one,) = expecting(f"{word}: 3")
    assert (one.code, one.message) == ("AC102", f"expect has no key `{word}`")
    assert one.help == ((f"did you mean `{meant}`?",) if meant else ())
    assert one.reference == f"expect takes: {', '.join(KEYS)}"


def test_a_synonym_of_a_figure() -> None:
    assert expecting("parameters: 3")[0].help == ("here it is `params`",)


def test_expect_is_a_mapping() -> None:
    (one,) = examine(SpecText("spec", TOY.replace("expect:", "expect: 5"))).diagnostics
    assert (one.code, one.message) == ("AC101", "expect is a mapping, not `5`")


@pytest.mark.parametrize("text", [">= 5M", "> 5M", ">5M"])
def test_yaml_takes_a_leading_greater_for_a_folded_text(text: str) -> None:
    (one,) = expecting(f"params: {text}")
    assert one.code == "AC010"
    assert one.message == "a comparison that begins with `>` must be quoted; YAML reads a folded text"
    assert one.help == (f'write "{text}"',)
    assert [found.code for found in expecting(f'params: "{text}"')] == ["AC401"]


def test_what_is_not_known_does_not_pass() -> None:
    spec = "input: 32x32x3\nlayers:\n  - concat: [[GAP], [POOL32]]\n  - CONV1-4\nexpect:\n"
    found = expecting("receptive_field: 3", spec)
    assert [one.code for one in found] == ["AC403"]
    assert found[0].message == "receptive_field is not known: branches with different strides meet before it"


def test_a_network_that_does_not_fit_is_not_held_against_expectations() -> None:
    spec = TOY.replace("kernel_size: 2", "kernel_size: 3")
    assert [one.code for one in expecting("params: 5", spec)] == ["AC201"]
    assert [one.code for one in expecting("params: five", spec)] == ["AC201", "AC402"]
    assert [one.code for one in expecting("output: {nobody: 1x1x1}", spec)] == ["AC201"]
    nothing = "input: 8x8x3\nlayers: 5x\nexpect:\n"  # no network at all
    assert [one.code for one in expecting("output: 1x1x1", nothing)] == ["AC106"]
    assert [one.code for one in expecting("params: 5", TOY.replace("padding", "paddle"))] == ["AC102"]


def test_repeated_names_and_overrides() -> None:
    text = SpecText("spec", f"{TOY}  output: 1x1x10\n  params: 31_066\n")
    assert examine(text).ok
    found = examine(text, input="64x64x3").diagnostics
    assert [one.message for one in found] == ["params is 123,226, expected 31_066: 92,160 (296.7%) more"]


def test_other_commands_take_a_network_that_misses_its_expectations(tmp_path: Path) -> None:
    spec = tmp_path / "toy.yaml"
    spec.write_text(TOY + "  params: 5\n")
    assert archcalc.load(spec).analyze().totals.params == 31_066
    assert [one.code for one in archcalc.check(spec)] == ["AC401"]
    for command, words, code in (
        (["check"], b"AC401", 1),
        (["report", "--format", "json"], b'"schema_version"', 1),
        (["convert", "--fc-to-conv"], b"filters: 10", 0),
        (["diff", str(spec)], b"", 0),
    ):
        run = subprocess.run([sys.executable, "-m", "archcalc", *command, str(spec)], capture_output=True, check=False)
        assert run.returncode == code, command
        assert words in run.stdout
        assert b"AC401" in run.stdout + run.stderr or command[0] == "diff"


@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_a_range_holds_between_its_ends(low: int, value: int) -> None:
    high = low + 1000
    missed = bool(difference(value, read_figure(f"{low} .. {high}", read_count)))
    assert missed == (not low <= value <= high)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 99_999))
def test_a_tolerance_is_exact(about: int, value: int, thousandths: int) -> None:
    """Against cross-multiplied integers: |value - about| <= about * p / 100."""
    whole, rest = divmod(thousandths, 1000)
    wanted = read_figure(f"{about} +- {whole}.{rest:03}%", read_count)
    assert (difference(value, wanted) == "") == (abs(value - about) * 100_000 <= about * thousandths)


@given(st.integers(0, 10**9), st.sampled_from(["<=", ">=", "<", ">"]), st.integers(0, 10**9))
def test_comparisons(bound: int, sign: str, value: int) -> None:
    holds = {"<=": value <= bound, ">=": value >= bound, "<": value < bound, ">": value > bound}[sign]
    assert (difference(value, read_figure(f"{sign} {bound}", read_count)) == "") == holds


@given(st.text(alphabet="0123456789.KMGTiB<>=+-% ", max_size=14))
def test_a_figure_is_read_or_refused_in_words(text: str) -> None:
    for read in (read_count, read_size):
        said = ""
        try:
            assert isinstance(read_figure(text, read), Wanted)
        except ValueError as error:
            said = str(error)
        assert "literal" not in said


def test_memory_is_planned_as_the_spec_trains() -> None:
    (one,) = expecting("training_memory: <= 500 kB")
    assert one.message == "training_memory is 518.8 KiB, expected <= 500 kB: 30.52 KiB (6.2%) more"
    spec = TOY.replace("expect:", "training: {optimizer: sgd, dtype: float16}\nexpect:")
    # parameters and fc's gradients of 2 bytes; the pool's backward pass, where indices and the class keep their 8
    held = 31_066 + 30_730 + 3_072 + 12_288 + 3_072 + 12_288 + 10
    assert expecting(f"training_memory: {2 * held + 8 * 3_072 + 8 + 2 * 4} B", spec) == []
    spec = TOY.replace("expect:", "training: {dtype: int8}\nexpect:")
    (one,) = expecting("training_memory: <= 11 GiB", spec)
    assert (one.code, one.message) == ("AC403", "training_memory is not known: int8 cannot be trained")
    spec = TOY.replace("FC-10", "LOCAL1-1")
    (one,) = expecting("max_batch: 60 at 10 MB", spec)
    assert one.message == "max_batch is not known: what autograd keeps of local1 is not known"


def test_every_key_is_tested() -> None:
    tested = {line.split(":")[0] for line in [*MET, *(one[0] for one in MALFORMED)]}
    assert set(KEYS) == tested
    assert set(QUANTITIES) < set(KEYS)
