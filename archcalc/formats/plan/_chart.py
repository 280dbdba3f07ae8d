"""A chart of what is alive over the execution: one column a moment, or the most of several."""

from collections.abc import Sequence

HEIGHT = 7
_EIGHTHS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"


def chart(values: Sequence[int], columns: int, *, unicode: bool) -> list[str]:
    """Rows of a bar chart, top first, its highest bar HEIGHT rows tall; anything above 0 shows."""
    bars = squeeze(values, columns)
    most = max(bars, default=0) or 1
    eighths = [max(-(-one * HEIGHT * 8 // most), one > 0) for one in bars]
    rows = []
    for row in reversed(range(HEIGHT)):
        filled = [min(8, max(0, one - 8 * row)) for one in eighths]
        rows.append(
            "".join(_EIGHTHS[one] if unicode else "#" if one >= 4 or (one and not row) else " " for one in filled)
        )
    return rows


def squeeze(values: Sequence[int], columns: int) -> list[int]:
    """At most `columns` bars: each the most of its moments; few moments get bars of equal width."""
    count = len(values)
    if count > columns:
        return [max(values[i * count // columns : (i + 1) * count // columns]) for i in range(columns)]
    width = max(1, min(columns // max(count, 1), 8))
    return [one for one in values for _ in range(width)]


def place(step: int, count: int, columns: int) -> int:
    """The column of a moment in `squeeze`."""
    return step * columns // count if count > columns else step * max(1, min(columns // count, 8))
