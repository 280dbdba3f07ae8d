"""The Python API: load, check, analyze, plan, verify.  Nothing here prints or exits."""

import gc
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from archcalc.analysis.analyze import Convention, Report, analyze
from archcalc.diagnostics import Diagnostic, SpecError, in_order
from archcalc.graph import Graph
from archcalc.interop import ModelFile, document_of, open_source
from archcalc.language.definitions import Setting
from archcalc.language.document import Document
from archcalc.language.program import Program, compile_text, read_document
from archcalc.language.specfile import SpecText, read_beside, read_spec
from archcalc.language.training import TrainingSettings
from archcalc.layers.reshape import channels_stand_first
from archcalc.records import NamedTuple
from archcalc.regex import regex

if TYPE_CHECKING:
    from archcalc.forward.run import Array
    from archcalc.verification.verify import Progress, Verification

ALWAYS = ("AC620",)  # advice that every command gives: an input whose channels stand first changes all figures

_COMMENT = regex(r"#[ \t]*archcalc:")

if TYPE_CHECKING:
    from archcalc.memory.results import Plan
    from archcalc.memory.settings import Convention as Counting
    from archcalc.memory.settings import Purpose
    from archcalc.precision import Device, Implementation

Spec = str | os.PathLike[str]


class Examination(NamedTuple):
    """A spec with everything that was found out about it, right or wrong; `hidden` is what a baseline knows already."""

    path: str
    document: Document
    report: Report
    diagnostics: tuple[Diagnostic, ...]
    hidden: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """No errors; warnings may be there."""
        return all(one.severity != "error" for one in self.diagnostics)

    @property
    def fits(self) -> bool:
        """No errors but expectations of the spec: the network itself is right and computed whole."""
        return _fits(self.diagnostics)

    @property
    def architecture(self) -> "Architecture":
        """The network, of an examination that fits."""
        return Architecture(self.path, self.document.graph, self.report, self.document.training, self.document)


class Architecture(NamedTuple):
    """A network that fits together; `path` is what messages call it, `document` the spec it was read from, if any.

    A graph built in Python, or read from anything else, is an Architecture by `from_graph`.

    >>> net = load("zoo:lenet5")
    >>> net
    <Architecture zoo:lenet5: LeNet-5, 12 layers>
    >>> net.graph.nodes[1].layer
    Conv(kernel_size=Pair(width=5, height=5), filters=6)
    """

    path: str
    graph: Graph
    report: Report
    training: TrainingSettings = TrainingSettings()
    document: Document | None = None

    def __repr__(self) -> str:
        name = f"{self.name}, " if self.name else ""
        return f"<Architecture {self.path}: {name}{len(self.graph.nodes):,} layers>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of the report."""
        return self.report._repr_html_()

    @property
    def name(self) -> str:
        return self.graph.name

    def check(self, *, select: Container[str] | None = None) -> list[Diagnostic]:
        """Advice on the network, `select` as for `archcalc.check`; what its spec expects is not asked again."""
        from archcalc.checks.rules import DEFAULT, advise

        document = self.document or Document(self.name, self.graph, ())
        return advise(document, self.report, DEFAULT if select is None else select)

    def analyze(self, *, convention: Convention = "inplace") -> Report:
        """Volumes, parameters, operations, activations and receptive field of every layer.

        `inplace` counts no activations for layers that may overwrite their input; `separate` counts all.

        >>> net = load("INPUT[8x8x3] -> CONV3-4p1 -> RELU")
        >>> net.analyze().totals.activations, net.analyze(convention="separate").totals.activations
        (448, 704)
        """
        one_of("convention", convention, get_args(Convention))
        if convention == self.report.convention:
            return self.report
        return analyze(self.graph, convention=convention)

    def plan(
        self,
        *,
        batch: "int | Literal['max'] | None" = None,
        dtype: str | None = None,
        optimizer: str | None = None,
        budget: int | str | None = None,
        convention: "Counting" = "pytorch",
        device: "Device | None" = None,
        inplace: bool = True,
        purpose: "Purpose" = "training",
        weight_decay: bool | None = None,
        implementation: "Implementation | None" = None,
        accumulate: int | None = None,
        keep_gradients: bool | None = None,
        average: bool | None = None,
        gpus: int | None = None,
        shard: int | None = None,
        headroom: int | None = None,
        context: int | str = 0,
        bucket_views: bool | None = None,
    ) -> "Plan":
        """Memory for inference and training, in bytes; what is None is taken from the spec's `training:`.

        `budget` is bytes or a size like "11 GiB"; `batch` "max" is the largest that fits it for `purpose`.
        `implementation` of the optimizer's step: "foreach" (the default on CUDA), "fused", or "loop" (on the CPU).
        `accumulate`: so many passes of `batch` images before a step.  `keep_gradients`: set to zero, not to None.
        `average`: a moving average of the parameters is kept.  `gpus`, `shard`: several devices with `batch` images each,
        stage 1, 2 or 3 of ZeRO, by formulas; without stages gradients may be `bucket_views`.  `headroom`: percent of the budget left free (10 on CUDA, else 0),
        `context`: what the driver takes of it.
        Raises ValueError for a word that is none of its kind, a size that is none, and "max" without a budget.
        """
        from archcalc.memory.plan import plan
        from archcalc.memory.settings import Settings
        from archcalc.units import read_size

        given = {
            "dtype": dtype,
            "optimizer": optimizer,
            "device": device,
            "weight_decay": weight_decay,
            "implementation": implementation,
            "accumulate": accumulate,
            "keep_gradients": keep_gradients,
            "average": average,
            "gpus": gpus,
            "shard": shard,
            "bucket_views": bucket_views,
        }
        said = Settings.of(self.training)._replace(**{name: one for name, one in given.items() if one is not None})  # type: ignore[arg-type]
        if optimizer is not None and implementation is None:
            said = said._replace(implementation=None)  # the spec's is for its own optimizer
        settings = said._replace(
            batch=None if batch == "max" else said.batch if batch is None else batch,
            convention=convention,
            inplace=inplace,
            budget=read_size(budget) if isinstance(budget, str) else budget,
            purpose=purpose,
            headroom=headroom,
            context=read_size(context) if isinstance(context, str) else context,
        )
        settings.validate()
        report = self.analyze(convention="inplace" if inplace else "separate")
        planned = plan(report, settings)
        if planned.budget is None or planned.budget.fits:
            return planned
        from archcalc.memory.fitting import suggestions

        return planned._replace(suggestions=suggestions(report, planned))

    def verify(
        self,
        *,
        batch: int = 1,
        dtype: str = "float32",
        seed: int = 0,
        image: "Array | Mapping[str, Array] | None" = None,
        max_memory: int = 2 * 1024**3,
        timeout: float | None = None,
        against: str = "",
        progress: "Progress | None" = None,
    ) -> "Verification":
        """Execute the network in NumPy and compare every layer with the analysis.

        dtype: float32 or float64.  image: [H, W, C] or [N, H, W, C] instead of random values.  max_memory: bytes;
        timeout: seconds; where they do not suffice the result says so in `problem`.  against: "torch" compares
        values, too.  Raises ValueError for an image of another shape and a setting that is none, ImportError where torch is not installed.
        """
        from archcalc.verification.verify import verify

        one_of("dtype", dtype, ("float32", "float64"))
        one_of("against", against, ("", "torch"))
        if batch < 1:
            raise ValueError(f"a batch has at least one image, not {batch}")
        return verify(
            self.report,
            batch=batch,
            dtype=dtype,
            seed=seed,
            image=image,
            max_memory=max_memory,
            timeout=timeout,
            against=against,
            progress=progress,
        )


