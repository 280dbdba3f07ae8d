"""What a format can say exactly, and the refusal of what it cannot: all of a network's layers at once, by name.

A writer names the keys of a layer that it writes; any other key that has another value than its default is refused, so
that a key which a layer gains later is never passed over in silence.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from archcalc.layers import Layer
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

SHOWN = 12  # names in one line


class Inexact(Exception):
    """A layer that a format has nothing for; says what is in the way, in a few words."""


class Unwritable(Exception):
    """A network that a format cannot say; the message has every layer that is in the way, by reason."""

    def __init__(self, format: str, reasons: Iterable[tuple[str, str]]) -> None:
        found: dict[str, list[str]] = {}
        for name, why in reasons:
            found.setdefault(why, []).append(name)
        lines = [f"{why}: {_listed(names)}" for why, names in found.items()]
        start = f"{format} has nothing that is exactly"
        super().__init__(f"{start} {lines[0]}" if len(lines) == 1 else "\n  ".join([start, *lines]))


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def each(format: str, report: "Report", write: "Callable[[Row], object]", odd: Iterable[tuple[str, str]] = ()) -> None:
    """Write every layer; Unwritable with all that cannot be, and with what of the graph cannot be (`odd`)."""
    refused = list(odd)
    for row in report.rows:
        try:
            write(row)
        except Inexact as error:
            refused.append((row.node.name, str(error) or row.node.layer.type))
    if refused:
        raise Unwritable(format, refused)


def only(layer: Layer, *written: str) -> None:
    """Inexact where a key that is not written has another value than its default."""
    for name, key in layer.keys.items():
        value = getattr(layer, name)
        if name not in written and value != key.default:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            raise Inexact(f"{layer.type} with {name}: {shown}")


class Frame(NamedTuple):
    """The padding of a window's input as numbers; `right` and `bottom` with what rounding up adds (`over`)."""

    left: int
    right: int
    top: int
    bottom: int
    over: tuple[int, int] = (0, 0)  # columns and rows that the last windows reach beyond the padding
    unread: bool = False  # whether rounding down leaves some out

    @property
    def sides(self) -> tuple[int, int, int, int]:
        return self[:4]

    @property
    def even(self) -> bool:
        """Whether left and right, top and bottom are equal."""
        return self.left == self.right and self.top == self.bottom


def framed(layer: Any, x: Volume) -> Frame:
    """How a convolution or pool lies on its input, whatever words its padding and rounding are said in."""
    (left, right, wide, short), (top, bottom, tall, low) = (
        (fit.before, fit.after, max(0, -fit.leftover), fit.leftover > 0)
        for fit in (window.fit(extent) for window, extent in zip(layer.windows(x), x, strict=False))
    )
    if min(left, right, top, bottom) < 0:
        raise Inexact(f"{layer.type} with negative padding")
    return Frame(left, right + wide, top, bottom + tall, (wide, tall), short or low)


def pool_of(layer: Any, x: Volume, y: Volume) -> tuple[int, int]:
    """Width and height of the windows of an adaptive pool, where they are equal and side by side."""
    if x.width % y.width or x.height % y.height:
        raise Inexact(f"{layer.type} with windows of different sizes")
    return x.width // y.width, x.height // y.height


def whole_factor(layer: Any, x: Volume, y: Volume) -> Pair:
    """How many times each pixel of an `upsample` is there, where it is a whole number."""
    if y.width % x.width or y.height % x.height:
        raise Inexact("upsample by a fraction")
    return Pair(y.width // x.width, y.height // x.height)


POSITIVE = frozenset(("relu", "relu6", "sigmoid", "softmax", "hardsigmoid", "softplus", "l2pool"))
KEEPS_SIGN = frozenset(
    ("pool", "avgpool", "gap", "gmp", "adaptive_pool", "adaptive_avgpool", "concat", "add", "multiply", "maximum", "dropout",
     "flatten", "crop", "upsample", "split", "slice", "shuffle", "relu6")
)  # fmt: skip


def never_negative(report: "Report") -> list[bool]:
    """For every node whether its values are 0 or more, so that zeros around it change no maximum."""
    found: list[bool] = []
    for row in report.rows:
        type = row.node.layer.type
        kept = type in KEEPS_SIGN or (type == "pad" and row.node.layer.values()["mode"] in ("zeros", "replicate"))
        found.append(type in POSITIVE or (kept and all(found[one] for one in row.node.inputs)))
    return found
