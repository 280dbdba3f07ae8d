"""The tasks of a sweep on the workers of a Dask cluster, by the same `compute` as everywhere.

Workers need archcalc and NumPy.  A task whose worker is lost goes to another one; the scheduler's own retries answer whatever
else goes wrong with a task.
"""

from collections.abc import Iterable, Iterator

from archcalc.diagnostics import Unusable
from archcalc.variants.sweeping.request import Request
from archcalc.variants.sweeping.running import Part, compute, tasks

RETRIES = 5
SECONDS = 10  # to reach the scheduler


def on_cluster(request: Request, missing: Iterable[range], address: str) -> Iterator[Part]:
    """The parts, as they come.  Unusable where the scheduler cannot be reached, or Dask is not installed."""
    try:
        from distributed import Client, as_completed
    except ModuleNotFoundError as error:
        raise Unusable(f"--scheduler needs the dask extra, pip install 'archcalc[dask]' ({error})") from None
    try:
        client = Client(address, timeout=SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise Unusable(f"cannot reach a scheduler of Dask at {address}: {str(error) or type(error).__name__}") from None
    try:
        cores = max(1, sum(client.ncores().values()))
        running = as_completed(
            client.submit(compute, request, *one, pure=False, retries=RETRIES) for one in tasks(missing, cores)
        )
        for future in running:
            yield future.result()
            future.release()
    finally:
        client.close()
