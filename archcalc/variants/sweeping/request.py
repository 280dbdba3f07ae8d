"""What is asked of a sweep, as plain data: any process can make the worker for it and compute any of its chunks."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.diagnostics import Refusal, Span, SpecError
from archcalc.interop import ModelFile, open_source
from archcalc.language.definitions import Setting, variables_of
from archcalc.language.program import Program, compile_text
from archcalc.language.specfile import SpecText, SpecUnavailable, read_beside
from archcalc.records import NamedTuple
from archcalc.variants.sweeping.axes import BAD_AXIS, axis_of, read_axis, read_space
from archcalc.variants.sweeping.conditions import Objective, asked, read_condition, read_objectives
from archcalc.variants.sweeping.quantities import Wanted
from archcalc.variants.sweeping.section import options, section, taken
from archcalc.variants.sweeping.space import Axis, Derived, Space, input_of, settings
from archcalc.variants.sweeping.structure import Source
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.variants.sweeping.chunks import Worker
    from archcalc.variants.sweeping.front import Keep, Rows
    from archcalc.variants.sweeping.points import Points, Sampling

SHOWN = (Wanted("params"), Wanted("macs"))  # unless others are asked for
T = TypeVar("T")

MAX_KEPT = 1_000_000
TOP = 20
SHARED, FEW = 100, 256  # networks a structure, below which chunks are of few networks


class Request(NamedTuple):
    """A spec, the space around it, which points of that, what they must satisfy, and what is kept of them."""

    spec: str  # as it was named
    text: SpecText
    space: Space
    points: "Points"
    conditions: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    keep: "Keep"
    cloud: int = 0  # further networks that are kept, as they come, for a picture
    expected: int = 1  # structures, as far as the first network's shows
    base: Volume = Volume(1, 1, 1)  # the input's size in the spec

    def key(self) -> str:
        """The same for the same request, and for no other."""
        from hashlib import sha256

        known = sorted(self.space.known)  # a set's own order differs from process to process
        alike = self._replace(spec="", text=self.text._replace(path=""), space=self.space._replace(known=frozenset()))
        return sha256(repr((alike, known)).encode()).hexdigest()

    def program(self) -> Program:
        beside = None if self.text.folder is None else partial(read_beside, self.text.folder)
        return compile_text(self.text.text, pattern=self.text.pattern, beside=beside)

    def worker(self) -> "Worker":
        """What computes chunks."""
        from archcalc.variants.sweeping.chunks import Worker

        names = self.space.names()
        conditions = [read_condition(text, line, names) for line, text in enumerate(self.conditions, 1)]
        return Worker(Source(self.program(), self.space), self.points, conditions, self.wanted)

    def point(self, rows: "Rows", at: int) -> dict[str, Setting]:
        """What a network of these rows sets."""
        return self.space.point([int(one[at]) for one in rows.places])

    def settings(self, point: Mapping[str, Setting]) -> tuple[dict[str, Setting], str | None]:
        """What `load` takes for a point: variables, and the input's size where it varies."""
        volume = input_of(point, self.space.known, lambda: self.base)
        return settings(point, self.space.known), None if volume is None else "x".join(map(str, volume))

    def command(self, point: Mapping[str, Setting]) -> str:
        """The command that reports the network of a point."""
        words = ["archcalc", "report", self.spec]
        set, input = self.settings(point)
        for name in sorted(set):
            words += ["--set", f"{name}={written(set[name])}"]
        return shlex.join(words + (["--input", input] if input else []))

    def records(self, rows: "Rows") -> list[dict[str, Any]]:
        """What each network sets, its figures, and the command that reports it."""
        found = []
        for at in range(len(rows)):
            point = self.point(rows, at)
            found.append(
                {
                    "variables": {name: list(one) if isinstance(one, tuple) else one for name, one in point.items()},
                    "figures": {str(name): _plain(one[at]) for name, one in rows.figures.items()},
                    "command": self.command(point),
                }
            )
        return found


def _plain(value: Any) -> int | None:
    return None if value is None else int(value)


def written(value: Setting) -> str:
    """A setting as `--set` takes it."""
    if not isinstance(value, tuple):
        return str(value)
    return ",".join(map(str, value)) if len(value) > 1 else f"[{','.join(map(str, value))}]"


class Wish(NamedTuple):
    """What a sweep is to do, in the words of a command line."""

    vary: Sequence[str | tuple[Any, Any]]  # texts, or names and their values
    where: Sequence[str] = ()
    pareto: str = ""
    best: str = ""
    top: int | None = None
    figures: str = ""
    sample: int | None = None
    sampling: "Sampling | None" = None
    seed: int = 0
    chunk: int | None = None
    cloud: int = 0

    def under(self, said: Mapping[str, Any]) -> "Wish":
        """With what a spec says of what is not given here; a front and what is best exclude each other."""
        if self.pareto or self.best:
            said = {word: one for word, one in said.items() if word not in ("pareto", "best")}
        return self._replace(**{word: one for word, one in said.items() if not getattr(self, word)})


