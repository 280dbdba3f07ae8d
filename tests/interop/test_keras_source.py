"""Python source of Keras Sequential networks: published counts, defaults of every layer, and every message."""

import pytest

from archcalc.analysis.analyze import Report, analyze
from archcalc.diagnostics import Refusal, headline
from archcalc.interop import keras_source
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.volume import Volume

# https://keras.io/examples/vision/mnist_convnet/ prints 34,826 parameters
MNIST = """
import numpy as np
import keras
from keras import layers

num_classes = 10
input_shape = (28, 28, 1)
model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.summary()
batch_size = 128
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
"""

# Keras 1, channels first, as VGG-16 was first published for Keras: 138,357,544 parameters
VGG16 = (
    "from keras.models import Sequential\n\ndef VGG_16(weights_path=None):\n    model = Sequential()\n"
    "    model.add(ZeroPadding2D((1,1),input_shape=(3,224,224), dim_ordering='th'))\n"
    + "".join(
        ("    model.add(ZeroPadding2D((1,1)))\n" if number or stage else "")
        + f"    model.add(Convolution2D({filters}, 3, 3, activation='relu'))\n"
        + ("    model.add(MaxPooling2D((2,2), strides=(2,2)))\n" if number == times - 1 else "")
        for stage, (filters, times) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)))
        for number in range(times)
    )
    + "    model.add(Flatten())\n"
    + "    model.add(Dense(4096, activation='relu'))\n    model.add(Dropout(0.5))\n" * 2
    + "    model.add(Dense(1000, activation='softmax'))\n    if weights_path:\n        model.load_weights(weights_path)\n    return model\n"
)
START = "model = Sequential()\nmodel.add(Input((24, 32, 3)))\n"
SEEDS = [
    MNIST,
    VGG16[:1200],
    START + "model.add(Conv2D(8, (3, 5), strides=2, padding='same', use_bias=False, name='c'))\nmodel.add(Dense(4))\n",
    START
    + "model.add(BatchNormalization(axis=-1, epsilon=1e-3))\nmodel.add(UpSampling2D((2, 2)))\nmodel.add(LeakyReLU(0.2))\n",
    "a = Sequential([SeparableConv2D(8, 3, input_shape=(32, 32, 3)), ZeroPadding2D(((1, 2), (3, 4))), Rescaling(1./255)])\n",
    "from x import y\ndef f():\n    with a:\n        m = Sequential()\n        m.add(Conv2DTranspose(8, 3, strides=(2, 2)))\n    return m\n",
]


def read(text: str, input: Volume | None = None) -> Reading:
    return keras_source.read(text.encode(), "net.py", input=input)


def report_of(text: str, input: Volume | None = None) -> Report:
    found = read(text, input)
    assert [one.message for one in found.problems] == []
    report = analyze(found.graph)
    assert report.problems == ()
    return report


def messages(text: str) -> list[str]:
    try:
        found = read(text).problems
    except Refusal as refusal:
        found = (refusal.diagnostic,)
    return [headline("net", one) for one in found]


def test_mnist() -> None:
    report = report_of(MNIST)
    assert report.totals.params == 34_826
    assert [row.node.name for row in report.rows] == [
        *("input", "conv2d", "conv2d.relu", "max_pooling2d", "conv2d_1", "conv2d_1.relu", "max_pooling2d_1"),
        *("flatten", "dropout", "dense", "dense.softmax"),
    ]
    assert report.graph.name == "model"


def test_keras_1() -> None:
    report = report_of(VGG16)
    assert report.totals.params == 138_357_544
    assert report.input == Volume(224, 224, 3)


