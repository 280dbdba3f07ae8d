"""Did you mean ...?  By other frameworks' names first: no edit distance leads from `out_channels` to `filters`."""

from collections.abc import Iterable
from itertools import chain, islice

from archcalc.layers import TYPES, Layer

MAX_KNOWN = 1000  # words that are compared: 10 us each
MAX_SUGGESTIONS = 100  # per text; after so many mistakes nobody reads on, and comparing takes seconds

# Words whose nearest word here means something else often enough, so that nobody replaces them unasked.
_UNLIKE = frozenset(
    [
        "no_bias",
        "depth_radius",
        "prob",
        "probability",
        "trainable",
        "channels",
        "norm",
        "scale",
        "gate",
        "skip",
        "shortcut",
        "residual",
        "eltwise",
        "elementwise",
        "reshape",
        "view",
        "pooling",
        "globalpool",
        "dropout2d",
        "spatial_dropout",
        "lppool",
        "lppool2d",
        "lp_pool",
        "data",
    ]
)

_INPUT = "leave it out: the input's size is known from the layer before"
# Other frameworks' keys that have no place here, and what to do instead.
NEEDLESS = {
    **dict.fromkeys(
        ("in_channels", "in_features", "in_planes", "in_chans", "in_dim", "input_shape", "input_dim", "num_features"),
        _INPUT,
    ),
    "activation": "an activation is a layer of its own, behind this one: `relu`",
    "padding_mode": "leave it out: it changes no size, and padding counts as zeros",
    "data_format": "leave it out: a volume is width x height x channels",
}


def is_certain(word: str, meant: str) -> bool:
    """Whether `word` can only be `meant`: another framework's name with the same meaning, or a slip of the pen."""
    from difflib import SequenceMatcher

    folded = word.lower()
    if folded in _UNLIKE:
        return False
    if folded == meant or SequenceMatcher(None, folded[:64], meant).ratio() >= 0.8:
        return True
    if layer := TYPES.get(meant):
        return bool({folded, folded.rstrip("0123456789")} & {*layer.aka})
    return any(
        folded in (name.lower() for name in one.foreign)
        for layer in TYPES.values()
        for key, one in layer.keys.items()
        if key == meant
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The most similar known word, if one is similar."""
    from difflib import get_close_matches

    folded = {one.lower(): one for one in islice(known, MAX_KNOWN)}
    if word.lower() in folded:
        return folded[word.lower()]
    found = get_close_matches(word.lower()[:64], folded, 1, 0.65)
    return folded[found[0]] if found else None


def key_for(layer: type[Layer], word: str) -> str | None:
    """Our key for another framework's name, or for a misspelt one."""
    foreign = {name: key for key, one in layer.keys.items() for name in one.foreign}
    if word in foreign:
        return foreign[word]
    folded = {name.lower(): key for name, key in foreign.items() if len(name) > 1}
    return folded.get(word.lower()) or nearest(word, [*layer.keys, "name", "from"])


def type_for(word: str, blocks: Iterable[str] = ()) -> str | None:
    """Our layer type (or a block) for another tool's name, or for a misspelt one."""
    plain = word.lower().rstrip("0123456789")
    for type, layer in TYPES.items():
        if {word.lower(), plain} & {type, *layer.aka}:
            return type
    return nearest(word, chain(TYPES, blocks)) or nearest(plain, chain(TYPES, blocks))
