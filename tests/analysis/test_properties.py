"""What holds for every network, however it is written."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import (
    Group,
    Made,
    Network,
    bare,
    dump,
    layers,
    measured,
    networks,
    padding,
    pattern,
    read,
    unrolled,
    value,
    windowed,
    written_out,
)

SIZE = "40x33x6"


def spec(network: Network, size: str = SIZE) -> dict[str, Any]:
    return {"input": size, "rounding": "floor", "layers": written_out(network)}


@given(networks)
def test_a_pattern_is_the_yaml_it_stands_for(network: Network) -> None:
    in_yaml = read(dump(spec(network)))
    in_arrows = read(dump({"input": SIZE, "rounding": "floor", "layers": [pattern(network)]}))
    one_line = read(f"INPUT[{SIZE}] -> {pattern(network)}", one_line=True)
    assert bare(in_arrows.document.graph) == bare(in_yaml.document.graph)
    assert measured(in_arrows.report) == measured(in_yaml.report)
    assert [node.name for node in one_line.document.graph.nodes] == [node.name for node in in_yaml.document.graph.nodes]


@given(networks)
def test_repeated_is_unrolled(network: Network) -> None:
    repeated, flat = (read(dump(spec(one))) for one in (network, unrolled(network)))
    assert bare(repeated.document.graph) == bare(flat.document.graph)
    assert measured(repeated.report) == measured(flat.report)


sides = st.fixed_dictionaries({side: st.sampled_from("012") for side in ("left", "right", "top", "bottom")})
ACROSS = {"left": "top", "top": "left", "right": "bottom", "bottom": "right"}


def transposed(network: Network) -> Network:
    def turn(of: Any) -> Any:
        if isinstance(of, dict):
            return {ACROSS[side]: one for side, one in of.items()}
        return of[::-1] if isinstance(of, tuple) else of

    return tuple(
        Group(one.times, transposed(one.items))
        if isinstance(one, Group)
        else Made(one.type, {key: turn(of) for key, of in one.keys.items()})
        for one in network
    )


@given(
    st.lists(
        layers
        | st.builds(
            lambda layer, pad: Made(layer.type, {**layer.keys, "padding": pad}),
            windowed,
            padding | sides,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_swapping_width_and_height_swaps(items: list[Made]) -> None:
    network = tuple(items)
    upright, turned = (read(dump(spec(one, size))) for one, size in ((network, SIZE), (transposed(network), "33x40x6")))
    assert len(upright.report.rows) == len(turned.report.rows)
    for one, other in zip(upright.report.rows, turned.report.rows, strict=True):
        assert other.output == (one.output.height, one.output.width, one.output.channels)
        assert other.cost == one.cost
        assert other.receptive_field == one.receptive_field[::-1]
        assert other.unread == one.unread[::-1]


RICH: dict[str, Any] = {
    "archcalc": "1",
    "name": "all of the language",
    "input": {"width": "32", "height": "32", "channels": "3"},
    "rounding": "floor",
    "defaults": {"conv": {"padding": "1", "kernel_size": "3"}},
    "vars": {"width": "8", "times": "2"},
    "blocks": {
        "unit": {
            "vars": {"filters": "4", "stride": "1"},
            "layers": ["CONV-$filters", {"conv": {"filters": "2*$filters", "stride": "$stride"}}, "BN -> RELU"],
        }
    },
    "layers": [
        "[CONV-$width -> RELU]*$times -> POOL2",
        {"conv": {"filters": "16", "bias": "false"}, "name": "stem"},
        {"repeat": "$times", "layers": [{"add": [[], ["CONV-16", "RELU"]]}]},
        {"unit": {"filters": "8", "stride": "2"}},
        {"concat": {"inputs": ["stem"], "branches": [[{"conv": {"filters": "5"}, "from": "stem"}]]}},
        {"fc": {"units": "10"}},
    ],
}


@given(data=st.data(), network=st.none() | networks)
def test_order_of_keys_quotes_style_and_comments_change_nothing(data: st.DataObject, network: Network | None) -> None:
    contents = RICH if network is None else spec(network)
    plain = read(dump(contents))
    styled = read(dump(contents, lambda options: data.draw(st.sampled_from(options))))
    assert plain.ok or network is not None, plain.diagnostics
    assert bare(styled.document.graph) == bare(plain.document.graph)
    assert measured(styled.report) == measured(plain.report)
    assert sorted(one.message for one in styled.diagnostics) == sorted(one.message for one in plain.diagnostics)


# -- the general pattern -----------------------------------------------------------------------------

GENERAL = "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"


def lists(of: st.SearchStrategy[int], length: int) -> st.SearchStrategy[list[int]]:
    return st.lists(of, min_size=length, max_size=length)


@st.composite
def general(draw: st.DrawFn) -> tuple[dict[str, Any], Network]:
    """A spec of the general pattern, and the network it must be."""
    stages, dense = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    listed = draw(lists(st.integers(0, 3), stages))
    one = draw(st.integers(0, 3))
    counts, n = draw(st.sampled_from([(listed, list(map(str, listed))), ([one] * stages, str(one))]))
    per_stage, total = draw(lists(st.integers(1, 9), stages)), sum(counts)
    per_occurrence = draw(lists(st.integers(1, 9), total))
    filters = draw(st.sampled_from(["one", "stage", "occurrence"]))
    if filters == "one":
        per_stage = per_stage[:1] * stages
    if filters == "occurrence":  # of two readings of a list, that by stages is taken
        assume(total != stages or set(counts) <= {1})
    else:
        per_occurrence = [per_stage[i] for i in range(stages) for _ in range(counts[i])]
    pools = draw(st.sampled_from(["none", "all", "present", "sizes"]))
    chosen = [pools != "none" and (pools == "all" or draw(st.booleans())) for _ in range(stages)]
    units = draw(lists(st.integers(1, 9), dense + 1))
    if draw(st.booleans()):
        units = units[:1] * (dense + 1)

    network: list[Made | Group] = []
    occurrences = iter(per_occurrence)
    for i in range(stages):
        for _ in range(counts[i]):
            network += [Made("conv", {"kernel_size": (3, 3), "filters": next(occurrences), "padding": (1, 1)})]
            network += [Made("relu")]
        network += [Made("pool", {"kernel_size": (2, 2)})] * chosen[i]
    for one in units[:-1]:
        network += [Made("fc", {"units": one}), Made("relu")]
    network.append(Made("fc", {"units": units[-1]}))

    values = {"one": str((per_stage or [1])[0]), "stage": texts(per_stage), "occurrence": texts(per_occurrence)}
    given: dict[str, Any] = {
        "CONV": {"filters": values[filters], "kernel_size": "3", "padding": "1"},
        "FC": {"units": str(units[0]) if len(set(units)) == 1 else texts(units)},
    }
    if pools != "none":
        given["POOL"] = {"kernel_size": "2"}
    if pools == "present":
        given["POOL"]["present"] = ["true" if one else "false" for one in chosen]
    if pools == "sizes":
        given["POOL"]["kernel_size"] = ["2" if one else "null" for one in chosen]
    spec = {"input": SIZE, "rounding": "floor", "pattern": GENERAL, "with": given}
    return {**spec, "vars": {"N": n, "M": str(stages), "K": str(dense)}}, tuple(network)


def texts(numbers: list[int]) -> list[str]:
    return [value(one) for one in numbers]


@given(general())
def test_the_general_pattern_is_the_network_unrolled_by_hand(both: tuple[dict[str, Any], Network]) -> None:
    contents, network = both
    found, unrolled = read(dump(contents)), read(dump(spec(network)))
    assert bare(found.document.graph) == bare(unrolled.document.graph), dump(contents)
    assert measured(found.report) == measured(unrolled.report)
    assert [one.code for one in found.diagnostics] == [one.code for one in unrolled.diagnostics]


def with_filters(filters: str, n: str = "[2, 0, 2]") -> str:
    return (
        f"input: 8x8x3\npattern: INPUT -> [[CONV]*N -> POOL?]*M -> FC\nvars: {{N: {n}, M: 3}}\n"
        f"with:\n  CONV: {{filters: {filters}, kernel_size: 1}}\n  FC: {{units: 10}}\n"
    )


def filters_of(text: str) -> list[Any]:
    found = read(text)
    assert found.diagnostics == ()
    return [node.layer.values()["filters"] for node in found.document.graph.nodes if node.layer.type == "conv"]


def test_a_stage_without_the_layer_is_still_a_stage() -> None:
    assert filters_of(with_filters("[5, 6, 7]")) == [5, 5, 7, 7]
    assert filters_of(with_filters("[5, 6, 7, 8]")) == [5, 6, 7, 8]


ONE_CONV = with_filters("8", n="1")
REFUSED = [
    (with_filters("[5, 6]"), "AC110", "filters has 2 values; CONV takes 3 (one per stage) or 4 (one per occurrence)"),
    (with_filters("[5, 6]", n="1"), "AC110", "filters has 2 values; CONV takes 3 (one per stage)"),
    (with_filters("8", n="[1, 2]"), "AC110", "`N` has 2 values; the group around it passes 3 times"),
    (
        ONE_CONV.replace("units: 10", "units: 10, present: true"),
        "AC110",
        "fc is not optional here, so it has no `present`; write `FC?`",
    ),
    (ONE_CONV + "  AVGPOOL: {kernel_size: 2}\n", "AC111", "the pattern has no `AVGPOOL`; it has INPUT, CONV, POOL, FC"),
    (ONE_CONV + "  conv: {bias: false}\n", "AC012", "`conv` is given twice; upper and lower case are one"),
    (ONE_CONV.replace("units: 10", "units: 10, name: last"), "AC102", "FC has no key `name`"),
    (ONE_CONV.replace("units: 10", "unit: 10"), "AC102", "FC has no key `unit`"),
]


@pytest.mark.parametrize(("text", "code", "message"), REFUSED)
def test_what_the_general_pattern_refuses(text: str, code: str, message: str) -> None:
    (found,) = read(text).diagnostics
    assert (found.code, found.message) == (code, message)


def test_a_misspelt_hyperparameter_is_answered_with_one_that_works() -> None:
    for written, help in (("unit", ("did you mean `units`?",)), ("name", ())):
        (found,) = read(ONE_CONV.replace("units: 10", f"units: 10, {written}: 10")).diagnostics
        assert found.help == help


def test_a_variable_or_block_that_is_never_used_is_warned_of() -> None:
    found = read("input: 4x4x1\nvars: {used: 2, left: 3}\nblocks: {over: [RELU]}\nlayers: ['[FC-2]*used']\n")
    warned = [(one.code, one.severity, one.message, one.span.line) for one in found.diagnostics]
    assert warned == [
        ("AC109", "warning", "the variable `left` is never used", 2),
        ("AC109", "warning", "the block `over` is never used", 3),
    ]
    assert found.ok
    (refused,) = read("input: 4x4x1\nvars: [2]\nlayers: [FC-2]\n").diagnostics
    assert (refused.code, refused.message) == ("AC101", "vars is a mapping, not a list")


CLASSIC = [
    ("INPUT -> FC", "INPUT[32x32x3] -> FC-10", 30_730),
    ("INPUT -> CONV -> RELU -> FC", "INPUT[32x32x3] -> CONV3-16p1 -> RELU -> FC-10", 448 + 163_850),
    (
        "INPUT -> [CONV -> RELU -> POOL]*2 -> FC -> RELU -> FC",
        "INPUT[32x32x3] -> [CONV3-16p1 -> RELU -> POOL2]*2 -> FC-10 -> RELU -> FC-10",
        448 + 2_320 + 10_250 + 110,
    ),
    (
        "INPUT -> [CONV -> RELU -> CONV -> RELU -> POOL]*3 -> [FC -> RELU]*2 -> FC",
        "INPUT[32x32x3] -> [CONV3-16p1 -> RELU -> CONV3-16p1 -> RELU -> POOL2]*3 -> [FC-10 -> RELU]*2 -> FC-10",
        448 + 5 * 2_320 + 2_570 + 2 * 110,
    ),
]


@pytest.mark.parametrize(("shape", "one_line", "params"), CLASSIC)
def test_the_classic_patterns_as_specs_and_as_one_liners(shape: str, one_line: str, params: int) -> None:
    given = {"CONV": {"filters": "16", "kernel_size": "3", "padding": "1"}, "POOL": {"kernel_size": "2"}}
    used = {type: keys for type, keys in given.items() if type in shape}
    found = read(dump({"input": "32x32x3", "pattern": shape, "with": {**used, "FC": {"units": "10"}}}))
    short = read(one_line, one_line=True)
    assert found.diagnostics == short.diagnostics == ()
    assert bare(found.document.graph) == bare(short.document.graph)
    assert found.report.totals.params == short.report.totals.params == params
