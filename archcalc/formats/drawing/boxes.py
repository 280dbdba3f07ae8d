"""What is drawn of a report: a box for each volume, with the layers that leave it as large as it is."""

from collections.abc import Sequence
from typing import Literal

from archcalc.analysis.analyze import Report, Row
from archcalc.layers.dense import FullyConnected
from archcalc.layers.reshape import Input
from archcalc.records import NamedTuple
from archcalc.volume import Volume

Family = Literal["input", "conv", "pool", "fc", "join", "other"]


class Box(NamedTuple):
    """A volume: the layer that makes it, and those after it that change nothing of its size.

    `inputs` are the boxes it reads, by number, each lower than its own; `readers` those that read it.
    """

    number: int
    rows: tuple[Row, ...]
    inputs: tuple[int, ...]
    readers: tuple[int, ...]

    @property
    def row(self) -> Row:
        """The layer that makes the volume."""
        return self.rows[0]

    @property
    def volume(self) -> Volume:
        return self.row.output

    @property
    def label(self) -> str:
        """`CONV3-64`, without what comes after it in the same volume."""
        return self.row.node.layer.label

    @property
    def what(self) -> str:
        """The whole box in a line: `conv1 CONV3-64 + RELU: [224x224x64]`."""
        labels = " + ".join(row.node.layer.label for row in self.rows)
        return f"{self.row.node.name} {labels}: {self.volume}"

    @property
    def stated(self) -> bool:
        """Whether everything about its layers is known."""
        return not any(row.cost.unknown for row in self.rows)

    @property
    def family(self) -> Family:
        """What kind of work makes the volume, told by what it does and not by its type's name."""
        row = self.row
        if isinstance(row.node.layer, Input):
            return "input"
        if len(row.inputs) > 1:
            return "join"
        layer, x, y = row.node.layer, row.inputs[0], row.output
        if row.cost.macs:
            return "fc" if isinstance(layer, FullyConnected) else "conv"
        smaller = x.channels == y.channels and y.width * y.height <= x.width * x.height
        if smaller and row.cost.flops and not row.cost.params and layer.windows(x) is not None:
            return "pool"
        return "other"


def boxes(rows: Sequence[Row], results: Sequence[int] = ()) -> list[Box]:
    """The boxes of a report's rows, in their order.  A layer joins the box it reads where it keeps the volume,
    reads nothing else at another place, and nobody else reads that box from before it; `results` are positions of outputs.
    """
    readers: dict[int, int] = {}
    for row in rows:
        for one in row.node.inputs:
            readers[one] = readers.get(one, 0) + 1
    home: dict[int, int] = {}  # position of a layer -> number of its box
    members: list[list[Row]] = []
    read: list[list[int]] = []
    given = frozenset(results)
    for row in rows:
        if _stays(row) and readers[row.node.inputs[0]] == 1 and row.node.inputs[0] not in given:
            number = home[row.node.inputs[0]]
            members[number].append(row)
        else:
            number = len(members)
            members.append([row])
            read.append([*dict.fromkeys(home[one] for one in row.node.inputs)])
        home[row.position] = number
    after: list[list[int]] = [[] for _ in members]
    for number, inputs in enumerate(read):
        for one in inputs:
            after[one].append(number)
    return [
        Box(number, tuple(own), tuple(inputs), tuple(behind))
        for number, (own, inputs, behind) in enumerate(zip(members, read, after, strict=True))
    ]


def drawn(report: Report) -> list[Box]:
    return boxes(report.rows, report.graph.outputs)


def _stays(row: Row) -> bool:
    """Whether the layer works on each value or channel in place: same volume, one input, no products."""
    layer = row.node.layer
    return (
        len(row.inputs) == 1
        and row.inputs[0] == row.output
        and not row.cost.macs
        and not row.cost.unknown
        and layer.windows(row.inputs[0]) is None
    )