@pytest.mark.parametrize(
    ("call", "shape", "params"),
    [
        ("Conv2D(8, (3, 5))", "[28x22x8]", 3 * 5 * 3 * 8 + 8),  # height first
        ("Conv2D(filters=8, kernel_size=3, strides=(1, 2), padding='same', use_bias=False)", "[16x24x8]", 216),
        ("Conv2D(8, 3, strides=2)", "[15x11x8]", 224),
        ("Conv2D(8, 3, dilation_rate=2)", "[28x20x8]", 224),
        ("Convolution2D(8, 3, 5, subsample=(2, 2), border_mode='same')", "[16x12x8]", 3 * 5 * 3 * 8 + 8),
        ("Conv2DTranspose(8, 3, strides=2, padding='same')", "[64x48x8]", 224),
        ("Conv2DTranspose(8, 3, strides=2)", "[65x49x8]", 224),
        ("DepthwiseConv2D(3, depth_multiplier=2)", "[30x22x6]", 60),
        ("SeparableConv2D(8, 3)", "[30x22x8]", 27 + 32),
        ("MaxPooling2D()", "[16x12x3]", 0),
        ("MaxPooling2D((3, 2), padding='same')", "[16x8x3]", 0),
        ("AveragePooling2D(5, strides=2)", "[14x10x3]", 0),
        ("GlobalAveragePooling2D()", "[1x1x3]", 0),
        ("GlobalMaxPooling2D()", "[1x1x3]", 0),
        ("Dense(8)", "[32x24x8]", 32),  # at every pixel
        ("Flatten()", "[1x1x2304]", 0),
        ("Reshape((-1,))", "[1x1x2304]", 0),
        ("Reshape((24, 32, 3))", "[32x24x3]", 0),
        ("BatchNormalization()", "[32x24x3]", 6),
        ("BatchNormalization(scale=False)", "[32x24x3]", 3),
        ("BatchNormalization(center=False)", "[32x24x3]", 3),
        ("BatchNormalization(-1, center=False, scale=False)", "[32x24x3]", 0),
        ("ZeroPadding2D()", "[34x26x3]", 0),
        ("ZeroPadding2D(((1, 2), (3, 4)))", "[39x27x3]", 0),
        ("Cropping2D((1, 2))", "[28x22x3]", 0),
        ("UpSampling2D((2, 3), interpolation='bilinear')", "[96x48x3]", 0),
        ("PReLU(shared_axes=[1, 2])", "[32x24x3]", 3),
        ("SpatialDropout2D(0.2)", "[32x24x3]", 0),
        ("GaussianNoise(0.1)", "[32x24x3]", 0),
    ],
)
def test_layers(call: str, shape: str, params: int) -> None:
    report = report_of(f"{START}model.add({call})\n")
    assert str(report.output) == shape
    assert report.totals.params == params


def test_activations() -> None:
    text = START + "".join(
        f"model.add({one})\n"
        for one in (
            *("Activation('relu')", "Activation(tf.nn.swish)", "LeakyReLU()", "LeakyReLU(alpha=0.1)", "ReLU(6.)"),
            *("ReLU(negative_slope=0.2)", "ELU()", "Softmax()", "Dense(3, activation='linear')"),
        )
    )
    layers = [one.layer for one in read(text).graph.nodes[1:]]
    assert layers[:8] == [
        *(TYPES["relu"](), TYPES["silu"](), TYPES["leaky_relu"](slope=0.3), TYPES["leaky_relu"](slope=0.1)),
        *(TYPES["relu6"](), TYPES["leaky_relu"](slope=0.2), TYPES["elu"](alpha=1.0), TYPES["softmax"]()),
    ]
    assert [one.type for one in layers[8:]] == ["conv"]


def test_names_and_what_is_not_trained() -> None:
    text = START + "model.add(Conv2D(8, 3, name='stem', trainable=False, kernel_initializer=he_normal(seed=1)))\n"
    node = read(text).graph.nodes[1]
    assert (node.name, node.trainable) == ("stem", False)


