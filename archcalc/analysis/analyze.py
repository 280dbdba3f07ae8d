"""Graph -> Report: volumes, parameters, operations, memory and receptive fields of every layer."""

from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from archcalc.analysis.receptive import PIXEL, UNSEEN, ReceptiveField, through, union
from archcalc.diagnostics import Diagnostic
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.layers import Cost, Layer
from archcalc.layers.merge import Merge
from archcalc.layers.misfit import LayerError, placed
from archcalc.layers.reshape import Input
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Reach, Volume, Window

Convention = Literal["inplace", "separate"]

MAX_ENDS = 12  # inputs or outputs that a line lists, as many as SSD has


class Row(NamedTuple):
    """The results for one node.  Counts are for one image.

    `cost` is what it adds to the network: no weights where it uses those of another layer, `lender`.
    `activations` are the values of the output volume that the layer owns: none where the convention in
    force lets it overwrite its input.  `unread`: columns and rows of its input behind the last window.
    `trains`: it works with weights, its own or the lender's, that get a gradient.
    """

    position: int  # in Graph.nodes
    node: Node
    inputs: tuple[Volume, ...]
    output: Volume
    cost: Cost
    activations: int
    receptive_field: ReceptiveField
    unread: tuple[int, int]
    trains: bool = False
    lender: str = ""

    @property
    def formula(self) -> str:
        """How the parameters come about: `(3*3*64)*64 + 64`; `as head1` where they are those of another layer."""
        if self.lender:
            return f"as {self.lender}"
        if not self.cost.params:
            return ""
        weights = self.node.layer.weights_formula(self.inputs[0], self.output) if self.inputs else ""
        return " + ".join(part for part in (weights, str(self.cost.biases or "")) if part)

    @property
    def im2col(self) -> tuple[int, int] | None:
        """Rows and columns of the im2col matrix a convolution's product reads: [F*F*C/g, W'*H'] for an image and a group."""
        return self.node.layer.im2col(self.inputs[0], self.output) if self.inputs else None


class Totals(NamedTuple):
    """Sums over the layers.  `unknown` are those that some layer's figure is missing from: they are the least it can be."""

    weights: int
    biases: int
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    unknown: tuple[str, ...] = ()


