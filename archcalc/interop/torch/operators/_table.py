"""The table of handlers, and how one is entered."""

from collections.abc import Callable, Sequence
from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.tracing import NotUnderstood, Value
from archcalc.volume import Pair

Handler = Callable[[Call], Value | Sequence[Value]]

HANDLERS: dict[str, Handler] = {}


def operator(*names: str) -> Callable[[Handler], Handler]:
    """Enter a handler under names of operators, without the underscores of methods and of in-place forms."""

    def enter(handler: Handler) -> Handler:
        for name in names:
            if name in HANDLERS:
                raise ValueError(f"{name} has two handlers")
            HANDLERS[name] = handler
        return handler

    return enter


def pair(value: Any, spatial: int = 2) -> Pair:
    """PyTorch's number, [height, width] or, of 1D operators, [width] as a Pair; height is 1 in 1D."""
    sides = tuple(value) if isinstance(value, list | tuple) else (value,) * spatial
    if len(sides) == 1 and spatial == 2:
        sides *= 2
    if not all(isinstance(one, int) for one in sides) or len(sides) != spatial or spatial > 2:
        raise NotUnderstood(f"it takes sizes of {len(sides)} axes")
    return Pair(sides[-1], sides[0] if spatial == 2 else 1)