def one_of(what: str, value: object, options: Sequence[str]) -> None:
    """Raise ValueError for a setting that is none of the options."""
    if value not in options:
        raise ValueError(f"there is no {what} {value!r}; there are {', '.join(one or 'none' for one in options)}")


def load(spec: Spec, *, set: Mapping[str, Setting] | None = None, input: str | None = None) -> Architecture:
    """Read and validate SPEC: a path, `zoo:name`, `-`, or a pattern (it holds `->`).

    Whether the spec's expectations are met is for `check` to say: a network that misses them can be loaded.

    `set` overrides the spec's `vars`, `input` its input ("384x384x3").  Raises SpecError with every
    problem of the spec, SpecUnavailable where there is none, UnknownVariable for a name in `set`.

    >>> load("zoo:vgg16").report.totals.macs
    15470264320
    >>> load("zoo:vgg16", input="256x256x3").report.totals.macs
    20168212480
    >>> load("INPUT[10x10x3] -> CONV3-4s2")
    Traceback (most recent call last):
        ...
    archcalc.diagnostics.SpecError: <pattern>:1:27: error[AC201]: conv1 does not fit: output width would be 4.5
    """
    found = examine(open_source(spec), set=set, input=input)
    if not found.fits:
        raise SpecError(found.path, found.diagnostics)
    return found.architecture


def compile_spec(spec: Spec) -> Program:
    """A spec read and checked once, whose networks can be asked for thousands of times.

    Raises SpecError with every problem that the spec has for its own variables and input, SpecUnavailable where there
    is none.  Model files have no variables.

    >>> program = compile_spec("zoo:resnet18")
    >>> [len(from_graph(program.graph(input=size)).report.rows) for size in ("224x224x3", "256x256x3")]
    [69, 69]
    """
    text = read_spec(spec)
    beside = None if text.folder is None else partial(read_beside, text.folder)
    found = examine(text)
    if not found.fits:
        raise SpecError(found.path, found.diagnostics)
    return compile_text(text.text, pattern=text.pattern, beside=beside)