class Report:
    """The results for a network, or for the part of it that could be computed.

    `rows` follow the order of the graph and leave out nodes whose volume is not known; `problems` says why.

    >>> import archcalc
    >>> report = archcalc.load("INPUT[32x32x3] -> CONV5-6 -> RELU -> POOL2 -> FC-10").analyze()
    >>> report
    <Report: [32x32x3] -> [1x1x10], 5 layers, 12,226 params>
    >>> report.totals.macs
    364560
    >>> for row in report.rows:
    ...     print(row.node.name, row.node.layer.label, row.output, row.formula or "-")
    input INPUT [32x32x3] -
    conv1 CONV5-6 [28x28x6] (5*5*3)*6 + 6
    relu1 RELU [28x28x6] -
    pool1 POOL2 [14x14x6] -
    fc1 FC-10 [1x1x10] 14*14*6*10 + 10
    >>> report.rows[3].receptive_field.width.size
    6
    """

    def __init__(
        self,
        graph: Graph,
        rows: tuple[Row, ...],
        problems: tuple[Diagnostic, ...] = (),
        convention: Convention = "inplace",
    ) -> None:
        self.graph, self.rows, self.problems, self.convention = graph, rows, problems, convention

    def __eq__(self, other: object) -> bool:
        """Whether the networks, their places in the text, and all results are the same."""
        if not isinstance(other, Report):
            return NotImplemented
        return self is other or (
            (self.convention, self.problems, self.graph, self.rows)
            == (other.convention, other.problems, other.graph, other.rows)
        )

    __hash__ = None  # type: ignore[assignment] # rows hold mappings

    def __repr__(self) -> str:
        name = f" {self.graph.name}" if self.graph.name else ""
        if not self.rows or not self.complete:
            return f"<Report{name}: incomplete, {len(self.rows):,} of {len(self.graph.nodes):,} layers>"
        return (
            f"<Report{name}: {self.ends}, {len(self.rows):,} layers, "
            f"{'at least ' if 'params' in self.totals.unknown else ''}{self.totals.params:,} params>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from archcalc.analysis.notebook import shown

        return shown(self)

    @property
    def complete(self) -> bool:
        """Whether there is a network and every layer of it is in `rows`."""
        return len(self.rows) == len(self.graph.nodes) > 0

    @property
    def inputs(self) -> tuple[Row, ...]:
        """The network's inputs."""
        return tuple(row for row in self.rows if isinstance(row.node.layer, Input))

    @property
    def outputs(self) -> tuple[Row, ...]:
        """What the network gives, as far as it could be computed."""
        wanted = self.graph.results()
        given = frozenset(wanted)
        found = {row.position: row for row in self.rows if row.position in given}
        return tuple(found[one] for one in wanted if one in found)

    @property
    def ends(self) -> str:
        """The volumes of the inputs and the outputs: `[224x224x3] -> [1x1x1000]`."""
        return " -> ".join(map(_volumes, (self.inputs, self.outputs)))

    @property
    def input(self) -> Volume:
        """The volume of the first input."""
        return self.rows[0].output

    @property
    def output(self) -> Volume:
        """The volume of the first output; of the last layer that could be computed, where that one could not."""
        return (self.outputs or self.rows[-1:])[0].output

    @cached_property
    def totals(self) -> Totals:
        costs = [row.cost for row in self.rows]
        weights, biases = sum(one.weights for one in costs), sum(one.biases for one in costs)
        return Totals(
            weights,
            biases,
            weights + biases,
            sum(one.buffers for one in costs),
            sum(one.macs for one in costs),
            sum(one.flops for one in costs),
            sum(row.activations for row in self.rows),
            tuple(name for name in _COUNTED if any(name in one.unknown for one in costs if one.unknown)),
        )

    def to_records(self, *, batch: int = 1, dtype: str = "float32") -> list[dict[str, Any]]:
        """One dict a layer, as in `report --format json`; `batch` and `dtype` are those of `activation_bytes`.

        >>> import archcalc
        >>> archcalc.load("zoo:lenet5").analyze().to_records()[1]["output"]
        {'width': 28, 'height': 28, 'channels': 6}
        """
        from archcalc.analysis.records import layers
        from archcalc.precision import PRECISIONS

        return layers(self, PRECISIONS[dtype].activations * batch)

    def to_pandas(self, *, batch: int = 1, dtype: str = "float32") -> Any:
        """A pandas DataFrame, one row a layer; what is nested in a record has a dot in its column: `output.width`.

        Raises ImportError where pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise ImportError(f"to_pandas needs pandas ({error}): pip install pandas") from None
        return pandas.json_normalize(self.to_records(batch=batch, dtype=dtype))


def _volumes(rows: tuple[Row, ...]) -> str:
    shown = [str(row.output) for row in (rows if len(rows) <= MAX_ENDS else rows[: MAX_ENDS - 2])]
    return ", ".join(shown) + (f" and {len(rows) - len(shown):,} more" if len(shown) < len(rows) else "")


_COUNTED = ("weights", "biases", "params", "buffers", "macs", "flops")


class _Measured(NamedTuple):
    output: Volume
    cost: Cost
    windows: tuple[Window | Reach, Window | Reach] | None
    unread: tuple[int, int]


def analyze(graph: Graph, *, convention: Convention = "inplace", fields: bool = True) -> Report:
    """Compute every layer whose inputs are known; a layer that does not fit ends its branch with a problem.

    A repeated layer on the same volumes is measured once.  Without `fields` receptive fields are left out: not known.
    """
    rows: list[Row] = []
    by_node: list[Row | None] = []
    problems: list[Diagnostic] = []
    known: dict[tuple[int, tuple[Volume, ...]], _Measured] = {}
    resized: dict[tuple[int, int, int], Layer] = {}
    sized: dict[int, Node] = {}  # nodes whose size is another one's
    readers = graph.readers()
    seen_of_input = PIXEL if fields else UNSEEN
    for position, node in enumerate(graph.nodes):
        layer = node.layer
        if isinstance(layer, Input):
            row = Row(position, node, (), layer.volume, Cost(), layer.volume.size, seen_of_input, (0, 0))
            rows.append(row)
            by_node.append(row)
            continue
        sources = [by_node[one] if one >= 0 else None for one in node.inputs]
        if node.like is not None:
            sources.append(by_node[node.like] if node.like >= 0 else None)
        if node.shares is not None:
            sources.append(by_node[node.shares])
        read = [one for one in sources if one is not None]
        if layer is UNKNOWN or len(read) < len(sources):
            by_node.append(None)
            continue
        lender = None if node.shares is None else read.pop()
        if node.like is not None:
            layer = _resized(layer, read.pop().output, resized)
            node = node._replace(layer=layer)
            sized[position] = node
        inputs = tuple(one.output for one in read)
        key = id(layer), inputs
        measured = known.get(key)
        try:
            if measured is None:
                measured = known[key] = _measure(layer, inputs)
            if lender is not None:
                from archcalc.analysis.sharing import unlike

                unlike(layer, measured.cost, lender.node, lender.cost)
        except LayerError as error:
            problems.append(placed(error, _called(node), node.span, node.places))
            by_node.append(None)
            continue
        output, cost, windows, unread = measured
        if len(read) == 1:
            seen = read[0].receptive_field
            if windows is not None:
                seen = through(seen, windows, inputs[0], output)
        else:
            seen = union([one.receptive_field for one in read], inputs) if windows is None else UNSEEN
        inplace = (
            (layer.inplace or layer.idle(inputs[0]))
            and node.overwrites(convention == "inplace")
            and len(readers[node.inputs[0]]) == 1
            if inputs
            else False
        )
        activations = 0 if inplace else output.size
        if lender is None:
            trains = node.trainable and (cost.params > 0 or "params" in cost.unknown)
            row = Row(position, node, inputs, output, cost, activations, seen, unread, trains)
        else:
            cost = cost._replace(weights=0, biases=0, buffers=0)
            row = Row(position, node, inputs, output, cost, activations, seen, unread, lender.trains, lender.node.name)
        rows.append(row)
        by_node.append(row)
    if sized:
        graph = graph._replace(nodes=tuple(sized.get(position, node) for position, node in enumerate(graph.nodes)))
    return Report(graph, tuple(rows), tuple(problems), convention)


def _resized(layer: Layer, model: Volume, made: dict[tuple[int, int, int], Layer]) -> Layer:
    """The layer that gives the width and height of another's output."""
    key = id(layer), model.width, model.height
    if key not in made:
        values = {name: value for name, value in layer.values().items() if name not in layer.sized}
        made[key] = type(layer)(**values, size=Pair(model.width, model.height))
    return made[key]


def _called(node: Node) -> str:
    """A node in a message: `conv1`; a join that nobody named is where the caret is, `add`."""
    joined = isinstance(node.layer, Merge) and node.name.rpartition(".")[2].rstrip("0123456789") == node.layer.type
    return node.layer.type if joined else node.name


def _measure(layer: Layer, inputs: tuple[Volume, ...]) -> _Measured:
    output, cost = layer.measure(inputs)
    x = inputs[0] if inputs else output
    windows = layer.windows(x)
    if windows is None:
        return _Measured(output, cost, windows, (0, 0))
    width, height = windows
    columns = width.fit(x.width).unread if isinstance(width, Window) else 0
    rows = height.fit(x.height).unread if isinstance(height, Window) else 0
    return _Measured(output, cost, windows, (columns, rows))
