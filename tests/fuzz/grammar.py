"""Specs that are almost right, made from a stream of choices: bytes of a fuzzer, or random numbers.

A text is grown from what the layer types declare, so that a new type is fuzzed without a line here; then a few
characters of it may be broken.  The same bytes give the same text.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from archcalc.layers import TYPES, Layer
from archcalc.layers.merge import Merge
from archcalc.reader.values import Boolean, Choice, Extents, Integer, Kind, Number, Paddings

NAMES = ("a", "b", "conv1", "relu1", "net.x", "a b", "1a", "")
NUMBERS = (1, 2, 3, 4, 5, 7, 8, 16, 0, -1, 11, 64, 100, 1000, 2**31 - 1, 2**31, 10**18)
ODD = (
    "",
    "~",
    "yes",
    "017",
    "1e3",
    "$n",
    "$i",
    "2*$n",
    "$n//0",
    "same",
    "[1, 2]",
    "{a: 1}",
    "'3'",
    "3x",
    "é",
    "*x",
    "&x 1",
    "!t 1",
)
BROKEN = (
    "",
    " ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ":",
    ": ",
    ",",
    "-",
    "- ",
    "?",
    "*",
    "&",
    "#",
    "'",
    '"',
    "$",
    "->",
    "x",
    "0",
    "é",
    "\t",
)
SIZES = (
    "8x8x3",
    "16x12x4",
    "32x32x4",
    "1x1x7",
    "5x9x2",
    "32x32x4",
    "16x16x8",
    "224x224x3",
    "64x48x6",
    "0x1x1",
    "2147483647x1x1",
)
JOINS = sorted(type for type, layer in TYPES.items() if issubclass(layer, Merge))
KINDS = sorted(type for type in TYPES if type not in (*JOINS, "input"))
MAX_DEPTH = 3


T = TypeVar("T")


class Choices(Protocol):
    """A stream of decisions."""

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        ...


class Bytes:
    """Decisions read from bytes, two at a time; 0 when they have run out, so that a text ends soon."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def below(self, limit: int) -> int:
        taken = self.data[self.at : self.at + 2]
        self.at += 2
        return int.from_bytes(taken, "little") % limit


def spec(choices: Choices) -> str:
    """A YAML spec."""
    grower = _Grower(choices)
    return grower.broken(grower.spec())


def pattern(choices: Choices) -> str:
    """A one-line pattern with its input."""
    grower = _Grower(choices)
    return grower.broken(f"INPUT[{grower.pick(SIZES)}] -> {grower.chain(0)}")


