"""What a spec was read to: its top-level keys, and the document that later passes read."""

from collections.abc import Mapping as Table

from archcalc.diagnostics import Diagnostic
from archcalc.graph import Graph
from archcalc.language.entries import Stated
from archcalc.language.extends import Extension
from archcalc.language.training import TrainingSettings
from archcalc.reader.nodes import Scalar, Value
from archcalc.records import NamedTuple

KEYS = {
    "archcalc": "version of the language, 1",
    "extends": "the spec beside this one that it is a variant of, without `.yaml`, or one of the zoo: zoo:resnet50",
    "name": "what the network is called",
    "source": "where the network is published",
    "year": "when it was published",
    "input": "the image: width x height x channels, like 224x224x3",
    "inputs": "several inputs by name; layers behind the first one say what they read",
    "outputs": "the layers whose results the network gives, by name; without it the last one",
    "rounding": "what layers do where (W - F + 2P)/S + 1 is not whole: exact (default), floor, ceil or caffe",
    "defaults": "hyperparameters a layer type takes unless it says otherwise",
    "vars": "integers to use as $name",
    "blocks": "named lists of layers with variables",
    "layers": "the network: a list of patterns, layers, repeats, joins and blocks",
    "append": "layers behind those of the extended spec",
    "replace": "what takes the place of layers, blocks or repeats of the extended spec, by their names",
    "pattern": "the network as one general pattern, instead of layers",
    "with": "the general pattern's hyperparameters per layer type",
    "expect": "what a pipeline asserts about the results",
    "sweep": "what `archcalc sweep` varies, and what it keeps",
    "training": "what `plan` assumes: batch, dtype, optimizer, and how they train",
}


class Document(NamedTuple):
    """A spec as it was read: its graph, and what later passes need of the rest.

    A network that came from no YAML has a graph, perhaps lines, and no entries.
    """

    name: str
    graph: Graph
    problems: tuple[Diagnostic, ...]
    entries: Table[str, tuple[Scalar, Value]] = {}
    variables: Table[str, int] = {}
    lines: tuple[str, ...] = ()
    training: TrainingSettings = TrainingSettings()
    extension: Extension | None = None
    stated: tuple[Stated, ...] = ()
    root: Value | None = None  # of the spec's own text, without what it extends

    def line(self, key: str) -> str:
        """A top-level value on one line, like `source` or `year`; empty where it is not given."""
        node = self.entries[key][1] if key in self.entries else None
        return " ".join(node.text.split()) if isinstance(node, Scalar) else ""
