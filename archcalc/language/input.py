"""The ends of a network: its inputs' sizes, from `input:`, `inputs:`, the pattern, or from outside, and its `outputs:`."""

from archcalc.diagnostics import NOWHERE, Diagnostic, Problems, Refusal, Span, rule
from archcalc.graph import UNKNOWN, Node
from archcalc.language.entries import BAD_STRUCTURE, INPUT_INSIDE, MISSING_KEY, Entries, entries_of, unknown_key
from archcalc.language.names import read_name, read_references
from archcalc.language.pattern import OPTIONAL
from archcalc.language.steps import LayerStep, Step
from archcalc.language.suggest import key_for
from archcalc.layers import Layer
from archcalc.layers.reshape import Input
from archcalc.reader.expression import Environment
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.values import Volumes, read_volume_text, volume_of
from archcalc.volume import Volume

NO_INPUT = rule(
    "AC108",
    "the size of the input is not known",
    "A network begins with its input: `input: 224x224x3` in the spec, or `INPUT[224x224x3] -> ...` in a pattern.",
)


def read_input(
    entries: Entries, steps: tuple[Step, ...], variables: Environment, instead: str | Volume | None, problems: Problems
) -> tuple[Layer, tuple[Step, ...]]:
    """The input layer, of the size `instead` if there is one, and the steps after it.

    Refusal where its size is not known: AC108, or what is wrong with it.
    """
    first = steps[0] if steps else None
    inline = first if isinstance(first, LayerStep) and first.type is Input else None
    rest = steps[1:] if inline else steps
    for step in rest:
        if isinstance(step, LayerStep) and step.type is Input:
            raise Refusal(BAD_STRUCTURE, "the input comes first, and once", step.span)
    if isinstance(instead, Volume):
        return Input(**instead._asdict()), rest
    if instead is not None:
        size = read_volume_text(_unnamed(instead), Span(1, 1, 1, 1))
        return Input(width=size[0], height=size[1], channels=size[2]), rest
    sized = inline if inline and inline.values else None
    if "input" in entries and sized:
        raise Refusal(BAD_STRUCTURE, "the input's size is given twice, here and by `input`", sized.span)
    if "input" not in entries and not sized:
        unread = isinstance(first, LayerStep) and first.type is Layer
        if unread or any(one.message == INPUT_INSIDE for one in problems):  # reported already as what it is
            return UNKNOWN, rest
        where = inline.span if inline else first_span(steps)
        raise Refusal(
            NO_INPUT,
            "the size of the input is not given",
            where,
            help=("write `INPUT[32x32x3]`, or `input: 32x32x3` in the spec, with your numbers",),
        )
    if sized:
        values = {side: node for side, node in sized.values.items() if side != OPTIONAL}
    else:
        node = entries["input"][1]
        if isinstance(node, Scalar) and "$" not in node.text:
            size = read_volume_text(node.text, node.span)
            return Input(width=size[0], height=size[1], channels=size[2]), rest
        if isinstance(node, Sequence):
            message = "input is a volume like 224x224x3, not a list"
            note = "frameworks do not agree on the order in a list; here it is width x height x channels"
            meant = volume_of([one.text for one in node.items if isinstance(one, Scalar)])
            help = (f"write {meant}",) if meant else ()
            raise Refusal(BAD_STRUCTURE, message, node.span, notes=(note,), help=help)
        given = entries_of(node, "input")
        for word, (key, _) in given.items():
            if word not in Input.keys:
                problems.append(unknown_key("input", key, key_for(Input, word), ", ".join(Input.keys)))
        values = {word: value for word, (_, value) in given.items() if word in Input.keys}
        if missing := [word for word in Input.keys if word not in values]:
            raise Refusal(MISSING_KEY, f"input needs `{missing[0]}`", node.span)
    read = {side: Input.keys[side].kind.read(value, variables) for side, value in values.items()}
    return Input(**read), rest


def read_inputs(
    entries: Entries, steps: tuple[Step, ...], variables: Environment, instead: str | Volume | None, problems: Problems
) -> tuple[tuple[Node, ...], tuple[Step, ...]]:
    """`inputs: {image: 224x224x3, mask: 224x224x1}`; `instead` has sizes by name, `image=384x384x3,mask=384x384x1`."""
    key, node = entries["inputs"]
    for step in steps:
        if isinstance(step, LayerStep) and step.type is Input:
            raise Refusal(BAD_STRUCTURE, "the inputs' sizes are given twice, here and by `inputs`", step.span)
    if "input" in entries:
        raise Refusal(BAD_STRUCTURE, "a spec has `input` or `inputs`, not both", key.span)
    given = entries_of(node, "inputs")
    if not given:
        raise Refusal(BAD_STRUCTURE, "inputs names no input", key.span)
    sizes = _named(instead, list(given)) if isinstance(instead, str) else {}
    volumes = Volumes()
    found: list[Node] = []
    for word, (name, value) in given.items():
        if problems.attempt(read_name, name) is None:
            continue
        if isinstance(instead, Volume) and not found:
            found.append(Node(word, Input(**instead._asdict()), (), name.span))
            continue
        volume = problems.attempt(volumes.read, sizes.get(word, value), variables)
        layer = UNKNOWN if volume is None else Input(**volume._asdict())
        found.append(Node(word, layer, (), name.span))
    return tuple(found), steps


def _unnamed(instead: str) -> str:
    name, equals, size = instead.partition("=")
    return size if equals and name == Input.type else instead


def _named(instead: str, names: list[str]) -> dict[str, Scalar]:
    """The sizes from outside by the inputs' names; without a name it is the first input's."""
    found = {}
    for part in instead.split(","):
        name, equals, size = part.rpartition("=")
        if equals and name not in names:
            raise Refusal(
                NO_INPUT,
                f"there is no input {shown(Scalar(name, NOWHERE))}; there are {', '.join(names)}",
                Span(1, 1, 1, 1),
            )
        found[name if equals else names[0]] = Scalar(size, Span(1, 1, 1, 1))
    return found


def read_outputs(entries: Entries, problems: Problems) -> tuple[Scalar, ...]:
    """The names in `outputs: [p3, p4]`, or of one; `head*` is every pass of a repeat."""
    if "outputs" not in entries:
        return ()
    node = entries["outputs"][1]
    if isinstance(node, Mapping) or (isinstance(node, Sequence) and not node.items):
        raise Refusal(BAD_STRUCTURE, f"outputs is a list of names, not {shown(node)}", node.span)
    known: dict[str, Scalar] = {}
    for one in node.items if isinstance(node, Sequence) else (node,):
        name = problems.attempt(read_references if _starred(one) else read_name, one)
        if name is not None and known.setdefault(name.text, name) is not name:
            problems.append(Diagnostic(BAD_STRUCTURE, f"`{name.text}` is an output already", name.span))
    return tuple(known.values())


def _starred(node: Value) -> bool:
    return isinstance(node, Scalar) and node.text.endswith("*")


def first_span(steps: tuple[Step, ...]) -> Span:
    return steps[0].span if steps else Span(1, 1, 1, 1)
