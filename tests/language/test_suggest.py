"""What words and spellings of other tools are answered with: a synonym by our word, what is only similar by a question."""

from collections import Counter

import pytest

from archcalc.architecture import examine
from archcalc.authoring.fix import fix
from archcalc.language.specfile import SpecText
from archcalc.language.suggest import ELSEWHERE, NEEDLESS, TRANSLATED, is_same, type_for
from archcalc.layers import TYPES

LIST = "`archcalc layers` lists the layer types"


def found(layer: str, input: str = "32x32x3") -> list[tuple[str, str, tuple[str, ...]]]:
    text = f"input: {input}\nlayers:\n  - {layer}\n"
    return [(one.code, one.message, one.help) for one in examine(SpecText("spec", text)).diagnostics]


SAME = [
    ("Conv2d", "here it is `conv`"),
    ("Convolution", "here it is `conv`"),
    ("Dense", "here it is `fc`"),
    ("InnerProduct", "here it is `fc`"),
    ("LINEAR", "here it is `FC`"),
    ("MaxPooling2D", "here it is `pool`"),
    ("BatchNorm2d", "here it is `bn`"),
    ("swish", "here it is `silu`"),
    ("ConvTranspose2d", "here it is `deconv`"),
    ("ZeroPadding2D", "here it is `pad`"),
    ("ReLU", "here it is `relu`"),
]
ASKED = [
    ("konv", ("did you mean `conv`?",)),
    ("RELLU", ("did you mean `RELU`?",)),
    ("eltwise", ("did you mean `add`?",)),
    ("norm", ("did you mean `bn`?",)),
    ("leaky", ("did you mean `leaky_relu`?", "Darknet's slope is 0.1")),
    ("BatchNormalization", ("did you mean `bn`?", "Keras's eps is 1e-3")),
    ("hard_sigmoid", ("did you mean `hardsigmoid`?", "Keras 2's is another function, clip(0.2x + 0.5, 0, 1)")),
]
# operations, and what similar words were taken for
OTHERS = {
    "pixel_shuffle": "shuffle",
    "gmp": "gap",
    "sepconv": "deconv",
    "hardtanh": "tanh",
    "reshape": "flatten",
    "SE": "selu",
    "sample": "upsample",
    "dropout2d": "dropout",
    "celu": "elu",
    "unflatten": "flatten",
    "CRELU": "relu",
    "LOGSOFTMAX": "softmax",
    "conv1d": "conv",
    "conv3d": "conv",
    "MaxPool3d": "pool",
    "GroupNorm": "bn",
    "LSTM": "lrn",
    "maximum": "multiply",
    "unpool": "pool",
    "mish": "silu",
}


@pytest.mark.parametrize(("word", "help"), SAME)
def test_a_synonym_is_answered_and_repaired(word: str, help: str) -> None:
    (one,) = found(f"{word}: {{}}") if word not in TYPES else found(word)
    assert one == ("AC105", f"there is no layer type `{word}`", (help,))


@pytest.mark.parametrize(("word", "help"), ASKED)
def test_what_is_only_similar_is_asked_about_and_left_alone(word: str, help: tuple[str, ...]) -> None:
    assert found(word) == [("AC105", f"there is no layer type `{word}`", help)]
    text = f"input: 32x32x3\nlayers: [{word}]\n"
    assert fix(SpecText("spec", text)).text == text


@pytest.mark.parametrize(("word", "wrong"), OTHERS.items())
def test_another_operation_is_never_taken_for_one_that_is_here(word: str, wrong: str) -> None:
    assert type_for(word) != wrong
    for _, _, help in found(word):
        assert not [one for one in help if one.lower() in (f"here it is `{wrong}`", f"did you mean `{wrong}`?")]
    text = f"input: 32x32x3\nlayers: [{word}]\n"
    assert wrong not in fix(SpecText("spec", text)).text.lower().replace(word.lower(), "").replace("log_softmax", "")


def test_a_synonym_means_one_thing() -> None:
    words = Counter(word for layer in TYPES.values() for word in {*layer.aka, *layer.akin})
    assert [word for word, times in words.items() if times > 1 or word in TYPES] == []
    for layer in TYPES.values():
        keys = Counter(word for key in layer.keys.values() for word in {*key.foreign, *key.akin})
        assert [word for word, times in keys.items() if times > 1 or word in layer.keys or word in NEEDLESS] == []
        assert [word for word in layer.aka if not is_same(word, layer.type) or word.lower() != word] == []
    assert [word for word in ELSEWHERE if any(word in layer.aka for layer in TYPES.values())] == []


