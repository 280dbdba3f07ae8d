"""What a fuzzer found is found no more, and the generator still makes specs of which many are right."""

from pathlib import Path

import pytest

from archcalc.interop import readers
from archcalc.reader.source import parse
from fuzz.files import FILES, made, read
from fuzz.grammar import Bytes, pattern, spec
from fuzz.targets import TARGETS, check
from fuzz.yamls import yaml

SEEDS = sorted((Path(__file__).parent / "seeds").glob("*-*"))
TIMES = 150  # files of each reader


@pytest.mark.parametrize("seed", SEEDS, ids=[path.stem for path in SEEDS])
def test_a_finding_stays_mended(seed: Path) -> None:
    target = seed.name.partition("-")[0]
    if target in FILES:
        read(target, seed.read_bytes())
    else:
        TARGETS[target](seed.read_bytes().decode("utf-8", "surrogatepass"))


def texts(count: int) -> list[bytes]:
    """Bytes without a pattern, the same in every run."""
    import random

    chance = random.Random(20261125)
    return [chance.randbytes(600) for _ in range(count)]


def test_the_grammar_is_a_function_of_its_bytes() -> None:
    for data in texts(20):
        assert spec(Bytes(data)) == spec(Bytes(data))
    assert len({spec(Bytes(data)) for data in texts(50)}) > 45  # two short ones may be the same
    assert spec(Bytes(b"")).startswith("input: 8x8x3\n")


def test_many_of_its_specs_are_right_and_many_are_wrong() -> None:
    fit = [check(spec(Bytes(data))).fits for data in texts(200)]
    assert 20 <= sum(fit) <= 150
    fit = [check(pattern(Bytes(data)), pattern=True).fits for data in texts(200)]
    assert 20 <= sum(fit) <= 150


@pytest.mark.parametrize("target", list(TARGETS))
def test_some_of_each(target: str) -> None:
    for data in texts(40):
        TARGETS[target]({"pattern": pattern, "reader": yaml}.get(target, spec)(Bytes(data)))


def test_some_of_its_yaml_is_right() -> None:
    read = [parse(yaml(Bytes(data)))[0] for data in texts(400)]
    assert 100 <= sum(root is not None for root in read) <= 300


@pytest.mark.parametrize("format", FILES)
def test_a_broken_file_is_a_finding(format: str) -> None:
    files = [made(format, Bytes(data)) for data in texts(TIMES)]
    assert len(set(files)) > TIMES // 2
    whole = sum(read(format, data) for data in files)
    assert TIMES // 50 < whole < TIMES * 3 // 4, "some mutations break a file, most do not break its syntax"


def test_every_reader_is_fuzzed() -> None:
    assert set(FILES) == set(readers())
