"""The verification for people: whether it is as predicted, then one line a layer; equal ones are counted."""

from collections.abc import Iterator

from archcalc import units
from archcalc.files import shown_path
from archcalc.formats import Look
from archcalc.formats._grid import Choice, Column, Line, below, cell, grid, painted, wrapped
from archcalc.formats.folding import head_of, named, runs, under
from archcalc.records import NamedTuple
from archcalc.verification.verify import Executed, Verification

COLUMNS = (
    Column("layer", "layer", comfort=26, least=9),
    Column("type", "type", comfort=22, least=8),
    Column("predicted", "predicted"),
    Column("executed", "executed"),
    Column("params", "params", right=True),
    Column("MACs", "MACs", right=True),
    Column("time", "time", right=True),
    Column("verdict"),
)
CHOICES = [
    Choice(shown, tight)
    for shown, tight in (
        (range(8), False),
        ((0, 1, 2, 3, 4, 5, 7), False),
        ((0, 1, 2, 3, 5, 7), False),
        ((0, 1, 2, 3, 7), False),
        ((0, 1, 2, 3, 7), True),
        ((0, 2, 3, 7), True),
    )
]


class Shown(NamedTuple):
    """A line: a layer, or a fold of layers that repeat the ones above."""

    layers: tuple[Executed, ...]
    folded: str = ""


def render(result: Verification, look: Look) -> str:
    report = result.report
    name = shown_path(report.graph.name or "network")
    lines = [f"{name}: {report.ends}, batch {result.batch}, {result.dtype}, seed {result.seed}", ""]
    for one in result.layers:
        lines += [f"{one.row.node.name}: {painted('wrong', 'red', look)}: {problem}" for problem in one.problems]
    lines += _verdict(result, look)
    lines = [text for line in lines for text in wrapped(line, look)]
    if result.layers:
        found = grid(COLUMNS, [*_rows(fold(result.layers), look)], look, CHOICES)
        lines += ["", *found.lines]
        lines += [text for note in below(found, look) for text in wrapped(note, look)]
    return "\n".join(lines) + "\n"


def fold(layers: tuple[Executed, ...]) -> list[Shown]:
    """One line a layer; those that repeat the ones above exactly, but for the time, are counted."""
    keys = [(one.row.node.layer.label, one.predicted, one.executed, one.counted, one.problems) for one in layers]
    out = []
    for run in runs(keys, [one.row.node.name for one in layers]):
        out += [Shown((one,)) for one in layers[run.at : run.at + run.unit]]
        if rest := layers[run.at + run.unit : run.at + run.unit * run.times]:
            out.append(Shown(rest, named(run, rest[-1].row.node.name)))
    return out


def _rows(shown: list[Shown], look: Look) -> Iterator[Line]:
    """A line a layer, below a heading for the block it stands in."""
    head = ""
    for one in shown:
        last = one.layers[-1]
        if one.folded:
            text = f"  ... {one.folded}"
            whole, shorter = cell(text, "dim"), cell(text.partition(", to ")[0], "dim")
            yield Line((whole, (), (), (), *(cell(text, "dim") for text in _figures(one.layers))), 4, shorter)
            continue
        heading, name = under(head, last.row.node.name, headed=look.width is not None)
        head = head_of(last.row.node.name)
        if heading:
            yield Line((cell(heading, "dim"),), 4)
        executed = str(last.executed) if last.executed else "?"
        texts = (name, last.row.node.layer.label, str(last.predicted), executed, *_figures(one.layers))
        yield Line(tuple(cell(text, "bold red" if text == "WRONG" else "") for text in texts))


def _figures(layers: tuple[Executed, ...]) -> tuple[str, ...]:
    """Parameters, MACs and time of layers that are alike, and what is said of them."""
    counted = [one.counted for one in layers if one.counted]
    known = len(counted) == len(layers)
    node, ok = layers[0].row.node, all(one.ok for one in layers)
    return (
        f"{sum(one.weights + one.biases for one in counted):,}" if known else "?",
        units.count(sum(one.macs for one in counted)) if known else "?",
        f"{sum(one.seconds for one in layers) * 1000:.1f} ms",
        "WRONG" if not ok else "stated" if node.layer.stated else "ok",
    )


def _verdict(result: Verification, look: Look) -> list[str]:
    total = len(result.report.rows)
    if result.problem:
        done = f" after {len(result.layers):,} of {total:,} layers" if result.layers else ""
        return [f"{painted('not verified', 'bold red', look)}{done}: {result.problem}"]
    if not result.ok:
        wrong = next(one for one in result.layers if not one.ok)
        done = f", {len(result.layers):,} of {total:,} layers were executed" if len(result.layers) < total else ""
        return [f"{painted('not verified', 'bold red', look)}: {wrong.row.node.name} is not as predicted{done}"]
    totals = result.report.totals
    compared = ", values as PyTorch's" if result.against else ""
    stated = [row for row in result.report.rows if row.node.layer.stated]
    params, macs = sum(row.cost.params for row in stated), sum(row.cost.macs for row in stated)
    counts = f"{total - len(stated):,} layers, {totals.params - params:,} parameters and {totals.macs - macs:,} MACs"
    predicted = f"{units.size(result.estimate.size)} (in {result.estimate.row.node.name})"
    return [
        f"{painted('ok', 'green', look)}: {counts} executed as predicted{compared}",
        *([f"not executed, since only stated: {', '.join(row.node.name for row in stated)}"] if stated else []),
        f"forward {result.forward_seconds:.3f} s, weights {result.weights_seconds:.3f} s",
        f"peak of memory {units.size(result.measured_peak or 0)}, predicted {predicted}",
    ]
