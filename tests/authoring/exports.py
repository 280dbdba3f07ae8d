"""What an exported file and its network have in common, whatever the format calls it."""

from collections.abc import Collection
from functools import cache
from typing import Any

import archcalc
from archcalc.analysis.analyze import Report, Row, analyze
from archcalc.authoring.export import Unwritable, writer
from archcalc.interop import readers

POOLS = {"adaptive_avgpool": "avgpool", "adaptive_pool": "pool", "gmp": "pool", "gap": "avgpool"}
COMMUTE = ("add", "multiply", "maximum", "minimum")


def structure(report: Report, ignored: Collection[str]) -> list[Any]:
    """What every layer is, reads, gives and costs; what is ignored is passed through.

    A depthwise convolution is a grouped one, a pool over the whole image is a pool.  A layer is known by the place of
    the one that it reads among those that are not ignored.  A transposed convolution and what crops it (`name_crop`), and
    Caffe's batch norm, its scale and its shift, are one; its count is not counted.
    """
    found: list[Any] = []
    place: dict[int, int] = {}
    for row in report.rows:
        node, layer = row.node, row.node.layer
        reads = tuple(place[one] for one in node.inputs)
        if layer.type in ignored and len(reads) == 1:
            place[row.position] = reads[0]
            if node.name.endswith("_crop"):
                found[reads[0]][2] = row.output
            continue
        before = report.rows[node.inputs[0]] if node.inputs else row
        if (
            layer.type in ("scale", "shift")
            and node.name.startswith(before.node.name + ".")
            and found[reads[0]][0] == "bn"
        ):
            place[row.position] = reads[0]
            found[reads[0]][3] = [a + b for a, b in zip(found[reads[0]][3], _costs(row), strict=True)]
            continue
        place[row.position] = len(found)
        shares = None if node.shares is None else place[node.shares]
        kind = "conv" if layer.type == "dwconv" else POOLS.get(layer.type, layer.type)
        reads = tuple(sorted(reads)) if layer.type in COMMUTE else reads
        found.append([kind, reads, row.output, _costs(row), shares, node.trainable])
    return found


def _costs(row: Row) -> list[int]:
    counted = row.node.layer.type == "bn" and row.node.layer.values()["counted"]
    return [row.cost.weights, row.cost.biases, row.cost.buffers - counted, row.cost.macs]


@cache
def network(spec: str) -> Report:
    return archcalc.load(spec).report


def read_back(format: str, data: bytes) -> Report:
    reader = readers()[format]
    assert reader.recognises(data, "net")
    found = reader.read(data, "net")
    assert [one.message for one in found.problems] == []
    report = analyze(found.graph)
    assert report.problems == ()
    return report


def refusal(format: str, report: Report) -> str:
    """Why a network cannot be written; empty where it can be."""
    try:
        writer(format).write(report)
    except Unwritable as error:
        return str(error)
    return ""


def types_in(message: str) -> set[str]:
    """The layer types that a refusal begins its reasons with."""
    start = message.partition(" has nothing that is exactly")[2]
    return {line.split()[0].rstrip(":") for line in start.split("\n") if line.strip()}
