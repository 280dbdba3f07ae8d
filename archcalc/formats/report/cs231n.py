"""The report as the well-known VGGNet table of Stanford's CS231n notes, with totals that add up.

The notes' own totals do not: their rows sum to 15.2M values, not "24M", and "138M" leaves out the biases.
Layers that own no memory and have no parameters (in-place activations, dropout) have no line there either.
"""

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.formats import Look, incomplete
from archcalc.formats._figures import missing
from archcalc.precision import PRECISIONS

PARTIAL = True


def render(report: Report, look: Look) -> str:
    shown = [row for row in report.rows if row.activations or row.cost.params or row.lender or not row.inputs]
    lines = [
        line(row) + (f"   im2col: {units.matrix(row.im2col)}" if look.im2col and row.im2col else "") for row in shown
    ]
    hidden = len(report.rows) - len(lines)
    totals = report.totals
    width = PRECISIONS[look.dtype].activations
    memory = totals.activations * width
    lines.append("")
    lines.append(
        f"TOTAL memory: {totals.activations:,} * {width} bytes = {units.size(memory)} / image"
        f" (forward only; with gradients {units.size(2 * memory)})"
    )
    if look.batch > 1:
        lines.append(f"TOTAL memory of {look.batch} images: {units.size(look.batch * memory)}")
    sums = f"{totals.weights:,} weights + {totals.biases:,} biases = {totals.params:,}"
    lines.append(f"TOTAL params: {'at least ' if 'params' in totals.unknown else ''}{sums}")
    if hidden:
        lines.append(f"({hidden} in-place layers own no memory and have no line; convention: {report.convention})")
    lines += (f"({note})" for note in (missing(report.rows), incomplete(report)) if note)
    return "\n".join(lines) + "\n"


def line(row: Row) -> str:
    """`CONV3-64: [224x224x64]  memory:  224*224*64=3.2M   weights: (3*3*3)*64 = 1,728`."""
    node, volume, cost = row.node, row.output, row.cost
    label = "FC" if node.layer.type == "fc" else node.layer.label
    if not row.activations:
        memory = "0  "
    elif volume.width == volume.height == 1:
        memory = f"{volume.channels}  "
    else:
        memory = f"{volume.product}={units.short(volume.size)}   "
    formula = node.layer.weights_formula(row.inputs[0], volume) if row.inputs and cost.weights else ""
    weights = (
        f"{formula} = {cost.weights:,}" if cost.weights else "?" if "weights" in cost.unknown else row.formula or "0"
    )
    return f"{label}: {volume}  memory:  {memory}weights: {weights}"
