"""Words and numbers that the formats of `diff` share."""

from archcalc import units
from archcalc.analysis.receptive import Field, ReceptiveField
from archcalc.formats import Look
from archcalc.variants.diff import Change, Comparison, Setting

SIGNS = {"added": "+", "removed": "-", "changed": "~", "affected": " "}


def describe(change: Change) -> str:
    """What happened to a layer: `CONV3-64: filters 64 -> 128`."""
    if change.a is None or change.b is None:
        return change.row.node.layer.label
    old, new = change.a, change.b
    if change.status == "affected":
        volumes = f": {old.output} -> {new.output}" if old.output != new.output else ""
        return new.node.layer.label + volumes
    settings = "; ".join(setting(one) for one in change.settings if one.key != "type")
    replaced = any(one.key == "type" for one in change.settings)
    label = f"{old.node.layer.label} -> {new.node.layer.label}" if replaced else old.node.layer.label
    return f"{label}: {settings}" if settings else label


def setting(one: Setting) -> str:
    return f"{one.key} {shown(one.old)} -> {shown(one.new)}"


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None else str(value)


def signed(value: int, unit: str = "count") -> str:
    """`+1.79K`, `-12.25 MiB`; empty for no change."""
    if not value:
        return ""
    text = units.size(abs(value)) if unit == "size" else units.count(abs(value))
    return ("+" if value > 0 else "-") + text


def field(seen: ReceptiveField | None) -> str:
    """The size of a receptive field; `?` where it is not known."""
    if seen is None or seen.width is None or seen.height is None:
        return "?"
    width, height = seen.width.size, seen.height.size
    return str(width) if width == height else f"{width}x{height}"


def field_change(change: Change) -> str:
    """`35 -> 51`; empty where it stays, and for a layer that is there only once."""
    if change.a is None or change.b is None:
        return ""
    old, new = (sizes(one.receptive_field) for one in (change.a, change.b))
    if old == new:
        return ""
    return f"{field(change.a.receptive_field)} -> {field(change.b.receptive_field)}"


def sizes(seen: ReceptiveField) -> tuple[int | None, int | None]:
    def size(one: Field | None) -> int | None:
        return one.size if one else None

    return size(seen.width), size(seen.height)


def totals(found: Comparison, look: Look) -> list[tuple[str, str, str, str]]:
    """What is measured, the first network's, the second's, and the change."""
    a, b = found.a.totals, found.b.totals
    width = look.value_bytes
    rows = []
    for name, old, new, unit in (
        ("params", a.params, b.params, "count"),
        ("MACs", a.macs, b.macs, "count"),
        ("memory", a.activations * width, b.activations * width, "size"),
    ):
        texts = (f"{old:,}", f"{new:,}") if unit == "count" else (units.size(old), units.size(new))
        least = [name.lower() in totals.unknown for totals in (a, b)]
        old_text, new_text = (f">= {text}" if unknown else text for text, unknown in zip(texts, least, strict=True))
        rows.append((name, old_text, new_text, "?" if any(least) else _with_percent(old, new, unit)))
    ends = found.a.outputs, found.b.outputs
    fields = [", ".join(field(row.receptive_field) for row in one) for one in ends]
    volumes = [", ".join(str(row.output) for row in one) for one in ends]
    rows += [("field", fields[0], fields[1], ""), ("output", volumes[0], volumes[1], "")]
    return rows


def _with_percent(old: int, new: int, unit: str) -> str:
    change = signed(new - old, unit)
    if not change or not old:
        return change
    tenths = (abs(new - old) * 2000 + old) // (2 * old)
    sign = "+" if new > old else "-"
    return f"{change} ({sign}{tenths // 10:,}.{tenths % 10}%)"


def told(found: Comparison) -> list[Change]:
    """The changes that people want to see: without in-place layers that only others affect."""
    return [
        change
        for change in found.changes
        if change.status != "affected" or change.row.activations or change.params or change.macs or change.activations
    ]


def verdict(found: Comparison) -> str:
    """`3 added, 1 changed, 40 unchanged`, and on a line of its own what is not shown."""
    counts = [(found.count(status), status) for status in ("added", "removed", "changed", "affected")]
    parts = [f"{number:,} {status}" for number, status in counts if number]
    hidden = len(found.changes) - len(told(found))
    note = f"\n({hidden:,} affected in-place layers not shown)" if hidden else ""
    return ", ".join([*parts, f"{found.unchanged:,} unchanged"]) + note
