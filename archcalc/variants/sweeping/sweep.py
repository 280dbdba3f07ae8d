"""A sweep: the chunks of a request, one after the other or on processes, and what is kept of them."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archcalc.records import NamedTuple
from archcalc.variants.sweeping.request import Request, Wish, request

if TYPE_CHECKING:
    from archcalc.variants.sweeping.chunks import Tally
    from archcalc.variants.sweeping.front import Rows
    from archcalc.variants.sweeping.points import Sampling
    from archcalc.variants.sweeping.running import Part

Progress = Callable[["Sweep"], None]

SAVED_EVERY = 10  # seconds between states that are written


class Chunk(NamedTuple):
    """The networks of one chunk that satisfy all conditions, and what became of the others."""

    request: Request
    number: int
    rows: "Rows"
    tally: "Tally"

    def to_records(self) -> list[dict[str, Any]]:
        return self.request.records(self.rows)


class Result(NamedTuple):
    """What was kept.  `complete` is off where the sweep was interrupted: then it is of the `tally`'s networks only."""

    request: Request
    rows: "Rows"
    tally: "Tally"
    structures: int
    seconds: float
    complete: bool
    resumed: int = 0  # networks that an earlier run computed
    cloud: "Rows | None" = None  # some of all, for a picture

    @property
    def rate(self) -> float:
        """Networks a second of this run."""
        return (self.tally.networks - self.resumed) / max(self.seconds, 1e-9)

    def __repr__(self) -> str:
        return f"<Result of a sweep: {self.tally.networks:,} networks, {self.tally.fitting:,} fit, {len(self.rows):,} kept>"

    def figures(self, at: int) -> dict[str, int | None]:
        """The figures of a network that was kept."""
        return {str(name): None if one[at] is None else int(one[at]) for name, one in self.rows.figures.items()}

    def to_records(self) -> list[dict[str, Any]]:
        """One dict a network: what it sets (`variables`), its `figures`, and the `command` that reports it."""
        return self.request.records(self.rows)

    def to_pandas(self) -> Any:
        """A pandas DataFrame, one row a network; raises ImportError where pandas is not installed."""
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise ImportError(f"to_pandas needs pandas ({error}): pip install pandas") from None
        return pandas.DataFrame([flat(one) for one in self.to_records()])


class Sweep:
    """A sweep that waits to be run: `result()` runs it, iterating gives its chunks.

    >>> found = sweep("INPUT[32x32x3] -> CONV3-8", vary={"input": range(8, 65, 8)}, pareto="macs,receptive_field:max")
    >>> found.count
    8
    """

    def __init__(self, request: Request) -> None:
        from archcalc.variants.sweeping.state import State

        self.request = request
        self.state = State()
        self.resumed = 0  # networks of an earlier run
        self.began = time.monotonic()

    @property
    def count(self) -> int:
        """Networks, before anything is computed."""
        return self.request.points.networks

    @property
    def computed(self) -> int:
        """Networks so far."""
        return self.state.tally.networks if self.state.tally else 0

    @property
    def expected(self) -> int:
        """Structures: what the first network's shows of the axes that counts and indices depend on."""
        return self.request.expected

    def __iter__(self) -> Iterator[Chunk]:
        worker = self.request.worker()
        for number in range(self.request.points.chunks):
            yield Chunk(self.request, number, *worker.chunk(number))

    def result(
        self, progress: Progress | None = None, *, workers: int = 1, resume: str = "", scheduler: str = ""
    ) -> Result:
        """Run all chunks, on so many processes; `scheduler` is the address of Dask's, which runs them on its workers.

        An interruption (KeyboardInterrupt) keeps what was found: the result is then not `complete`.  `resume`: the file in which
        the state is kept, and from which the sweep goes on where it is there.  Raises Unusable where that cannot be used.
        """
        from archcalc.variants.sweeping.state import load, save

        self.began = saved = time.monotonic()
        found = load(resume, self.request) if resume else None
        if found is not None:
            self.state, self.resumed = found, found.tally.networks if found.tally else 0
        complete = False
        parts = self._parts(workers, scheduler)
        try:
            for part in parts:
                self.state = self.state.plus(self.request, part)
                if progress:
                    progress(self)
                if resume and time.monotonic() - saved > SAVED_EVERY:
                    save(resume, self.request, self.state)
                    saved = time.monotonic()
            complete = True
        except KeyboardInterrupt:
            if self.state.rows is None:
                raise
        finally:
            parts.close()
            if resume:
                save(resume, self.request, self.state)
        rows, tally = self.state.rows, self.state.tally
        assert rows is not None
        assert tally is not None
        seconds = time.monotonic() - self.began
        return Result(
            self.request, rows, tally, self.state.structures, seconds, complete, self.resumed, self.state.cloud
        )

    def _parts(self, workers: int, scheduler: str) -> "Generator[Part, None, None]":
        from archcalc.variants.sweeping import running

        missing = self.state.missing(self.request.points.chunks)
        if scheduler:
            from archcalc.variants.sweeping.cluster import on_cluster

            yield from on_cluster(self.request, missing, scheduler)
        elif workers > 1:
            yield from running.on_processes(self.request, missing, workers)
        else:
            yield from running.here(self.request, missing)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without levels; a list is text, as `--set` takes it."""
    settings = {
        name: ",".join(map(str, one)) if isinstance(one, list) else one for name, one in record["variables"].items()
    }
    return {**settings, **record["figures"], "command": record["command"]}


def sweep(
    spec: Any,
    *,
    vary: Mapping[Any, Any] = {},
    where: str | tuple[str, ...] | list[str] = (),
    pareto: str = "",
    best: str = "",
    top: int | None = None,
    figures: str = "",
    sample: int | None = None,
    sampling: "Sampling | None" = None,
    seed: int = 0,
    chunk: int | None = None,
) -> Sweep:
    """All networks that a spec's variables make, and the best of them.

    `vary` has values by variable: a range, a list, or a text like `"16..256:8"`, and `"4*$width"` for what follows from others;
    `input`, `input.width` and the like are the input's size; a tuple of names varies together.  `where` are conditions
    like `"training_memory <= 11 GiB at batch 64"`.  `pareto` keeps the front of several figures, else `best` (the first figure,
    less is better) the best `top`, 20.  What is not given is the spec's, under `sweep:`.  `sample`: so many networks at random, or of a Latin hypercube (`sampling="lhs"`).

    >>> space = {"input": range(32, 129, 32)}
    >>> found = sweep("INPUT[32x32x3] -> CONV4-8s2p1 -> FC-10", vary=space, where="macs <= 1M", best="macs:max").result()
    >>> [(one["variables"]["input"], one["figures"]["macs"]) for one in found.to_records()]
    [(96, 681984), (64, 303104), (32, 75776)]
    """
    conditions = [where] if isinstance(where, str) else [*where]
    wish = Wish(
        [*vary.items()], [one for one in conditions if one], pareto, best, top, figures, sample, sampling, seed, chunk
    )
    return Sweep(request(spec, wish))
