"""The report as a page of its own: numbers, the volumes to scale, each layer, memory over a step, the table."""

from collections.abc import Iterator

from archcalc.analysis.analyze import Report
from archcalc.formats import About, Look
from archcalc.formats.drawing.markup import text
from archcalc.formats.drawing.picture import draw
from archcalc.formats.page.details import details
from archcalc.formats.page.memory import memory
from archcalc.formats.page.names import ids
from archcalc.formats.page.page import page
from archcalc.formats.page.summary import problems, summary
from archcalc.formats.page.table import table

FOLDS = PARTIAL = CHOOSES = TELLS = True


def render(report: Report, look: Look, about: About = About()) -> str:
    name = report.graph.name or about.path or "network"
    return page(name, _body(report, look, about, name))


def _body(report: Report, look: Look, about: About, name: str) -> Iterator[str]:
    places = ids(report)
    picture = draw(report, name=lambda box: places[box.row.position], css=False)
    yield f"<h1>{text(name)}</h1>"
    if about.path and about.path != name:
        yield f"<p class=dim>{text(about.path)}"
    yield from problems(about.problems, about.path)
    yield from summary(report, look, about.plan)
    yield "<h2>Volumes</h2><p class=dim>Width and height to one scale, thickness by the root of the channels; what stands in a dashed frame repeats."
    yield f"<div class=scroll tabindex=0 role=region aria-label=Volumes>{picture.svg}</div>"
    yield "<div class=panel><div aria-live=polite><p class=hint>Select a layer in the picture or in the table; the arrows go on to the next and back, Escape ends."
    yield from details(report, places, picture.shown)
    yield f"</div>{_image(report, about.image)}</div>"
    if about.plan:
        yield "<h2>Memory over a training step</h2>"
        yield from memory(about.plan)
    yield "<h2>Layers</h2><div class=scroll tabindex=0 role=region aria-label=Layers>"
    yield from table(report, look, places)
    yield "</div>"


def _image(report: Report, image: str) -> str:
    """The input, where the script shows what a value sees of it."""
    wide, high = report.input.width, report.input.height
    inner = (
        f'<image href="{image}" width="{wide}" height="{high}" preserveAspectRatio="xMidYMid slice"/>' if image else ""
    )
    return (
        f'<figure hidden><svg viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" aria-label="What the value in the middle sees of the input">'
        f"{inner}<rect/></svg><figcaption>seen by the value in the middle</figcaption></figure>"
    )
