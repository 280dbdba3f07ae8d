"""Chunks computed here, on processes, or by anything else that calls `compute`; in any order, as what is kept can be merged so.

A task is a run of chunks; its answer holds what is kept of them.  A task whose process is lost is given to another.
"""

import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from archcalc.diagnostics import Unusable
from archcalc.records import NamedTuple
from archcalc.variants.sweeping.chunks import Tally, Worker
from archcalc.variants.sweeping.front import Rows, some
from archcalc.variants.sweeping.request import Request

MOST_CHUNKS = 64  # in a task
TASKS_EACH = 8  # tasks a worker, at least, where there are so many chunks
MOST_LOSSES = 5  # of processes, before the sweep gives up


class Part(NamedTuple):
    """What became of the chunks from `first` up to `last`, which is not among them."""

    first: int
    last: int
    rows: Rows
    tally: Tally
    structures: int
    cloud: Rows | None = None


_workers: dict[str, Worker] = {}  # of this process: a structure that was traced serves later tasks


def compute(request: Request, first: int, last: int) -> Part:
    """The chunks of a task."""
    key = request.key()
    if key not in _workers:
        _workers.clear()
        _workers[key] = request.worker()
    worker = _workers[key]
    rows, tally = worker.chunk(first)
    kept, cloud = request.keep.of(rows), some(None, rows, request.cloud)
    for number in range(first + 1, last):
        rows, more = worker.chunk(number)
        kept, tally, cloud = request.keep.merged(kept, rows), tally.plus(more), some(cloud, rows, request.cloud)
    return Part(first, last, kept, tally, len(worker.structures), cloud)


def tasks(missing: Iterable[range], workers: int) -> list[tuple[int, int]]:
    """Runs of chunks: short enough that all workers have some to the end."""
    missing = list(missing)
    length = min(MOST_CHUNKS, max(1, sum(map(len, missing)) // (workers * TASKS_EACH)))
    return [(at, min(one.stop, at + length)) for one in missing for at in range(one.start, one.stop, length)]


def here(request: Request, missing: Iterable[range]) -> Iterator[Part]:
    """One chunk after the other."""
    for one in missing:
        for number in one:
            yield compute(request, number, number + 1)


def on_processes(request: Request, missing: Iterable[range], workers: int) -> Iterator[Part]:
    """On so many processes, as they come; a lost process loses nothing."""
    waiting = tasks(missing, workers)[::-1]
    losses = 0
    while waiting:
        pool = ProcessPoolExecutor(workers, initializer=_quiet)
        running: dict[Future[Part], tuple[int, int]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    running[pool.submit(compute, request, *waiting[-1])] = waiting[-1]
                    waiting.pop()
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    part = one.result()
                    del running[one]
                    yield part
        except BrokenProcessPool:
            losses += 1
            if losses > MOST_LOSSES:
                raise Unusable("processes end before their work does; is there memory for so many?") from None
            waiting += running.values()
        finally:
            _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes at once, whatever they are at: nobody waits for it."""
    for one in [*(getattr(pool, "_processes", None) or {}).values()]:
        one.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _quiet() -> None:
    """Ctrl-C is for the parent to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
