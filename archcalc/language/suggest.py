"""What a word that is not ours stands for: a synonym is answered, what is only similar is asked about.

The synonyms are declared with the layer types: `aka` for a type, `foreign` for a key.  Their meaning and their values are
the same here, so that "here it is `filters`" and `archcalc fix` rest on them alone.  `akin` are words that often
mean a type or a key and sometimes another; they, and whatever edit distance finds, only ever make a question, "did you mean".
"""

import re
from collections.abc import Iterable
from itertools import chain, islice

from archcalc.layers import TYPES, Layer
from archcalc.reader.values import Boolean, Number
from archcalc.regex import regex

MAX_KNOWN = 1000  # words that are compared: 10 us each
MAX_SUGGESTIONS = 100  # per text; after so many mistakes nobody reads on, and comparing takes seconds

_INPUT = "leave it out: the input's size is known from the layer before"
# Other frameworks' keys that have no place here, and what to do instead.
NEEDLESS = {
    **dict.fromkeys(
        ("in_channels", "in_features", "in_planes", "in_chans", "in_dim", "input_shape", "input_dim", "num_features"),
        _INPUT,
    ),
    "padding_mode": "leave it out: it changes no size, and padding counts as zeros",
    "data_format": "leave it out: a volume is width x height x channels",
}

# Keys whose values have other names, too: what stands for them here.
TRANSLATED = {
    "ceil_mode": ("rounding", {"true": "ceil", "false": "floor"}),  # PyTorch
    "round_mode": ("rounding", {"ceil": "ceil", "0": "ceil", "floor": "floor", "1": "floor"}),  # Caffe's pools
    "auto_pad": ("padding", {"same_upper": "same", "valid": "valid"}),  # ONNX
    "no_bias": ("bias", {"true": "false", "false": "true"}),  # MXNet
}

_NO_VOLUMES = (
    "{} is not a volume of a ConvNet, which has width, height and channels;"
    " `opaque: {{volume: WxHxC}}` stands for it, counted as you state"
)
_RECURRENT = (
    *("lstm", "gru", "rnn", "simplernn", "bilstm", "bigru", "convlstm", "convlstm2d", "lstmcell", "grucell", "rnncell"),
    *("bidirectional", "timedistributed", "recurrent"),
)
_ATTENTIVE = (
    *("attention", "self_attention", "selfattention", "cross_attention", "additiveattention", "window_attention"),
    *("multiheadattention", "multihead_attention", "multi_head_attention", "mha", "mhsa", "non_local", "vit", "swin"),
    *("transformer", "transformer_block", "transformer_encoder", "transformerencoder", "transformerencoderlayer"),
    *("transformerdecoder", "transformerdecoderlayer", "encoder_layer", "embedding", "pos_embed"),
)
# Operations that are not here although a word for another one looks alike, and what to write instead, if there is anything.
ELSEWHERE = {
    **dict.fromkeys(("identity", "noop"), "`[]` is the input unchanged"),
    **dict.fromkeys(("se", "squeeze_excitation", "squeezeexcitation"), "write `multiply: [[], [GAP -> FC-... ]]`"),
    **dict.fromkeys(("tanhshrink", "softshrink", "hardshrink", "softsign", "logsigmoid", "softmin"), ""),
    **dict.fromkeys(("crelu", "rrelu", "glu", "threshold", "maxout", "thresholded_relu"), ""),
    **dict.fromkeys(("alpha_dropout", "dropblock"), ""),
    **dict.fromkeys(("mvn",), ""),
    **dict.fromkeys(("sample", "grid_sample", "dot"), ""),
    **dict.fromkeys(
        ("unpool", "maxunpool", "max_unpool", "maxunpool2d", "max_unpool2d"),
        "an unpool reads the places that a max pool found, and a layer here gives one volume; `upsample` has its volume",
    ),
    **dict.fromkeys(("fractional_max_pool2d", "spp", "spatial_pyramid_pool"), ""),
    **dict.fromkeys(
        _RECURRENT, _NO_VOLUMES.format("what a recurrent layer passes on, a step of a sequence after another,")
    ),
    **dict.fromkeys(_ATTENTIVE, _NO_VOLUMES.format("what attention works on, a set of tokens,")),
}
_OTHER_DIMENSIONS = regex(r"(?!pad)[a-z_]+([13])d", re.ASCII)  # `batchnorm1d`, `maxpool3d`

