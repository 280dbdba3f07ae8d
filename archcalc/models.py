"""Architectures of PyTorch modules, by running them once (the `torch` extra)."""

import gc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.analysis.analyze import Convention, Report, analyze
from archcalc.architecture import Architecture, Examination
from archcalc.diagnostics import Diagnostic, Span, SpecError
from archcalc.graph import Graph
from archcalc.language.document import Document
from archcalc.language.specfile import SpecUnavailable
from archcalc.language.training import TrainingSettings
from archcalc.precision import DTYPES
from archcalc.reader.values import read_volume_text
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.interop.torch.model import Captured

Inputs = Any  # "224x224x3", a Volume, a tensor as an example, or several of them, in a sequence or by name


def from_torch(model: Any, input: Inputs, *, name: str = "") -> Architecture:
    """A torch.nn.Module as an architecture.  Its forward pass runs once, in eval, without values where it can.

    input: "224x224x3" (width x height x channels), a Volume, a tensor as an example, or a sequence or a mapping of
    these for a model that takes several.  The model itself stays as it is.  What has no layer here is `opaque`, and
    `architecture.document.problems` says what that is.  Raises SpecError where the model cannot be read,
    ImportError where torch is not there.
    """
    found = examine_model(model, input, path=name or type(model).__name__, name=name)
    if not found.fits:
        raise SpecError(found.path, found.diagnostics)
    return found.architecture


def captured(model: Any, input: Inputs, *, name: str = "", values: bool = False) -> "Captured":
    """A module's graph with its findings and its weights; raises SpecError.  `model` may be what makes it."""
    _needs_torch()
    from torch.nn import Module

    from archcalc.interop.torch.locate import running
    from archcalc.interop.torch.model import NoModel, capture
    from archcalc.interop.torch.staging import made

    factory = None if isinstance(model, Module) or not callable(model) else model
    collecting = gc.isenabled()
    gc.enable()
    try:
        with running():
            try:
                if factory:
                    model = factory() if values else made(factory)
                return capture(model, _inputs(input), name=name, values=values)
            except NoModel:
                if not factory or values:
                    raise
            return capture(factory(), _inputs(input), name=name, values=values)  # on meta it has no values
    except NoModel as error:
        raise SpecError(name or type(model).__name__, [error.diagnostic]) from error
    finally:
        if not collecting:
            gc.disable()


def examine_model(
    model: Any, input: Inputs, *, path: str, name: str = "", convention: Convention = "inplace"
) -> Examination:
    """Everything about a model, right or wrong; `path` is what messages call it."""
    try:
        found = captured(model, input, name=name)
    except SpecError as error:
        return _examination(path, Graph(name, ()), error.diagnostics, convention)
    return examined(found, path, convention=convention)


def examined(found: "Captured", path: str, *, convention: Convention = "inplace") -> Examination:
    """Everything about a model that was captured."""
    from archcalc.interop.torch.findings import holds

    floats = {one.dtype for one in found.state if one.kind == "parameters"}
    dtype = next(iter(floats)) if len(floats) == 1 and floats < {*DTYPES} else "float32"
    return _examination(path, found.graph, (*found.findings, *holds(found.state)), convention, dtype)


def examine_torch(spec: str, input: str | None, *, convention: Convention = "inplace") -> Examination:
    """Everything about the model that `torch:package.module:factory` names.  Runs that code.

    Raises SpecUnavailable where there is no such thing, and where no size is given.
    """
    try:
        return examined(captured_torch(spec, input), spec, convention=convention)
    except SpecError as error:
        return _examination(spec, Graph("", ()), error.diagnostics, convention)


def captured_torch(spec: str, input: str | None, *, values: bool = False) -> "Captured":
    """The same, not yet examined; `values`: run on real numbers.  Raises SpecError, too."""
    _needs_torch(spec)
    from archcalc.interop.torch.locate import NotFound, located

    if input is None:
        raise SpecUnavailable(f"{spec} needs --input, the size it is to be run at, like --input 224x224x3")
    try:
        return captured(located(spec), input, values=values)
    except NotFound as error:
        raise SpecUnavailable(str(error)) from error


def _needs_torch(what: str = "a PyTorch model") -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise ImportError(f"{what} needs torch: pip install 'archcalc[torch]'")


def _examination(
    path: str, graph: Graph, found: Iterable[Diagnostic], convention: Convention, dtype: str = "float32"
) -> Examination:
    """`dtype`: that of the model's parameters."""
    report = analyze(graph, convention=convention) if graph.nodes else Report(graph, ())
    problems = (*found, *report.problems)
    return Examination(
        path, Document(graph.name, graph, problems, training=TrainingSettings(dtype=dtype)), report, problems
    )


def _inputs(given: Inputs) -> dict[str, Any]:
    """Every input by the name of its node, as a Volume or a tensor."""
    if isinstance(given, str) and ("," in given or "=" in given):  # as --input has them
        parts = [one.rpartition("=") for one in given.split(",")]
        given = {name: one for name, _, one in parts} if all(name for name, *_ in parts) else [one for *_, one in parts]
    if isinstance(given, Mapping):
        return {str(name): _volume(one) for name, one in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str | Volume):
        several = [_volume(one) for one in given]
        return {f"input{number}" if len(several) > 1 else "input": one for number, one in enumerate(several, 1)}
    return {"input": _volume(given)}


def _volume(given: Any) -> Any:
    if isinstance(given, str):
        return Volume(*read_volume_text(given, Span(1, 1, 1, 1)))
    if isinstance(given, Volume) or hasattr(given, "untyped_storage"):
        return given
    raise TypeError(f'an input is "224x224x3", a Volume or a tensor, not {given!r}')
