"""A sweep: the chunks of a request, one after the other or on processes, and what is kept of them."""

import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.variants.sweeping.request import Request, Wish, request
from archcalc.variants.sweeping.structure import Source

if TYPE_CHECKING:
    from archcalc.variants.sweeping.chunks import Tally
    from archcalc.variants.sweeping.front import Rows
    from archcalc.variants.sweeping.points import Sampling

Progress = Callable[["Sweep"], None]


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

    def __repr__(self) -> str:
        return f"<Result of a sweep: {self.tally.networks:,} networks, {self.tally.fitting:,} fit, {len(self.rows):,} kept>"

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
        self.request = request
        self.worker = request.worker()
        self.kept: Rows | None = None
        self.tally: Tally | None = None
        self.structures = 0
        self.done = 0  # chunks
        self.began = time.monotonic()

    @property
    def count(self) -> int:
        """Networks, before anything is computed."""
        return self.request.points.networks

    def expected(self) -> int:
        """Structures: what the first network's shows of the axes that counts and indices depend on."""
        return Source(self.request.program(), self.request.space).expected(self.request.wanted)

    def __iter__(self) -> Iterator[Chunk]:
        for number in range(self.request.points.chunks):
            yield Chunk(self.request, number, *self.worker.chunk(number))

    def result(self, progress: Progress | None = None) -> Result:
        """Run all chunks; an interruption (KeyboardInterrupt) keeps what was found."""
        complete = False
        try:
            for chunk in self:
                self.add(chunk.rows, chunk.tally, len(self.worker.structures))
                if progress:
                    progress(self)
            complete = True
        except KeyboardInterrupt:
            if self.tally is None:
                raise
        return self.found(complete=complete)

    def add(self, rows: "Rows", tally: "Tally", structures: int) -> None:
        """Merge a chunk."""
        keep = self.request.keep
        self.kept = keep.merged(self.kept, keep.of(rows))
        self.tally = tally if self.tally is None else self.tally.plus(tally)
        self.structures = max(self.structures, structures)
        self.done += 1

    def found(self, *, complete: bool) -> Result:
        assert self.kept is not None
        assert self.tally is not None
        return Result(self.request, self.kept, self.tally, self.structures, time.monotonic() - self.began, complete)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without levels; a list is text, as `--set` takes it."""
    settings = {
        name: ",".join(map(str, one)) if isinstance(one, list) else one for name, one in record["variables"].items()
    }
    return {**settings, **record["figures"], "command": record["command"]}


def sweep(
    spec: Any,
    *,
    vary: Mapping[Any, Any],
    where: str | tuple[str, ...] | list[str] = (),
    pareto: str = "",
    sort: str = "",
    top: int | None = None,
    figures: str = "",
    sample: int | None = None,
    sampling: "Sampling" = "random",
    seed: int = 0,
    chunk: int | None = None,
) -> Sweep:
    """All networks that a spec's variables make, and the best of them.

    `vary` has values by variable: a range, a list, or a text like `"16..256:8"`, and `"4*$width"` for what follows from others;
    `input`, `input.width` and the like are the input's size; a tuple of names varies together.  `where` are conditions
    like `"training_memory <= 11 GiB at batch 64"`.  `pareto` keeps the front of several figures, else `sort` (the first figure,
    less is better) the best `top`, 20.  `sample`: so many networks at random, or of a Latin hypercube (`sampling="lhs"`).

    >>> space = {"input": range(32, 129, 32)}
    >>> found = sweep("INPUT[32x32x3] -> CONV4-8s2p1 -> FC-10", vary=space, where="macs <= 1M", sort="macs:max").result()
    >>> [(one["variables"]["input"], one["figures"]["macs"]) for one in found.to_records()]
    [(96, 681984), (64, 303104), (32, 75776)]
    """
    conditions = [where] if isinstance(where, str) else [*where]
    wish = Wish(
        [*vary.items()], [one for one in conditions if one], pareto, sort, top, figures, sample, sampling, seed, chunk
    )
    return Sweep(request(spec, wish))
