"""Findings hidden by a comment of the spec.

    - conv: {filters: 96, kernel_size: 12}     # archcalc: disable-line=AC602 as in the paper
    # archcalc: disable-next-line=AC602,AC607
    # archcalc: disable=AC602                  # ... up to `enable=AC602` or the end

A comment hides warnings and hints that begin on its lines.  Errors are never hidden: a network that does not
exist does not come to exist by a comment.  What a comment is, the reader decides: a `#` inside of a scalar,
quoted or folded or plain, is text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from archcalc.diagnostics import CATALOGUE, Diagnostic, Span, in_order, rule
from archcalc.source import Mapping, Node, Scalar, parse

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

_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*archcalc:[ \t]*((?:dis|en)able\S*|[a-z-]+=\S*)")
_DIRECTIVE = re.compile(r"(disable-line|disable-next-line|disable|enable)=(AC\d{3}(?:,AC\d{3})*)")
_BLANK = re.compile(r"\s*(?:#|$)")


class Hidden(NamedTuple):
    """A code hidden on the lines from `first` up to `last`, by the comment at `span`."""

    code: str
    first: int
    last: int
    span: Span
    text: str


def suppress(
    text: str, found: Sequence[Diagnostic], was_run: Callable[[str], bool] = lambda code: True
) -> list[Diagnostic]:
    """The findings that no comment of the spec hides, and what is wrong with the comments, in order.

    A comment for a rule that was not run may well be needed, so it is not said to hide nothing.
    """
    root, _ = parse(text)
    if root is None:  # nobody knows what is a comment; only errors are left anyway
        return list(found)
    lines = re.split("\r\n|\r|\n", text)
    hidden, problems = _read(lines, root)
    used: set[Hidden] = set()
    kept = []
    for one in found:
        hiding = {by for by in hidden if by.code == one.code and by.first <= one.span.line <= by.last}
        if hiding and one.severity != "error":
            used |= hiding
        else:
            kept.append(one)
    errors = {one.code for one in found if one.severity == "error"}
    problems += [_unused(one, errors) for one in hidden if one not in used and was_run(one.code)]
    return in_order([*kept, *problems])


def _unused(one: Hidden, errors: set[str]) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if one.code in errors:
        notes = (f"{one.code} is an error here, and errors cannot be hidden",)
    elif not _known(one.code):
        notes = (f"there is no rule {one.code}",)
    return Diagnostic(UNUSED_COMMENT, f"`{one.text}` hides no {one.code}", one.span, "warning", notes=notes)


def _known(code: str) -> bool:
    if code not in CATALOGUE:
        from archcalc.catalogue import rules

        rules()
    return code in CATALOGUE


def _read(lines: Sequence[str], root: Node) -> tuple[list[Hidden], list[Diagnostic]]:
    """What the comments hide, and those that cannot be read."""
    hidden: list[Hidden] = []
    problems: list[Diagnostic] = []
    opened: dict[str, Hidden] = {}
    for number, column, text in _comments(lines, root):
        span = Span(number, column, number, column + len(text))
        directive = _DIRECTIVE.fullmatch(text)
        if directive is None:
            problems.append(_unreadable(text, span))
            continue
        word, codes = directive[1], directive[2].split(",")
        for code in codes:
            if word == "disable":
                if code not in opened:
                    opened[code] = Hidden(code, number, len(lines), span, text)
            elif word == "enable":
                if code in opened:
                    hidden.append(opened.pop(code)._replace(last=number))
                else:
                    message = f"`{text}` ends no `disable={code}`"
                    problems.append(Diagnostic(UNUSED_COMMENT, message, span, "warning"))
            else:
                line = number if word == "disable-line" else _next(lines, number)
                hidden.append(Hidden(code, line, line, span, text))
    return [*hidden, *opened.values()], problems


def _unreadable(text: str, span: Span) -> Diagnostic:
    return Diagnostic(
        BAD_COMMENT,
        f"`{text if len(text) <= 60 else text[:57] + '...'}` is no comment archcalc knows",
        span,
        "warning",
        notes=("it is disable-line, disable-next-line, disable or enable, `=`, and codes like AC602,AC607",),
    )


def _next(lines: Sequence[str], number: int) -> int:
    """The next line that is more than a comment."""
    after = range(number + 1, len(lines) + 1)
    return next((line for line in after if not _BLANK.match(lines[line - 1])), number)


def _comments(lines: Sequence[str], root: Node) -> Iterator[tuple[int, int, str]]:
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


def _scalars(root: Node) -> Iterator[Scalar]:
    waiting = [root]
    seen: set[int] = set()  # an aliased node stands once in the text
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            waiting += [one for entry in node.entries for one in entry] if isinstance(node, Mapping) else node.items
