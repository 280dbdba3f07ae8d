"""What layers over sequences have in common: images of height 1."""

from archcalc.diagnostics import rule
from archcalc.layers.base import key
from archcalc.layers.misfit import LayerError
from archcalc.reader.expression import Environment
from archcalc.reader.integers import bad
from archcalc.reader.nodes import Scalar, Value
from archcalc.reader.values import PAIR, Extents, Padding, Paddings
from archcalc.volume import Pair, Volume

NO_SEQUENCE = rule(
    "AC217",
    "a layer over a sequence reads an image",
    """
    `conv1d`, `pool1d` and `avgpool1d` read sequences: volumes of height 1, so that `input: 16000x1x1` is a second of
    sound.  `channel_conv` reads one value for every channel: 1x1xC.
    """,
)


class Length(Extents):
    """A whole number along the sequence; across it stands what changes nothing."""

    def __init__(self, low: int) -> None:
        super().__init__(low)
        self.words, self.across = self.one.words, low

    def read(self, node: Value, variables: Environment) -> Pair:
        if isinstance(node, Scalar) and not PAIR.fullmatch(node.text.strip()):
            return Pair(self.one.read(node, variables), self.across)
        pair = super().read(node, variables)
        if pair.height != self.across:
            raise bad(node, f"{pair} has a height; along a sequence it is {self.words}")
        return pair


class LengthPadding(Paddings):
    """Padding before and after a sequence."""

    words = "a whole number from 0, {left, right}, valid, same or half"

    def read(self, node: Value, variables: Environment) -> Padding:
        found = super().read(node, variables)
        if isinstance(node, Scalar) and not PAIR.fullmatch(node.text.strip()):
            return found._replace(top=0, bottom=0)
        if found.top or found.bottom:
            raise bad(node, f"a sequence has nothing above or below; here stands {self.words}")
        return found


def length_key(low: int, default: object, notation: str, letter: str, foreign: tuple[str, ...], help: str) -> Pair:
    made: Pair = key(Length(low), default=default, notation=notation, letter=letter, foreign=foreign, help=help)
    return made


def refuse_image(x: Volume, type: str) -> None:
    """Raise LayerError (AC217) for an input that is no sequence."""
    if x.height != 1:
        raise LayerError(NO_SEQUENCE, f"does not fit: {type} reads a sequence, of height 1, and its input is {x}")
