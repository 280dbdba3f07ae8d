"""A graph that came from no text: analyzed, checked, planned, verified, compared, written; findings without a place."""

import json

import pytest

import archcalc
from archcalc import Graph, Node, Pair
from archcalc.architecture import Examination, examine
from archcalc.checks.rules import RULES, advise
from archcalc.diagnostics import NOWHERE, Diagnostic, headline
from archcalc.formats import Look, names, renderer
from archcalc.language.document import Document
from archcalc.language.program import read_document
from archcalc.language.specfile import SpecText
from archcalc.layers import TYPES, Layer
from archcalc.project.fingerprint import Fingerprints
from archcalc.testing import assert_architecture


def layer(type: str, **values: object) -> Layer:
    return TYPES[type](**values)


def chain(*layers: tuple[str, Layer]) -> Graph:
    """A network of one layer behind the other."""
    nodes = [Node(name, one, (at - 1,) if at else ()) for at, (name, one) in enumerate(layers)]
    return Graph("made by hand", tuple(nodes))


IMAGE = ("image", layer("input", width=16, height=16, channels=3))
SMALL = chain(
    IMAGE,
    ("stem", layer("conv", filters=8, kernel_size=Pair(3, 3))),
    ("bend", layer("relu")),
    ("scores", layer("fc", units=10)),
)
PARAMETERS = (3 * 3 * 3 * 8 + 8) + (14 * 14 * 8 * 10 + 10)


def test_it_goes_everywhere() -> None:
    network = archcalc.from_graph(SMALL)
    assert repr(network) == "<Architecture <graph>: made by hand, 4 layers>"
    assert network.analyze().totals.params == PARAMETERS
    assert network.check() == []
    assert network.plan(batch=2).training is not None
    assert network.verify().ok
    other = archcalc.from_graph(
        chain(*[(node.name, node.layer) for node in SMALL.nodes[:3]], ("scores", layer("fc", units=5)))
    )
    (change,) = archcalc.compare(network.report, other.report).changes
    assert (change.row.node.name, change.params) == ("scores", -5 * (14 * 14 * 8 + 1))
    again = read_document(archcalc.write(network.graph))
    assert [(one.name, one.layer, one.inputs) for one in again.graph.nodes[1:]] == [
        (one.name, one.layer, one.inputs) for one in SMALL.nodes[1:]
    ]
    assert_architecture(network, params=PARAMETERS, output="1x1x10")


def test_training_is_what_is_given() -> None:
    said = archcalc.TrainingSettings(batch=7, optimizer="adam")
    assert archcalc.from_graph(SMALL, training=said).plan().batch == 7


def test_what_does_not_fit_names_the_file_and_the_layer() -> None:
    wrong = chain(IMAGE, ("stem", layer("conv", filters=8, kernel_size=Pair(3, 3), stride=Pair(2, 2))))
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.from_graph(wrong, path="net.onnx")
    assert str(caught.value) == "net.onnx: error[AC201]: stem does not fit: output width would be 7.5"


def without_places(graph: Graph) -> Graph:
    return graph._replace(nodes=tuple(one._replace(span=NOWHERE, places={}) for one in graph.nodes))


def examples() -> list[tuple[str, str]]:
    """The bad example of every rule that has one."""
    found = []
    for code, one in RULES.items():
        _, bad, rest = one.page.partition("Bad:")
        lines = [line for line in rest.partition("Good:")[0].split("\n") if bad]
        text = "\n".join(line.removeprefix("    ") for line in lines).strip("\n")
        if text:
            found.append((code, text))
    return found


@pytest.mark.parametrize(("code", "text"), [one for one in examples() if one[0] not in ("AC619", "AC620")])
def test_advice_without_a_place_names_the_layer(code: str, text: str) -> None:
    found = examine(SpecText("x.yaml", text, pattern="input:" not in text))
    graph = without_places(found.document.graph)
    report = archcalc.from_graph(graph).report
    said = advise(Document("", graph, ()), report, {code})
    assert said
    for one in said:
        assert one.span == NOWHERE
        assert any(node.name in one.message for node in graph.nodes), one.message


def test_layers_without_a_place_are_not_taken_for_one() -> None:
    convs = [(f"c{n}", layer("conv", filters=8, kernel_size=Pair(3, 3))) for n in range(3)]
    report = archcalc.from_graph(chain(IMAGE, *convs)).report
    said = advise(Document("", report.graph, ()), report, {"AC611"})
    assert [one.message.split()[0] for one in said] == ["c1:", "c2:"]


FINDING = Diagnostic("AC201", "stem does not fit", NOWHERE, notes=("arithmetic",))


@pytest.mark.parametrize("form", names("check"))
def test_every_format_prints_a_finding_without_a_place(form: str) -> None:
    report = archcalc.from_graph(SMALL).report
    found = Examination("net.onnx", Document("", SMALL, ()), report, (FINDING,))
    text = "".join(renderer("check", form)([found], Look()))
    assert "stem does not fit" in text
    assert ":0:" not in text
    assert "line=0" not in text
    if form in ("json", "sarif", "gitlab"):
        json.loads(text)
        assert '"startLine": 0' not in text
        assert '"begin": 0' not in text
    if form == "text":
        assert text.startswith("net.onnx: error[AC201]: stem does not fit\n  = arithmetic\n")


def test_findings_without_a_place_have_names_of_their_own() -> None:
    fingerprints = Fingerprints()
    other = FINDING._replace(message="bend does not fit")
    assert fingerprints.of("net.onnx", FINDING, ()) != fingerprints.of("net.onnx", other, ())
    assert headline("net.onnx", FINDING) == "net.onnx: error[AC201]: stem does not fit"
