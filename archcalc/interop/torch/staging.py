"""A model made ready to be watched, and left as it was: without values where it can be, in eval, out of its wrappers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


def unwrapped(model: Any) -> Any:
    """The model inside of DataParallel and torch.compile."""
    while type(model).__name__ in WRAPPERS and hasattr(model, WRAPPERS[type(model).__name__]):
        model = getattr(model, WRAPPERS[type(model).__name__])
    return model


def made(factory: Callable[[], Any]) -> Any:
    """What a factory makes, without values: all on meta, or its parameters alone where it computes, or as it is."""
    with torch.random.fork_rng(devices=()):
        try:
            with torch.device("meta"):
                return factory()
        except (NotImplementedError, RuntimeError):  # it copies or reads what has no values
            pass
        with _parameters_on_meta():
            return factory()


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Parameters lose their values as modules take them; what a constructor computes stays."""
    own = nn.Module.register_parameter

    def register(module: Any, name: str, parameter: Any) -> None:
        own(module, name, parameter)
        if parameter is not None:
            module._parameters[name] = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)  # noqa: SLF001

    nn.Module.register_parameter = register
    try:
        yield
    finally:
        nn.Module.register_parameter = own


@contextmanager
def staged(model: Any, *, values: bool) -> Iterator[None]:
    """The model in eval, and without `values` its parameters and buffers on meta; as it was afterwards.

    Tensors that are tied stay tied.
    """
    members = [*model.modules()]
    training = [one.training for one in members]
    tables = [table for one in members for table in (one._parameters, one._buffers)]  # noqa: SLF001
    before = [dict(table) for table in tables]
    twins: dict[int, Any] = {}
    try:
        for one in members:
            one.training = False
        if not values:
            for table in tables:
                for name, tensor in table.items():
                    if tensor is not None:
                        table[name] = twins.setdefault(id(tensor), _twin(tensor))
        yield
    finally:
        for one, was in zip(members, training, strict=True):
            one.training = was
        for table, was_there in zip(tables, before, strict=True):
            table.clear()
            table.update(was_there)


def _twin(tensor: Any) -> Any:
    """The tensor on meta, a parameter if it is one."""
    if tensor.device.type == "meta":
        return tensor
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
