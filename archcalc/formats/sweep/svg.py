"""A scatter plot of the networks, as a picture of its own."""

from archcalc.formats import Look
from archcalc.formats.sweep._scatter import scatter
from archcalc.variants.sweeping.sweep import Result

CLOUD = True


def render(result: Result, look: Look) -> str:
    return scatter(result)
