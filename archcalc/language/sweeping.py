"""The key `sweep:` of a spec: what `archcalc sweep` varies, and what it keeps, in the words of its options."""

from archcalc.diagnostics import Problems
from archcalc.language.entries import entries_of, unknown_key
from archcalc.language.suggest import nearest
from archcalc.reader.integers import bad
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.records import NamedTuple

KEYS = {
    "vary": "values by variable, as after --vary",
    "where": "conditions, one or a list of them",
    "pareto": "figures whose front is kept",
    "best": "figures by which the best are kept",
    "top": "how many are shown",
    "figures": "figures that are shown",
    "sample": "how many networks of the space are taken",
    "sampling": "how: random or lhs",
    "seed": "of the sample",
}


class Said(NamedTuple):
    """A text of the section, and the value it was read from."""

    text: str
    node: Value


class SweepSection(NamedTuple):
    """`vary` has texts as after --vary; `options` one text for each of the other keys."""

    vary: tuple[Said, ...] = ()
    where: tuple[Said, ...] = ()
    options: dict[str, Said] = {}


def read_sweep(node: Value, problems: Problems) -> SweepSection:
    """The section; what is wrong with its keys is a problem, what its texts say is for the sweep to judge."""
    entries = entries_of(node, "sweep")
    for word, (key, value) in entries.items():
        if word not in KEYS:
            problems.append(unknown_key("sweep", key, nearest(word, KEYS), ", ".join(KEYS), value))
    vary = [
        Said(f"{name}={said}", value)
        for name, (_, value) in (entries_of(entries["vary"][1], "vary") if "vary" in entries else {}).items()
        if (said := problems.attempt(_values, value)) is not None
    ]
    conditions = entries["where"][1] if "where" in entries else Sequence((), node.span)
    where = [
        Said(said, one)
        for one in (conditions.items if isinstance(conditions, Sequence) else (conditions,))
        if (said := problems.attempt(_text, one)) is not None
    ]
    options = {
        word: Said(said, value)
        for word, (_, value) in entries.items()
        if word in KEYS and word not in ("vary", "where") and (said := problems.attempt(_values, value)) is not None
    }
    return SweepSection(tuple(vary), tuple(where), options)


def _text(node: Value) -> str:
    if not isinstance(node, Scalar):
        raise bad(node, f"{shown(node)} stands where a text is expected")
    return node.text.strip()


def _values(node: Value) -> str:
    """A text, or a list as a text: `[3, 5, 7]` as 3,5,7 and `[[1, 2], [2, 2]]` as [1,2],[2,2]."""
    if isinstance(node, Scalar):
        return node.text.strip()
    if isinstance(node, Mapping):
        raise bad(node, "a mapping stands where values are expected")
    parts = (f"[{','.join(map(_text, one.items))}]" if isinstance(one, Sequence) else _text(one) for one in node.items)
    return ",".join(parts)
