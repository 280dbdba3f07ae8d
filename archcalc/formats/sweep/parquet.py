"""The networks that were kept as a Parquet file: a column a variable and figure, and the command that reports it."""

import io
from typing import Any

from archcalc.diagnostics import Unusable
from archcalc.formats import Look
from archcalc.variants.sweeping.sweep import Result, flat

BINARY = True


def render(result: Result, look: Look) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise Unusable(f"--format parquet needs the parquet extra, pip install 'archcalc[parquet]' ({error})") from None
    request = result.request
    records = [flat(one) for one in result.to_records()]
    names = [*request.space.names(), *map(str, request.wanted), "command"]
    columns: dict[str, Any] = {name: [one[name] for one in records] for name in names}
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()