def test_a_network_in_a_network() -> None:
    text = (
        "base = Sequential([Conv2D(8, 3, input_shape=(32, 32, 3))])\nmodel = Sequential()\n"
        "model.add(base)\nmodel.add(Flatten())\nmodel.add(Dense(2 * 5))\n"
    )
    assert [str(row.output) for row in report_of(text).rows] == ["[32x32x3]", "[30x30x8]", "[1x1x7200]", "[1x1x10]"]


def test_the_input_may_be_another() -> None:
    assert report_of(MNIST, Volume(32, 32, 3)).input == Volume(32, 32, 3)
    assert report_of("m = Sequential([Dense(3, input_dim=7)])").input == Volume(1, 1, 7)
    assert report_of("m = Sequential([Flatten(batch_input_shape=(None, 4, 6, 2))])").input == Volume(6, 4, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (START + "for n in (8, 16):\n    model.add(Conv2D(n, 3))\n", "4:5: error[AC704]: a layer is added by a program; only literal calls are read"),
        (START + "model.add(Conv2D(n, 3))\n", "3:18: error[AC704]: this is no literal, and nothing is run to find out what it is"),
        (START + "model.add(Conv2D(8, 3, paddding='same'))\n", "3:33: error[AC701]: Conv2D has no argument `paddding`"),
        (START + "model.add(Conv2D(8))\n", "3:11: error[AC707]: Conv2D: kernel_size is missing"),
        (START + "model.add(Conv2D(8.5, 3))\n", "3:18: error[AC707]: Conv2D: filters is no whole number"),
        (START + "model.add(Conv2D(0, 3))\n", "3:18: error[AC707]: conv2d: filters cannot be 0; it is a whole number from 1"),
        (START + "model.add(Conv2D(8, 3, padding='causal'))\n", "3:32: error[AC704]: Conv2D: padding `causal`"),
        (START + "model.add(LSTM(8))\nmodel.add(LSTM(8))\n", "3:11: error[AC703]: operators that are not known: `LSTM` (2)"),
        (START + "model.add(Dense(8, activation='maxout'))\n", "3:31: error[AC703]: operators that are not known: `activation=maxout` (1)"),
        (START + "model.add(Dropout(1.0))\n", "3:11: error[AC707]: dropout: rate cannot be 1.0; it is a number from 0 to below 1"),
        (START + "model.add(x)\n", "3:11: error[AC704]: a layer is a call, like Dense(10)"),
        ("model = Sequential()\nmodel.add(Dense(3))\n", "2:11: error[AC706]: the network does not say how large its input is; give a size, like --input 32x32x3"),
        ("model = Sequential(\n", "1:19: error[AC701]: the text is not Python: '(' was never closed"),
        ("x = 3\n", "1:1: error[AC701]: no network is built with Sequential"),
        ("x = " + "-" * 90000 + "1", "1:1: error[AC701]: the text is not Python that can be read"),
        ("x = " + "+".join("1" * 90000), "1:1: error[AC701]: the text is not Python that can be read"),
        ("# ü\nmodel = Sequential([Input((8, 8, 3)), 'ü', 7])\n", "2:39: error[AC704]: a layer is a call, like Dense(10)"),
    ],
)  # fmt: skip
def test_messages(text: str, expected: str) -> None:
    assert messages(text) == [f"net:{expected}"]


def test_networks_that_double_are_refused() -> None:
    text = "a = Sequential([Dense(3)])\n" + "a.add(a)\n" * 20
    assert messages(text) == ["net:18:7: error[AC702]: the file has more than 100,000 layers, the limit"]


def test_what_is_recognised() -> None:
    assert keras_source.recognises(MNIST.encode(), "x")
    assert not keras_source.recognises(b"net = nn.Sequential(nn.Conv2d(3, 8, 3))", "x.py")
    assert not keras_source.recognises(b"print('Sequential')", "x.py")


def test_a_network_without_layers_is_a_finding() -> None:
    assert messages("model = Sequential()\nold.add(Dense(4))\n") == [
        "net: error[AC701]: there is no layer in this file"
    ]