def from_graph(graph: Graph, *, path: str = "<graph>", training: TrainingSettings = TrainingSettings()) -> Architecture:
    """A graph built in Python as an Architecture; raises SpecError with everything that does not fit.

    >>> from archcalc import Graph, Node, Pair
    >>> from archcalc.layers import TYPES
    >>> image = TYPES["input"](width=8, height=8, channels=3)
    >>> nodes = Node("image", image, ()), Node("stem", TYPES["conv"](filters=4, kernel_size=Pair(3, 3)), (0,))
    >>> from_graph(Graph("mine", nodes)).report.totals.params
    112
    """
    report = analyze(graph)
    if report.problems or not report.complete:
        raise SpecError(path, in_order(report.problems))
    return Architecture(path, graph, report, training)


def check(
    spec: Spec,
    *,
    set: Mapping[str, Setting] | None = None,
    input: str | None = None,
    select: Container[str] | None = None,
) -> list[Diagnostic]:
    """Every problem of SPEC in the order of its text; empty when it is fine.

    `select` has the codes of the advice that is wanted: None for what is on by default, () for none.
    Raises SpecUnavailable and UnknownVariable as `load` does.

    >>> check("zoo:resnet50")
    []
    >>> for one in check("INPUT[10x10x3] -> CONV3-4s2"):
    ...     print(one.severity, one.code, one.span.line, one.span.column, one.message)
    ...     print(one.help[0])
    error AC201 1 27 conv1 does not fit: output width would be 4.5
    the nearest widths that fit are 9 (-> 4) and 11 (-> 5)
    """
    try:
        return list(examine(open_source(spec), set=set, input=input, select=select).diagnostics)
    except SpecError as error:
        return list(error.diagnostics)


def examine(
    text: SpecText | ModelFile,
    *,
    set: Mapping[str, Setting] | None = None,
    input: str | None = None,
    convention: Convention = "inplace",
    select: Container[str] | None = ALWAYS,
) -> Examination:
    """Everything about a spec's text or a model file: what was read, computed, and found wrong.

    `select` has the codes of the advice that is wanted, None those that are on by default; advice is given on
    what has no errors, that about the input in any case.
    """
    with _no_collector():
        document = _document(text, set, input)
        report = analyze(document.graph, convention=convention)
        if report.problems and not document.problems:
            from archcalc.analysis.inputs import explain

            report.problems = explain(report)
        found = in_order([*document.problems, *report.problems])
        if document.stated:
            from archcalc.checks.stated import compared

            found = compared(found, document.stated, report)
        if not report.complete and _fits(found):
            raise RuntimeError("a layer could not be computed, and no message says why")  # a bug: never a green report
        if "expect" in document.entries:
            from archcalc.checks.expect import expectations

            found = in_order([*found, *expectations(document, report, judged=_fits(found))])
        fits = _fits(found)
        if select not in (ALWAYS, ()) or (select is ALWAYS and _odd_input(report)):
            from archcalc.checks.rules import DEFAULT, advise

            found = in_order([*found, *advise(document, report, DEFAULT if select is None else select, fits=fits)])
        if extension := document.extension:
            found = in_order(extension.placed(found))
            document = document._replace(graph=extension.graph(document.graph))
            rows = tuple(row._replace(node=extension.own(row.node)) for row in report.rows)
            report = Report(extension.graph(report.graph), rows, tuple(extension.placed(report.problems)), convention)
        if isinstance(text, SpecText) and not text.pattern and _COMMENT.search(text.text):
            from archcalc.checks.rules import DEFAULT, RULES
            from archcalc.checks.suppress import suppress
            from archcalc.reader.text import split_lines

            run = DEFAULT if select is None else select
            found = suppress(
                split_lines(text.text),
                document.root,
                found,
                lambda c: c not in RULES or (c in run and ((fits and report.complete) or RULES[c].early)),
            )
    return Examination(text.path, document, report, tuple(found))


def _odd_input(report: Report) -> bool:
    """Whether the input is worth a word before anybody asks, so that the rules are read only then."""
    return bool(report.rows) and channels_stand_first(report.input)


def unreadable(error: SpecError) -> Examination:
    """What is known about a spec that is not even text."""
    empty = Graph("", ())
    document = Document("", empty, error.diagnostics)
    return Examination(error.path, document, Report(empty, ()), error.diagnostics)


def _document(source: SpecText | ModelFile, set: Mapping[str, Setting] | None, input: str | None) -> Document:
    if isinstance(source, SpecText):
        beside = partial(read_beside, source.folder)
        return read_document(source.text, pattern=source.pattern, set=set, input=input, beside=beside)
    for name in set or ():
        from archcalc.language.definitions import UnknownVariable

        raise UnknownVariable(f"a model file has no variables, so there is no {name}")
    return document_of(source, input)


def _fits(found: Iterable[Diagnostic]) -> bool:
    return all(one.severity != "error" or one.code.startswith("AC4") for one in found)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Reading makes many small tuples and no cycles: looking for cycles meanwhile doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
