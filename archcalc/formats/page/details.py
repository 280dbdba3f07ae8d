"""What a page says about each layer once it is selected; the words and the arithmetic are those of `archcalc explain`."""

from collections.abc import Iterator, Mapping

from archcalc.analysis.analyze import Report, Row
from archcalc.analysis.explanation import facts
from archcalc.analysis.receptive import Field
from archcalc.formats.drawing.boxes import drawn
from archcalc.formats.drawing.markup import text

ELSEWHERE = ("gives", "FLOPs", "buffers")  # facts that stand in the heading or the table, or follow from others
ALIKE = ("reads", "memory", "sees", "read by")  # of layers in one box the same, or the layer before or after


def details(report: Report, ids: Mapping[int, str], shown: Mapping[int, int]) -> Iterator[str]:
    """A section a box, with a heading that is the place of a layer for each layer in it.

    `shown` says which layer's box shows a layer: its position goes along where that is another's.
    """
    readers = report.graph.readers()
    for box in drawn(report):
        row, last = box.row, box.rows[-1]
        other = shown.get(row.position, row.position)
        hidden = f" data-b={ids[other]}" if other != row.position else ""
        yield f"<section{hidden}{_part(row)}>"
        for one in box.rows:
            explained = facts(report, one, readers[one.position])
            left_out = ELSEWHERE if one is row else (*ELSEWHERE, *ALIKE)
            said = [fact for fact in explained if fact.word not in left_out]
            if one is row and last is not row:  # who reads the box comes last
                said = [fact for fact in said if fact.word != "read by"]
            if one is last and last is not row:
                said += [fact for fact in explained if fact.word == "read by"]
            line = f", line {one.node.span.line}" if one.node.span.line else ""
            volume = f" {one.output}" if one is row else ""
            yield f"<h3 id={ids[one.position]}>{text(one.node.name)} <small>{text(one.node.layer.label)}{volume}{line}</small></h3>"
            yield f"<dl>{''.join(f'<dt>{fact.word}<dd>{text(fact.text)}' for fact in said)}</dl>"
        yield "</section>"


def _part(row: Row) -> str:
    """What of the image the output in the middle sees, as x, y, width and height in pixels."""
    width, height = (_seen(field, places) for field, places in zip(row.receptive_field, row.output, strict=False))
    if width is None or height is None:
        return ""
    return f' data-f="{width[0]} {height[0]} {width[1] - width[0]} {height[1] - height[0]}"'


def _seen(field: Field | None, places: int) -> tuple[int, int] | None:
    """The first pixel and the one behind the last, of the padding, too."""
    if field is None or field.advance is None:
        return None
    return field.at(places // 2)
