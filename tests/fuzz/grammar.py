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
    "2**$n",
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
    *("8x8x3", "16x12x4", "32x32x4", "1x1x7", "5x9x2", "32x32x4", "16x16x8", "224x224x3", "64x48x6") * 4,
    *("0x1x1", "2147483647x1x1"),
)
JOINS = sorted(type for type, layer in TYPES.items() if issubclass(layer, Merge))
KINDS = sorted(type for type in TYPES if type not in (*JOINS, "input"))
RESIZED = ("upsample", "pad", "crop")
CONDITIONS = (
    "1",
    "0",
    "$n",
    "1",
    "$n - 2",
    "$n > 1",
    "1",
    "0",
    "$n",
    "$n > 2",
    "0",
    "1",
    "1",
    "$i",
    "$k",
    "$n // 0",
    "in",
    "",
)
USUAL = ("conv", "relu", "pool", "bn", "dwconv", "deconv", "avgpool", "dropout", "sigmoid", "gap", "fc", "lrn")
MUTE = ("upsample", "crop", "pad", "clamp", "opaque", "reshape")  # have keys that no pattern's word can give
WORDS = sorted({*KINDS} - {*MUTE})
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
        self.known: list[str] = []  # names that are not of the form n1
        self.block = self.layer_variable = self.number_variable = False

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def spec(self) -> str:
        if self.below(60) == 59:
            return self.extension()
        lines = [f"input: {self.pick(SIZES)}"]
        if self.below(10) == 9:
            lines = [f"inputs: {{image: {self.pick(SIZES)}, other: {self.pick(SIZES)}}}"]
            self.known += ["image", "other"]
        if self.below(3) < 2:
            lines.append(f"rounding: {self.pick(('floor',) * 30 + ('ceil', 'caffe', 'exact') * 4 + ('up',))}")
        block, defaults = self.blocks() if self.below(4) == 3 else [], ""
        if self.below(5) == 4:
            kind = self.pick(KINDS)
            defaults = f"defaults: {{{kind}: {{{', '.join(filter(None, [self.keys(TYPES[kind]), *self.manner()]))}}}}}"
        if self.below(12) == 11:
            body = [f'pattern: "{self.chain(0)}"']
        else:
            body = ["layers:", *self.layers("  ", 0)]
        mostly = self.below(20) < 19  # what nobody uses is an error
        lines += block if not mostly or any("- block:" in line for line in body) else []
        lines += [defaults] if defaults else []
        if not mostly or any("$n" in line for line in [*lines, *body]):
            lines.append(f"vars: {{n: {self.number(2)}}}")
        lines += body
        if self.below(6) == 5:
            frozen = f", freeze: [{self.name(back=True)}]" if self.below(3) == 2 else ""
            dtype = self.pick(("float32", "float16", "mixed_float16", "int3"))
            lines.append(f"training: {{batch: {self.pick(NUMBERS)}, dtype: {dtype}{frozen}}}")
        if self.below(6) == 5:
            lines.append(
                f"expect: {{params: '{self.pick(('', '<= ', '> '))}{self.pick(NUMBERS)}', output: {self.pick(SIZES)}}}"
            )
        if self.below(5) == 4:
            lines.append(f"outputs: [{', '.join(self.name(back=True) for _ in range(1 + self.below(3)))}]")
        return "\n".join(lines) + "\n"

    def extension(self) -> str:
        """A network of the zoo, or of a file that is not there, with a few layers before and behind."""
        self.known += ["conv1", "relu1", "pool1", "fc1", "gap1"]
        lines = [f"extends: {self.pick(('zoo:lenet5', 'zoo:cifar10_toy', 'zoo:keras_mnist', 'zoo:vgg', 'x.yaml'))}"]
        if self.below(3) == 2:
            lines.append(f"input: {self.pick(SIZES)}")
        if self.below(2):
            lines.append(f"replace: {{{self.name(back=True)}: {self.pick(('[]', self.word(), f'[{self.word()}]'))}}}")
        if self.below(2):
            lines += ["append:", *self.layers("  ", 1)]
        return "\n".join(lines) + "\n"

    def blocks(self) -> list[str]:
        """One block, of a number and now and then of a layer; its own layers may read what it begins with."""
        inside = self.layers("      ", 1)
        self.layer_variable = self.below(3) == 2
        if self.layer_variable or self.below(4) == 3:
            read = "$side" if self.layer_variable else "in"
            inside.append(f"      - {self.pick(JOINS)}: [[], [from: {read}, '{self.chain(2)}']]")
        if self.below(4):
            inside.append("      - {repeat: $k, layers: [relu]}")
        self.block = True
        mostly = self.below(20) < 19
        variables = [f"k: {self.number(3)}"] if not mostly or any("$k" in line for line in inside) else []
        variables += ["side: "] if self.layer_variable else []
        given = [f"    vars: {{{', '.join(variables)}}}"] if variables else []
        self.number_variable = bool(variables and variables[0][0] == "k")
        return ["blocks:", "  block:", *given, "    layers:", *inside]

    def layers(self, indent: str, depth: int) -> list[str]:
        lines = []
        for _ in range(1 + self.below(4)):
            self.left -= 1
            lines += [f"{indent}{line}" for line in self.item(depth)]
        return lines

    def item(self, depth: int) -> list[str]:
        what = self.below(11) if depth < MAX_DEPTH and self.left > 0 else self.below(6)
        if what < 2:
            return [f'- "{self.chain(depth)}"']
        if what < 6:
            return [f"- {self.layer(self.pick(self.pick((USUAL, KINDS))))}"]
        if what == 6:
            return self.repeated(depth)
        if what == 7 and (self.block or self.below(20) == 19):
            given = [f"k: {self.number(3)}"] if self.number_variable else []
            given += [f"side: {self.name(back=True)}"] if self.layer_variable and self.below(20) < 19 else []
            return [f"- block: {{{', '.join([*given, *self.more()])}}}"]
        if what == 10:
            return [f"- if: {self.pick(CONDITIONS)}", "  layers:", *self.layers("    ", depth + 1)]
        join = self.pick(JOINS)
        if what == 8:
            back = self.name(back=True) + self.pick(("", "", "*"))
            names = f", inputs: [{self.name(back=True)}, {back}]" if self.below(8) == 7 else ""
            return [f"- {join}: {{branches: [[], ['{self.chain(depth)}']]{names}}}"]
        lines = [f"- {join}:"]
        for _ in range(1 + (self.below(20) < 19) + self.below(2)):
            lines += self.branch(depth)
        return lines

    def branch(self, depth: int) -> list[str]:
        what = self.below(12)
        if what < 4:
            return ["    - []"]
        if what == 4:
            begin = self.pick(("in", "input", self.name(back=True)))
            return [f"    - [from: {begin}]" if self.below(2) else f"    - [from: {begin}, '{self.chain(depth + 1)}']"]
        if what == 5:
            return [f"    - {{if: {self.pick(CONDITIONS)}, layers: [{self.pick(('', self.word()))}]}}"]
        return ["    -", *self.layers("      ", depth + 1)]

    def repeated(self, depth: int) -> list[str]:
        """Passes, which may have names of their own, begin elsewhere, and share their weights."""
        times = self.pick((2, 3, 1, 2, "$n", 3, 0, 5)) if self.below(40) < 39 else self.pick(NUMBERS)
        lines = [f"- repeat: {times}"]
        if self.below(2):
            name = self.name()
            self.known += [f"{name}*", f"{name}1", f"{name}.1"]
            lines.append(f"  name: {name}{self.pick(('',) * 6 + ('.$i', '.$i', '$i', '_$n', '$'))}")
        if self.below(8) == 7:
            lines.append(f"  first: {self.pick((0, 1, 2, '$n', -1))}")
        if self.below(8) == 7:
            lines.append("  share: true")
        if self.below(12) == 11:
            lines.append(f"  from: [{', '.join(self.name(back=True) for _ in range(2))}]")
        return [*lines, "  layers:", *self.layers("    ", depth + 1)]

    def layer(self, kind: str) -> str:
        given = [self.keys(TYPES[kind]), *self.more(), *self.manner()]
        if kind in RESIZED and self.below(2):
            given[0] = self.pick(
                (f"like: {self.name(back=True)}", f"like: {self.name(back=True)}", "size: 8x8", "size: 16")
            )
        return f"{kind}: {{{', '.join(filter(None, given))}}}"

    def more(self) -> list[str]:
        """What a layer or the use of a block may say beside its own keys."""
        more = [f"name: {self.name()}"] if self.below(5) == 4 else []
        more += [f"from: {self.name(back=True)}"] if self.below(25) == 24 else []
        return more + ([f"share: {self.name(back=True)}"] if self.below(30) == 29 else [])

    def manner(self) -> list[str]:
        manner = self.below(40)
        return [f"{('trainable', 'inplace')[manner % 2]}: {('true', 'false')[manner // 2]}"] if manner < 4 else []

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
            return f"n{self.named}" + ("" if self.below(100) < 99 else "$i")
        if self.known and self.below(4) == 3:
            return self.pick(self.known)
        return f"n{1 + self.below(self.named)}" if self.named else "input"

    def value(self, kind: Kind) -> str:
        if self.below(400) == 399:
            return self.pick(ODD)
        if isinstance(kind, Integer | Extents):
            low = kind.low if isinstance(kind, Integer) else kind.one.low
            number = low + self.below(5) if self.below(120) < 119 else self.pick(NUMBERS)
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
        return self.pick(("1", "2", "8x8", "8x8x3", "a", "1/2", "1.5", "{width: 8, height: 8}"))

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
        kind = self.pick(self.pick((USUAL, WORDS, USUAL, WORDS, WORDS)) if self.below(20) < 19 else KINDS)
        written = kind.upper()
        for key in sorted(TYPES[kind].keys.values(), key=lambda one: len(one.notation or "")):  # `CONV3` before `-64`
            if key.notation is not None and (key.required or self.below(4) == 3):
                value = self.value(key.kind)
                written += key.notation + (value if value.replace(".", "").replace("x", "").isalnum() else f"({value})")
        return written + ("?" if self.below(60) == 59 else "")

    def broken(self, text: str) -> str:
        """The text with a few characters replaced, in a quarter of the cases."""
        for _ in range(max(0, self.below(16) - 12)):
            at = self.below(len(text) + 1)
            text = text[:at] + self.pick(BROKEN) + text[at + self.below(3) :]
        return text
