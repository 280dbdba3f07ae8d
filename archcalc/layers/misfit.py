"""The error of a window that does not fit: its arithmetic in the reader's numbers, and the repairs that work."""

from collections.abc import Mapping
from functools import lru_cache
from math import gcd

from archcalc.diagnostics import Diagnostic, Label, Span, rule
from archcalc.symbolic import plain
from archcalc.volume import MAX_DIMENSION, Fit, Window

MAX_SIDE = 64  # the most padding on a side that is proposed

DOES_NOT_FIT = rule(
    "AC201",
    "(W - F + 2P)/S + 1 is not whole",
    """
    Windows of extent F, S apart, on an axis of W positions with P zeros on each side fit
    (W - F + 2P)/S + 1 times.  Where that is not whole the last window would hang over the edge.
    Frameworks round silently (PyTorch down, Caffe's pools up), so that the same numbers mean different
    networks; under `rounding: exact`, the default, it is an error.  Change a width, padding or stride, or
    write the rounding you mean:

        - conv: {filters: 96, kernel_size: 11, stride: 4, rounding: floor}

    `floor` drops the rows and columns that no window reads, and reports say how many; `ceil` lets the last
    window hang over, as long as it starts inside the image or its left padding.  At the top of a spec a rounding
    is the default of all its layers; `rounding: caffe` there is Caffe's, convolutions down and pools up.
    """,
)
TOO_LARGE_WINDOW = rule(
    "AC202",
    "the window is larger than its padded input",
    """
    A window cannot be placed even once.  Usually earlier layers have shrunk the volume more than was meant:
    look at the rows above it in `archcalc report`.  `padding: half` keeps the size at stride 1.
    """,
)

NOTHING_LEFT = rule(
    "AC211",
    "nothing is left of the image",
    "A crop, or the padding of a transposed convolution, takes away as much as there is or more.",
)


class LayerError(Exception):
    """A layer that cannot be; names the keys at fault, the caller knows where they stand."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        keys: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        help: tuple[str, ...] = (),
        text: str = "",
        labels: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.keys, self.notes, self.help = code, message, keys, notes, help
        self.text, self.labels = text, labels  # a label is (key, what to write there)


def placed(error: LayerError, name: str, span: Span, places: Mapping[str, Span]) -> Diagnostic:
    """A layer's error at the place of the key it names first, else at the layer."""
    at = next((places[key] for key in error.keys if key in places), span)
    labels = tuple(Label(places[key], text) for key, text in error.labels if key in places)
    joiner = " " if error.message.startswith(("does", "cannot")) else ": "
    return Diagnostic(
        error.code,
        f"{name}{joiner}{error.message}",
        at,
        text=error.text,
        labels=labels,
        notes=error.notes,
        help=error.help,
    )


def refuse(
    window: Window, extent: int, axis: str, most_padding: int | None = MAX_SIDE, *, ceil: bool = False
) -> LayerError:
    """The error for `window` on an axis of `extent` positions; `axis` is "width" or "height".

    `most_padding` is what may be proposed on each side, None where its sides differ; `ceil`: rounding up is proposed.
    """
    window, extent = plain(window), plain(extent)
    if window.fit(extent).numerator < 0:
        return _too_large(window, extent, axis, most_padding)
    message, notes, help = _explained(window, extent, axis, most_padding, ceil)
    return LayerError(DOES_NOT_FIT, message, keys=("stride", "kernel_size", "padding"), notes=notes, help=help)


