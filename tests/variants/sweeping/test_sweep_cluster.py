"""On a Dask cluster the same networks are found, also where a worker is killed in the middle."""

import os
import signal
import threading
import time
from typing import Any

import pytest

import archcalc
from archcalc.diagnostics import Unusable

pytest.importorskip("numpy")
pytest.importorskip("distributed")

SPEC = "INPUT[24x24x3] -> CONV5-8p2 -> POOL2 -> CONV3-8 -> POOL2 -> GAP -> FC-10"
SPACE = {"input.width": "8..300", "input.height": "8..300"}


def found(**options: Any) -> Any:
    result = archcalc.sweep(SPEC, vary=SPACE, pareto="macs,receptive_field:max", chunk=200).result(**options)
    return result.to_records(), result.tally._replace(examples={}), result.complete


@pytest.mark.filterwarnings("ignore")
def test_a_killed_worker_loses_nothing() -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            pids = list(client.run(os.getpid).values())

        def kill() -> None:
            time.sleep(1)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        on_cluster = found(scheduler=cluster.scheduler_address)
        killer.join()
    assert on_cluster == found()


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from archcalc.variants.sweeping import cluster

    monkeypatch.setattr(cluster, "SECONDS", 1)
    with pytest.raises(Unusable, match=r"cannot reach a scheduler of Dask at tcp://127\.0\.0\.1:9"):
        found(scheduler="tcp://127.0.0.1:9")
