"""What PyTorch holds of activations in a forward pass without gradients."""

from archcalc.analysis.analyze import Report
from archcalc.memory.autograd import INDEX, Rules, rules_of, storages
from archcalc.memory.liveness import Buffer, live
from archcalc.precision import Precision


def held(report: Report, precision: Precision, *, inplace: bool = True, rules: Rules | None = None) -> list[int]:
    """Bytes for an image, by layer.

    The caller holds the batch.  A max pool computes its indices even if nobody wants them; a view holds the
    whole tensor it looks at; a layer overwrites its input only where the same program could in training, and no layer
    that PyTorch has no such option for does.  Dropout passes its input on.
    """
    nodes, rows = report.graph.nodes, report.rows
    found, _ = rules or rules_of(report, precision)
    passing = []
    kinds: list[str] = []
    for position, (row, rule) in enumerate(zip(rows, found, strict=True)):
        if rule.indices or rule.forward or rule.running:
            size = rule.indices * INDEX + (rule.forward + rule.running) * precision.activations
            passing.append(Buffer(size, position, position))
        kinds.append("view" if row.node.layer.view else "inplace" if rule.storage == "cloned" else rule.storage)
    owners = storages(report, found, kinds, [True] * len(nodes), inplace=inplace)
    last = list(range(len(nodes)))
    for position, node in enumerate(nodes):
        for one in (position, *node.inputs):
            last[owners[one]] = position
    for one in report.graph.results():
        last[owners[one]] = len(nodes) - 1
    for position, node in enumerate(nodes):
        if not node.inputs:
            last[position] = len(nodes) - 1
    sizes = [row.output.size * precision.activations for row in rows]
    own = [
        Buffer(sizes[one], one if nodes[one].inputs else 0, last[one])
        for one, owner in enumerate(owners)
        if owner == one
    ]
    return live(own + passing, len(nodes))
