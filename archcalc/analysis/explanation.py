"""Why a layer is as it is: each figure with the arithmetic it comes from, in the reader's numbers."""

from collections.abc import Sequence

from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.receptive import Field
from archcalc.layers.base import Kept
from archcalc.records import NamedTuple
from archcalc.units import percent, size
from archcalc.volume import Window


class Fact(NamedTuple):
    """`word` says what the fact is about, `text` holds the arithmetic."""

    word: str
    text: str


def facts(report: Report, row: Row, readers: Sequence[int] | None = None) -> list[Fact]:
    """Everything about one layer of a report; counts are for one image, bytes in float32.

    `readers` are the positions of those that read it, where they are known; else all layers are asked.
    """
    nodes = report.graph.nodes
    if readers is None:
        readers = [position for position, one in enumerate(nodes) if row.position in one.inputs]
    reads = ", ".join(f"{nodes[one].name} {volume}" for one, volume in zip(row.node.inputs, row.inputs, strict=True))
    found = [Fact("reads", reads)] if reads else []
    found.append(Fact("gives", f"{row.output}"))
    found += _extents(row)
    found += _costs(report, row)
    found.append(_memory(row))
    if row.inputs:
        found.append(Fact("keeps", _kept(row)))
    found.append(Fact("sees", _seen(row)))
    found.append(
        Fact(
            "read by",
            ", ".join(nodes[one].name for one in dict.fromkeys(readers)) or "nobody: it is the network's output",
        )
    )
    return found


def _extents(row: Row) -> list[Fact]:
    """How the output's width and height come about."""
    if not row.inputs:
        return []
    windows = row.node.layer.windows(row.inputs[0])
    if windows is None:
        return []
    lines = [
        _places(window, extent, result)
        for window, extent, result in zip(windows, row.inputs[0], row.output, strict=False)
        if isinstance(window, Window)
    ]
    if len(lines) == 2 and lines[0] == lines[1]:
        return [Fact("width", f"{lines[0]}; height likewise")]
    return [Fact(word, line) for word, line in zip(("width", "height"), lines, strict=False)]


def _places(window: Window, extent: int, result: int) -> str:
    fit = window.fit(extent)
    dilated = f"; F = {window.dilation}*({window.size} - 1) + 1 dilated" if window.dilation > 1 else ""
    if fit.size != result:  # what slides over the output instead, as in a transposed convolution
        return f"{extent} -> {result}"
    if window.same:
        return (
            f"ceil(W/S) = ceil({extent}/{window.stride}) = {result}, padded {fit.before} before and {fit.after} after"
        )
    padding = f"2*{fit.before}" if fit.before == fit.after else f"{fit.before} + {fit.after}"
    sum = f"({extent} - {window.span} + {padding})/{window.stride} + 1"
    rounded = f" = {fit.numerator}/{window.stride} + 1, rounded {_ROUNDED[window.rounding]}" if fit.leftover else ""
    unread = f"; {fit.unread} never read" if fit.unread else ""
    return f"(W - F + 2P)/S + 1 = {sum}{rounded} = {result}{unread}{dilated}"


_ROUNDED = {"exact": "", "floor": "down", "ceil": "up"}


def _costs(report: Report, row: Row) -> list[Fact]:
    cost, totals = row.cost, report.totals
    found = []
    if cost.params:
        share = percent(cost.params, totals.params)
        found.append(Fact("parameters", f"{row.formula} = {cost.params:,} ({share} of the network's)"))
    if row.lender:
        found.append(Fact("parameters", f"{row.formula}, where they count"))
    if cost.buffers:
        found.append(Fact("buffers", f"{cost.buffers:,} values kept, not trained"))
    if cost.macs:
        found.append(
            Fact("MACs", f"{_products(row)} = {cost.macs:,} ({percent(cost.macs, totals.macs)} of the network's)")
        )
    if cost.flops:
        found.append(Fact("FLOPs", f"{cost.flops:,}"))
    return found


def _products(row: Row) -> str:
    """So many products for each value: of the output, or of the input where each of those is spread instead."""
    for words, volume in (("outputs", row.output), ("inputs", row.inputs[0])):
        each, rest = divmod(row.cost.macs, volume.size)
        if not rest:
            return f"{volume.product} {words} * {each:,}"
    return "products"


def _memory(row: Row) -> Fact:
    if row.activations:
        return Fact("memory", f"{row.output.product} = {row.activations:,} values, {size(4 * row.activations)}")
    return Fact("memory", "none of its own: it overwrites its input")


def _kept(row: Row) -> str:
    """What autograd keeps for the backward pass."""
    kept = row.node.layer.kept(row.inputs, row.output)
    if kept is None:
        return "not known"
    return ", ".join(_parts(kept, row)) or "nothing for the backward pass"


def _parts(kept: Kept, row: Row) -> list[str]:
    parts = []
    if kept.input:
        parts.append(f"its input, {size(4 * sum(one.size for one in row.inputs))}")
    if kept.output:
        parts.append(f"its result, {size(4 * row.output.size)}")
    if kept.values:
        parts.append(f"{kept.values:,} more values")
    if kept.indices:
        parts.append(f"{kept.indices:,} indices of 8 bytes")
    if kept.mask:
        parts.append(f"a mask of {kept.mask:,} values")
    if kept.statistics:
        parts.append(f"{kept.statistics:,} statistics, whatever the batch")
    return parts


def _seen(row: Row) -> str:
    width, height = row.receptive_field
    if width is None or height is None:
        return "a part of the image that is not known"
    if width == height:
        return f"{width.size}x{width.size} pixels of the image{_steps(width)}"
    return f"{width.size}x{height.size} pixels; along the width{_steps(width)}, along the height{_steps(height)}"


def _steps(field: Field) -> str:
    if field.jump is None:
        return ""
    return f", {field.jump} apart, the first centred at {field.start:g}"