def test_what_is_translated_has_a_value_that_its_key_takes() -> None:
    for word, (key, values) in TRANSLATED.items():
        for written, ours in values.items():
            layer = "pool: {kernel_size: 4" if word == "round_mode" else "conv: {filters: 4, kernel_size: 4"
            (one,) = found(f"{layer}, {word}: {written}}}")
            assert one == (
                "AC102",
                f"{layer.partition(':')[0]} has no key `{word}`",
                (f"here it is `{key}: {ours}`",),
            )
            assert fix(SpecText("s", f"input: 32x32x3\nlayers:\n  - {layer}, {word}: {written}}}\n")).found.ok


# keys that may change the volume: nothing is said about a geometry that leaves them out
UNJUDGED = [
    ("pool: {kernel_size: 3, stride: 2, ceil_mode: true}", "112x112x3", "here it is `rounding: ceil`"),
    ("pool: {kernel_size: 3, stride: 2, round_mode: CEIL}", "112x112x3", "here it is `rounding: ceil`"),
    ("conv: {filters: 4, kernel_size: 4, stride: 3, auto_pad: SAME_UPPER}", "32x32x3", "here it is `padding: same`"),
    (
        "conv: {filters: 4, kernel_size: 33, auto_pad: SAME_LOWER}",
        "32x32x3",
        "here it is `padding`, with values of its own",
    ),
    ("conv: {filters: 4, kernel_size: 33, pad: 1}", "32x32x3", "here it is `padding`"),
]


@pytest.mark.parametrize(("layer", "input", "help"), UNJUDGED)
def test_geometry_is_not_judged_without_a_key_that_matters(layer: str, input: str, help: str) -> None:
    ((code, _, said),) = found(layer, input)
    assert (code, said) == ("AC102", (help,))


def test_geometry_is_judged_past_keys_that_change_no_volume() -> None:
    codes = [one[0] for one in found("conv: {filters: 4, kernel_size: 33, in_channels: 3, use_bias: false}")]
    assert codes == ["AC202", "AC102", "AC102"]


def test_ceil_mode_repaired_is_what_pytorch_builds() -> None:
    """torch.nn.MaxPool2d(3, 2, ceil_mode=True) on 112x112 gives 56x56 (PyTorch 2.14)."""
    text = "input: 112x112x3\nlayers:\n  - pool: {kernel_size: 3, stride: 2, ceil_mode: true}\n"
    assert str(fix(SpecText("spec", text)).found.report.output) == "[56x56x3]"


TUPLE = "a tuple is ambiguous here: frameworks order it height first, volumes width first"
LISTED = "a list is ambiguous here: frameworks order it height first, volumes width first"
ARROW = "an arrow `->` is expected here"
SPELLINGS = [
    ("type: ReLU", "AC101", "a layer's type is its key; there is no key `type`", ("write `- relu`",)),
    (
        "{type: Conv2d, out_channels: 8, kernel_size: 3}",
        "AC101",
        "a layer's type is its key; there is no key `type`",
        ("write `- conv: {filters: 8, kernel_size: 3}`",),
    ),
    ("conv:\n      filters: 8\n      kernel_size: (3, 3)", "AC104", f"conv: kernel_size: {TUPLE}", ("write 3",)),
    (
        "conv:\n      filters: 8\n      kernel_size: (1, 3)",
        "AC104",
        f"conv: kernel_size: {TUPLE}",
        ("write 3x1 for width 3 and height 1, as frameworks order a list",),
    ),
    (
        "conv: {filters: 8, kernel_size: 3, padding: [0, 1, 0, 1]}",
        "AC104",
        f"conv: padding: {LISTED}",
        (
            "write {left: 1, right: 1, top: 0, bottom: 0} for ONNX's pads, which begin at the top",
            "or {left: 0, right: 1, top: 0, bottom: 1} for PyTorch's F.pad",
        ),
    ),
    ("FC10", "AC106", "FC does not take a number; it takes `-`", ("write `FC-10`",)),
    ("CONV7x7-64/2", "AC106", ARROW, ("write `CONV7x7-64s2`",)),
    ("CONV3-64, s2", "AC106", ARROW, ("write `CONV3-64s2`",)),
    ("CONV3-64 s2 p1", "AC106", ARROW, ("write `CONV3-64s2p1`",)),
    ("CONV3-64 => RELU", "AC106", ARROW, ("steps are joined by `->`",)),
    ("CONV3-64, RELU", "AC106", ARROW, ("steps are joined by `->`",)),
    ("CONV3-64 RELU", "AC106", ARROW, ("steps are joined by `->`",)),
    ("MaxPool2d(2)", "AC106", "`MaxPool2d(...)` is a framework's call", ()),
    (
        "fc: {units: 10, activation: softmax}",
        "AC102",
        "fc has no key `activation`",
        ("an activation is a layer of its own, behind this one: `softmax`",),
    ),
    (
        "fc: {units: 10, activation: linear}",
        "AC102",
        "fc has no key `activation`",
        ("leave it out: nothing follows a layer unless it is written",),
    ),
]


