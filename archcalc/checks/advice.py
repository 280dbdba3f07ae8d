"""What a rule of advice is, and the view of a network that rules share.

A rule looks at a network that fits together and says what is seldom wise about it, with the figure that
makes it worth reading.  Its module in `rules/` is one function over a Network that yields Remarks; the
module's docstring is its page, of which the first line is the title.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.receptive import PIXEL
from archcalc.diagnostics import Label, Severity, Span, rule
from archcalc.language.document import Document
from archcalc.layers import Layer, Windowed
from archcalc.layers.conv import Convolution
from archcalc.layers.dense import FullyConnected
from archcalc.layers.depthwise import DepthwiseConv
from archcalc.records import NamedTuple
from archcalc.volume import Window

LINEAR = (Convolution, FullyConnected)


class Remark(NamedTuple):
    """What a rule says about one place; it becomes a Diagnostic with the rule's code and severity."""

    span: Span
    message: str
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()


class Network:
    """A complete report seen as rules ask about it.  Positions in `rows` are those of the graph's nodes.

    A depthwise convolution is seen as the grouped one that it is.
    """

    def __init__(self, document: Document, report: Report, rows: Sequence[Row]) -> None:
        self.document, self.report = document, report
        known: dict[tuple[int, int], Layer] = {}
        self.rows = tuple(_grouped(row, known) for row in rows)

    @cached_property
    def readers(self) -> list[list[Row]]:
        """For every position, the rows that read its output."""
        return [[self.rows[one] for one in read] for read in self.report.graph.readers()]

    @cached_property
    def results(self) -> frozenset[int]:
        """The positions of what the network gives."""
        return frozenset(self.report.graph.results())

    @cached_property
    def sites(self) -> list[Row]:
        """Every layer once for each volume it is given, however often it is repeated, without the input."""
        found: dict[tuple[object, ...], Row] = {}
        for row in self.rows:
            if not row.inputs:
                continue
            found.setdefault((row.node.span, id(row.node.layer), row.inputs), row)
        return list(found.values())

    @cached_property
    def linear(self) -> list[Row]:
        """Convolutions and fully connected layers among the sites."""
        return [row for row in self.sites if isinstance(row.node.layer, LINEAR)]

    def before(self, row: Row) -> Row:
        """The row whose output this one reads (first)."""
        return self.rows[row.node.inputs[0]]

    def first(self, row: Row) -> bool:
        """Whether the row looks at the image's own pixels: no window comes before it."""
        return self.before(row).receptive_field == PIXEL

    def alone(self, first: Row, row: Row) -> bool:
        """Whether nobody but `row` reads what `first` passes on to it; what the network gives is read, too."""
        at = row.node.inputs[0]
        while True:
            if len(self.readers[at]) > 1 or at in self.results:
                return False
            if at == first.position:
                return True
            at = self.rows[at].node.inputs[0]

    def latest(self, kinds: tuple[type[Layer], ...], past: tuple[type[Layer], ...]) -> list[Row | None]:
        """For every position, the layer of `kinds` whose result it passes on: itself, or one behind `past` only."""
        found: list[Row | None] = []
        for row in self.rows:
            layer = row.node.layer
            if isinstance(layer, kinds):
                found.append(row)
            elif isinstance(layer, past) and row.node.inputs:
                found.append(found[row.node.inputs[0]])
            else:
                found.append(None)
        return found


def _grouped(row: Row, known: dict[tuple[int, int], Layer]) -> Row:
    layer = row.node.layer
    if not isinstance(layer, DepthwiseConv):
        return row
    channels = row.inputs[0].channels
    conv = known.setdefault((id(layer), channels), layer.grouped(channels))
    return row._replace(node=row.node._replace(layer=conv))


Check = Callable[[Network], Iterator[Remark]]


class Advice(NamedTuple):
    """A rule as it is entered."""

    code: str
    title: str
    page: str
    severity: Severity
    check: Check
    early: bool  # speaks of the input alone, also where the network does not fit


ENTERED: dict[str, Advice] = {}  # by code, as far as their modules are imported


def advice(
    code: str, page: str | None, *, severity: Severity = "warning", early: bool = False
) -> Callable[[Check], Check]:
    """Make a function a rule and enter it in the catalogue; `page` is its module's docstring."""
    title, _, text = (page or code).partition("\n")
    rule(code, title.rstrip("."), text, severity)

    def enter(check: Check) -> Check:
        ENTERED[code] = Advice(code, title.rstrip("."), text, severity, check, early)
        return check

    return enter


def place(row: Row, key: str) -> Span:
    """Where a key of a layer stands, or the layer where the key is not written there."""
    return row.node.places.get(key, row.node.span)


def covers(row: Row) -> bool:
    """Whether one window is the whole image, as in a fully connected layer."""
    windows = row.node.layer.windows(row.inputs[0])
    return windows is not None and all(
        isinstance(window, Window) and window.span >= extent
        for window, extent in zip(windows, row.inputs[0], strict=False)
    )


def image(row: Row) -> Row | None:
    """The row itself if it slides windows over an image."""
    return row if isinstance(row.node.layer, Windowed) and not covers(row) else None


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
