"""What a key of a layer can hold: each kind reads a node, describes itself, and gives its JSON Schema."""

import re
from math import gcd
from typing import Any

from archcalc.diagnostics import Refusal, Span
from archcalc.reader.expression import Environment
from archcalc.reader.integers import BAD_VALUE, MAX_EXPRESSION, bad, whole_number
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import MAX_DIMENSION, Pair, Volume

_NUMBER = regex(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?", re.ASCII)
_TUPLE = regex(r"\s*\(\s*\d+\s*(?:,|\Z)", re.ASCII)
_BETWEEN = regex(r"(?<=[)\d])\s*[xX\u00d7]\s*(?=[($\d])(?![^(]*\))", re.ASCII)  # an x that parts the sides of a pair
PAIR = regex(r"(\d+)\s*[xX\u00d7]\s*(\d+)", re.ASCII)


class Padding(NamedTuple):
    """Explicit zeros on the four sides, or a `mode` that depends on the window (`same`, `half`)."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0
    mode: str = ""

    def __str__(self) -> str:
        if self.mode:
            return self.mode
        if self.left == self.right and self.top == self.bottom:
            return str(Pair(self.left, self.top))
        return f"{self.left},{self.right},{self.top},{self.bottom}"


class Scaling(NamedTuple):
    """Fractions per axis, `1/2` or `3/2x1`: width/below.width and height/below.height."""

    width: int
    height: int
    below: Pair

    def __str__(self) -> str:
        sides = [f"{one}/{under}" if under > 1 else str(one) for one, under in zip(self[:2], self.below, strict=True)]
        return sides[0] if sides[0] == sides[1] else "x".join(sides)


class Kind:
    """A kind of value.  `words` completes "takes ..."; `schema` is its JSON Schema."""

    words: str
    schema: dict[str, Any]

    def read(self, node: Value, variables: Environment) -> Any:
        raise NotImplementedError

    def takes(self, value: Any) -> bool:
        """Whether a value that no text was read for is of this kind and in its range."""
        return True


class Integer(Kind):
    def __init__(self, low: int, high: int = MAX_DIMENSION) -> None:
        self.low, self.high = low, high
        self.words = f"a whole number from {low}" if high == MAX_DIMENSION else f"a whole number, {low} to {high}"
        self.schema = {"type": "integer", "minimum": low, "maximum": high}

    def read(self, node: Value, variables: Environment) -> int:
        value = whole_number(node, variables, self.words)
        if not self.low <= value <= self.high:
            limit = f"at least {self.low}" if value < self.low else f"at most {self.high:,}"
            raise bad(node, f"{value} is out of range: it must be {limit}")
        return value

    def takes(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


class Extents(Kind):
    """A whole number for both axes, or a pair."""

    def __init__(self, low: int, high: int = MAX_DIMENSION) -> None:
        self.one = Integer(low, high)
        self.words = f"{self.one.words}, or a pair like 7x1 (width x height)"
        self.schema = {
            "anyOf": [
                self.one.schema,
                {"type": "string", "pattern": r"^\d+\s*[xX\u00d7]\s*\d+$"},
                {
                    "type": "object",
                    "properties": {"width": self.one.schema, "height": self.one.schema},
                    "required": ["width", "height"],
                    "additionalProperties": False,
                },
            ]
        }

    def read(self, node: Value, variables: Environment) -> Pair:
        if isinstance(node, Sequence):
            raise self._ambiguous(node)
        if isinstance(node, Mapping):
            sides = {key.text: value for key, value in node.entries}
            if set(sides) != {"width", "height"}:
                raise bad(node, "a pair as a mapping has the keys width and height")
            return Pair(*(self.one.read(sides[side], variables) for side in ("width", "height")))
        if match := PAIR.fullmatch(node.text.strip()):
            return Pair(*(self.one.read(Scalar(side, node.span), variables) for side in match.groups()))
        if _TUPLE.match(node.text):
            raise self._ambiguous(node)
        if "$" in node.text and len(parts := _sides(node.text)) == 2:
            return Pair(*(self.one.read(Scalar(side, node.span), variables) for side in parts))
        value = self.one.read(node, variables)
        return Pair(value, value)

    def takes(self, value: Any) -> bool:
        return isinstance(value, Pair) and self.one.takes(value.width) and self.one.takes(value.height)

    def _ambiguous(self, node: Sequence | Scalar) -> Refusal:
        help: tuple[str, ...] = ()
        if isinstance(node, Scalar):  # in braces, YAML cuts `(3, 3)` at its comma
            texts = re.findall(r"\d+", node.text)
            if node.text.count("(") > node.text.count(")"):
                help = (f"write {texts[0]}, or a pair like {texts[0]}x1 (width x height)",)
                return bad(node, "a tuple is not written here, and braces cut it at its comma", help=help)
            count = len(texts)
        else:
            texts = [item.text for item in node.items if isinstance(item, Scalar) and item.text.isdecimal()]
            count = len(node.items)
        if len(texts) == count == 2:
            first, second = texts
            help = (
                (f"write {first}",)
                if first == second
                else (f"write {second}x{first} for width {second} and height {first}, as frameworks order a list",)
            )
        elif len(texts) == count == 4:
            help = self.four(texts)
        message = f"a {'list' if isinstance(node, Sequence) else 'tuple'} is ambiguous here: frameworks order it height first, volumes width first"
        return bad(node, message, help=help, instead=texts[0] if help and len(set(texts)) == 1 else "")

    def four(self, texts: list[str]) -> tuple[str, ...]:
        """What to write for a list of four numbers."""
        return ()


class Fractions(Kind):
    """A factor for both axes, or a pair; whole ones are read as a Pair, `1/2` and `1.5` as a Scaling."""

    one_of = re.compile(r"(\d{1,9})(?:/(\d{1,9})|\.(\d{1,6}))?", re.ASCII)

    whole = Extents(1)

    def __init__(self) -> None:
        self.words = "a whole number from 1 or a fraction like 1/2, or a pair of them (width x height)"
        pair = {"type": "string", "pattern": r"^\s*\d+([/.]\d+)?(\s*[xX\u00d7]\s*\d+([/.]\d+)?)?\s*$"}
        self.schema = {"anyOf": [*self.whole.schema["anyOf"], pair, {"type": "number", "exclusiveMinimum": 0}]}

    def read(self, node: Value, variables: Environment) -> Pair | Scaling:
        text = node.text.strip() if isinstance(node, Scalar) else ""
        if not re.fullmatch(r"[\d./xX\u00d7\s]*\d[./]\d[\d./xX\u00d7\s]*", text) or "//" in text:
            return self.whole.read(node, variables)
        sides = [self.one_of.fullmatch(one.strip()) for one in re.split(r"[xX\u00d7]", text)]
        read = [_fraction(*side.groups()) for side in sides if side]
        if len(read) < len(sides) or len(read) > 2 or not all(above and below for above, below in read):
            raise bad(node, f"{shown(node)} stands where {self.words} is expected")
        (width, under), (height, beneath) = read[0], read[-1]
        return Pair(width, height) if under == beneath == 1 else Scaling(width, height, Pair(under, beneath))

    def takes(self, value: Any) -> bool:
        if not isinstance(value, Scaling):
            return self.whole.takes(value)
        return all(self.whole.one.takes(side) for side in (*value[:2], *value.below))


def _fraction(whole: str, below: str | None, decimals: str | None) -> tuple[int, int]:
    """A fraction in lowest terms: of `3/2`, or of `1.5`."""
    above, under = int(whole + (decimals or "")), int(below) if below else 10 ** len(decimals or "")
    common = gcd(above, under) or 1
    return above // common, under // common


def _sides(text: str) -> list[str]:
    """The sides of `(2*$f)x1`: what an `x` outside of parentheses and words parts."""
    return [one.strip() for one in _BETWEEN.split(text)] if len(text) <= MAX_EXPRESSION else []


class Sides(Extents):
    """The sides of a padding."""

    def four(self, texts: list[str]) -> tuple[str, ...]:
        """Nobody knows whose list it is, so both orders are shown."""
        top, left, bottom, right = texts
        onnx = f"{{left: {left}, right: {right}, top: {top}, bottom: {bottom}}}"
        left, right, top, bottom = texts
        torch = f"{{left: {left}, right: {right}, top: {top}, bottom: {bottom}}}"
        if onnx == torch:
            return (f"write {onnx}",)
        return (f"write {onnx} for ONNX's pads, which begin at the top", f"or {torch} for PyTorch's F.pad")


class Paddings(Kind):
    words = "a whole number from 0, a pair like 3x0, {left, right, top, bottom}, valid, same or half"
    sides = ("left", "right", "top", "bottom")
    extents = Sides(0)

    def __init__(self) -> None:
        zero = self.extents.one.schema
        self.schema = {
            "anyOf": [
                *self.extents.schema["anyOf"],
                {"enum": ["valid", "same", "half"]},
                {"type": "object", "properties": dict.fromkeys(self.sides, zero), "additionalProperties": False},
            ]
        }

    def read(self, node: Value, variables: Environment) -> Padding:
        if isinstance(node, Mapping):
            sides = {key.text: value for key, value in node.entries}
            if sides and set(sides) <= set(self.sides):
                read = {side: self.extents.one.read(value, variables) for side, value in sides.items()}
                return Padding(**read, mode="")
            if set(sides) != {"width", "height"}:
                raise bad(node, "padding as a mapping has the keys left, right, top and bottom, or width and height")
        if isinstance(node, Scalar):
            word = node.text.strip()
            if word == "valid":
                return Padding()
            if word in ("same", "half"):
                return Padding(mode=word)
            if not re.search(r"[\d$]", word):
                meant = _uncased(node, ("valid", "same", "half"))
                help = (f"write {meant}",) if meant else ()
                message = f"{shown(node)} is no padding"
                raise bad(node, message, f"padding takes {self.words}", help=help, instead=meant)
        width, height = self.extents.read(node, variables)
        return Padding(width, width, height, height)

    def takes(self, value: Any) -> bool:
        if not isinstance(value, Padding) or value.mode not in ("", "same", "half"):
            return False
        return all(self.extents.one.takes(side) for side in value[:4])


def _uncased(node: Value, options: tuple[str, ...]) -> str:
    """The option that a word is but for its capitals, as in `SAME` and `Adam`; empty if there is none."""
    text = node.text.strip().lower() if isinstance(node, Scalar) else ""
    return text if text in options else ""


class Choice(Kind):
    def __init__(self, *options: str) -> None:
        self.options = options
        self.words = ", ".join(options[:-1]) + " or " + options[-1]
        self.schema = {"enum": list(options)}

    def read(self, node: Value, variables: Environment) -> str:
        if isinstance(node, Scalar) and node.text.strip() in self.options:
            return node.text.strip()
        meant = _uncased(node, self.options)
        message = f"{shown(node)} stands where {self.words} is expected"
        raise bad(node, message, help=(f"write {meant}",) if meant else (), instead=meant)

    def takes(self, value: Any) -> bool:
        return value in self.options


class Boolean(Kind):
    words = "true or false"
    schema = {"type": "boolean"}

    def read(self, node: Value, variables: Environment) -> bool:
        text = node.text.strip() if isinstance(node, Scalar) else ""
        if text in ("true", "false"):
            return text == "true"
        meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        guess = meant.get(text.lower(), text.lower() if text.lower() in ("true", "false") else "")
        raise bad(
            node,
            f"{shown(node)} stands where true or false is expected",
            help=(f"write {guess}",) if guess else (),
            instead=guess,
        )

    def takes(self, value: Any) -> bool:
        return isinstance(value, bool)


class Number(Kind):
    """A decimal number in a range; kept as a float, never a size."""

    def __init__(self, low: float, high: float = float("inf"), *, open_high: bool = False) -> None:
        self.low, self.high, self.open_high = low, high, open_high
        upper = "" if high == float("inf") else f" to {'below ' if open_high else ''}{high:g}"
        self.words = f"a number from {low:g}{upper}" if low > float("-inf") else "a number"
        self.schema = {"type": "number"}
        if low > float("-inf"):
            self.schema["minimum"] = low
        if high != float("inf"):
            self.schema["exclusiveMaximum" if open_high else "maximum"] = high

    def read(self, node: Value, variables: Environment) -> float:
        text = node.text.strip() if isinstance(node, Scalar) else ""
        if not _NUMBER.fullmatch(text):
            raise bad(node, f"{shown(node)} stands where {self.words} is expected")
        value = float(text) if len(text) <= MAX_EXPRESSION else float("inf")
        tiny = not value and re.match(r"[-+]?[0.]*[1-9]", text)
        if value in (float("inf"), float("-inf")) or tiny:  # what is written then could not be read back
            raise bad(node, f"{shown(node)} is too {'small' if tiny else 'large'} for a number of 64 bits")
        if not self.low <= value <= self.high or (self.open_high and value == self.high):
            raise bad(node, f"{text} is out of range: here stands {self.words}")
        return value

    def takes(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or value in (float("inf"), float("-inf")):
            return False
        return self.low <= value <= self.high and not (self.open_high and value == self.high)


def volume_of(texts: list[str]) -> str:
    """Three numbers in a framework's order as the volume they most likely are: `224x224x3`; empty if nobody can know."""
    if len(texts) != 3 or not all(one.isdecimal() and len(one) < 10 for one in texts):
        return ""
    first, second, third = map(int, texts)
    if first <= 4 < min(second, third):  # channels, height, width
        return f"{third}x{second}x{first}"
    if third <= 4 < min(first, second):  # height, width, channels
        return f"{second}x{first}x{third}"
    return ""


class Volumes(Kind):
    """A volume: width x height x channels."""

    words = "a volume like 7x7x512 (width x height x channels)"
    one = Integer(1)
    sides = ("width", "height", "channels")
    schema = {
        "anyOf": [
            {"type": "string", "pattern": r"^\s*[\d_]+\s*[xX\u00d7*]\s*[\d_]+\s*[xX\u00d7*]\s*[\d_]+\s*$"},
            {
                "type": "object",
                "properties": dict.fromkeys(sides, one.schema),
                "required": list(sides),
                "additionalProperties": False,
            },
        ]
    }

    def read(self, node: Value, variables: Environment) -> Volume:
        if isinstance(node, Sequence):
            note = "frameworks do not agree on the order in a list; here it is width x height x channels"
            raise bad(node, f"{self.words} is expected here, not a list", note)
        if isinstance(node, Scalar):
            return Volume(*read_volume_text(node.text, node.span))
        sides = {key.text: value for key, value in node.entries}
        if set(sides) != set(self.sides):
            raise bad(node, "a volume as a mapping has the keys width, height and channels")
        return Volume(*(self.one.read(sides[side], variables) for side in self.sides))


class Line(Kind):
    """A short text on one line."""

    words = "a few words"
    longest = 100
    schema = {"type": ["string", "number", "boolean"], "maxLength": longest}

    def read(self, node: Value, variables: Environment) -> str:
        text = node.text.strip() if isinstance(node, Scalar) else ""
        if not isinstance(node, Scalar) or len(text) > self.longest or not text.isprintable():
            raise bad(node, f"{shown(node)} stands where {self.words} are expected, at most {self.longest} characters")
        return text


def read_volume_text(text: str, span: Span) -> tuple[int, int, int]:
    """`224x224x3` -> (224, 224, 3): width, height, channels."""
    parts = re.split(r"\s*[xX\u00d7*]\s*", text.strip()) if len(text) <= MAX_EXPRESSION else []
    if len(parts) == 2 and all(one.isascii() and one.isdecimal() for one in parts):
        raise Refusal(
            BAD_VALUE,
            f"`{parts[0]}x{parts[1]}` has no channels: a volume is width x height x channels",
            span,
            help=(f"write {parts[0]}x{parts[1]}x3 for an image of 3 channels",),
        )
    if len(parts) != 3:
        raise Refusal(
            BAD_VALUE,
            f"{shown(Scalar(text, span))} is no volume",
            span,
            notes=("a volume is width x height x channels, like 224x224x3",),
        )
    one = Integer(1)
    width, height, channels = (one.read(Scalar(part, span), {}) for part in parts)
    return width, height, channels
