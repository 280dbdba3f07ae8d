"""The verification for people: one line a layer, then what differs, then the sum."""

from collections.abc import Iterator

from archcalc import units
from archcalc.files import shown_path
from archcalc.formats import Look
from archcalc.formats.folding import head_of, under
from archcalc.verification.verify import Executed, Verification

HEAD = ("layer", "type", "predicted", "executed", "params", "MACs", "time", "")
RIGHT = (4, 5, 6)


def render(result: Verification, look: Look) -> str:
    report = result.report
    name = shown_path(report.graph.name or "network")
    lines = [f"{name}: {report.ends}, batch {result.batch}, {result.dtype}, seed {result.seed}"]
    if result.layers:
        cells = [HEAD, *_rows(result.layers, headed=look.width is not None)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
        lines.append("")
        for row in cells:
            texts = (
                text.rjust(width) if column in RIGHT else text.ljust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join(texts).rstrip())
        lines.append("")
    for one in result.layers:
        lines += [f"{one.row.node.name}: {_paint('wrong', '31', look)}: {problem}" for problem in one.problems]
    lines += _verdict(result, look)
    return "\n".join(lines) + "\n"


def _rows(layers: tuple[Executed, ...], *, headed: bool) -> Iterator[tuple[str, ...]]:
    """A line a layer, below a heading for the block it stands in."""
    head = ""
    for one in layers:
        heading, name = under(head, one.row.node.name, headed=headed)
        head = head_of(one.row.node.name)
        if heading:
            yield (heading, *[""] * (len(HEAD) - 1))
        yield (name, *_cells(one))


def _cells(one: Executed) -> tuple[str, ...]:
    node, counted = one.row.node, one.counted
    return (
        node.layer.label,
        str(one.predicted),
        str(one.executed) if one.executed else "?",
        f"{counted.weights + counted.biases:,}" if counted else "?",
        units.count(counted.macs) if counted else "?",
        f"{one.seconds * 1000:.1f} ms",
        "WRONG" if not one.ok else "stated" if node.layer.stated else "ok",
    )


def _verdict(result: Verification, look: Look) -> list[str]:
    total = len(result.report.rows)
    if result.problem:
        done = f" after {len(result.layers):,} of {total:,} layers" if result.layers else ""
        return [f"{_paint('not verified', '31', look)}{done}: {result.problem}"]
    if not result.ok:
        wrong = next(one for one in result.layers if not one.ok)
        done = f", {len(result.layers):,} of {total:,} layers were executed" if len(result.layers) < total else ""
        return [f"{_paint('not verified', '31', look)}: {wrong.row.node.name} is not as predicted{done}"]
    totals = result.report.totals
    compared = ", values as PyTorch's" if result.against else ""
    stated = [row for row in result.report.rows if row.node.layer.stated]
    params, macs = sum(row.cost.params for row in stated), sum(row.cost.macs for row in stated)
    counts = f"{total - len(stated):,} layers, {totals.params - params:,} parameters and {totals.macs - macs:,} MACs"
    predicted = f"{units.size(result.estimate.size)} (in {result.estimate.row.node.name})"
    return [
        f"{_paint('ok', '32', look)}: {counts} executed as predicted{compared}",
        *([f"not executed, since only stated: {', '.join(row.node.name for row in stated)}"] if stated else []),
        f"forward {result.forward_seconds:.3f} s, weights {result.weights_seconds:.3f} s",
        f"peak of memory {units.size(result.measured_peak or 0)}, predicted {predicted}",
    ]


def _paint(text: str, code: str, look: Look) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if look.color else text
