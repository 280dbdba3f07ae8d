"""Short YAML at random, in every style that it has and mostly right: what is to be read, whether or not it is a spec.

A spec shows a reader little of YAML, and PyYAML's own parser needs 30 times libyaml's time of it; a text of some
fifty characters that nests, quotes, folds, anchors and comments shows more in a tenth of the time.
"""

from collections.abc import Sequence
from typing import TypeVar

from fuzz.grammar import BROKEN, Choices

T = TypeVar("T")
PLAIN = ("a", "b", "conv", "3", "-1", "3x3", "$n", "a b", "a-b", "x:y", "C->D", "POOL2?", "[]", "{}", "é", "~", "a#b")
QUOTED = (
    "",
    "a",
    "a b",
    " ",
    "[x]*2",
    "a: b",
    "# c",
    "é",
    "->",
    r"\n",
    "''",
    r"\"",
    r"\x41",
    r"\u00e9",
    r"\q",
    "a\n b",
)
HEADERS = ("|", ">", "|-", ">+", "|", ">", "|1", "|2", ">1-", "|9", "|x", "| # c", "|+2", ">0", "|--")
COMMENTS = (" # c", "#", " #", "  ")
BEFORE = ("---\n", "# c\n", "\n", "%YAML 1.2\n---\n", "--- ", "\n# c\n \n")
AFTER = ("\n\n", " ", "\r\n", "\n...\n", "\n---\n", " # c", "\n# c", "\n...\nx", "\t", "\r", "\u2028", "\x85")
PROPERTIES = ("&x ", "&y ", "&x ", "&x ", "&z ", "&x ", "!t ", "!!str ", "! ", "&x !t ", "& ", "&é ", "&x:y ", "&x")
ALIASES = ("*x", "*x", "*x ", "*y", "*", "*x:y")
KEYS = ("a b", "'a'", '"b"', "? a", "<<", "[a]", "", "&x a", "*x", "é", "a")
COLONS = (": ", ": ", ": ", ":", " : ", ":\n ")
STRAY = (
    "%",
    "@",
    "`",
    "|",
    ">",
    "? ",
    "- ",
    ": ",
    "\r",
    "\x00",
    "\x7f",
    "\ud800",
    "\U0001f600",
    "&x",
    "*x",
    "!",
    "<<: ",
)


def yaml(choices: Choices) -> str:
    """A text of YAML, broken in some places in half of the cases."""
    return _Grower(choices).text()


class _Grower:
    def __init__(self, choices: Choices) -> None:
        self.below = choices.below
        self.left = 12  # nodes
        self.keys = 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def rarely(self, options: Sequence[str], otherwise: str = "") -> str:
        return self.pick(options) if self.below(8) == 7 else otherwise

    def text(self) -> str:
        text = self.rarely(BEFORE) + self.block(0).lstrip() + self.rarely(AFTER, "\n")
        for _ in range(max(0, self.below(6) - 3)):
            at = self.below(len(text) + 1)
            text = text[:at] + self.pick(self.pick((BROKEN, STRAY))) + text[at + self.below(3) :]
        return text

    def block(self, indent: int) -> str:
        """What follows a `-` or `:`, or begins a text: on its line, or on lines of its own."""
        self.left -= 1
        what = self.below(9) if self.left > 0 else self.below(4)
        if what < 3:
            return f" {self.rarely(PROPERTIES)}{self.scalar()}{self.rarely(COMMENTS)}"
        if what == 3:
            return f" {self.rarely(PROPERTIES)}{self.flow(0)}{self.rarely(COMMENTS)}"
        if what == 4:
            lines = "".join(
                f"\n{' ' * (indent + 1 + self.below(3))}{self.pick(PLAIN)}" for _ in range(1 + self.below(2))
            )
            return f" {self.pick(HEADERS)}{lines}"
        pad = "\n" + " " * (indent + int(self.rarely("0134", "2")))
        entry = "-" if what > 6 else None
        inner = len(pad) - 1
        entries = [f"{entry or self.key() + ':'}{self.block(inner)}" for _ in range(1 + self.below(3))]
        first = "" if indent == 0 else self.rarely((" ", " &x", " &y\n"), pad)
        return (first or pad) + pad.join(entries) + self.rarely(COMMENTS)

    def flow(self, depth: int) -> str:
        """Brackets, or a scalar in them."""
        self.left -= 1
        if depth and (depth > 3 or self.left < 0 or self.below(2)):
            return self.rarely(PROPERTIES) + self.scalar()
        gap = self.rarely((",", " , ", ",\n ", ",\n", ",,"), ", ")
        parts = [self.entry(depth + 1) for _ in range(self.below(4))]
        opened, closed = self.pick((("[", "]"), ("{", "}")))
        return opened + gap.join(parts) + self.rarely((",", " ", "\n", "# c", "\n# c\n")) + closed

    def entry(self, depth: int) -> str:
        if self.below(2):
            return self.flow(depth)
        return self.key() + self.rarely(COLONS, ": ") + (self.flow(depth) if self.below(6) else "")

    def key(self) -> str:
        self.keys += 1
        return self.rarely(KEYS, f"k{self.keys}")

    def scalar(self) -> str:
        what = self.below(12)
        if what == 11:
            return self.pick(ALIASES)
        if what < 8:
            return self.pick(PLAIN)
        quote = self.pick("'\"")
        return quote + self.pick(QUOTED) + quote