@lru_cache(256)  # a spec can hold the same misfit a hundred thousand times
def _explained(
    window: Window, extent: int, axis: str, most_padding: int | None, ceil: bool
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Message, arithmetic and repairs."""
    fit = window.fit(extent)
    quotient = _decimal(fit.numerator, window.stride)
    formula = f"(W - F + 2P)/S + 1 = ({extent} - {window.span} + {_padding(window)})/{window.stride} + 1"
    notes = [f"{formula} = {quotient}"]
    if window.dilation > 1:
        notes.append(f"F = d(F - 1) + 1 = {window.dilation}*({window.size} - 1) + 1 = {window.span}, dilated")
    repairs = [_widths(window, extent, fit, axis)]
    if most_padding is not None:
        if padding := _nearest_padding(window, extent, most_padding):
            repairs.append(padding)
        elif (fit.numerator - window.before - window.after) % gcd(2, window.stride):
            unpadded = extent - window.span
            notes.append(f"no padding fixes this: {unpadded} + 2P is odd and S = {window.stride}")
    if stride := _near_stride(window, extent, fit):
        repairs.append(stride)
    repairs.append(_floor(window, extent, axis))
    if ceil:
        up = window._replace(rounding="ceil").fit(extent)
        if up.size > fit.size:
            repairs.append(f"write `rounding: ceil` (-> {up.size}), Caffe's for pools")
    help = (repairs[0], *(f"or {one}" for one in repairs[1:]))
    return f"does not fit: output {axis} would be {quotient}", tuple(notes), help


def _decimal(numerator: int, stride: int) -> str:
    """numerator/stride + 1 without floats: exact where it ends within six places, else marked `...`."""
    whole, rest = divmod(numerator, stride)
    digits = ""
    while rest and len(digits) < 6:
        digit, rest = divmod(rest * 10, stride)
        digits += str(digit)
    if rest:
        digits = digits[:3] + "..."
    return f"{whole + 1}.{digits}" if digits else str(whole + 1)


def _padding(window: Window) -> str:
    if window.before == window.after:
        return f"2*{window.before}"
    return f"{window.before} + {window.after}"


def _whole(window: Window, extent: int) -> int:
    """The output size where the window fits exactly, else 0."""
    fit = window.fit(extent)
    return fit.size if fit.size > 0 and fit.leftover == 0 else 0


def _widths(window: Window, extent: int, fit: Fit, axis: str) -> str:
    smaller, larger = extent - fit.leftover, extent + window.stride - fit.leftover
    found = [(one, _whole(window, one)) for one in (smaller, larger) if 0 < one <= MAX_DIMENSION]
    fits = [f"{one} (-> {size})" for one, size in found if size]
    name = {"width": "widths", "height": "heights"}[axis]
    if len(fits) == 1:
        return f"the nearest {axis} that fits is {fits[0]}"
    return f"the nearest {name} that fit are {' and '.join(fits)}"


def _paddings(window: Window, extent: int, most: int) -> range:
    """The paddings up to `most`, alike on both sides, with which the window fits exactly: 2P = F - W modulo S."""
    unpadded = extent - window.span
    common = gcd(2, window.stride)
    if unpadded % common:
        return range(0)
    step = window.stride // common
    remainder = -unpadded // common * pow(2 // common, -1, step) % step
    least = max(0, -(unpadded // 2))
    return range(least + (remainder - least) % step, most + 1, step)


def _nearest_padding(window: Window, extent: int, most: int) -> str:
    current = (window.before + window.after) // 2
    fitting = _paddings(window, extent, min(window.span - 1, most))
    if not fitting:
        return ""
    before = min(max((current - fitting.start) // fitting.step, 0), len(fitting) - 1)
    padding = min(fitting[before : before + 2], key=lambda one: abs(one - current))
    size = _whole(window._replace(before=padding, after=padding), extent)
    return f"`padding: {padding}` (-> {size})" if size else ""


def _near_stride(window: Window, extent: int, fit: Fit) -> str:
    """A neighbouring stride, if the output stays within a quarter of what was asked for."""
    for stride in (window.stride - 1, window.stride + 1):
        if stride < 1 or stride > window.span:
            continue
        size = _whole(window._replace(stride=stride), extent)
        wanted = fit.numerator + window.stride  # times S: output size asked for
        if size and abs(4 * size * window.stride - 4 * wanted) <= wanted:
            return f"`stride: {stride}` (-> {size})"
    return ""


def _floor(window: Window, extent: int, axis: str) -> str:
    fit = window._replace(rounding="floor").fit(extent)
    thing = {"width": "column", "height": "row"}[axis]
    if fit.unread == 0:
        lost = "only padding is never read"
    elif fit.unread == 1:
        lost = f"the last {thing} is never read"
    else:
        lost = f"the last {fit.unread} {thing}s are never read"
    return f"write `rounding: floor` (-> {fit.size}; {lost}), in the layer or at the top of the spec"


def _too_large(window: Window, extent: int, axis: str, most_padding: int | None) -> LayerError:
    padded = extent + window.before + window.after
    note = f"W + 2P = {extent} + {_padding(window)} = {padded}, and F = {window.span}"
    if window.dilation > 1:
        note += f" = {window.dilation}*({window.size} - 1) + 1, dilated"
    help = [_enough_padding(window, extent, axis, most_padding)] if most_padding is not None else []
    if window.dilation == 1 and _whole(window._replace(size=padded), extent):
        help.append(f"a window of {padded} covers the whole {axis} (-> 1)")
    return LayerError(
        TOO_LARGE_WINDOW,
        f"does not fit: a window of {axis} {window.span} is larger than its padded input of {padded}",
        keys=("kernel_size", "dilation", "padding"),
        notes=(note,),
        help=tuple(one for one in help if one),
    )


def _enough_padding(window: Window, extent: int, axis: str, most: int) -> str:
    """The padding that keeps the size at stride 1, else the least with which the window fits."""
    half = (window.span - 1) // 2
    fitting = _paddings(window, extent, min(half, most))
    if not fitting:
        return ""
    padding = half if window.span % 2 and half in fitting else fitting[0]
    size = _whole(window._replace(before=padding, after=padding), extent)
    kept = f" keeps the {axis}" if size == extent else ""
    return f"`padding: {padding}`{kept} (-> {size})" if size else ""