# What is worth knowing before a word is replaced.
NOTES = {
    "keep_prob": "`rate` is how much is dropped: 1 - keep_prob",
    "depth_radius": "`size` counts all channels: 2*depth_radius + 1",
    "size": "to Keras `size` is a factor, to PyTorch the size of the output",
    "index": "parts are counted from 1",
    "leaky": "Darknet's slope is 0.1",
    "hard_sigmoid": "Keras 2's is another function, clip(0.2x + 0.5, 0, 1)",
    "batchnormalization": "Keras's eps is 1e-3",
    "layernorm": "it normalizes the channels of every position",
}


def is_same(word: str, meant: str) -> bool:
    """Whether `word` is another framework's name for `meant`, with the same meaning; capitals do not matter."""
    folded = word.lower()
    if folded == meant:
        return True
    if layer := TYPES.get(meant):
        return bool({folded, folded.rstrip("0123456789")} & {*layer.aka, meant})
    return any(
        word in one.foreign or folded in _longer(one.foreign)
        for layer in TYPES.values()
        for key, one in layer.keys.items()
        if key == meant
    )


def _longer(names: Iterable[str]) -> set[str]:
    """Names in small letters; single letters keep their case, since `K` and `k` are different things."""
    return {name.lower() for name in names if len(name) > 1}


def answer(word: str, meant: str) -> tuple[str, ...]:
    """The help for a word that stands for `meant` or is only similar; a pattern's word is answered in capitals."""
    shown = meant.upper() if word.isupper() and meant in TYPES else meant
    note = (NOTES[word.lower()],) if word.lower() in NOTES else ()
    return (f"here it is `{shown}`" if is_same(word, meant) else f"did you mean `{shown}`?", *note)


def without(word: str) -> str:
    """What to do with a key that says the activation behind the layer; `word` is its value."""
    if word.lower() in ("linear", "none", "null", "identity", ""):
        return "leave it out: nothing follows a layer unless it is written"
    meant = type_for(word)
    if not meant or not is_same(word, meant):
        meant = "relu"
    return f"an activation is a layer of its own, behind this one: `{meant}`"


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
    if word in TRANSLATED and TRANSLATED[word][0] in layer.keys:
        return TRANSLATED[word][0]
    for words in ("foreign", "akin"):
        named = {name: key for key, one in layer.keys.items() for name in getattr(one, words)}
        if word in named:
            return named[word]
        if found := {name.lower(): key for name, key in named.items() if len(name) > 1}.get(word.lower()):
            return found
    return nearest(word, [*layer.keys, "name", "from"])


def moves(layer: type[Layer], word: str, meant: str | None) -> bool:
    """Whether a key that is not known may change the volume, so that nothing is said about one without it."""
    if word in NEEDLESS or word == "activation" or meant in ("name", "from"):
        return False
    return meant is None or meant not in layer.keys or not isinstance(layer.keys[meant].kind, Boolean | Number)


def elsewhere(word: str) -> str | None:
    """What to write for an operation that is not here ("" where there is nothing); None for a word nobody knows."""
    folded = word.lower()
    if folded in TYPES:
        return None
    if found := _OTHER_DIMENSIONS.fullmatch(folded):
        if found[1] == "3":
            return _NO_VOLUMES.format("what has a depth or a time besides")
        return "volumes here have a width and a height; a sequence has height 1: `conv1d`, `pool1d`"
    return ELSEWHERE.get(folded)


def type_for(word: str, blocks: Iterable[str] = ()) -> str | None:
    """Our layer type (or a block) for another tool's name, or for a misspelt one; None for what is another operation."""
    folded = word.lower()
    plain = folded.rstrip("0123456789")
    for words in ("aka", "akin"):
        for type, layer in TYPES.items():
            if {folded, plain} & {type, *getattr(layer, words)}:
                return type
    if elsewhere(folded) is not None or (elsewhere(plain) is not None and plain not in TYPES):
        return None
    return nearest(word, chain(TYPES, blocks)) or nearest(plain, chain(TYPES, blocks))
