"""Specs examined by several processes, in their order."""

import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from archcalc.commands._common import examine_spec, remember

if TYPE_CHECKING:
    from archcalc.architecture import Examination

WORTH = 100  # specs from which processes save more than their start takes
CHUNK = 25  # specs that a process is handed at a time


def examined(specs: Sequence[str], jobs: int, **options: Any) -> "Iterator[Examination | None]":
    """`examine_spec` of every spec, by as many processes; one where there are few specs, or standard input is one."""
    examine = partial(examine_spec, **options)
    if len(specs) < WORTH or "-" in specs:
        yield from map(examine, specs)
        return
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(min(jobs, -(-len(specs) // CHUNK)), initializer=_uninterrupted)
    try:
        parts = [specs[at : at + CHUNK] for at in range(0, len(specs), CHUNK)]
        results = chain.from_iterable(pool.map(partial(_part, examine), parts))
        for spec, found in zip(specs, results, strict=True):
            if found is not None:
                remember(spec, found)
            yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _part(examine: "Callable[[str], Examination | None]", specs: Sequence[str]) -> "list[Examination | None]":
    return [examine(spec) for spec in specs]


def _uninterrupted() -> None:
    """Ctrl-C is for the process that was started, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
