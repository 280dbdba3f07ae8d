"""The general pattern: a shape like `INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> FC` plus its hyperparameters.

`vars` may give a list to a repeat, one count per stage, and `with` may give lists to a layer type, one
value per stage or one per occurrence.  A stage is a pass of the outermost group that holds the step; a
step outside all groups is a stage of its own.  The result is the unrolled list of ordinary nodes.
"""

from collections.abc import Mapping as Table

from archcalc.diagnostics import Diagnostic, Refusal, rule
from archcalc.language.counting import MAX_LAYERS, too_many
from archcalc.language.entries import BAD_STRUCTURE, INPUT_INSIDE, entries_of, unknown_key, unknown_type
from archcalc.language.pattern import OPTIONAL
from archcalc.language.suggest import MAX_SUGGESTIONS, key_for, type_for
from archcalc.layers import TYPES
from archcalc.layers.reshape import Input
from archcalc.reader.expression import names_in
from archcalc.reader.integers import whole_number
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.source import DUPLICATE_KEY
from archcalc.reader.values import Boolean
from archcalc.records import NamedTuple

BAD_LIST = rule(
    "AC110",
    "a list of the general pattern has the wrong length",
    """
    A list gives one value per stage (pass of the outermost group that holds the step) or one per occurrence
    after unrolling; a count like `N: [2, 2, 3]` gives one per pass of the outermost group around it.
    """,
)

NOT_IN_PATTERN = rule(
    "AC111",
    "hyperparameters for a layer that the pattern does not have",
    "`with` gives values to the layers of the pattern; what no layer takes is misspelt, or left over.",
)

Stage = tuple[int, int]  # which top-level step of the pattern, which pass of it


class _Place(NamedTuple):
    """One occurrence of a layer in the unrolled pattern."""

    node: Mapping
    stage: Stage


def unroll(
    pattern: Sequence, variables: Table[str, int], lists: Table[str, Sequence], given: Value | None
) -> tuple[Sequence, list[Diagnostic]]:
    """The unrolled pattern with its hyperparameters filled in, and what is wrong with `given`."""
    unroller = _Unroller(variables, lists)
    for number, item in enumerate(pattern.items):
        unroller.walk(item, (number, 0), outermost=True)
    hyperparameters = _Hyperparameters(unroller.places, unroller.stages, given)
    return Sequence(hyperparameters.fill(), pattern.span), hyperparameters.problems


class _Unroller:
    def __init__(self, variables: Table[str, int], lists: Table[str, Sequence]) -> None:
        self.variables, self.lists = variables, lists
        self.places: list[_Place] = []
        self.passes = 0
        self.stages: dict[str, list[Stage]] = {}  # of each layer type, also those where an inner group drops it

    def walk(self, item: Value, stage: Stage, *, outermost: bool, passes: int = 1) -> None:
        assert isinstance(item, Mapping)
        key, value = item.entries[0]
        if key.text != "repeat":
            if key.text == Input.type and not outermost:
                raise Refusal(BAD_STRUCTURE, INPUT_INSIDE, item.span)
            self.places.append(_Place(item, stage))
            if outermost:
                self.stages.setdefault(key.text, []).append(stage)
            return
        body = item.entries[1][1]
        assert isinstance(value, Scalar) and isinstance(body, Sequence)
        times = self.times(value, stage, passes, outermost=outermost)
        if body.items and len(self.places) + times * self._least(body) > MAX_LAYERS:
            raise too_many(item.span, len(self.places) + times * self._least(body))
        if outermost:
            for type in _types_in(body):
                self.stages.setdefault(type, []).extend((stage[0], number) for number in range(times))
        for number in range(times if body.items else 0):
            self.passes += 1  # of nothing, too
            if self.passes > MAX_LAYERS:
                raise too_many(item.span, self.passes)
            for one in body.items:
                self.walk(
                    one,
                    (stage[0], number) if outermost else stage,
                    outermost=False,
                    passes=times if outermost else passes,
                )

    def _least(self, body: Sequence) -> int:
        """Layers that every pass has at least; 1 even for none, so that passes are bounded too."""
        return max(1, sum(isinstance(one, Mapping) and one.entries[0][0].text != "repeat" for one in body.items))

    def times(self, value: Scalar, stage: Stage, passes: int, *, outermost: bool) -> int:
        names = names_in(value.text)
        listed = [name for name in names if name in self.lists]
        variables = dict(self.variables)
        for name in listed:
            values = self.lists[name]
            if outermost:
                message = f"`{name}` is a list, but this group is the outermost: its count is one number"
                raise Refusal(BAD_LIST, message, value.span)
            if len(values.items) != passes:
                message = f"`{name}` has {len(values.items)} values; the group around it passes {passes} times"
                raise Refusal(BAD_LIST, message, values.span)
            variables[name] = whole_number(values.items[stage[1]], self.variables)
        times = whole_number(value, variables, "a number of repeats")
        if times < 0:
            raise Refusal(BAD_LIST, f"{times} repeats; 0 is the least", value.span)
        return times


