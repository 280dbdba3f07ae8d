"""Random small networks, and the ways in which one can be written down."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from archcalc.analysis.analyze import Report
from archcalc.architecture import Examination, examine
from archcalc.graph import Graph
from archcalc.language.specfile import SpecText

Pair = tuple[int, int]
Choose = Callable[[Sequence[Any]], Any]


class Made(NamedTuple):
    """A layer: its type and its keys."""

    type: str
    keys: dict[str, Any] = {}


class Group(NamedTuple):
    times: int
    items: "tuple[Made | Group, ...]"


Network = tuple[Made | Group, ...]

# How a pattern writes the keys, in its order.
SUFFIX = {"kernel_size": "", "filters": "-", "units": "-", "stride": "s", "padding": "p", "dilation": "d", "rate": ""}


def pairs(low: int, high: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


padding = pairs(0, 2) | st.just("same")
convolution = st.fixed_dictionaries(
    {"kernel_size": pairs(1, 4), "filters": st.integers(1, 6)},
    optional={"stride": pairs(1, 2), "padding": padding, "dilation": pairs(1, 2)},
)
pooling = st.fixed_dictionaries({"kernel_size": pairs(3, 4)}, optional={"stride": pairs(1, 3), "padding": padding})
windowed = st.one_of(
    st.builds(Made, st.just("conv"), convolution),
    st.builds(Made, st.sampled_from(["pool", "avgpool", "l2pool"]), pooling),
)
layers = st.one_of(
    windowed,
    st.builds(Made, st.sampled_from(["relu", "bn", "lrn", "dropout", "tanh"]), st.just({})),
    st.builds(Made, st.just("dropout"), st.fixed_dictionaries({"rate": st.sampled_from(["0", "0.25"])})),
    st.builds(Made, st.just("fc"), st.fixed_dictionaries({"units": st.integers(1, 9)})),
)
networks: st.SearchStrategy[Network] = st.recursive(
    st.lists(layers, min_size=1, max_size=4).map(tuple),
    lambda inner: st.lists(layers | st.builds(Group, st.integers(0, 3), inner), min_size=1, max_size=4).map(tuple),
    max_leaves=3,
)


def value(of: Any) -> str:
    if isinstance(of, tuple):
        return str(of[0]) if of[0] == of[1] else f"{of[0]}x{of[1]}"
    return str(of)


def pattern(network: Network) -> str:
    """The network in arrow notation."""
    return " -> ".join(
        f"[{pattern(one.items)}]*{one.times}"
        if isinstance(one, Group)
        else one.type.upper() + "".join(sign + value(one.keys[key]) for key, sign in SUFFIX.items() if key in one.keys)
        for one in network
    )


def written_out(network: Network) -> list[Any]:
    """The network as the lists and mappings of YAML."""
    return [
        {"repeat": str(one.times), "layers": written_out(one.items)}
        if isinstance(one, Group)
        else {one.type: {key: of if isinstance(of, dict) else value(of) for key, of in one.keys.items()}}
        for one in network
    ]


def unrolled(network: Network) -> Network:
    """The network without its groups."""
    flat: list[Made | Group] = []
    for one in network:
        if isinstance(one, Group):
            flat += unrolled(one.items) * one.times
        else:
            flat.append(one)
    return tuple(flat)


def dump(data: Any, choose: Choose = lambda options: options[0]) -> str:
    """YAML of nested dicts, lists and strings; `choose` picks order of keys, quotes, style and comments."""
    return "".join(f"{line}{choose(['', '  # said', chr(10), chr(10) + '# said'])}\n" for line in _block(data, choose))


def _block(data: Any, choose: Choose) -> list[str]:
    if not data or isinstance(data, str) or choose([False, False, True]):
        return [_flow(data, choose)]
    lines = []
    if isinstance(data, dict):
        for key, of in _shuffled(data, choose):
            below = _block(of, choose)
            inline = isinstance(of, str) or (len(below) == 1 and below[0][:1] in "[{")
            lines += [f"{_scalar(key, choose)}: {below[0]}"] if inline else [f"{_scalar(key, choose)}:"]
            lines += [] if inline else ["  " + line for line in below]
    else:
        for one in data:
            first, *rest = _block(one, choose)
            lines += ["- " + first, *("  " + line for line in rest)]
    return lines


def _flow(data: Any, choose: Choose) -> str:
    if isinstance(data, dict):
        inner = (f"{_scalar(key, choose)}: {_flow(of, choose)}" for key, of in _shuffled(data, choose))
        return "{" + ", ".join(inner) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(_flow(one, choose) for one in data) + "]"
    return _scalar(data, choose)


def _scalar(text: str, choose: Choose) -> str:
    quoted = [f"'{text}'", f'"{text}"']
    return str(choose([text, *quoted] if re.fullmatch(r"[\w.$]+", text) else quoted))


def _shuffled(data: dict[str, Any], choose: Choose) -> list[tuple[str, Any]]:
    left, order = list(data.items()), []
    while left:
        order.append(choose(left))
        left.remove(order[-1])
    return order


def read(text: str, *, one_line: bool = False) -> Examination:
    return examine(SpecText("spec", text, pattern=one_line))


def bare(graph: Graph) -> list[tuple[object, ...]]:
    """The graph without the places in its text."""
    return [(node.name, node.layer, node.inputs, node.path) for node in graph.nodes]


def measured(report: Report) -> list[tuple[object, ...]]:
    """What was computed, without the places."""
    return [(row.node.name, row.output, row.cost, row.activations, row.receptive_field) for row in report.rows]
