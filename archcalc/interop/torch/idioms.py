"""Arithmetic over several operators that is one layer, told by what is computed of what.

What an operator without a layer read is noted with it, so that its result can be written out as a sum of products.
"""

from collections.abc import Callable, Sequence
from typing import Any

from archcalc.interop.torch.layout import axis, has
from archcalc.interop.torch.tracing import IMAGES, Known, Murky, NotUnderstood, Trace, Value, Weight, Work, made
from archcalc.layers import Layer
from archcalc.records import NamedTuple

_DEEPEST = 12  # operators in each other: an idiom is short


class Term(NamedTuple):
    """A tensor, and what was known of it when it was read; `work` made it, if that has no layer."""

    tensor: Any
    known: Known
    work: Work | None


class Idiom(NamedTuple):
    """A layer that computes what was spelled out, of which value, with which weights."""

    layer: Layer
    value: Value
    weights: tuple[Any, ...]


def spelled_out(trace: Trace, murky: Murky) -> Value | None:
    """The result of the layer that the work behind a tensor spells out; None if it spells none."""
    last = trace.work[murky.work[-1]]
    try:
        terms = _summands(trace, last, _DEEPEST)
        for idiom in _IDIOMS:
            found = idiom(trace, terms)
            if found is not None:
                node = trace.emit(found.layer, (found.value.node,), found.weights)
                trace.counted.update(murky.work)
                return Value(node, found.value.layout)
    except NotUnderstood:
        pass
    return None


def _response_norm(trace: Trace, terms: Sequence[Sequence[Term]]) -> Idiom | None:
    """Global response normalization, x + b + w*x*(g/(mean(g) + eps)), g being the channels' lengths over the image."""
    if sorted(map(len, terms)) != [1, 1, 3]:
        return None
    factors = next(one for one in terms if len(one) == 3)
    plain = [one[0] for one in terms if len(one) == 1]
    image, factor, ratio = (_only(factors, kind) for kind in (Value, Weight, Murky))
    same, bias = (_only(plain, kind) for kind in (Value, Weight))
    if not (image and factor and ratio and same and bias) or image.known != same.known:
        return None
    lengths, mean = (_read(trace, ratio, place) for place in (0, 1))
    if not (lengths and mean) or _name(ratio) not in ("div", "truediv", "true_divide"):
        return None
    of, eps = _read(trace, mean, 0), _argument(mean, 1, "other")
    if _name(mean) != "add" or not isinstance(eps, float) or not of or _name(of) != "mean":
        return None
    again, x = _read(trace, of, 0), image.known
    if not isinstance(x, Value) or not again or again.tensor is not lengths.tensor:
        return None
    channels = trace.volume(x.node).channels
    over = _argument(of, 1, "dim")
    if not isinstance(over, int) or not has(x.layout[over], "c", channels) or not _lengths(trace, lengths, x):
        return None
    return Idiom(made("grn", eps=eps), x, (factor.tensor, bias.tensor))


def _lengths(trace: Trace, term: Term, x: Value) -> bool:
    """Whether a term is the square root of the sum of squares over width and height."""
    if _name(term) not in ("norm", "linalg_vector_norm") or _argument(term, 1, "p") not in (None, 2, "fro"):
        return False
    read, dims = _read(trace, term, 0), _argument(term, 2, "dim")
    volume = trace.volume(x.node)
    if not read or read.known != x or not isinstance(dims, Sequence):
        return False
    atoms = sorted(atom for one in dims for atom in x.layout[one])
    return atoms == sorted((*axis("h", volume.height), *axis("w", volume.width))) and x.layout[0] == axis("n", IMAGES)


_IDIOMS: tuple[Callable[[Trace, Sequence[Sequence[Term]]], Idiom | None], ...] = (_response_norm,)


# -- expressions ------------------------------------------------------------------------------------


def _summands(trace: Trace, work: Work, deep: int) -> list[list[Term]]:
    """A result as a sum of products."""
    match work.operator, work.args:
        case "add", (a, b) if not work.kwargs:
            return [*_expanded(trace, work, a, deep), *_expanded(trace, work, b, deep)]
        case "mul", (a, b):
            return _times(_expanded(trace, work, a, deep), _expanded(trace, work, b, deep))
        case "addcmul", (a, b, c) if not work.kwargs:
            product = _times(_expanded(trace, work, b, deep), _expanded(trace, work, c, deep))
            return [*_expanded(trace, work, a, deep), *product]
    return []


def _times(one: list[list[Term]], other: list[list[Term]]) -> list[list[Term]]:
    return [[*a, *b] for a in one for b in other]


def _expanded(trace: Trace, work: Work, operand: Any, deep: int) -> list[list[Term]]:
    term = _term(trace, work, operand)
    if term is None or deep == 0:
        raise NotUnderstood("it is combined with a number")
    return (term.work and _summands(trace, term.work, deep - 1)) or [[term]]


def _term(trace: Trace, work: Work, operand: Any) -> Term | None:
    known = work.read.get(id(operand))
    if known is None:
        return None
    return Term(operand, known, trace.work[known.work[-1]] if isinstance(known, Murky) else None)


def _only(terms: Sequence[Term], kind: type) -> Term | None:
    found = [one for one in terms if isinstance(one.known, kind)]
    return found[0] if len(found) == 1 else None


def _name(term: Term) -> str:
    return term.work.operator if term.work else ""


def _argument(term: Term, place: int, name: str) -> Any:
    work = term.work
    return None if work is None else work.args[place] if place < len(work.args) else work.kwargs.get(name)


def _read(trace: Trace, term: Term, place: int) -> Term | None:
    """The term that a term's operator read as one of its arguments."""
    return _term(trace, term.work, _argument(term, place, "")) if term.work else None