class _Hyperparameters:
    """The `with` block: fills values into the places of each layer type."""

    def __init__(self, places: list[_Place], stages: dict[str, list[Stage]], given: Value | None) -> None:
        self.places, self.stages, self.problems = places, stages, list[Diagnostic]()
        self.columns: dict[str, dict[str, tuple[Scalar, list[Value]]]] = {}
        self.made: dict[tuple[int, ...], Mapping | None] = {}
        for key, value in entries_of(given, "with").values() if given is not None else ():
            try:
                self._type(key, value)
            except Refusal as refusal:
                self.problems.append(refusal.diagnostic)

    def _type(self, word: Scalar, value: Value) -> None:
        type = word.text.lower()
        if type not in TYPES:
            meant = type_for(word.text) if len(self.problems) < MAX_SUGGESTIONS else None
            raise unknown_type(word, meant, pattern=True)
        if type not in self.stages:
            known = ", ".join(one.upper() for one in self.stages)
            raise Refusal(NOT_IN_PATTERN, f"the pattern has no {shown(word)}; it has {known}", word.span)
        if type in self.columns:
            raise Refusal(DUPLICATE_KEY, f"{shown(word)} is given twice; upper and lower case are one", word.span)
        places = [place for place in self.places if place.node.entries[0][0].text == type]
        columns = self.columns[type] = {}
        layer = TYPES[type]
        for key, node in entries_of(value, word.text).values():
            if key.text != "present" and key.text not in layer.keys:
                takes = ", ".join([*layer.keys, "present"])
                meant = key_for(layer, key.text) if len(self.problems) < MAX_SUGGESTIONS else None
                self.problems.append(unknown_key(word.text, key, meant if meant in layer.keys else None, takes))
                continue
            try:
                columns[key.text] = key, self._column(word.text, key, node, places)
            except Refusal as refusal:
                self.problems.append(refusal.diagnostic)

    def _column(self, type: str, key: Scalar, node: Value, places: list[_Place]) -> list[Value]:
        """One value for every occurrence."""
        if not isinstance(node, Sequence):
            return [node] * len(places)
        stages = self.stages.get(type.lower(), [])
        if len(node.items) == len(stages):
            by_stage = dict(zip(stages, node.items, strict=True))
            return [by_stage[place.stage] for place in places]
        if len(node.items) == len(places):
            return list(node.items)
        fit = f"{len(stages)} (one per stage)"
        if len(places) != len(stages):
            fit += f" or {len(places)} (one per occurrence)"
        raise Refusal(BAD_LIST, f"{key.text} has {len(node.items)} values; {type} takes {fit}", node.span)

    def fill(self) -> tuple[Value, ...]:
        counters: dict[str, int] = {}
        items = []
        for place in self.places:
            type = place.node.entries[0][0].text
            occurrence = counters[type] = counters.get(type, -1) + 1
            columns = self.columns.get(type, {})
            values = {name: (key, column[occurrence]) for name, (key, column) in columns.items()}
            identity = (id(place.node), *(id(node) for _, node in values.values()))
            if identity not in self.made:
                self.made[identity] = self._node(place.node, values)
            if (node := self.made[identity]) is not None:
                items.append(node)
        return tuple(items)

    def _node(self, node: Mapping, values: dict[str, tuple[Scalar, Value]]) -> Mapping | None:
        """The step with its values; None for an optional step that is absent."""
        ((word, own),) = node.entries
        assert isinstance(own, Mapping)
        entries = {key.text: (key, value) for key, value in own.entries}
        optional = entries.pop(OPTIONAL, None)
        present = values.pop("present", None)
        if present is not None:
            try:
                if not optional:
                    message = f"{word.text} is not optional here, so it has no `present`; write `{word.text.upper()}?`"
                    raise Refusal(BAD_LIST, message, present[0].span)
                if not Boolean().read(present[1], {}):
                    return None
            except Refusal as refusal:
                self.problems.append(refusal.diagnostic)
        filled = {name: entry for name, entry in values.items() if not (optional and _is_null(entry[1]))}
        entries = {**filled, **entries}
        if optional and not entries:
            return None
        return Mapping(((word, Mapping(tuple(entries.values()), own.span)),), node.span)


def _types_in(body: Sequence) -> dict[str, None]:
    """The layer types in a group and in the groups within, in their order."""
    found: dict[str, None] = {}
    for item in body.items:
        assert isinstance(item, Mapping)
        inner = item.entries[-1][1]
        found |= _types_in(inner) if isinstance(inner, Sequence) else {item.entries[0][0].text: None}
    return found


def _is_null(node: Value) -> bool:
    return isinstance(node, Scalar) and not node.style and node.text in ("", "~", "null")