def request(spec: Any, wish: Wish) -> Request:
    """Read everything that is asked; SpecError, whose path names the option, for what cannot be read."""
    from archcalc.variants.sweeping.front import Keep
    from archcalc.variants.sweeping.points import CHUNK, MAX_GRID, MAX_LATIN, Points

    text = open_source(spec)
    if isinstance(text, ModelFile):
        raise SpecUnavailable(
            f"{text.path} is a model file and has no variables to sweep; `archcalc import` makes a spec of it"
        )
    beside = None if text.folder is None else partial(read_beside, text.folder)
    program = compile_text(text.text, pattern=text.pattern, beside=beside)
    if wrong := [one for one in program.problems if one.severity == "error"]:
        raise SpecError(text.path, wrong)
    said = section(program)
    wish = wish.under(options(said, text.path))
    if wish.pareto and wish.best:
        raise ValueError("a Pareto front is sorted by its first objective; give pareto or best, not both")
    if wish.top is not None and not 0 < wish.top <= MAX_KEPT:
        raise ValueError(f"top is from 1 to {MAX_KEPT:,}, not {wish.top:,}")
    listed = variables_of(program.entries["vars"][1]) if "vars" in program.entries else {}
    own = _placed("--vary", lambda: [_axis(one, line) for line, one in enumerate(wish.vary, 1)])
    given = {name for axis in own for name in _names(axis)}
    axes = [taken(one, text.path, lambda: read_axis(one.text)) for one in said.vary]  # noqa: B023 - called now
    axes = [one for one in axes if given.isdisjoint(_names(one))]
    places = [one.node.span for one in said.vary] if not own else []
    space = _placed("--vary" if own or not axes else text.path, lambda: _space(own + axes, listed), places)
    names = space.names()
    conditions = _placed("--where", lambda: [read_condition(one, n, names) for n, one in enumerate(wish.where, 1)])
    conditions += [taken(one, text.path, lambda: read_condition(one.text, 1, names)) for one in said.where]  # noqa: B023
    objectives = _placed("--pareto", lambda: read_objectives(wish.pareto)) if wish.pareto else ()
    order = _placed("--best", lambda: read_objectives(wish.best)) if wish.best else ()
    shown = _placed("--figures", lambda: read_objectives(wish.figures)) if wish.figures else ()
    wanted = asked(conditions, (*objectives, *order), [one.figure for one in shown] or SHOWN)
    keep = (
        Keep(objectives, True, wish.top)
        if objectives
        else Keep(order or (Objective(wanted[0]),), False, wish.top or TOP)
    )
    sizes = tuple(axis.size for axis in space.axes)
    if wish.sample is None and space.size > MAX_GRID:
        raise ValueError(f"{space.size:,} networks have no numbers of 62 bits; take a sample of them")
    if wish.sample is not None and wish.sample < 1:
        raise ValueError(f"a sample has at least one network, not {wish.sample:,}")
    if wish.sampling == "lhs" and wish.sample is not None and wish.sample > MAX_LATIN:
        raise ValueError(f"a Latin hypercube has at most {MAX_LATIN:,} networks; a random sample any number")
    points = Points(
        sizes,
        space.size if wish.sample is None else wish.sample,
        "grid" if wish.sample is None else wish.sampling or "random",
        wish.seed,
        wish.chunk or CHUNK,
    )
    source = Source(program, space)
    expected = source.expected(wanted)
    if wish.chunk is None and expected * SHARED > points.networks:
        points = points._replace(chunk=FEW)  # each takes its time, and somebody may look at the progress
    return Request(
        str(spec),
        text,
        space,
        points,
        tuple(one.text for one in conditions),
        wanted,
        keep,
        wish.cloud,
        expected,
        source.input,
    )


def _axis(one: str | tuple[Any, Any], line: int) -> Axis | Derived:
    return read_axis(one, line) if isinstance(one, str) else axis_of(*one)


def _names(axis: Axis | Derived) -> tuple[str, ...]:
    return axis.names if isinstance(axis, Axis) else (axis.name,)


def _space(axes: Sequence[Axis | Derived], listed: Mapping[str, Any]) -> Space:
    if not any(isinstance(one, Axis) for one in axes):
        raise Refusal(
            BAD_AXIS, "nothing varies", Span(1, 1, 1, 1), help=("say what does, like `--vary width=16..256:8`",)
        )
    return read_space(axes, listed)


def _placed(option: str, read: Callable[[], T], places: Sequence[Span] = ()) -> T:
    """What is read of an option; its refusals say which, and where in a spec if it has the option."""
    try:
        return read()
    except Refusal as refusal:
        one = refusal.diagnostic
        raise SpecError(option, [one._replace(span=places[one.span.line - 1]) if places else one]) from None
