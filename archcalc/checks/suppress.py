"""Findings hidden by a comment of the spec.

    - conv: {filters: 96, kernel_size: 12}     # archcalc: disable-line=AC602 as in the paper
    # archcalc: disable-next-line=AC602,AC607
    # archcalc: disable=AC602                  # ... up to `enable=AC602` or the end

A comment hides warnings and hints that begin on its lines.  Errors are never hidden: a network that does not
exist does not come to exist by a comment.  What a comment is, the reader decides: a `#` inside of a scalar,
quoted or folded or plain, is text.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from archcalc.checks.catalogue import known
from archcalc.diagnostics import Diagnostic, Span, in_order, rule
from archcalc.reader.nodes import Mapping, Scalar, Value
from archcalc.records import NamedTuple
from archcalc.regex import regex

UNUSED_COMMENT = rule(
    "AC801",
    "a comment hides nothing",
    """
    A comment like `# archcalc: disable-line=AC602` hides a warning that is not there (any more): the spec was
    repaired, the comment stands on another line than the finding, or the code is misspelt.  Errors cannot be
    hidden.  Comments that hide nothing are taken out, so that they do not hide the next one.

        # archcalc: disable-line=AC602             this line
        # archcalc: disable-next-line=AC602        the next line that is not a comment
        # archcalc: disable=AC602,AC607            from here on ...
        # archcalc: enable=AC602,AC607             ... up to here
    """,
    "warning",
)
BAD_COMMENT = rule(
    "AC802",
    "a comment for archcalc cannot be read",
    """
    A comment that begins with `archcalc:` and one of `disable-line=`, `disable-next-line=`, `disable=` or
    `enable=` names the codes it is about, with commas between; a reason may follow after a space.
    """,
    "warning",
)

_COMMENT = regex(r"(?:^|(?<=\s))#[ \t]*archcalc:[ \t]*((?:dis|en)able\S*|[a-z-]+=\S*)")
_DIRECTIVE = regex(r"(disable-line|disable-next-line|disable|enable)=(AC\d{3}(?:,AC\d{3})*)")
_BLANK = regex(r"\s*(?:#|$)")


class Hidden(NamedTuple):
    """A code hidden on the lines from `first` up to `last`, by the comment at `span`."""

    code: str
    first: int
    last: int
    span: Span
    text: str


def suppress(
    lines: Sequence[str],
    root: Value | None,
    found: Sequence[Diagnostic],
    was_run: Callable[[str], bool] = lambda code: True,
) -> list[Diagnostic]:
    """The findings that no comment of the spec hides, and what is wrong with the comments, in order.

    A comment for a rule that was not run may well be needed, so it is not said to hide nothing.
    """
    if root is None:  # nobody knows what is a comment; only errors are left anyway
        return list(found)
    comments = _Comments(lines, root)
    used: set[Hidden] = set()
    kept = []
    for one in found:
        hidden = None if one.severity == "error" else comments.hiding(one)
        if hidden is None:
            kept.append(one)
        else:
            used.add(hidden)
    errors = {one.code for one in found if one.severity == "error"}
    unused = [_unused(one, errors) for one in comments.hidden if one not in used and was_run(one.code)]
    return in_order([*kept, *unused, *comments.problems])


def _unused(one: Hidden, errors: set[str]) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if one.code in errors:
        notes = (f"{one.code} is an error here, and errors cannot be hidden",)
    elif not known(one.code):
        notes = (f"there is no rule {one.code}",)
    return Diagnostic(UNUSED_COMMENT, f"`{one.text}` hides no {one.code}", one.span, "warning", notes=notes)


class _Comments:
    """What the comments of a text hide, and what is wrong with them."""

    def __init__(self, lines: Sequence[str], root: Value) -> None:
        self.hidden: list[Hidden] = []
        self.problems: list[Diagnostic] = []
        self.lines: dict[tuple[str, int], Hidden] = {}
        self.blocks: dict[str, list[Hidden]] = {}  # of one code in order, and none inside of another
        self.opened: dict[str, Hidden] = {}
        following = _following(lines)
        for number, column, text in _comments(lines, root):
            span = Span(number, column, number, column + len(text))
            directive = _DIRECTIVE.fullmatch(text)
            if directive is None:
                self.problems.append(_unreadable(text, span))
                continue
            word, codes = directive.groups()
            after = following[number] if word == "disable-next-line" else number
            for code in codes.split(","):
                self._read(word, Hidden(code, after, after, span, text), len(lines))
        for one in self.opened.values():
            self._close(one)

    def _read(self, word: str, one: Hidden, end: int) -> None:
        if word == "enable":
            if one.code in self.opened:
                self._close(self.opened.pop(one.code)._replace(last=one.last))
            else:
                message = f"`{one.text}` ends no `disable={one.code}`"
                self.problems.append(Diagnostic(UNUSED_COMMENT, message, one.span, "warning"))
        elif word == "disable" and one.code not in self.opened:
            self.opened[one.code] = one._replace(last=end)
        else:  # a `disable` inside of another is kept too, to be told that it hides nothing
            self.hidden.append(one)
            if word != "disable":
                self.lines.setdefault((one.code, one.first), one)

    def _close(self, block: Hidden) -> None:
        self.hidden.append(block)
        self.blocks.setdefault(block.code, []).append(block)

    def hiding(self, one: Diagnostic) -> Hidden | None:
        """What hides a finding, if anything does."""
        line = one.span.line
        if by := self.lines.get((one.code, line)):
            return by
        blocks = self.blocks.get(one.code, [])
        before = bisect_right(blocks, line, key=lambda block: block.first)
        return blocks[before - 1] if before and line <= blocks[before - 1].last else None


def _unreadable(text: str, span: Span) -> Diagnostic:
    return Diagnostic(
        BAD_COMMENT,
        f"`{text if len(text) <= 60 else text[:57] + '...'}` is no comment archcalc knows",
        span,
        "warning",
        notes=("it is disable-line, disable-next-line, disable or enable, `=`, and codes like AC602,AC607",),
    )


def _following(lines: Sequence[str]) -> list[int]:
    """For every line, counted from 1, the next one that is more than a comment; 0 where none is."""
    found = [0] * (len(lines) + 1)
    for number in range(len(lines) - 1, 0, -1):
        found[number] = found[number + 1] if _BLANK.match(lines[number]) else number + 1
    return found


def _comments(lines: Sequence[str], root: Value) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of what comments say to archcalc; a `#` inside of a scalar is none."""
    scalars = sorted((scalar.span, scalar.style) for scalar in _scalars(root))
    starts = [span[:2] for span, _ in scalars]
    for number, line in enumerate(lines, 1):
        for found in _COMMENT.finditer(line):
            place = number, found.start() + 1
            before = bisect_right(starts, place)
            if before:
                span, style = scalars[before - 1]
                header = style in ("|", ">") and number == span.line
                if place < (span.end_line, span.end_column) and not header:
                    continue
            yield number, found.start(1) + 1, found[1]


def _scalars(root: Value) -> Iterator[Scalar]:
    waiting = [root]
    seen: set[int] = set()  # an aliased node stands once in the text
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            waiting += [one for entry in node.entries for one in entry] if isinstance(node, Mapping) else node.items