class _Grower:
    def __init__(self, choices: Choices) -> None:
        self.below = choices.below
        self.left = 40  # layers
        self.named = 0
        self.block = False

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def spec(self) -> str:
        lines = [f"input: {self.pick(SIZES)}"]
        if self.below(3) < 2:
            lines.append(f"rounding: {self.pick(('floor',) * 12 + ('ceil',) * 4 + ('exact', 'up'))}")
        if self.below(8) < 7:
            lines.append(f"vars: {{n: {self.number(2)}}}")
        if self.below(5) == 4:
            kind = self.pick(KINDS)
            lines.append(f"defaults: {{{kind}: {{{self.keys(TYPES[kind])}}}}}")
        if self.below(4) == 3:
            lines += [
                "blocks:",
                "  block:",
                f"    vars: {{k: {self.number(3)}}}",
                "    layers:",
                *self.layers("      ", 1),
            ]
            self.block = True
        if self.below(12) == 11:
            lines.append(f'pattern: "{self.chain(0)}"')
        else:
            lines += ["layers:", *self.layers("  ", 0)]
        if self.below(6) == 5:
            lines.append(
                f"training: {{batch: {self.pick(NUMBERS)}, dtype: {self.pick(('float32', 'float16', 'int3'))}}}"
            )
        if self.below(6) == 5:
            lines.append(
                f"expect: {{params: '{self.pick(('', '<= ', '> '))}{self.pick(NUMBERS)}', output: {self.pick(SIZES)}}}"
            )
        return "\n".join(lines) + "\n"

    def layers(self, indent: str, depth: int) -> list[str]:
        lines = []
        for _ in range(1 + self.below(4)):
            self.left -= 1
            lines += [f"{indent}{line}" for line in self.item(depth)]
        return lines

    def item(self, depth: int) -> list[str]:
        what = self.below(10) if depth < MAX_DEPTH and self.left > 0 else self.below(6)
        if what < 2:
            return [f'- "{self.chain(depth)}"']
        if what < 6:
            return [f"- {self.layer(self.pick(KINDS))}"]
        if what == 6:
            name = [f"  name: {self.name()}"] if self.below(2) else []
            times = self.pick((2, 3, 1, 2, "$n", 3, 0, 5)) if self.below(40) < 39 else self.pick(NUMBERS)
            return [f"- repeat: {times}", *name, "  layers:", *self.layers("    ", depth + 1)]
        if what == 7 and (self.block or self.below(20) == 19):
            return [f"- block: {{k: {self.number(3)}}}"]
        join = self.pick(JOINS)
        if what == 8:
            names = f", inputs: [{self.name(back=True)}, {self.name(back=True)}]" if self.below(8) == 7 else ""
            return [f"- {join}: {{branches: [[], ['{self.chain(depth)}']]{names}}}"]
        lines = [f"- {join}:"]
        for _ in range(1 + (self.below(20) < 19) + self.below(2)):
            if self.below(3) == 0:
                lines.append("    - []")
            else:
                inner = self.layers("      ", depth + 1)
                lines += ["    -", *inner]
        return lines

    def layer(self, kind: str) -> str:
        more = [f"name: {self.name()}"] if self.below(5) == 4 else []
        more += [f"from: {self.name(back=True)}"] if self.below(25) == 24 else []
        return f"{kind}: {{{', '.join(filter(None, [self.keys(TYPES[kind]), *more]))}}}"

    def keys(self, layer: type[Layer]) -> str:
        given = [name for name, key in layer.keys.items() if key.required or self.below(4) == 3]
        return ", ".join(f"{name}: {self.value(layer.keys[name].kind)}" for name in given if self.below(200) < 199)

    def number(self, usual: int) -> int:
        return usual if self.below(8) < 7 else self.pick(NUMBERS)

    def name(self, *, back: bool = False) -> str:
        """A new name, or one that was given before; now and then one that is none."""
        if self.below(20) == 19:
            return self.pick(NAMES)
        if not back:
            self.named += 1
            return f"n{self.named}"
        return f"n{1 + self.below(self.named)}" if self.named else "input"

    def value(self, kind: Kind) -> str:
        if self.below(100) == 99:
            return self.pick(ODD)
        if isinstance(kind, Integer | Extents):
            low = kind.low if isinstance(kind, Integer) else kind.one.low
            number = low + self.below(5) if self.below(25) < 24 else self.pick(NUMBERS)
            return (
                f"{number}x{low + self.below(4)}" if isinstance(kind, Extents) and self.below(6) == 5 else str(number)
            )
        if isinstance(kind, Paddings):
            return self.pick(("0", "1", "same", "half", "valid", "2", "1x0", "{left: 1, bottom: 2}"))
        if isinstance(kind, Choice):
            return self.pick(kind.options)
        if isinstance(kind, Boolean):
            return self.pick(("true", "false"))
        if isinstance(kind, Number):
            return self.pick(("0.5", "0", "0.1", "1e-5", "0.25", "0.5", "1", "1e99", "-1"))
        return self.pick(("1", "2", "8x8", "8x8x3", "a", "{width: 8, height: 8}"))

    def chain(self, depth: int) -> str:
        steps = []
        for _ in range(1 + self.below(3)):
            self.left -= 1
            if depth < MAX_DEPTH and self.left > 0 and self.below(5) == 4:
                steps.append(f"[{self.chain(depth + 1)}]*{self.pick((2, 1, 3, 2, '$n', 0))}")
            else:
                steps.append(self.word())
        return " -> ".join(steps)

    def word(self) -> str:
        kind = self.pick(KINDS)
        written = kind.upper()
        for key in sorted(TYPES[kind].keys.values(), key=lambda one: len(one.notation or "")):  # `CONV3` before `-64`
            if key.notation is not None and (key.required or self.below(4) == 3):
                value = self.value(key.kind)
                written += key.notation + (value if value.replace(".", "").replace("x", "").isalnum() else f"({value})")
        return written + ("?" if self.below(60) == 59 else "")

    def broken(self, text: str) -> str:
        """The text with a few characters replaced, in a quarter of the cases."""
        for _ in range(max(0, self.below(12) - 8)):
            at = self.below(len(text) + 1)
            text = text[:at] + self.pick(BROKEN) + text[at + self.below(3) :]
        return text
