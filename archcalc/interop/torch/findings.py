"""What a capture has to say about a model, with the module's path and the user's line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archcalc.diagnostics import NOWHERE, Diagnostic, rule
from archcalc.graph import Node
from archcalc.interop.torch.source import written
from archcalc.interop.torch.tracing import Where, Work
from archcalc.records import NamedTuple
from archcalc.units import size

NOT_A_LAYER = rule(
    "AC820",
    "an operator of a PyTorch model has no layer",
    """
    The model does something between its layers that archcalc has no layer for.  It stands in the network as one
    `opaque` layer, from what it reads to the next tensor that is an image, with the output, the parameters and the
    multiply-accumulates that were measured; what it keeps for the backward pass is not known.
    """,
    "warning",
)
UNUSED = rule(
    "AC821",
    "parameters of a PyTorch model that nothing uses",
    """
    The model holds them, so an optimizer is given them and a checkpoint stores them, and yet its forward pass does
    not read them: an auxiliary head that only training runs, or a module that was left behind.  They are not in the
    report's sums.
    """,
    "warning",
)
UNREAD = rule(
    "AC822",
    "a PyTorch model computes what nobody reads",
    "The result of these modules reaches no output of the model; they are not in the network.",
    "warning",
)
DEPENDS = rule(
    "AC823",
    "a PyTorch model's way depends on values",
    """
    The forward pass asks for values of a tensor (`if x.mean() > 0`, `.item()`), draws random numbers, or does other
    things for another size.  The network is the one of this run, and may be another for another image.
    """,
    "warning",
)
FAILED = rule(
    "AC824",
    "a PyTorch model cannot be read",
    """
    Its forward pass fails on this input, is compiled (TorchScript), or is no function of images.  The message names
    the module that was being called, and the line.
    """,
)

HOLDS = rule(
    "AC825",
    "what a PyTorch model holds",
    """
    Parameters and buffers by their type in memory, each tensor once, those that nothing uses included: what a checkpoint
    stores.  `plan` takes the type of the parameters for the values, where all have one and `--dtype` says no other.
    """,
    "info",
)


def place(where: Where) -> str:
    """`in layer1.0 (resnet.py:92)`."""
    site = f" ({where.site[0]}:{where.site[1]})" if where.site else ""
    return f"in {where.path or 'the model'}{site}"


def not_layers(work: Sequence[Work], name: str) -> Diagnostic:
    """One finding for an opaque layer: its operators, and where the first of them is called."""
    counts: dict[str, int] = {}
    for one in work:
        counts[one.operator] = counts.get(one.operator, 0) + 1
    listed = ", ".join(f"{number} x {one}" if number > 1 else one for one, number in counts.items())
    notes = tuple(dict.fromkeys(f"{one.operator}: {one.why}, {place(one.where)}" for one in work))
    return Diagnostic(NOT_A_LAYER, f"{name} is opaque: {listed}", NOWHERE, "warning", notes=notes[:MOST])


MOST = 8  # notes of a finding


class Stored(NamedTuple):
    """What a model holds of one type: how many values, in so many bytes."""

    kind: str  # parameters or buffers
    dtype: str
    values: int
    bytes: int


def unused(parameters: Iterable[tuple[str, int]], modules: Mapping[str, Any]) -> list[Diagnostic]:
    found = [*parameters]
    if not found:
        return []
    total = sum(size for _, size in found)
    names = ", ".join(name for name, _ in found[:MOST]) + (", ..." if len(found) > MOST else "")
    message = f"{len(found):,} parameters ({total:,} values) are never used: {names}"
    notes = written((path for path, _ in found), modules)
    return [Diagnostic(UNUSED, message, NOWHERE, "warning", notes=tuple(notes[:MOST]))]


def unread(paths: Iterable[str], modules: Mapping[str, Any]) -> list[Diagnostic]:
    found = [*dict.fromkeys(paths)]
    if not found:
        return []
    names = ", ".join(found[:MOST]) + (", ..." if len(found) > MOST else "")
    notes = tuple(written(found, modules)[:MOST])
    return [Diagnostic(UNREAD, f"nobody reads what is computed in {names}", NOWHERE, "warning", notes=notes)]


def differs(here: Sequence[Node], there: Sequence[Node], size: str) -> list[Diagnostic]:
    """One finding where a larger image takes another way, with the first layer at which it does."""
    one, other = ([(node.layer.type, node.inputs, node.name, node.shares) for node in nodes] for nodes in (here, there))
    if one == other:
        return []
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    first, instead = (nodes[at].name if at < len(nodes) else "the end" for nodes in (here, there))
    message = f"the way depends on the size: at {size} there is {instead} instead of {first}"
    if first == instead:
        message = f"the way depends on the size: at {size} {first} is another layer, or reads another one"
    return [Diagnostic(DEPENDS, message, NOWHERE, "warning")]


def holds(state: Iterable[Stored]) -> list[Diagnostic]:
    """`25,557,032 parameters as float32 (97.5 MiB)`, and buffers."""
    texts = [
        f"{one.values:,} {one.kind if one.values != 1 else one.kind[:-1]} as {one.dtype} ({size(one.bytes)})"
        for one in state
    ]
    return [Diagnostic(HOLDS, f"it holds {', '.join(texts)}", NOWHERE, "info")] if texts else []


def depends(asked: Iterable[tuple[str, Where]], random: Iterable[tuple[str, Where]]) -> list[Diagnostic]:
    texts = [f"the way depends on values: {name} {place(where)}" for name, where in asked]
    texts += [f"random numbers: {name} {place(where)}" for name, where in random]
    return [Diagnostic(DEPENDS, one, NOWHERE, "warning") for one in dict.fromkeys(texts)]