@pytest.mark.parametrize(("layer", "code", "message", "help"), SPELLINGS)
def test_a_foreign_spelling_is_answered_with_what_to_write(
    layer: str, code: str, message: str, help: tuple[str, ...]
) -> None:
    ((was, said, helped),) = found(layer)
    assert (was, said) == (code, message)
    assert helped == help or not help


def test_a_tuple_in_braces_is_cut_by_yaml() -> None:
    first, second = found("conv: {filters: 8, kernel_size: (3, 3)}")
    assert first[1:] == (
        "conv: kernel_size: a tuple is not written here, and braces cut it at its comma",
        ("write 3, or a pair like 3x1 (width x height)",),
    )
    assert second[1:] == (
        "conv has no key `3)`",
        ("this is the end of a tuple, which braces cut at its comma",),
    )


INPUTS = [
    ("[3, 224, 224]", ("write 224x224x3",)),
    ("[224, 224, 3]", ("write 224x224x3",)),
    ("[3, 480, 640]", ("write 640x480x3",)),
    ("[480, 640, 3]", ("write 640x480x3",)),
    ("[32, 32, 32]", ()),
    ("[224, 224]", ()),
]


@pytest.mark.parametrize(("written", "help"), INPUTS)
def test_an_input_as_a_list(written: str, help: tuple[str, ...]) -> None:
    ((code, message, helped),) = found("relu", written)
    assert (code, message, helped) == ("AC101", "input is a volume like 224x224x3, not a list", help)


def test_an_input_without_channels() -> None:
    message = "`224x224` has no channels: a volume is width x height x channels"
    assert found("relu", "224x224") == [("AC104", message, ("write 224x224x3 for an image of 3 channels",))]


def test_a_window_and_filters_that_are_swapped() -> None:
    """On 32x32 it fits, so advice says it; on less the error does."""
    fits = examine(SpecText("s", "INPUT[32x32x3] -> CONV32-3", pattern=True), select=None).diagnostics
    assert [(one.code, one.message, one.help) for one in fits] == [
        ("AC622", "3 filters of 32x32: the window stands first", ("`CONV3-32` has 32 filters of 3x3",))
    ]
    ((code, _, help),) = found("CONV32-3", "28x28x3")
    assert (code, help) == (
        "AC202",
        ("`padding: 2` (-> 1)", "a window of 28 covers the whole width (-> 1)", "or `CONV3-32`: 32 filters of 3x3"),
    )


IS_NO_VOLUME = (
    "is not a volume of a ConvNet, which has width, height and channels;"
    " `opaque: {volume: WxHxC}` stands for it, counted as you state"
)
NO_VOLUMES = {
    "what has a depth or a time besides": (
        "conv3d",
        "Conv3d",
        "CONV3D",
        "MaxPool3D",
        "batchnorm3d",
        "adaptiveavgpool3d",
    ),
    "what a recurrent layer passes on, a step of a sequence after another,": (
        "lstm",
        "LSTM",
        "GRU",
        "ConvLSTM2D",
        "Bidirectional",
    ),
    "what attention works on, a set of tokens,": (
        "attention",
        "MultiheadAttention",
        "transformer",
        "TransformerEncoderLayer",
        "mhsa",
    ),
}


@pytest.mark.parametrize(("word", "what"), [(word, what) for what, words in NO_VOLUMES.items() for word in words])
def test_what_is_no_volume_is_pointed_to_opaque(word: str, what: str) -> None:
    for written in (f"{word}: {{hidden_size: 8}}", word):
        (one, *_) = found(written)
        assert one == ("AC105", f"there is no layer type `{word}`", (f"{what} {IS_NO_VOLUME}",))


def test_the_opaque_layer_it_points_to_is_read() -> None:
    assert found("opaque: {volume: 32x32x3, what: attention}") == []
