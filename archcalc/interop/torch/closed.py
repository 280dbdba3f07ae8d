"""Code that hides from a watched run what it does: torch.autograd.Function of a user's, functions in TorchScript.

What a Function's `forward` does can be seen, and its backward pass, with what it keeps for that, cannot; of a compiled function
only fragments are seen.  Both are therefore called through here while a model is watched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import torch

Seen = Callable[[str, str, Callable[..., Any], Any, Any], Any]  # a name, why it hides, the function, its arguments

_OWN = ("torch.", "torchvision.", "functorch.")
FUNCTION = "it is a torch.autograd.Function, whose backward pass is its own"
SCRIPT = "it is compiled (TorchScript) and cannot be watched"


@contextmanager
def called_through(seen: Seen) -> Iterator[None]:
    """Have `seen` call every function of these kinds; everything is as it was afterwards."""
    classes = [one for one in _subclasses(torch.autograd.Function) if not f"{one.__module__}.".startswith(_OWN)]
    before = [(one, vars(one)["forward"]) for one in classes if "forward" in vars(one)]
    compiled = torch.jit.ScriptFunction
    call = compiled.__call__

    def script(function: Any, *args: Any, **kwargs: Any) -> Any:
        return seen(str(function.name), SCRIPT, partial(call, function), args, kwargs)

    try:
        for one, forward in before:
            one.forward = staticmethod(_through(seen, one.__name__, getattr(forward, "__func__", forward)))
        compiled.__call__ = script
        yield
    finally:
        compiled.__call__ = call
        for one, forward in before:
            one.forward = forward


def _through(seen: Seen, name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(forward)
    def through(*args: Any, **kwargs: Any) -> Any:
        return seen(name, FUNCTION, forward, args, kwargs)

    return through


def _subclasses(base: Any) -> Iterator[Any]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)
