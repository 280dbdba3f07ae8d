"""A spec that is compiled once gives the networks that reading it anew gives, in any order of asking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.diagnostics import Refusal
from archcalc.language import program as module
from archcalc.language.program import compile_text, read_document

BLOCKS = """
input: {width: $side, height: $side, channels: 3}
vars: {side: 32, width: 8, n: 2}
blocks:
  stage:
    vars: {filters: null, times: $n}
    layers:
      - repeat: $times
        layers:
          - conv: {filters: $filters * $i, kernel_size: 3, padding: 1}
          - BN -> RELU
      - POOL2
layers:
  - stage: {filters: $width}
  - stage: {filters: 2 * $width, times: 1}
  - add: [[], RELU]
  - FC-10
"""

GENERAL = """
input: 32x32x3
vars: {n: [1, 2], m: 2, k: 1}
pattern: INPUT -> [[CONV -> RELU]*n -> POOL?]*m -> [FC -> RELU]*k -> FC
with:
  conv: {filters: [8, 16], kernel_size: 3, padding: 1}
  pool: {kernel_size: 2}
  fc: {units: 10}
"""

settings = st.fixed_dictionaries(
    {}, optional={"side": st.integers(1, 40), "width": st.integers(-1, 9), "n": st.integers(-1, 4)}
)


@given(st.lists(st.tuples(settings, st.sampled_from([None, "16x16x3", "20x16x1"])), min_size=1, max_size=6))
def test_asking_again_is_reading_again(asked: list[tuple[dict[str, int], str | None]]) -> None:
    """Also behind a set for which something is wrong, which is said every time."""
    program = compile_text(BLOCKS)
    for values, input in asked:
        assert program.document(values, input) == read_document(BLOCKS, set=values, input=input)


@pytest.mark.parametrize("m", [2, 0, 1])
def test_a_general_pattern_is_unrolled_for_its_variables(m: int) -> None:
    program = compile_text(GENERAL)
    for values in ({"m": m}, {"k": 3}, {}, {"n": 2}):
        assert program.document(values) == read_document(GENERAL, set=values)


def test_the_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    program = compile_text(BLOCKS)

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("parse", "read_blocks", "read_defaults", "parse_pattern", "Compiler"):
        monkeypatch.setattr(module, name, never)
    sizes = [len(program.graph({"n": n}).nodes) for n in range(1, 5)]
    assert sizes == [12, 15, 18, 21]
    first, second = program.graph({"n": 3}), program.graph({"n": 3, "side": 64})
    assert first.nodes[1].layer is second.nodes[1].layer


def test_what_is_wrong_for_some_variables_is_refused_for_these() -> None:
    program = compile_text(BLOCKS)
    for _ in range(2):
        with pytest.raises(Refusal, match="conv: filters: 0 is out of range: it must be at least 1"):
            program.graph({"width": 0})
        assert len(program.graph().nodes) == 15
    with pytest.raises(archcalc.UnknownVariable, match=r"the spec has no variable widht \(did you mean width\?\)"):
        program.graph({"widht": 3})


def test_compile_spec_refuses_what_load_refuses() -> None:
    with pytest.raises(archcalc.SpecError, match=r"conv1 does not fit: output width would be 4\.5"):
        archcalc.compile_spec("INPUT[10x10x3] -> CONV3-4s2")
    network = archcalc.from_graph(archcalc.compile_spec("zoo:vgg16").graph(input="256x256x3"))
    assert network.report == archcalc.load("zoo:vgg16", input="256x256x3").report
