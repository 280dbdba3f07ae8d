"""Where a layer does not fit: the nearest sizes of the input for which the whole network does, and where a pixel was lost.

"The nearest widths that fit" of a layer deep inside are of a volume that nobody sets.  What can be set is the input, so other
inputs are tried, each by analysing the whole network anew; nothing is said that was not computed.
"""

from collections.abc import Iterable, Iterator

from archcalc.analysis.analyze import Report, analyze
from archcalc.diagnostics import Diagnostic
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.layers.merge import BRANCH_MISMATCH
from archcalc.layers.misfit import DOES_NOT_FIT
from archcalc.layers.reshape import Input
from archcalc.volume import MAX_DIMENSION, Volume

FARTHEST = 64  # pixels more or less that are tried
MAX_EFFORT = 20_000  # layers computed for one answer, about 0.3 s


def explain(report: Report) -> tuple[Diagnostic, ...]:
    """The problems of a report, the first of them with inputs that fit and with the layer that lost a pixel."""
    graph, problems = report.graph, report.problems
    inputs = [node for node in graph.nodes if isinstance(node.layer, Input)]
    if len(inputs) != 1 or not problems or any(node.layer is UNKNOWN for node in graph.nodes):
        return problems
    failed = _failed(report)
    at = next((n for n, one in enumerate(problems) if one.code in (DOES_NOT_FIT, BRANCH_MISMATCH)), None)
    if failed is None or at is None or all(graph.nodes[one].layer is inputs[0].layer for one in failed.inputs):
        return problems
    one = problems[at]
    help = one.help
    if fitting := nearest(report):
        help = (*fitting, *(line for line in one.help if not _of_an_inner_volume(line)))
    lost = _lost(report, failed) if one.code == BRANCH_MISMATCH else ()
    return (*problems[:at], one._replace(help=help, notes=(*one.notes, *lost)), *problems[at + 1 :])


def _of_an_inner_volume(help: str) -> bool:
    return help.startswith(
        ("the nearest widths that", "the nearest heights that", "the nearest width that", "the nearest height that")
    )


def _failed(report: Report) -> Node | None:
    """The first layer that could not be computed although all that it reads could."""
    known = {row.position for row in report.rows}
    return next(
        (
            node
            for position, node in enumerate(report.graph.nodes)
            if position not in known and known.issuperset(node.inputs)
        ),
        None,
    )


def nearest(report: Report) -> tuple[str, ...]:
    """The nearest inputs, smaller and larger, for which every layer fits: of one axis if that is enough, else of both."""
    x = report.input
    effort = MAX_EFFORT // len(report.graph.nodes)
    ways = [("high", _heights(x)), ("wide", _widths(x)), ("", _both(x))]
    if x.width == x.height:
        ways.reverse()
    for word, pairs in ways:
        smaller, larger = pairs
        found: list[Volume] = []
        for candidates in (smaller, larger):
            fits, effort = _first(report.graph, candidates, effort)
            found += [fits] if fits else []
        if found:
            shown = [{"high": str(y.height), "wide": str(y.width)}.get(word, f"{y.width}x{y.height}") for y in found]
            verb = (
                "inputs for which the whole network fits are"
                if len(found) > 1
                else "input for which the whole network fits is"
            )
            return (f"the nearest {verb} {' and '.join(shown)}{' ' + word if word else ''}",)
    return ()


Candidates = tuple[Iterator[Volume], Iterator[Volume]]


def _near(side: int) -> range:
    """How many pixels more or less are tried: an input of quite another size is no answer."""
    return range(1, min(FARTHEST, side // 4) + 1)


def _heights(x: Volume) -> Candidates:
    near = _near(x.height)
    return (x._replace(height=x.height - n) for n in near), _real(x._replace(height=x.height + n) for n in near)


def _widths(x: Volume) -> Candidates:
    near = _near(x.width)
    return (x._replace(width=x.width - n) for n in near), _real(x._replace(width=x.width + n) for n in near)


def _both(x: Volume) -> Candidates:
    """Both sides by the same number of pixels, so that a square stays one."""
    near = _near(min(x.width, x.height))
    smaller = (Volume(x.width - n, x.height - n, x.channels) for n in near)
    return smaller, _real(Volume(x.width + n, x.height + n, x.channels) for n in near)


def _real(volumes: Iterable[Volume]) -> Iterator[Volume]:
    """Those that an input may have."""
    return (one for one in volumes if max(one) <= MAX_DIMENSION)


def _first(graph: Graph, candidates: Iterable[Volume], effort: int) -> tuple[Volume | None, int]:
    """The first candidate that fits, and how many analyses are left."""
    for one in candidates:
        if effort <= 0:
            break
        effort -= 1
        if _fits(graph, one):
            return one, effort
    return None, effort


def _fits(graph: Graph, input: Volume) -> bool:
    layer = Input(width=input.width, height=input.height, channels=input.channels)
    nodes = tuple(node._replace(layer=layer) if isinstance(node.layer, Input) else node for node in graph.nodes)
    tried = analyze(graph._replace(nodes=nodes))
    return tried.complete and not tried.problems


def _lost(report: Report, failed: Node) -> tuple[str, ...]:
    """The last layer before `failed` whose windows left columns or rows unread."""
    rows = {row.position: row for row in report.rows}
    todo, seen = list(failed.inputs), set(failed.inputs)
    for one in todo:
        for before in report.graph.nodes[one].inputs:
            if before not in seen:
                seen.add(before)
                todo.append(before)
    for position in sorted(seen, reverse=True):
        row = rows[position]
        columns, lines = row.unread
        if columns or lines:
            counted = ((columns, "column"), (lines, "row"))
            what = [f"{n} {name}s" if n > 1 else name for n, name in counted if n]
            verb = "were" if columns + lines > 1 else "was"
            return (
                f"the last {' and '.join(what)} of {row.inputs[0]} {verb} lost in {row.node.name}, {row.node.layer.label}",
            )
    return ()
