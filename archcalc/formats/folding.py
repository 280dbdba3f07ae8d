"""Repetitions in a table, and names under headings: which lines repeat the ones above, and which stand in a block."""

from collections.abc import Iterator, Sequence

from archcalc.records import NamedTuple

LONGEST_UNIT = 64
LEAST_SAVED = 4


class Run(NamedTuple):
    """`unit` lines from `at` on, which stand there `times` times."""

    at: int
    unit: int
    times: int


def runs(lines: Sequence[object], names: Sequence[str], weights: Sequence[int] | None = None) -> Iterator[Run]:
    """Cut lines, equal where nothing tells them apart, into runs; a fold is only made where it saves lines.

    `names` are the layers' full names: what is folded together begins where its first block begins.  `weights` say for
    how many lines each of them stands; one, where nothing is said.
    """
    heads = [head_of(name) for name in names]
    begins = [number == 0 or head != heads[number - 1] for number, head in enumerate(heads)]
    known: dict[object, int] = {}
    keys = [known.setdefault(line, len(known)) for line in lines]
    at = 0
    while at < len(keys):
        best, times = 1, 1
        for unit in range(1, min(LONGEST_UNIT, (len(keys) - at) // 2) + 1):
            if keys[at] != keys[at + unit] or keys[at : at + unit] != keys[at + unit : at + 2 * unit]:
                continue
            if not begins[at] and any(begins[at + 1 : at + unit]):
                continue
            repeats = 2
            while keys[at : at + unit] == keys[at + repeats * unit : at + (repeats + 1) * unit]:
                repeats += 1
            if unit * (repeats - 1) > best * (times - 1):
                best, times = unit, repeats
        if (sum(weights[at : at + best]) if weights else best) * (times - 1) < LEAST_SAVED:
            best, times = 1, 1
        yield Run(at, best, times)
        at += best * times


def head_of(name: str) -> str:
    """The blocks a layer stands in: `conv2.bottleneck1` of `conv2.bottleneck1.conv3`."""
    return name.rpartition(".")[0]


def under(head: str, name: str, *, headed: bool) -> tuple[str, str]:
    """A heading to print first (empty: none) and the layer's name below it; `head` is the heading in force.

    Without `headed` names stay whole, as a pipe wants them.
    """
    own = head_of(name)
    if not headed or not own:
        return "", name
    return own if own != head else "", "  " + name[len(own) + 1 :]


def named(run: Run, last: str) -> str:
    """What stands instead of the repetitions: `3 x the 2 lines above, to conv9`."""
    what = "the line above" if run.unit == 1 else f"the {run.unit} lines above"
    return f"{run.times - 1:,} x {what}, to {last}"
