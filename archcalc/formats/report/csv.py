"""The report for a spreadsheet: one line a layer, raw integers; what nobody knows is left empty."""

import csv
import io
from typing import Any

from archcalc.analysis.analyze import Report
from archcalc.analysis.records import counts
from archcalc.formats import Look
from archcalc.formats.report._columns import Scale, arranged, chosen
from archcalc.formats.report._lines import plain

CHOOSES = True

HEAD = [
    "name",
    "type",
    "label",
    "inputs",
    "width",
    "height",
    "channels",
    "weights",
    "biases",
    "params",
    "buffers",
    "macs",
    "flops",
    "activations",
    "activation_bytes",
    "receptive_field_width",
    "receptive_field_height",
    "formula",
]


def render(report: Report, look: Look) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if look.columns:
        _chosen(report, look, writer)
        return out.getvalue()
    writer.writerow([*HEAD, *(["im2col_rows", "im2col_columns"] if look.im2col else [])])
    width = look.value_bytes
    lines, _ = arranged(plain(report), Scale(report, look))
    for row in (line.row for line in lines):
        node, cost, seen = row.node, row.cost, row.receptive_field
        inputs = " ".join(report.graph.nodes[one].name for one in node.inputs)
        fields = [field.size if field else "" for field in seen]
        figures = ["" if one is None else one for one in counts(cost).values()]
        writer.writerow(
            [
                node.name,
                node.layer.type,
                node.layer.label,
                inputs,
                *row.output,
                *figures,
                row.activations,
                row.activations * width,
                *fields,
                row.formula,
                *((row.im2col or ("", "")) if look.im2col else ()),
            ]
        )
    return out.getvalue()


def _chosen(report: Report, look: Look, writer: Any) -> None:
    columns, scale = chosen(look.columns), Scale(report, look)
    writer.writerow(column.name for column in columns)
    for line in arranged(plain(report), scale)[0]:
        values = (column.raw(line, scale) for column in columns)
        writer.writerow("" if one is None else one for one in values)
