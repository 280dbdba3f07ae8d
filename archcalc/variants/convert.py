"""Fully connected layers as convolutions: the same network, that also reads larger images.

An fc on a volume of W x H x C is a convolution with F = W x H (1x1 behind another fc) and as many filters as it
has units; its weights, reshaped, are the same.  On a larger image the result is a map of scores, one cell for every
place of the original network's input.  A cell equals the original network on the corresponding crop exactly only
where no layer pads: at a crop's border padding is zeros, inside the large image it is the neighbours.
"""

from archcalc.analysis.analyze import Report, Row, analyze
from archcalc.diagnostics import Diagnostic, Refusal, in_order, rule
from archcalc.graph import Graph, Node
from archcalc.layers.activation import Activation, PReLU, Softmax
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.norm import Dropout
from archcalc.layers.reshape import Flatten, Input
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume, Window

NOT_CONVOLUTIONAL = rule(
    "AC501",
    "the network cannot be written as convolutions",
    """
    `archcalc convert --fc-to-conv` makes a convolution of every fc layer.  That needs an fc to convert; a
    flattened volume that nothing but fc layers, activations and dropout read (one that is joined or
    normalized has lost its rows and columns); and on another input size the same number of parameters in
    every layer, which locally connected layers do not have.
    """,
)


class Conversion(NamedTuple):
    """The converted network's results, and what became of every fc: pairs of rows, fc and convolution."""

    report: Report
    replaced: tuple[tuple[Row, Row], ...]

    @property
    def padded(self) -> list[str]:
        """Names of the layers that pad, so that a cell of the score map does not equal the crop's scores."""
        return [row.node.name for row in self.report.rows if row.inputs and _pads(row)]


def fc_to_conv(original: Report, input: Volume | None = None) -> tuple[Conversion | None, list[Diagnostic]]:
    """Convert every fc of a complete report, then measure the network on `input` (by default its own).

    Gives the conversion, or None and the reasons: AC501, or what does not fit on `input`.
    """
    graph = original.graph
    try:
        nodes, kept, places = _converted(original)
        if input is not None:
            image = Input(width=input.width, height=input.height, channels=input.channels)
            nodes[0] = nodes[0]._replace(layer=image)
        outputs = tuple(places[one] for one in graph.outputs)
        report = analyze(Graph(graph.name, tuple(nodes), outputs), convention=original.convention)
        if not report.complete:
            return None, in_order(report.problems)
        _same_parameters(original, report, kept)
    except Refusal as refusal:
        return None, [refusal.diagnostic]
    rows = [(original.rows[at], report.rows[new]) for at, new in kept.items()]
    return Conversion(report, tuple(pair for pair in rows if isinstance(pair[0].node.layer, FullyConnected))), []


def _pads(row: Row) -> bool:
    windows = row.node.layer.windows(row.inputs[0]) or ()
    fits = [one.fit(extent) for one, extent in zip(windows, row.inputs[0], strict=False) if isinstance(one, Window)]
    return any(fit.before or fit.after for fit in fits)


def _converted(original: Report) -> tuple[list[Node], dict[int, int], dict[int, int]]:
    """The new nodes, where every old node that is kept went, and which one has the values of an old one."""
    nodes: list[Node] = []
    kept: dict[int, int] = {}
    stands_for: dict[int, int] = {}  # old node -> new node with its values
    before: dict[int, Volume] = {}  # old node whose values are a flattened volume -> that volume
    for row in original.rows:
        node, layer = row.node, row.node.layer
        unflattened = [before[one] for one in node.inputs if one in before]
        if layer.idle(row.inputs[0] if row.inputs else row.output):  # it would not be idle on another input
            stands_for[row.position] = stands_for[node.inputs[0]]
            if unflattened:
                before[row.position] = unflattened[0]
            continue
        if isinstance(layer, Flatten):
            stands_for[row.position] = stands_for[node.inputs[0]]
            volume = unflattened[0] if unflattened else row.inputs[0]
            if volume[:2] != (1, 1):
                before[row.position] = volume
            continue
        if isinstance(layer, FullyConnected):
            volume = unflattened[0] if unflattened else row.inputs[0]
            layer = Conv(filters=layer.units, kernel_size=Pair(volume.width, volume.height), bias=layer.bias)
        elif unflattened:
            if not _elementwise(node):
                raise _reads_flattened(node, unflattened[0])
            before[row.position] = unflattened[0]
        stands_for[row.position] = kept[row.position] = len(nodes)
        shares = None if node.shares is None else stands_for[node.shares]
        inputs = tuple(stands_for[one] for one in node.inputs)
        like = None if node.like is None else stands_for[node.like]
        nodes.append(node._replace(layer=layer, inputs=inputs, shares=shares, like=like))
    last = next((row for row in original.outputs if row.position in before), None)
    if last is not None:
        message = f"the network's output is flattened ({last.node.name}), so it has no rows and columns to keep"
        raise Refusal(NOT_CONVOLUTIONAL, message, last.node.span)
    if not any(isinstance(row.node.layer, FullyConnected) for row in original.rows):
        raise Refusal(NOT_CONVOLUTIONAL, "there is no fc layer to convert", original.rows[0].node.span)
    return nodes, kept, stands_for


def _elementwise(node: Node) -> bool:
    """Whether a layer does the same to a volume and to the flattened volume."""
    return isinstance(node.layer, Activation | Dropout) and not isinstance(node.layer, PReLU | Softmax)


def _reads_flattened(node: Node, volume: Volume) -> Refusal:
    return Refusal(
        NOT_CONVOLUTIONAL,
        f"{node.name} reads a flattened volume, which a network of convolutions does not have",
        node.span,
        notes=(f"the volume is {volume}; only fc, activations and dropout may read it flattened",),
    )


def _same_parameters(original: Report, report: Report, kept: dict[int, int]) -> None:
    """Refuse where a layer has other parameters than before: they cannot be the same weights."""
    for at, new in kept.items():
        old, now = original.rows[at], report.rows[new]
        if old.cost[:3] != now.cost[:3]:
            raise Refusal(
                NOT_CONVOLUTIONAL,
                f"{old.node.name} has other weights on {report.input} than on {original.input}",
                old.node.span,
                notes=(f"parameters on {original.input}: {old.cost.params:,}, on {report.input}: {now.cost.params:,}",),
            )
