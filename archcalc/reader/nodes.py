"""What a spec is read into, from YAML as from a pattern: scalars, lists and mappings that know their place."""

from archcalc.diagnostics import Span
from archcalc.reader.text import in_backticks
from archcalc.records import NamedTuple

MAX_DEPTH = 64
MAX_NODES = 100_000


class Scalar(NamedTuple):
    """A single value as text; quoting makes no difference to its meaning."""

    text: str
    span: Span
    style: str = ""  # "" plain, "'", '"', "|" or ">"


class Sequence(NamedTuple):
    items: "tuple[Value, ...]"
    span: Span


class Mapping(NamedTuple):
    entries: "tuple[tuple[Scalar, Value], ...]"
    span: Span

    def get(self, key: str) -> "Value | None":
        return next((value for name, value in self.entries if name.text == key), None)


Value = Scalar | Sequence | Mapping


def shown(node: Value) -> str:
    """A node in a message, in backticks and short."""
    if isinstance(node, Scalar):
        return in_backticks(node.text) if node.text else "nothing"
    return "a list" if isinstance(node, Sequence) else "a mapping"
