"""The volumes of a network to scale, as a picture of its own."""

from archcalc.analysis.analyze import Report
from archcalc.formats import Look
from archcalc.formats.drawing.picture import draw

PARTIAL = True


def render(report: Report, look: Look) -> str:
    return draw(report).svg
