"""The state of a sweep in a file, so that it can go on where it was interrupted: which chunks are done, and what was kept of them."""

import json
from collections import Counter
from typing import Any

import numpy as np

from archcalc.diagnostics import Unusable
from archcalc.files import Unreadable, read_bounded, shown_path
from archcalc.output import write_whole
from archcalc.records import NamedTuple
from archcalc.variants.sweeping.chunks import Tally
from archcalc.variants.sweeping.front import Rows, some
from archcalc.variants.sweeping.request import Request
from archcalc.variants.sweeping.running import Part

VERSION = 1
MAX_BYTES = 1 << 30


class State(NamedTuple):
    """`done` are runs of chunks, ascending, apart from each other."""

    done: tuple[range, ...] = ()
    rows: Rows | None = None
    tally: Tally | None = None
    structures: int = 0
    cloud: Rows | None = None

    def plus(self, request: Request, part: Part) -> "State":
        """With the chunks of a task."""
        return State(
            joined((*self.done, range(part.first, part.last))),
            request.keep.merged(self.rows, part.rows),
            part.tally if self.tally is None else self.tally.plus(part.tally),
            max(self.structures, part.structures),
            self.cloud if part.cloud is None else some(self.cloud, part.cloud, request.cloud),
        )

    def missing(self, chunks: int) -> list[range]:
        """The runs of chunks that are not done."""
        edges = [0, *(edge for one in self.done for edge in (one.start, one.stop)), chunks]
        return [range(first, last) for first, last in zip(edges[::2], edges[1::2], strict=True) if first < last]


def joined(runs: tuple[range, ...]) -> tuple[range, ...]:
    """Runs in order, neighbours as one."""
    found: list[range] = []
    for one in sorted(runs, key=lambda run: run.start):
        if found and one.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, one.stop))
        else:
            found.append(one)
    return tuple(found)


def save(path: str, request: Request, state: State) -> None:
    """Write the file, whole or not at all; raises OutputError."""
    rows, tally = state.rows, state.tally
    if rows is None or tally is None:
        return
    data = {
        "archcalc_sweep": VERSION,
        "key": request.key(),
        "done": [[one.start, one.stop] for one in state.done],
        "structures": state.structures,
        "rows": _plain(rows, request),
        "cloud": None if state.cloud is None else _plain(state.cloud, request),
        "tally": {
            **tally._asdict(),
            "misfits": [[*key, count] for key, count in tally.misfits.items()],
            "examples": [[*key, *example] for key, example in tally.examples.items()],
            "rejected": dict(tally.rejected),
        },
    }
    write_whole(path, json.dumps(data))


def load(path: str, request: Request) -> State | None:
    """The state in a file, None where there is no file; Unusable for a file that is another sweep's, or none of a sweep."""
    import os

    if not os.path.lexists(path):
        return None
    try:
        data = read_bounded(path, MAX_BYTES)
        found = json.loads(data)
        if found["archcalc_sweep"] != VERSION:
            raise ValueError
        if found["key"] != request.key():
            raise Unusable(
                f"{shown_path(path)} is the state of another sweep: the spec or the options are not the same"
            )
        return _read(found, request)
    except Unreadable as error:
        raise Unusable(f"cannot read {shown_path(path)}: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise Unusable(f"{shown_path(path)} is not the state of a sweep") from None


def _read(found: dict[str, Any], request: Request) -> State:
    tally = found["tally"]
    counts = {name: int(tally[name]) for name in ("networks", "excluded", "unknown", "fitting", "single")}
    return State(
        joined(tuple(range(first, last) for first, last in found["done"])),
        _rows(found["rows"], request),
        Tally(
            misfits=Counter({(code, layer): count for code, layer, count in tally["misfits"]}),
            examples={(code, layer): (text, tuple(point)) for code, layer, text, point in tally["examples"]},
            rejected=Counter(tally["rejected"]),
            **counts,
        ),
        int(found["structures"]),
        found["cloud"] and _rows(found["cloud"], request),
    )


def _plain(rows: Rows, request: Request) -> dict[str, Any]:
    return {
        "numbers": rows.numbers.tolist(),
        "places": [one.tolist() for one in rows.places],
        "figures": [rows.figures[one].tolist() for one in request.wanted],
    }


def _rows(found: dict[str, Any], request: Request) -> Rows:
    return Rows(
        np.array(found["numbers"], dtype=np.int64),
        tuple(np.array(one, dtype=np.int64) for one in found["places"]),
        {name: _column(one) for name, one in zip(request.wanted, found["figures"], strict=True)},
    )


def _column(values: list[Any]) -> Any:
    large = any(one is None or abs(one) >= 1 << 62 for one in values)
    return np.array(values, dtype=object if large else np.int64)
