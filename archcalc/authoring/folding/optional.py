"""What some of several like stretches have and others have not, as an optional part, so that one block can stand for all.

A residual network's first block of a stage has a projection where the others have their input; MobileNetV2 adds a block's
input only where it can.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from archcalc.authoring.folding.parts import Branches, Optional, Part, shape_of

SHORTEST_BODY = 3  # parts of a branch that is looked for where nothing is joined with it

Parts = tuple[Part, ...]
Slot = tuple[Hashable, ...]  # a join without one of its branches


def with_optional(parts: Parts) -> Parts:
    """The same network, its joins written alike where they differ in one branch that is empty or not there."""
    return _projected(_skipped(parts))


def _projected(parts: Parts) -> Parts:
    """Branches that are empty in some joins, and the same layers in all others that are equal but for it."""
    variants: dict[Slot, dict[Hashable, Parts]] = {}
    for join in _joins(parts):
        for at, branch in enumerate(join.branches):
            variants.setdefault(_slot(join, at), {}).setdefault(tuple(map(shape_of, branch)), branch)

    def changed(join: Branches) -> Branches:
        for at, branch in enumerate(join.branches):
            known = variants.get(_slot(join, at), {})
            if len(known) == 2 and () in known and not any(isinstance(one, Optional) for one in branch):
                (whole,) = (one for one in known.values() if one)
                optional = Optional(branch or whole, bool(branch))
                return join._replace(branches=(*join.branches[:at], (optional,), *join.branches[at + 1 :]))
        return join

    return _mapped(parts, changed)


def _skipped(parts: Parts) -> Parts:
    """Sums of the input and a stretch, where the stretch stands elsewhere with nothing added to it."""
    bodies: dict[tuple[Hashable, ...], int] = {}  # and how often they are added to their input
    for join in _joins(parts):
        if (body := _body(join)) is not None:
            shape = tuple(map(shape_of, body))
            bodies[shape] = bodies.get(shape, 0) + 1
    alone = set[Hashable]()
    found = _wrapped(parts, bodies, alone)

    def changed(join: Branches) -> Branches:
        body = _body(join)
        if body is None or tuple(map(shape_of, body)) not in alone:
            return join
        return join._replace(branches=((Optional((), True, branch=True),), body))

    return _mapped(found, changed) if alone else parts


def _wrapped(parts: Parts, bodies: dict[tuple[Hashable, ...], int], alone: set[Hashable]) -> Parts:
    """Stretches that are a body elsewhere, as a join whose other branch is not there; notes their shapes in `alone`."""
    shapes = [*map(shape_of, parts)]
    found: list[Part] = []
    at = 0
    lengths = sorted({len(body) for body in bodies}, reverse=True)
    while at < len(parts):
        body = next((one for n in lengths if (one := tuple(shapes[at : at + n])) in bodies), None)
        if body is None:
            found.append(parts[at])
            at += 1
        else:
            alone.add(body)
            stretch = parts[at : at + len(body)]
            found.append(Branches("add", ((Optional((), False, branch=True),), stretch)))
            at += len(body)
    return tuple(found)


def _body(join: Branches) -> Parts | None:
    """What a sum adds to its input, if that is all it does, and is long enough to be told from others."""
    first, *rest = join.branches
    if join.type != "add" or join.name or first or len(rest) != 1 or len(rest[0]) < SHORTEST_BODY:
        return None
    return rest[0]


def _slot(join: Branches, at: int) -> Slot:
    others = (tuple(map(shape_of, one)) for number, one in enumerate(join.branches) if number != at)
    return join.type, join.name, at, *others


def _joins(parts: Sequence[Part]) -> Iterator[Branches]:
    for part in parts:
        if isinstance(part, Branches):
            yield part
            for branch in part.branches:
                yield from _joins(branch)


def _mapped(parts: Parts, change: Callable[[Branches], Branches]) -> Parts:
    """The parts with every join changed, from the outside in."""
    return tuple(_inside(change(one), change) if isinstance(one, Branches) else one for one in parts)


def _inside(join: Branches, change: Callable[[Branches], Branches]) -> Branches:
    return join._replace(branches=tuple(_mapped(branch, change) for branch in join.branches))
