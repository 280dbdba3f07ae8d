"""On several processes, with one that is lost, interrupted and resumed: the same networks and the same counts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.diagnostics import Unusable
from archcalc.variants.sweeping.sweep import Result, Sweep

pytest.importorskip("numpy")
from archcalc.variants.sweeping import running

COMPUTE = running.compute
SPEC = "INPUT[24x24x3] -> CONV5-8p2 -> POOL2 -> CONV3-8 -> POOL2 -> GAP -> FC-10"
SPACE = {"input.width": "8..64", "input.height": "8..64"}


def sweep(**options: Any) -> Sweep:
    options = {"pareto": "macs,receptive_field:max", "where": "macs <= 1M", "chunk": 100, **options}
    return archcalc.sweep(SPEC, vary=SPACE, **options)


def told(result: Result) -> Any:
    tally = result.tally._replace(examples={})  # of several examples any will do
    return result.to_records(), tally, result.complete


ALONE = told(sweep().result())


def test_alone_there_is_something_to_find() -> None:
    records, tally, complete = ALONE
    assert (tally.networks, complete) == (57 * 57, True)
    assert len(records) > 5
    assert tally.misfits
    assert tally.rejected


def test_two_processes_find_the_same() -> None:
    assert told(sweep().result(workers=2)) == ALONE


def kill_once(monkeypatch: pytest.MonkeyPatch, flag: Path, times: int) -> None:
    """Let processes that compute end at once, so many of them."""
    monkeypatch.setattr(running, "compute", Deadly(str(flag), times))


class Deadly:
    """`compute`, in a process that ends itself as long as there are files to be taken away."""

    def __init__(self, folder: str, times: int) -> None:
        self.folder = folder
        for number in range(times):
            Path(folder, str(number)).touch()

    def __call__(self, request: Any, first: int, last: int) -> Any:
        for file in os.listdir(self.folder):
            try:
                os.unlink(os.path.join(self.folder, file))
            except FileNotFoundError:  # the other process was faster
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return COMPUTE(request, first, last)


def test_a_lost_process_loses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kill_once(monkeypatch, tmp_path, 2)
    assert told(sweep().result(workers=2)) == ALONE
    assert list(tmp_path.iterdir()) == []


def test_processes_that_always_end_are_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kill_once(monkeypatch, tmp_path, 500)
    with pytest.raises(Unusable, match="processes end before their work does"):
        sweep().result(workers=2)


class Stop:
    """Interrupts behind so many chunks."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, sweep: Sweep) -> None:
        self.after -= 1
        if not self.after:
            raise KeyboardInterrupt


def test_an_interruption_keeps_what_was_found_and_resume_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    first = sweep().result(Stop(7), resume=path)
    assert (first.complete, first.tally.networks) == (False, 700)
    second = sweep().result(Stop(5), resume=path, workers=2)
    assert (second.complete, second.resumed, second.tally.networks > 700) == (False, 700, True)
    done = json.loads(Path(path).read_text())["done"]
    assert sum(stop - start for start, stop in done) * 100 == second.tally.networks
    assert told(sweep().result(resume=path)) == ALONE
    again = sweep().result(resume=path)  # nothing is left to do
    assert told(again) == ALONE
    assert again.resumed == 57 * 57


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is not the state of a sweep"),
        ("not json", "is not the state of a sweep"),
        (
            '{"archcalc_sweep": 1, "key": "x"}',
            "is the state of another sweep: the spec or the options are not the same",
        ),
    ],
)
def test_files_that_are_no_state_of_this_sweep(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(Unusable, match=message):
        sweep().result(resume=str(path))
    assert path.read_text() == text  # and it is left as it was


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    found = [told(sweep(sample=500, seed=seed).result()) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_a_latin_hypercube_has_every_stratum_of_every_axis_once() -> None:
    from archcalc.variants.sweeping.points import Points

    points = Points((57, 1000), 1000, "lhs", seed=4, chunk=300)
    chunks = [points.indices(number) for number in range(points.chunks)]
    widths, heights = ([int(one) for chunk in chunks for one in chunk[axis]] for axis in (0, 1))
    assert sorted(heights) == list(range(1000))
    assert all(abs(widths.count(value) - 1000 / 57) < 2 for value in range(57))


def test_ctrl_c_prints_what_was_found(tmp_path: Path) -> None:
    """In a process of its own, whose space would take hours."""
    state = tmp_path / "state.json"
    words = [
        "sweep",
        SPEC,
        "--vary",
        "input.width=8..60000",
        "--vary",
        "input.height=8..60000",
        "--pareto",
        "macs,params",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "archcalc", *words, "--resume", str(state), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    deadline = time.monotonic() + 60
    while not state.exists() and time.monotonic() < deadline:  # written for the first time after some seconds
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    try:
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Traceback" not in errors
    assert process.returncode == 130
    if out:  # on a slow machine nothing may be there yet
        assert "networks; --resume" in errors
        assert "the front of macs, params" in out
        assert state.exists()
