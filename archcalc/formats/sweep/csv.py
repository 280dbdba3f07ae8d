"""The networks that were kept, a line each: variables, figures, and the command that reports it."""

import csv
import io

from archcalc.formats import Look
from archcalc.variants.sweeping.sweep import Result, flat


def render(result: Result, look: Look) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    request = result.request
    writer.writerow([*request.space.names(), *map(str, request.wanted), "command"])
    for one in result.to_records():
        writer.writerow(["" if value is None else value for value in flat(one).values()])
    return out.getvalue()
