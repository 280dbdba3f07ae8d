"""The spec of the first network that was kept, with every layer as it is expanded."""

from archcalc.architecture import load
from archcalc.authoring.write import write
from archcalc.diagnostics import Unusable
from archcalc.formats import Look
from archcalc.variants.sweeping.sweep import Result


def render(result: Result, look: Look) -> str:
    if not len(result.rows):
        raise Unusable("no network satisfies the conditions, so there is no spec to write")
    request = result.request
    first = request.point(result.rows, 0)
    set, input = request.settings(first)
    net = load(request.spec, set=set, input=input)
    figures = ", ".join(f"{name} {value:,}" for name, value in result.figures(0).items() if value is not None)
    head: dict[str, str | int] = {}
    if net.document is not None:
        head = {"source": net.document.line("source"), "year": int(net.document.line("year") or 0)}
    return write(net.graph, head=head, comment=f"Chosen by `archcalc sweep`: {figures}.\n{request.command(first)}")
